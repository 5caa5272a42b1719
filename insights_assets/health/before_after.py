"""The figures of the before/after table, from rows: detection time, support load, revenue leakage (R137).

Belongs here: where before ends and after begins, and the sums. Does not belong here: the table's words (`roi.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from insights_assets.health.business import BusinessDays
from insights_assets.health.roi import AFTER_DAYS, Comparison

Rows = Sequence[Mapping[str, Any]]
Points = Sequence[tuple[date | None, float]]


def detection(insights: Rows, baseline_hours: float) -> Comparison:
    """Median hours from the first complaint of an issue to the end of the day on which it was seen."""
    hours = sorted(
        (row["detected_at"] - row["first_said_at"]).total_seconds() / 3600
        for row in insights
        if row["detected_at"] is not None and row["first_said_at"] is not None and row["detected_at"] >= row["first_said_at"]
    )
    if not hours:
        return Comparison(baseline_hours, None, 0, 0, "an insight")
    middle = len(hours) // 2
    median = hours[middle] if len(hours) % 2 else (hours[middle - 1] + hours[middle]) / 2
    return Comparison(baseline_hours, round(median, 1), 0, len(hours))


def remediation(loop_time: Rows) -> Comparison | None:
    """Mean hours from the decision to the fix, where somebody stamped the fix."""
    at = {(row["action_id"], row["stage"]): row["at"] for row in loop_time}
    fixed = [(done - at[action_id, "decide"]).total_seconds() / 3600 for (action_id, stage), done in at.items() if stage == "fix" and (action_id, "decide") in at]
    return Comparison(None, round(sum(fixed) / len(fixed), 1), 0, len(fixed)) if fixed else None


def support_load(before: BusinessDays, after: BusinessDays, first_run: date, as_of: date) -> Comparison | None:
    """Tickets per 100 order lines, before the first run and since."""
    return _compare(_tickets(before), _tickets(after), before, after, first_run, as_of, 100.0)


def revenue_leakage(before: BusinessDays, after: BusinessDays, first_run: date, as_of: date) -> Comparison | None:
    """Refunds as a share of what was ordered, before the first run and since."""
    return _compare(_refunds(before), _refunds(after), before, after, first_run, as_of, 1.0)


def _tickets(days: BusinessDays) -> tuple[Points, Points]:
    return [(row["day"], float(row["tickets"])) for row in days.tickets], [(row["day"], float(row["lines"])) for row in days.orders]


def _refunds(days: BusinessDays) -> tuple[Points, Points]:
    return [(row["day"], row["amount"] or 0.0) for row in days.refunds], [(row["day"], row["amount"] or 0.0) for row in days.orders]


def is_after(first_run: date, as_of: date) -> bool:
    """Whether enough days have passed since the first run to speak of an after."""
    return (as_of - first_run).days >= AFTER_DAYS


def _compare(
    was: tuple[Points, Points], now: tuple[Points, Points], before: BusinessDays, after: BusinessDays, first_run: date, as_of: date, times: float
) -> Comparison | None:
    """The two ratios; each n is the order lines of its period."""
    if not was[0] or not was[1]:
        return None
    earlier = _ratio(*was, date.min, first_run, times)
    lines = _lines(before, date.min, first_run)
    if not is_after(first_run, as_of):
        return Comparison(earlier, None, lines, 0, f"{AFTER_DAYS} days after the first run ({(first_run + timedelta(days=AFTER_DAYS)).isoformat()})")
    since = first_run + timedelta(days=1)
    return Comparison(earlier, _ratio(*now, since, as_of, times), lines, _lines(after, since, as_of))


def _ratio(counted: Points, over: Points, first: date, last: date, times: float) -> float | None:
    base = _sum(over, first, last)
    return _sum(counted, first, last) / base * times if base else None


def _sum(points: Points, first: date, last: date) -> float:
    return sum(value for day, value in points if day is not None and first <= day <= last)


def _lines(days: BusinessDays, first: date, last: date) -> int:
    return sum(row["lines"] for row in days.orders if row["day"] is not None and first <= row["day"] <= last)
