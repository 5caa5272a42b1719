"""The stage's plain functions strung together for a synthetic world, as the assets string them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import pandas as pd

from insights_assets.anomalies.issues import Issue
from insights_assets.anomalies.judging import judge_days
from insights_assets.anomalies.leaves import Ledger, build_ledger
from insights_assets.anomalies.panel import Panel, build_panel
from insights_assets.anomalies.tracking import track
from insights_assets_tests.anomalies.worlds import START, World, make_world, small_tables

BASES = frozenset({"shipped", "ordered", "records"})
WARM_UP = 28


def panel_of(world: World, as_of: int | None = None) -> Panel:
    return build_panel(*small_tables(world), as_of=None if as_of is None else START + as_of)


def ledger_of(world: World, panel: Panel) -> Ledger:
    sides = {
        "shipped": world.shipments.assign(units=1.0, day=world.shipments["shipped_day"]),
        "ordered": world.orders[["product_line", "sku", "region"]].assign(units=1.0, day=world.orders["ordered_day"]),
    }
    return build_ledger(world.mentions, sides, panel.lags, BASES)


def judged(panel: Panel, first: int = WARM_UP, last: int = 119, stored: pd.DataFrame | None = None) -> pd.DataFrame:
    return judge_days(panel, range(START + first, START + last + 1), stored=stored)


def tracked(world: World, first: int = WARM_UP, last: int = 119, before: Sequence[Issue] = ()) -> dict[int, list[Issue]]:
    panel = panel_of(world)
    return track(ledger_of(world, panel), judged(panel, first, last), range(START + first, START + last + 1), before=before)


@functools.cache
def quiet_history(seed: int) -> tuple[World, Panel, pd.DataFrame]:
    """A history without any incident, with its panel and judged rows; shared by the tests that measure false alarms."""
    world = make_world(seed)
    panel = panel_of(world)
    return world, panel, judged(panel)


def latest(by_day: dict[int, list[Issue]]) -> list[Issue]:
    """Every issue of the history as it was on its last day."""
    seen: dict[str, Issue] = {}
    for _, issues in sorted(by_day.items()):
        seen.update({issue.insight_id: issue for issue in issues})
    return list(seen.values())


def of_topic(issues: Iterable[Issue], topic: str) -> list[Issue]:
    return [issue for issue in issues if issue.topic == topic]
