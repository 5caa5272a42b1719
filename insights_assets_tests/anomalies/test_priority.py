"""Money at risk and tiers, with the case of R135."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.anomalies.priority import Event, Excess, PriorityRules, Risk, confidence_of, excess_of, harm_of, peak_of, risk_of, tier_of
from insights_assets.shop import load_shop

SHOP = load_shop(None)
COST = SHOP.policy.topics["product_quality"].cost
SEASON = Event("E1", "season", "Dark months", 100, 160, frozenset({"LAMP"}))
PROMOTION = Event("E2", "promotion", "Lamp week", 130, 137, frozenset({"LAMP"}))


def risk(daily_orders: float, usual: float, points: float, *, value: float, flagship: float, peak: float) -> Risk:
    """A week in which the complaint rate rose by `points` percentage points."""
    expected = [daily_orders * usual / 100] * 7
    observed = [daily_orders * (usual + points) / 100] * 7
    return risk_of(excess_of(observed, expected), COST, value, SHOP.policy.customer_value, flagship_share=flagship, peak=peak)


def test_three_points_on_a_flagship_in_season_outrank_ten_on_a_slow_accessory() -> None:
    """R135, exactly."""
    flagship = risk(200, 2.0, 3.0, value=189, flagship=1.0, peak=1.5)
    accessory = risk(6, 2.0, 10.0, value=19, flagship=0.0, peak=1.0)
    assert flagship.risk_per_day_p10 > 5 * accessory.risk_per_day_p10
    assert flagship.risk_per_day > accessory.risk_per_day
    # With equal volume, price and context the ten points rank first: it is the context that turns it.
    assert risk(200, 2.0, 10.0, value=189, flagship=1.0, peak=1.5).risk_per_day > flagship.risk_per_day


def test_three_parts_are_stored_and_add_up() -> None:
    found = risk(200, 2.0, 3.0, value=189, flagship=0.5, peak=1.2)
    assert found.risk_per_day == pytest.approx(found.revenue_risk_per_day + found.churn_risk_per_day + found.operational_risk, abs=0.011)
    people = found.operational_risk / COST.handling
    assert found.revenue_risk_per_day == pytest.approx(people * COST.p_refund * 189, rel=1e-3)
    assert found.churn_risk_per_day == pytest.approx(people * COST.p_churn * SHOP.policy.customer_value, rel=1e-3)
    assert found.flagship_factor == 1.25 and found.peak_factor == 1.2


@given(st.lists(st.integers(0, 40), min_size=1, max_size=14), st.floats(0.05, 20))
def test_the_low_bound_is_below_the_middle_and_never_negative(observed: list[int], usual: float) -> None:
    excess = excess_of(observed, [usual] * len(observed))
    assert 0 <= excess.per_day_p10 <= excess.per_day
    assert PriorityRules().trend_bounds[0] <= excess.trend <= PriorityRules().trend_bounds[1]


def test_few_people_shrink_the_bound_more_than_many() -> None:
    few, many = excess_of([1] * 7, [0.2] * 7), excess_of([20] * 7, [4.0] * 7)
    assert few.per_day_p10 / few.per_day < many.per_day_p10 / many.per_day


def test_a_trend_needs_people_and_a_fall_needs_proof() -> None:
    assert excess_of([2, 2, 3, 8, 10, 12, 14], [1.0] * 7).trend > 1.1
    assert excess_of([14, 12, 10, 3, 2, 1, 1], [1.0] * 7).is_rising is False
    assert excess_of([2, 1, 1, 1, 0, 1, 1], [0.2] * 7).is_rising is True


def money(low: float) -> Risk:
    return Risk(2 * low, low, 0, 0, 0, 1, 1, 1)


def test_tiers_stand_on_the_low_bound_against_the_shops_margin() -> None:
    margin = 40_000.0
    assert tier_of("damaged_on_arrival", money(200), margin, True) == 1
    assert tier_of("damaged_on_arrival", money(199), margin, True) == 2
    assert tier_of("damaged_on_arrival", money(5000), margin, False) == 2
    assert tier_of("damaged_on_arrival", money(20), margin, True) == 2
    assert tier_of("damaged_on_arrival", money(19), margin, True) == 3
    assert tier_of("damaged_on_arrival", money(10), 0.0, True) == 3


def test_a_wish_is_roadmap_unless_the_money_says_otherwise() -> None:
    assert tier_of("feature_request", money(199), 40_000, True) == 3
    assert tier_of("feature_request", money(200), 40_000, True) == 2


def test_safety_goes_by_reports_at_any_volume() -> None:
    assert tier_of("safety", money(0), 1e9, False, reports=1) == 2
    assert tier_of("safety", money(0), 1e9, False, reports=2) == 1


def test_harm_comes_with_the_next_promotion_or_season_end_that_touches_the_scope() -> None:
    events = (SEASON, PROMOTION)
    lamp, other = frozenset({"LAMP"}), frozenset({"SOCK"})
    assert harm_of(events, 120, lamp, frozenset()) == (130, "promotion Lamp week begins")
    assert harm_of(events, 132, lamp, frozenset()) == (137, "promotion Lamp week runs until then")
    assert harm_of(events, 150, lamp, frozenset()) == (160, "season Dark months ends")
    day, reason = harm_of(events, 132, other, frozenset())
    assert day == 146 and "14 days" in reason


def test_peaks_count_by_the_share_of_complaints_they_touch() -> None:
    events = (SEASON, PROMOTION)
    assert peak_of(events, 131, {"LAMP": 10}, frozenset()) == pytest.approx(1.95)
    assert peak_of(events, 120, {"LAMP": 10}, frozenset()) == 1.5
    assert peak_of(events, 120, {"LAMP": 5, "SOCK": 5}, frozenset()) == 1.25
    assert peak_of(events, 120, {"SOCK": 5}, frozenset()) == 1.0
    assert peak_of(events, 300, {"LAMP": 5}, frozenset()) == 1.0


def test_confidence_follows_labels_figures_and_place() -> None:
    assert confidence_of(0.9, 1e-9, "cause") == 0.9
    assert confidence_of(0.9, 1e-9, "not_localised") < confidence_of(0.9, 1e-9, "possible") < 0.9
    assert confidence_of(0.9, 1e-2, "cause") < confidence_of(0.9, 1e-5, "cause")
    assert confidence_of(0.7, 1.0, "cause", reports=1) == 0.7


def test_excess_is_a_plain_value() -> None:
    assert excess_of([10] * 7, [2.0] * 7) == excess_of([10] * 7, [2.0] * 7)
    assert isinstance(excess_of([10], [2.0]), Excess)
