"""Holds are temporary, capped, released on recovery, and their desired state is always what the database says."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from insights_assets.actions.holds import HoldPlan, desired_state, plan_hold, revenue_shares, settle_holds
from insights_assets.actions.model import PlannedAction
from insights_assets.actions.policy import IssueFacts
from insights_assets.resources.operations import Operations
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, LAMPS

ACTION = PlannedAction("INS-7f3a", "promo_hold", 1, "marketing", "desk", "planned")
SHARES = {"GL-100": 0.04, "GL-200": 0.03, "GL-300": 0.05}


def plan(
    shop: Shop, skus: tuple[str, ...], shares: dict[str, float] | None = SHARES, held: Any = (), **action: Any
) -> HoldPlan:
    facts = IssueFacts(affected_skus=skus)
    return plan_hold(replace(ACTION, **action), LAMPS, facts, shares, held, shop.policy, AS_OF)


def rows(operations: Operations) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(desired_state(operations.holds.all()).decode())))


def test_a_hold_fits_its_bounds(shop: Shop) -> None:
    found = plan(shop, ("GL-100", "GL-200"))
    assert (found.placed_on, found.expires_on) == (AS_OF, date(2026, 11, 30))
    assert (found.skus, found.revenue_share, found.state_reason) == (("GL-100", "GL-200"), 0.07, "")
    assert found.hold_id == plan(shop, ("GL-100",)).hold_id, "the id follows from the action"


def test_the_cap_counts_all_running_holds_together(shop: Shop) -> None:
    part = plan(shop, ("GL-100", "GL-300", "GL-200"), held=["GL-200"])
    assert part.skus == ("GL-100",) and part.placed_on == AS_OF
    assert part.state_reason == "1 of 2 products: the rest would pass 10% of revenue"
    full = plan(shop, ("GL-100",), {"GL-100": 0.04, "BIG": 0.09}, held=["BIG"])
    assert full.placed_on is None and full.state_reason == "all holds together would pass 10% of revenue"


@pytest.mark.parametrize(
    ("skus", "shares", "reason"),
    [
        ((), SHARES, "no single product stands out"),
        (tuple(f"S{n}" for n in range(6)), SHARES, "it would touch 6 products, at most 5 are held without a person"),
        (("GL-100",), None, "its share of revenue is not known: needs orders"),
    ],
)
def test_beyond_its_bounds_a_hold_is_proposed(
    shop: Shop, skus: tuple[str, ...], shares: dict[str, float] | None, reason: str
) -> None:
    found = plan(shop, skus, shares)
    assert (found.placed_on, found.expires_on, found.state_reason) == (None, None, reason)


def test_a_proposed_action_never_places(shop: Shop) -> None:
    found = plan(shop, ("GL-100",), state="proposed", state_reason="too few records are reviewed yet")
    assert (found.placed_on, found.state_reason) == (None, "too few records are reviewed yet")


def test_settling_is_repeatable_and_ends_on_its_day(shop: Shop, operations: Operations) -> None:
    issues = {LAMPS.insight_id: LAMPS}
    plans = [plan(shop, ("GL-100", "GL-200"))]
    first = [hold.as_dict() for hold in settle_holds(operations, plans, issues, AS_OF)]
    assert [hold.as_dict() for hold in settle_holds(operations, plans, issues, AS_OF)] == first
    assert [row["sku"] for row in rows(operations)] == ["GL-100", "GL-200"]
    settle_holds(operations, [], issues, date(2026, 11, 30))
    assert len(rows(operations)) == 2, "the last day still counts"
    settle_holds(operations, plans, issues, date(2026, 12, 1))
    assert rows(operations) == []
    assert desired_state(operations.holds.all()).decode().count("\n") == 1, "emptied, not removed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"state": "resolved"}, "the issue is over"), ({"verdict": "dismissed"}, "the issue was judged dismissed")],
)
def test_a_hold_is_released_on_recovery(
    shop: Shop, operations: Operations, change: dict[str, Any], reason: str
) -> None:
    plans = [plan(shop, ("GL-100",))]
    settle_holds(operations, plans, {LAMPS.insight_id: LAMPS}, AS_OF)
    (hold,) = settle_holds(operations, plans, {LAMPS.insight_id: replace(LAMPS, **change)}, AS_OF)
    assert (hold.state, hold.released_by, hold.state_reason) == ("released", "policy", reason)
    assert rows(operations) == []


def test_a_proposal_is_placed_once_its_gate_is_met(shop: Shop, operations: Operations) -> None:
    issues = {LAMPS.insight_id: LAMPS}
    settle_holds(
        operations, [plan(shop, ("GL-100", "GL-300"), state="proposed", state_reason="too few")], issues, AS_OF
    )
    assert rows(operations) == []
    settle_holds(operations, [plan(shop, ("GL-100",))], issues, date(2026, 11, 24))
    assert [row["sku"] for row in rows(operations)] == ["GL-100"]


def test_the_desired_state_is_safe_in_a_spreadsheet(shop: Shop, operations: Operations) -> None:
    settle_holds(operations, [plan(shop, ("=1+1",), {"=1+1": 0.01, "x": 0.99})], {LAMPS.insight_id: LAMPS}, AS_OF)
    assert rows(operations)[0]["sku"] == "'=1+1"


def test_shares_of_revenue() -> None:
    assert revenue_shares({"a": 30.0, "b": 10.0, "c": -5.0}) == {"a": 0.75, "b": 0.25}
    assert revenue_shares({}) is None
