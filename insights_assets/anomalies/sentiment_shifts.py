"""Did sentiment change after a policy? 14 days after against 28 before, for each part of the shop (R60).

Belongs here: the contrast and its interval. The spread between days is part of the error, or every noisy part would shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies.panel import day_numbers
from insights_assets.anomalies.priority import Event
from insights_assets.anomalies.rounding import score, statistic
from insights_assets.anomalies.statistics import benjamini_hochberg, student_quantile, student_tail

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ShiftRules:
    """Days of the contrast, records needed on each side, and the false discovery rate over the parts of one policy."""

    before: int = 28
    after: int = 14
    least_records: int = 30
    false_discovery: float = 0.05


def shifts(daily: pd.DataFrame, events: Sequence[Event], as_of: int, rules: ShiftRules = ShiftRules()) -> list[dict[str, Any]]:
    """One row per policy and part whose days after have passed.

    `daily`: attribute, value, day, records, total, squares (sum and sum of squares of sentiment_score, -1 to 1).
    """
    rows: list[dict[str, Any]] = []
    daily = daily.sort_values(["attribute", "value", "day"])  # sums of floats end in what the order of the rows is
    day = day_numbers(daily["day"]) if len(daily) else np.zeros(0, dtype=np.int64)
    for event in sorted(events, key=lambda e: (e.starts, e.event_id)):
        if event.kind != "policy" or event.starts + rules.after - 1 > as_of:
            continue
        near = daily[(day >= event.starts - rules.before) & (day < event.starts + rules.after)]
        found = []
        for (attribute, value), part in near.groupby(["attribute", "value"], sort=True):
            row = _contrast(part, day_numbers(part["day"]) >= event.starts, rules)
            if row is not None:
                found.append({"event_id": event.event_id, "attribute": attribute, "value": value, "event_name": event.name,
                              "event_day": np.datetime64(event.starts, "D").astype(object), **row})  # fmt: skip
        rejected = benjamini_hochberg(np.array([row["p_value"] for row in found]), rules.false_discovery)
        rows += [{**row, "is_shift": bool(hit)} for row, hit in zip(found, rejected, strict=True)]
    return rows


def _contrast(part: pd.DataFrame, is_after: np.ndarray, rules: ShiftRules) -> dict[str, Any] | None:
    n, total = part["records"].to_numpy(dtype=np.float64), part["total"].to_numpy(dtype=np.float64)
    squares = part["squares"].to_numpy(dtype=np.float64)
    sides = []
    for side in (~is_after, is_after):
        count = n[side].sum()
        if count < rules.least_records or side.sum() < 5:
            return None
        mean = total[side].sum() / count
        within = max(squares[side].sum() / count - mean**2, 1e-4)
        means = total[side] / n[side]
        # Between-day variance beyond what so few records a day would show anyway.
        between = max(float(np.average((means - mean) ** 2, weights=n[side])) - within * side.sum() / count, 0.0)
        error = within / count + between * float((n[side] ** 2).sum()) / count**2
        sides.append((mean, error, count, int(side.sum())))
    (before, e0, n0, d0), (after, e1, n1, d1) = sides
    error, freedom = float(np.sqrt(e0 + e1)), max(min(d0, d1) - 1, 1)
    half = student_quantile(0.975, freedom) * error
    change = after - before
    return {
        "before_mean": score(before), "after_mean": score(after), "change": score(change), "change_low": score(change - half),
        "change_high": score(change + half), "before_count": int(n0), "after_count": int(n1),
        "p_value": float(statistic(max(2.0 * student_tail(abs(change) / error, freedom), 1e-12))),
    }  # fmt: skip
