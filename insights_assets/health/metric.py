"""A metric of health: one shape for the three layers, and how a change is told from chance.

Belongs here: the value with its state and sentence, and comparing two periods of daily figures. Does not belong here: any metric in
particular, and reading tables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

State = Literal["green", "amber", "red", "too_few", "not_available"]
#: Worst first; too_few and not_available never colour a layer.
SEVERITY: tuple[State, ...] = ("red", "amber", "green")
WINDOW_DAYS = 28
TREND_WEEKS = 12
Z95 = 1.959964


@dataclass(frozen=True)
class Tolerance:
    """How sure (z) and how large (relative to before) a turn for the worse must be to be amber or red."""

    amber_z: float = 2.0
    amber_change: float = 0.05
    red_z: float = 3.0
    red_change: float = 0.10


@dataclass(frozen=True)
class Metric:
    """One metric as it stands in a table. `needs` is set exactly where it is not available."""

    metric: str
    state: State
    says: str
    source: str
    value: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    previous: float | None = None
    z: float | None = None
    sample_count: int | None = None
    needs: str | None = None
    trend: tuple[tuple[date, float], ...] = ()

    def row(self, **more: Any) -> dict[str, Any]:
        """The row of this metric; floats rounded, so that equal inputs write equal rows."""
        figures = {name: rounded(getattr(self, name)) for name in ("value", "low", "high", "previous", "z")}
        trend = [{"day": day, "value": rounded(value)} for day, value in self.trend]
        names = ("metric", "state", "says", "source", "unit", "sample_count", "needs")
        return {**{name: getattr(self, name) for name in names}, **figures, "trend": trend, **more}


def rounded(value: float | None) -> float | None:
    """Six significant digits, as everywhere for statistics."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def not_available(metric: str, needs: str, source: str) -> Metric:
    """A metric that cannot be measured says what it needs, never 0."""
    return Metric(metric, "not_available", f"not available: needs {needs}", source, needs=needs)


@dataclass(frozen=True)
class Daily:
    """A ratio by day: what is counted over what it is counted on. Days without rows are no days."""

    days: Mapping[date, tuple[float, float]]

    def between(self, first: date, last: date) -> Daily:
        return Daily({day: pair for day, pair in self.days.items() if first <= day <= last})

    @property
    def over(self) -> float:
        return sum(pair[1] for pair in self.days.values())

    @property
    def ratio(self) -> float | None:
        return sum(pair[0] for pair in self.days.values()) / self.over if self.over > 0 else None

    @property
    def variance(self) -> float | None:
        """Of the ratio, from how it differs from day to day: weekends, promotions and clustered complaints are in it."""
        n, ratio = len(self.days), self.ratio
        if n < 2 or ratio is None:
            return None
        return n / (n - 1) * sum((num - ratio * over) ** 2 for num, over in self.days.values()) / self.over**2


def daily(rows: Sequence[Mapping[str, Any]], counted: str, over: str) -> Daily:
    """Rows with `day` summed into one ratio; rows without the figures are left out."""
    sums: dict[date, tuple[float, float]] = {}
    for row in rows:
        if row["day"] is not None and row[over]:
            before = sums.get(row["day"], (0.0, 0.0))
            sums[row["day"]] = (before[0] + float(row[counted] or 0.0), before[1] + float(row[over]))
    return Daily(sums)


@dataclass(frozen=True)
class Change:
    """A ratio now, before, its bounds, and how sure the change is (z, positive is larger)."""

    now: float
    low: float | None
    high: float | None
    before: float | None
    z: float | None
    sample: int


def change(series: Daily, as_of: date, window: int = WINDOW_DAYS) -> Change | None:
    """The window up to `as_of` against the one before; None without anything in the window."""
    now = series.between(as_of - timedelta(days=window - 1), as_of)
    before = series.between(as_of - timedelta(days=2 * window - 1), as_of - timedelta(days=window))
    if now.ratio is None:
        return None
    spread = math.sqrt(now.variance) if now.variance is not None else None
    z = None
    if before.ratio is not None and now.variance is not None and before.variance is not None:
        total = now.variance + before.variance
        z = (now.ratio - before.ratio) / math.sqrt(total) if total > 0 else 0.0
    low, high = (None, None) if spread is None else (now.ratio - Z95 * spread, now.ratio + Z95 * spread)
    return Change(now.ratio, low, high, before.ratio, z, round(now.over))


def judge(found: Change, worse: Literal["higher", "lower"], tolerance: Tolerance = Tolerance()) -> tuple[State, float | None]:
    """(state, z turned so that positive is worse)."""
    if found.z is None or not found.before:
        return "too_few", None
    sign = 1.0 if worse == "higher" else -1.0
    z, by = sign * found.z, sign * (found.now - found.before) / abs(found.before)
    if z >= tolerance.red_z and by >= tolerance.red_change:
        return "red", z
    if z >= tolerance.amber_z and by >= tolerance.amber_change:
        return "amber", z
    return "green", z


def weekly(series: Daily, as_of: date, weeks: int = TREND_WEEKS) -> tuple[tuple[date, float], ...]:
    """The ratio week by week up to `as_of`; weeks with nothing are left out."""
    points = []
    for back in range(weeks - 1, -1, -1):
        last = as_of - timedelta(days=7 * back)
        ratio = series.between(last - timedelta(days=6), last).ratio
        if ratio is not None:
            points.append((last, ratio))
    return tuple(points)


def worst(states: Sequence[str]) -> State:
    """The worst of some states; not_available where nothing could be judged."""
    return next((state for state in SEVERITY if state in states), "not_available")
