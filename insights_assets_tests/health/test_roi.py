"""ROI: six lines that hold no number until effects are proven, a benchmark that enters nothing, costs named or not there, four rows of before and after."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from insights_assets.health import before_after, roi
from insights_assets.health.business import BusinessDays

FIRST, LATER = date(2026, 11, 1), date(2026, 11, 22)


def test_six_lines_without_a_number_before_effects_are_measured() -> None:
    lines = roi.benefit_lines("USD")
    assert [line.line for line in lines] == [
        "fewer_negative_reviews", "lower_handle_time", "fewer_refunds", "better_conversion", "recovered_seasonal_revenue", "faster_resolution",
    ]  # fmt: skip
    assert {(line.state, line.value, line.says) for line in lines} == {("not_measurable", None, "not measurable yet: needs actions.effects")}
    assert all(line.source for line in lines)


def test_a_cost_that_nobody_named_is_not_nothing() -> None:
    platform, people, calls = roi.cost_lines(roi.Costs(None, 2_000.0, 0, 0.0), "USD")
    assert (platform.state, platform.value) == ("not_available", None)
    assert (people.state, people.value) == ("configured", 2_000.0)
    assert (calls.state, calls.value) == ("measured", 0.0)
    ledgerless = roi.cost_lines(roi.Costs(None, None, None, None), "USD")[2]
    assert (ledgerless.state, ledgerless.value) == ("not_available", None)


def results(costs: roi.Costs, earned: float | None) -> dict[str, roi.Line]:
    benefits = roi.benefit_lines("USD")
    if earned is not None:
        benefits[2] = replace(benefits[2], state="measured", value=earned, needs=None)
    return {line.line: line for line in roi.result_lines(benefits, roi.cost_lines(costs, "USD"), "USD")}


def test_the_ratio_is_benefit_over_cost_and_never_the_benchmark() -> None:
    whole = roi.Costs(500.0, 1_500.0, 0, 0.0)
    assert results(whole, 5_000.0)["ratio"].value == 2.5
    assert results(whole, None)["ratio"].value is None
    partial = results(roi.Costs(None, 1_500.0, 0, 0.0), 5_000.0)
    assert partial["ratio"].value is None and partial["cost"].value is None, "half a cost would flatter the return"
    benchmark = results(whole, 5_000.0)["benchmark"]
    assert (benchmark.state, benchmark.value) == ("benchmark", 3.5)


def test_no_line_counts_looks_or_visits() -> None:
    lines = [*roi.benefit_lines("USD"), *roi.cost_lines(roi.Costs(1.0, 1.0, 0, 0.0), "USD"), *results(roi.Costs(1.0, 1.0, 0, 0.0), 1.0).values()]
    words = " ".join(f"{line.line} {line.title} {line.source} {line.says}" for line in lines).lower()
    assert not [word for word in ("usage", "visits", "page views", "logins", "active users", "dashboard") if word in words]


def days(tickets: int, refund: float, until: date, n: int = 80) -> BusinessDays:
    on = [until - timedelta(days=back) for back in range(n)]
    return BusinessDays(
        reviews=[], sessions=[], currency="USD", tickets=[{"day": day, "tickets": tickets} for day in on], orders=[{"day": day, "sku": "A", "amount": 100.0, "lines": 10} for day in on],
        refunds=[{"day": day, "sku": "A", "amount": refund, "refunds": 1} for day in on],
    )  # fmt: skip


def test_before_ends_with_the_first_run_and_after_needs_its_days() -> None:
    before, after = days(2, 10.0, FIRST), days(1, 5.0, LATER)
    support = before_after.support_load(before, after, FIRST, LATER)
    assert support is not None and (support.before, support.after) == (20.0, 10.0)
    leaks = before_after.revenue_leakage(before, after, FIRST, LATER)
    assert leaks is not None and (leaks.before, leaks.after) == (0.1, 0.05)
    early = before_after.support_load(before, before, FIRST, FIRST)
    assert early is not None and early.after is None and early.waits == "14 days after the first run (2026-11-15)"


def test_the_table_has_four_rows_with_sources_and_the_configured_baseline() -> None:
    said = datetime(2026, 11, 2, 8, tzinfo=UTC)
    seen = [{"first_said_at": said, "detected_at": said + timedelta(hours=hours)} for hours in (10, 30, 50)]
    detection = before_after.detection([*seen, {"first_said_at": None, "detected_at": said}], 504)
    rows = roi.before_after_lines(detection, None, None, None)
    assert [row.line for row in rows] == ["detection", "remediation", "support_load", "revenue_leakage"]
    assert (rows[0].before, rows[0].after, rows[0].says) == (504, 30.0, "504 h before (configured); 30 h after (3 issues)")
    assert [row.state for row in rows[1:]] == ["not_available"] * 3
    assert all(row.source for row in rows)
    stamps = [("a", "decide", 0), ("a", "fix", 5), ("b", "decide", 1), ("b", "fix", 8), ("c", "decide", 3)]
    fixed = before_after.remediation([{"action_id": action, "stage": stage, "at": said + timedelta(hours=hours)} for action, stage, hours in stamps])
    assert fixed is not None and fixed.after == 6.0
    assert before_after.detection([], 504).after is None
