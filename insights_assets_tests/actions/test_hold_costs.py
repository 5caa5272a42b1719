"""What wrong holds cost, in money and with the assumption in words; and holds that come back with their issue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.actions.commands import list_holds
from insights_assets.actions.decide import decide_actions
from insights_assets.actions.finish import Decided, Inputs, Known
from insights_assets.actions.hold_costs import hold_rows
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.holds import days_held
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, LAMPS

REVENUE = {"GL-100": 200.0, "GL-200": 150.0}


def run(inputs: Inputs, operations: Operations, before: Decided | None = None, **changes: Any) -> Decided:
    known = {row["action_id"]: Known.from_row(row) for row in before.actions} if before else {}
    return decide_actions(replace(inputs, known=known, **changes), operations)


def test_a_wrong_hold_is_priced_by_its_days_and_its_products(inputs: Callable[..., Inputs], operations: Operations, shop: Shop) -> None:
    given = inputs(daily_revenue=REVENUE)
    first = run(given, operations)
    assert first.holds[0].daily_revenue == 200.0, "of the products it holds, before it held them"
    assert hold_rows(first.holds, {}, shop, AS_OF)[0]["wrong_cost"] is None, "nobody said that it was wrong"
    operations.verdicts.give(LAMPS.insight_id, "dismissed", by="ana", reason="a test batch")
    later = run(given, operations, first, as_of=AS_OF + timedelta(days=3), daily_revenue={"GL-100": 5.0})
    (row,) = hold_rows(later.holds, {LAMPS.insight_id: "dismissed"}, shop, AS_OF + timedelta(days=9))
    assert (row["state"], row["days_held"], row["wrong_cost"], row["currency"]) == ("released", 3, 180.0, "USD"), "3 days x 200 USD x 30 %"
    assert row["cost_basis"] == "3 days x 200.00 USD a day (mean of the 28 days before the hold) x 30% of it taken to come from paid promotion"
    (listed,) = list_holds(operations, shop)
    assert (listed["is_wrong"], listed["wrong_cost"]) == (True, 180.0)


@pytest.mark.parametrize("verdict", ["confirmed", "duplicate", "unknown"])
def test_only_a_dismissed_issue_makes_a_hold_wrong(inputs: Callable[..., Inputs], operations: Operations, shop: Shop, verdict: str) -> None:
    decided = run(inputs(daily_revenue=REVENUE), operations)
    (row,) = hold_rows(decided.holds, {LAMPS.insight_id: verdict}, shop, AS_OF)
    assert (row["is_wrong"], row["wrong_cost"], row["cost_basis"]) == (False, None, None)


def test_what_was_only_proposed_cost_nothing_and_unknown_revenue_is_said(inputs: Callable[..., Inputs], operations: Operations, shop: Shop) -> None:
    wrong = {LAMPS.insight_id: "dismissed"}
    proposed = run(inputs(issues=[replace(LAMPS, provisional=True)], daily_revenue=REVENUE), operations)
    assert hold_rows(proposed.holds, wrong, shop, AS_OF)[0]["wrong_cost"] == 0.0
    placed = run(inputs(), operations, proposed)
    (row,) = hold_rows(placed.holds, wrong, shop, AS_OF)
    assert (row["state"], row["wrong_cost"], row["cost_basis"]) == ("active", None, "not known: its products had no orders with an amount")


def test_a_hold_comes_back_with_its_issue_and_counts_all_its_days(inputs: Callable[..., Inputs], operations: Operations) -> None:
    given = inputs(daily_revenue=REVENUE)
    decided = run(given, operations)
    over = replace(LAMPS, state="resolved", closed_day=AS_OF + timedelta(days=4), first_closed_day=AS_OF + timedelta(days=4))
    decided = run(given, operations, decided, issues=[over], as_of=AS_OF + timedelta(days=4))
    assert [hold.state for hold in decided.holds] == ["released"]
    back_day = AS_OF + timedelta(days=9)
    back = replace(over, state="open", reopened_count=1, reopened_day=back_day)
    decided = run(given, operations, decided, issues=[back], as_of=back_day)
    (hold,) = decided.holds
    assert (hold.state, hold.placed_on, hold.expires_on, hold.earlier_days) == ("active", back_day, back_day + timedelta(days=7), 4)
    assert days_held(hold, back_day + timedelta(days=2)) == 6
    assert {row["state"] for row in decided.actions if row["kind"] == "promo_hold"} == {"planned"}
    again = run(given, operations, decided, issues=[back], as_of=back_day)
    assert again.holds[0].as_dict() == hold.as_dict() and again.actions == decided.actions
    ran_out = run(given, operations, decided, issues=[back], as_of=back_day + timedelta(days=20))
    assert ran_out.holds[0].state == "expired", "the same coming back holds once"


def test_what_a_person_released_stays_released(inputs: Callable[..., Inputs], operations: Operations) -> None:
    decided = run(inputs(), operations)
    operations.holds.release(decided.holds[0].hold_id, by="mia", reason="a season's best seller", on=AS_OF)
    back = replace(LAMPS, reopened_count=1, reopened_day=AS_OF + timedelta(days=5))
    later = run(inputs(), operations, decided, issues=[back], as_of=AS_OF + timedelta(days=5))
    assert [hold.state for hold in later.holds] == ["released"]


@given(st.integers(0, 30), st.integers(1, 14), st.integers(0, 60))
def test_a_hold_never_counts_more_days_than_it_could_last(began: int, length: int, looked: int) -> None:
    placed = date(2026, 11, 1) + timedelta(days=began)
    hold = Hold(placed_on=placed, expires_on=placed + timedelta(days=length), state="active", earlier_days=0, ended_on=None)
    assert 1 <= days_held(hold, placed + timedelta(days=looked)) <= length
    hold.state, hold.ended_on = "expired", hold.expires_on
    assert days_held(hold, placed + timedelta(days=looked)) == length + 1, "its last day counts"
