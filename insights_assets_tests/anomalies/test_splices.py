"""A new classifier alone opens no incident and hides none: counts of earlier versions are spliced by what both versions labelled."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from insights_assets.anomalies import splices
from insights_assets.anomalies.panel import build_panel
from insights_assets.anomalies.situations import situate
from insights_assets.anomalies.splice_tables import LABEL_SPLICES, SPLICED_DAYS
from insights_assets.anomalies.splices import Seam, ratio_between, version_of_days
from insights_assets.anomalies.versions import Ratio, paired_ratio
from insights_assets.labels import models
from insights_assets_tests.anomalies.stages import judged, ledger_of, panel_of
from insights_assets_tests.anomalies.worlds import START, Plant, World, make_world, small_tables
from insights_assets_tests.house import TestHouse, review
from insights_assets_tests.labels.test_relabel import DAY, body, deaf_to_sizing, house

__all__ = ["house"]
TOPIC, TURN, BRIDGE, LAST = "sizing_issue", 80, 28, 100


def day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=START + number)


def known(world: World) -> np.ndarray:
    return np.array(world.mentions["known_day"].to_list(), dtype="datetime64[D]").astype(int) - START


def heard(world: World, of_old: float, until: int) -> World:
    """The world as an earlier version heard it before `until`: it hears `of_old` of the topic."""
    lost = (world.mentions["topic"] == TOPIC).to_numpy() & (known(world) < until) & (np.random.default_rng(3).random(len(world.mentions)) >= of_old)
    return World(world.shipments, world.orders, world.mentions[~lost].reset_index(drop=True), world.days)


def panel_across(world: World, of_old: float) -> tuple[Any, World, pd.DataFrame]:
    """Labels made again for the days of the bridge, older ones spliced by what both versions say of the bridge."""
    whole, old = heard(world, of_old, TURN - BRIDGE), heard(world, of_old, TURN)
    inside = (known(world) >= TURN - BRIDGE) & (known(world) < TURN) & (world.mentions["topic"] == TOPIC).to_numpy()
    kept = set(old.mentions["feedback_id"])
    common = int(world.mentions[inside]["feedback_id"].isin(kept).sum())
    ratio = paired_ratio(common, 0, int(inside.sum()) - common)
    rows = pd.DataFrame([{"known_day": day(number), "topic": TOPIC, "factor": ratio.factor, "log_variance": ratio.variance} for number in range(TURN - BRIDGE)])
    counts, exposure, lags = small_tables(whole)
    assert 1 / of_old == pytest.approx(ratio.factor, rel=0.12) and ratio.low < 1 / of_old < ratio.high
    return build_panel(splices.spliced(counts, rows), exposure, lags, splice_variance=splices.doubt(counts, rows)), whole, rows


def opened(rows: pd.DataFrame, topic: str = TOPIC) -> list[int]:
    """Days after the change on which an incident of the topic opened."""
    mine = rows[(rows["state"] == "open") & (rows["topic"] == topic)]
    return sorted(number for number in (int(np.datetime64(one, "D").astype(int)) - START for one in mine["as_of_day"]) if number >= TURN)


@pytest.fixture(scope="module")
def quiet() -> World:
    """A shop large enough that a third more of a topic is news."""
    return make_world(21, days=LAST + 1, lines_a_day=2_500, complaint_rate=0.08)


@pytest.mark.slow
def test_a_version_that_hears_a_third_more_rings_without_the_bridge_and_not_with_it(quiet: World) -> None:
    first = TURN - 10
    assert not opened(judged(panel_of(quiet), first, LAST)), "nothing happens in this history"
    assert opened(judged(panel_of(heard(quiet, 1 / 1.3, TURN)), first, LAST)), "the change alone looks like an incident"
    panel, _, _ = panel_across(quiet, 1 / 1.3)
    assert not opened(judged(panel, first, LAST))


@pytest.mark.slow
def test_a_real_doubling_on_the_same_days_is_found_although_the_new_version_hears_a_third_less() -> None:
    """The old version heard 1.43 for one of the new, so that across the change a doubling in one product line looks smaller than it is."""
    world = make_world(21, days=LAST + 1, lines_a_day=2_500, complaint_rate=0.08, plants=(Plant(TOPIC, {"product_line": "knitwear"}, TURN - 8, LAST, 0.0115),))
    # The world is what the new version hears; the old one heard more, so its days hold voices twice.
    loud = world.mentions[(world.mentions["topic"] == TOPIC) & (known(world) < TURN - BRIDGE)].sample(frac=0.43, random_state=5)
    more = loud.assign(feedback_id="more-" + loud["feedback_id"], person="more-" + loud["person"])
    across = World(world.shipments, world.orders, pd.concat([world.mentions, more], ignore_index=True), world.days)
    counts, exposure, lags = small_tables(across)
    rows = pd.DataFrame([{"known_day": day(number), "topic": TOPIC, "factor": 0.7, "log_variance": 0.0004} for number in range(TURN - BRIDGE)])
    first = TURN - 10
    plain = opened(judged(panel_of(world), first, LAST))
    spliced = opened(judged(build_panel(splices.spliced(counts, rows), exposure, lags, splice_variance=splices.doubt(counts, rows)), first, LAST))
    assert plain and spliced and spliced[0] <= plain[0] + 2, (plain, spliced)


def test_the_baseline_of_a_place_counts_earlier_voices_in_todays_words() -> None:
    world = make_world(4, days=84, lines_a_day=300)
    panel = panel_of(world)
    plain = ledger_of(world, panel)
    world.mentions["weight"] = 1.3
    weighted = ledger_of(world, panel)
    rates = [situate(one, TOPIC, START + 80, baseline_end=START + 70).baseline for one in (plain, weighted)]
    assert rates[1].people == pytest.approx(1.3 * rates[0].people) and rates[1].rate == pytest.approx(1.3 * rates[0].rate, rel=0.02)


def test_ratios_follow_the_versions_that_lie_between() -> None:
    seams = [
        Seam(1, "v0", "v1", {"safety": Ratio(1.5, 0.01)}), Seam(2, "v1", "v2", {"safety": Ratio(0.5, 0.02)}),
    ]
    assert ratio_between(seams, "v2", "safety") == Ratio() and ratio_between([], "v0", "safety") == Ratio()
    assert ratio_between(seams, "v1", "safety") == Ratio(0.5, 0.02)
    both = ratio_between(seams, "v0", "safety")
    assert both.factor == pytest.approx(0.75) and both.variance == pytest.approx(0.03)
    assert ratio_between(seams, "v0", "praise").factor == 1.0 and ratio_between(seams, "unknown", "safety").factor == 1.0
    back = [*seams[:1], Seam(2, "v1", "v0", {"safety": Ratio(0.66, 0.01)})]
    assert ratio_between(back, "v0", "safety") == Ratio(), "going back leaves the days of the first version as they were"


def test_a_day_stands_under_the_last_version_that_looked_at_it() -> None:
    one, two = date(2026, 11, 1), date(2026, 11, 2)
    found = version_of_days([(one, "v0", 9), (one, "v1", 1), (two, "v0", 9), (two, "v1", 1)], [(7, two, "v1")])
    assert found == {one: "v0", two: "v1"}


def test_a_ratio_is_as_sure_as_the_records_on_which_versions_differ() -> None:
    same = paired_ratio(400, 0, 0)
    assert same.factor == 1.0 and same.low > 0.98 and same.high < 1.02
    few, many = paired_ratio(10, 0, 3), paired_ratio(1000, 0, 300)
    assert few.low < 1.0 < few.factor and many.low > 1.2 and many.high < 1.4


@pytest.mark.slow
def test_the_tables_of_a_home_say_by_how_much_and_for_which_days(house: TestHouse) -> None:
    import insights_assets.anomalies.assets  # noqa: F401 - fills BODIES

    house.put("reviews", "r-old.jsonl", [
        review(f"OLD{n}", "O2", f"C{n}", day="2026-09-01", title=None, body=f"Too small, I had to size up, number {n}.") for n in range(3)
    ])
    house.run("sources", "canonical", "labels", run_id="run-1b")
    body(house, "anomalies__topic_series", "run-1b")
    assert not house.rows(LABEL_SPLICES) and not house.rows(SPLICED_DAYS), "before any promotion there is no seam"
    version = deaf_to_sizing(house)
    models.promote(house.settings.home, house.operations, version, by="test", reason="a test")
    body(house, "labels__feedback_labels", "run-2")
    step = body(house, "anomalies__topic_series", "run-2")
    found = {row["topic"]: row for row in house.rows(LABEL_SPLICES)}
    mine = found[TOPIC]
    assert (mine["lost_count"], mine["gained_count"], mine["common_count"]) == (2, 0, 0) and mine["factor"] == pytest.approx(0.2) and mine["factor_low"] < 0.2 < mine["factor_high"]
    assert (mine["from_version"], mine["to_version"]) == (models.shipped_version(), version) and mine["first_day"] == date(2026, 11, 5)
    assert {topic: row["factor"] for topic, row in found.items() if topic != TOPIC} and all(row["factor"] == 1.0 for topic, row in found.items() if topic != TOPIC)
    assert [(row["known_day"], row["topic"], row["factor"]) for row in house.rows(SPLICED_DAYS)] == [(DAY, TOPIC, pytest.approx(0.2))], "they came late: known today, labelled before"
    assert step.notes  # the asset tells how many days are spliced
    models.rollback(house.settings.home, house.operations, by="ana", reason="worse")
    body(house, "labels__feedback_labels", "run-3")
    body(house, "anomalies__topic_series", "run-3")
    assert not house.rows(SPLICED_DAYS), "back under the version that labelled them the older days stand as they are"
