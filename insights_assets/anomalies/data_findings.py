"""What is wrong with the data: a source that falls silent, delivers too much, or is flooded with copies (R77).

Belongs here: findings about deliveries. They are no customer insights and raise none; the trust of figures rests on them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies.panel import day_numbers
from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.statistics import count_quantile

if TYPE_CHECKING:
    import pandas as pd

SILENT, SPIKE, LATE, COPIES = "source_silent", "source_spike", "source_late", "copied_posts"


@dataclass(frozen=True)
class FindingRules:
    """R77: outside the 99.9 % band of the source's weekday profile over 56 days, and more than 20 records away."""

    baseline: int = 56
    least_days: int = 21
    tail: float = 0.0005
    records: int = 20
    join_days: int = 2  # a finding goes on over so many usual days
    late_days: int = 3  # what was held back comes at once, within so many days
    dispersion: float = 0.01


@dataclass
class _Run:
    kind: str
    start: int
    end: int
    observed: float
    expected: float


def find(arrivals: pd.DataFrame, first: int, last: int, rules: FindingRules = FindingRules()) -> list[dict[str, Any]]:
    """Findings of the days [first, last].

    `arrivals`: source, day (it happened), known_day (it came), records, copies. Each day is held against the days before it that
    were usual, by the day records came.
    """
    findings: list[dict[str, Any]] = []
    if arrivals.empty:
        return findings
    day, known = day_numbers(arrivals["day"]), day_numbers(arrivals["known_day"])
    start = int(known.min())
    for source in sorted(arrivals["source"].unique()):
        mine = (arrivals["source"] == source).to_numpy() & (known <= last)
        span = last - start + 1
        came = np.bincount(known[mine] - start, weights=arrivals["records"].to_numpy(dtype=float)[mine], minlength=span)[:span]
        copies = np.bincount(known[mine] - start, weights=arrivals["copies"].to_numpy(dtype=float)[mine], minlength=span)[:span]
        alive = int(np.flatnonzero(came > 0)[0]) if (came > 0).any() else span
        runs = _runs(came - copies, alive, start, rules) + _floods(copies, start, rules)
        late = mine & (known - day >= 1)
        overdue = np.bincount(known[late] - start, weights=arrivals["records"].to_numpy(dtype=float)[late], minlength=span)[:span]
        for run in _joined(runs, rules):
            if run.end < first:
                continue
            inside = late & (day >= run.start) & (day <= run.end) & (known > run.end)
            held_back = int(arrivals["records"].to_numpy()[inside].sum()) if run.kind == SILENT else 0
            if run.kind == SPIKE and overdue[run.start - start : run.end - start + 1].sum() >= (run.observed - run.expected) / 2.0:
                run.kind, held_back = LATE, int(overdue[run.start - start : run.end - start + 1].sum())
            findings.append(_row(source, run, held_back, last))
    return findings


def _runs(came: np.ndarray, alive: int, start: int, rules: FindingRules) -> list[_Run]:
    """Days outside the band, joined into runs; such days train no later band."""
    usual = np.ones(len(came), dtype=bool)
    runs: list[_Run] = []
    for i in range(alive + rules.least_days, len(came)):
        window = np.arange(max(alive, i - rules.baseline), i)
        window = window[usual[window]]
        if len(window) < rules.least_days // 2:
            continue
        mean = _usual(came, window, i + start, start)
        if abs(came[i] - mean) <= rules.records:
            continue  # the band, which takes long to find, is asked for only where it can decide
        spread = _dispersion(came, window, start, rules)
        low, high = (float(count_quantile(p, 1.0 / spread, 1.0 / (1.0 + mean * spread))) for p in (rules.tail, 1.0 - rules.tail))
        if came[i] < low and mean - came[i] > rules.records:
            kind = SILENT
        elif came[i] > high and came[i] - mean > rules.records:
            kind = SPIKE
        else:
            continue
        usual[i] = False
        runs.append(_Run(kind, i + start, i + start, float(came[i]), mean))
    return runs


def _usual(came: np.ndarray, window: np.ndarray, day: int, start: int) -> float:
    """Expected records of a day: the window's level times its weekday factor (shrunk), with growth by the last two weeks."""
    level = float(came[window].mean())
    weekday = (window + start) % 7 == day % 7
    factor = (came[window][weekday].sum() + level * 2.0) / (max(level, 1e-9) * (weekday.sum() + 2.0))
    recent = window[-14:]
    growth = np.clip((came[recent].mean() + 1.0) / (level + 1.0), 0.7, 1.4)
    return max(level * float(factor) * float(growth), 0.1)


def _dispersion(came: np.ndarray, window: np.ndarray, start: int, rules: FindingRules) -> float:
    """Overdispersion around the weekday profile, robust to single days; at least the rule's."""
    values = came[window]
    expected = np.array([values[(window + start) % 7 == (d + start) % 7].mean() for d in window])
    expected = np.maximum(expected, 0.1)
    excess = np.median((values - expected) ** 2 / 0.455 - expected) / float(np.mean(expected**2))
    return float(np.clip(excess, rules.dispersion, 0.5))


def _floods(copies: np.ndarray, start: int, rules: FindingRules) -> list[_Run]:
    runs = []
    for i in range(rules.least_days, len(copies)):
        usual = float(np.median(copies[max(0, i - rules.baseline) : i]))
        if copies[i] - usual > rules.records and copies[i] > 3.0 * (usual + 1.0):
            runs.append(_Run(COPIES, i + start, i + start, float(copies[i]), usual))
    return runs


def _joined(runs: list[_Run], rules: FindingRules) -> list[_Run]:
    """Neighbouring days of one kind as one run; the heap that follows a silence belongs to the silence."""
    result: list[_Run] = []
    for run in sorted(runs, key=lambda r: (r.start, r.kind)):
        before = next((r for r in reversed(result) if r.kind == run.kind and run.start - r.end <= rules.join_days), None)
        if before is not None:
            before.end, before.observed, before.expected = run.end, before.observed + run.observed, before.expected + run.expected
        elif run.kind == SPIKE and any(r.kind == SILENT and 0 < run.start - r.end <= rules.late_days for r in result):
            continue
        else:
            result.append(run)
    return result


def _row(source: str, run: _Run, late: int, last: int) -> dict[str, Any]:
    name = f"{run.kind}|{source}|{np.datetime64(run.start, 'D')}"
    days = run.end - run.start + 1
    span = f"on {days} day{'s' if days > 1 else ''}"
    text = {
        SILENT: f"{source} delivered {run.observed:.0f} records {span} where {run.expected:.0f} are usual"
        + (f"; {late} of those days came later" if late else ""),
        SPIKE: f"{source} delivered {run.observed:.0f} records {span} where {run.expected:.0f} are usual",
        LATE: f"{source} delivered {run.observed:.0f} records {span} where {run.expected:.0f} are usual; {late} of them were overdue",
        COPIES: f"{run.observed:.0f} copied posts in {source} {span}; counted once",
    }[run.kind]
    return {
        "finding_id": "DAT-" + hashlib.sha256(name.encode()).hexdigest()[:8], "kind": run.kind, "source": source, "started_day": _date(run.start),
        "ended_day": _date(run.end), "detected_day": _date(run.start), "is_over": run.end < last, "observed_count": int(run.observed),
        "expected_count": float(statistic(run.expected)), "late_count": late, "text": text,
    }  # fmt: skip


def _date(day: int) -> Any:
    return np.datetime64(day, "D").astype(object)
