"""Trend lines under old and new labels: weeks of people a topic, what they wobble by anyhow, and which leave that.

Belongs here: pure figures of counts. Does not belong here: counting (`anomalies.series`), drawing (`preview_report`).
A week leaves its interval when the count under the new labels lies outside the 95 % interval of the count under the old ones. The interval is that of a
negative binomial count with the dispersion that the detector uses for the topic, by its variance-stabilising transform (Anscombe 1948).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from insights_assets.anomalies.versions import Z95, Ratio
from insights_assets.rehearsal.findings import Finding

#: Weeks that are compared.
WEEKS = 8
#: Dispersion where the detector has none yet.
UNKNOWN_DISPERSION = 0.05


@dataclass(frozen=True)
class Week:
    """One week of one topic: people under the old labels with their interval, and under the new ones."""

    week_day: date  # its first day
    before: float
    low: float
    high: float
    after: float
    after_low: float
    after_high: float

    @property
    def leaves(self) -> bool:
        """Outside, whatever the ratio is within its own interval."""
        return self.after_low > self.high or self.after_high < self.low

    @property
    def may_leave(self) -> bool:
        return self.after_high > self.high or self.after_low < self.low


def wobble(count: float, dispersion: float) -> tuple[float, float]:
    """The 95 % interval of a count."""
    a = max(dispersion, 1e-6)
    root = math.asinh(math.sqrt(a * (count + 0.375))) / math.sqrt(a)
    low, high = (max(0.0, root + side * Z95 / 2) for side in (-1, 1))
    return max(0.0, math.sinh(low * math.sqrt(a)) ** 2 / a - 0.375), math.sinh(high * math.sqrt(a)) ** 2 / a


def weeks_of(
    before: Mapping[date, float], last: date, dispersion: float, *, after: Mapping[date, float] | None = None, ratio: Ratio | None = None
) -> tuple[Week, ...]:
    """Whole weeks up to `last`, oldest first. `after`: people by day under the new labels; or a `ratio` with its interval where only a sample was labelled."""
    found = []
    for number in range(WEEKS, 0, -1):
        first = last - timedelta(days=7 * number - 1)
        days = [first + timedelta(days=n) for n in range(7)]
        old = float(sum(before.get(day, 0.0) for day in days))
        low, high = wobble(old, dispersion)
        if ratio is None:
            new = new_low = new_high = float(sum((after or {}).get(day, 0.0) for day in days))
        else:
            new, new_low, new_high = old * ratio.factor, old * ratio.low, old * ratio.high
        found.append(Week(first, old, round(low, 2), round(high, 2), round(new, 2), round(new_low, 2), round(new_high, 2)))
    return tuple(found)


def trend_finding(topic: str, weeks: tuple[Week, ...], ratio: Ratio | None = None) -> Finding | None:
    """What a topic's line does; None where nobody spoke of it under either labels."""
    old, new = sum(week.before for week in weeks), sum(week.after for week in weeks)
    if not old and not new:
        return None
    out, may = sum(week.leaves for week in weeks), sum(week.may_leave for week in weeks)
    answer = "leaves" if out else "may_leave" if may else "holds"
    times = f"{new / old:.2f} x" if old else "new"
    within = f" [{ratio.low:.2f} to {ratio.high:.2f}]" if ratio is not None else ""
    told = f"{out} of {len(weeks)} weeks leave their interval" if out or not may else f"{may} of {len(weeks)} weeks may leave their interval"
    return Finding(
        "trend", topic, answer, f"{topic}: {old:,.0f} people in {len(weeks)} weeks would be {new:,.0f} ({times}{within}); {told}", count=out or may,
        share=round(new / old, 4) if old else None, low=round(ratio.low, 4) if ratio is not None else None, high=round(ratio.high, 4) if ratio is not None else None,
        before=round(old, 2), after=round(new, 2), weeks=weeks,
    )  # fmt: skip
