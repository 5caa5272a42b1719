"""What is likely next for an issue: a short forecast with an interval, and how often such intervals held (R68).

Belongs here: the forecast of one daily series. Not here: which issues are forecast (`assets.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.statistics import count_quantile


@dataclass(frozen=True)
class ForecastRules:
    """Exponential smoothing of people over expectation, with a damped trend; intervals from the negative binomial."""

    days: int = 7
    level: float = 0.35
    trend: float = 0.1
    damping: float = 0.85
    dispersion: float = 0.15
    low: float = 0.1
    high: float = 0.9
    check_days: int = 14
    least_days: int = 3


@dataclass(frozen=True)
class Forecast:
    """Mean and bounds of the days ahead, each (days,), and the back-check: days checked, days inside."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    checked: int
    inside: int


def forecast(observed: np.ndarray, expected: np.ndarray, rules: ForecastRules = ForecastRules()) -> Forecast:
    """Forecast people a day from daily people and what was usual (same length, oldest first, today last)."""
    o, e = np.asarray(observed, dtype=np.float64), np.maximum(np.asarray(expected, dtype=np.float64), 0.05)
    mean, low, high = _ahead(o, e, rules)
    checked = inside = 0
    for end in range(max(rules.least_days, len(o) - rules.check_days), len(o)):
        _, below, above = _ahead(o[:end], e[:end], rules, days=1)
        checked += 1
        inside += int(below[0] <= o[end] <= above[0])
    return Forecast(mean, low, high, checked, inside)


def _ahead(o: np.ndarray, e: np.ndarray, rules: ForecastRules, days: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ratio = np.log((o + 0.5) / (e + 0.5))
    level, slope = float(ratio[: rules.least_days].mean()), 0.0
    for value in ratio[rules.least_days :]:
        before = level
        level = rules.level * float(value) + (1 - rules.level) * (level + rules.damping * slope)
        slope = rules.trend * (level - before) + (1 - rules.trend) * rules.damping * slope
    steps = np.arange(1, (days or rules.days) + 1)
    grown = level + slope * np.cumsum(rules.damping**steps)
    usual = float(e[-7:].mean())
    mean = np.maximum(np.exp(grown) * (usual + 0.5) - 0.5, 0.05)
    size = 1.0 / rules.dispersion
    low, high = (count_quantile(p, size, size / (size + mean)) for p in (rules.low, rules.high))
    return np.asarray(statistic(mean)), low, high
