"""The rule of consecutive runs (R103): once is chance, the same rule twice in a row is a reason to review the model.

Belongs here: the rule over judged windows, for the certificate and the sensors. Does not belong here: judging a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

RULES = ("top_three", "confidence", "shares", "novelty", "vocabulary", "launch")
#: Rules that say something of the labels rather than of the world.
OF_THE_LABELS = ("confidence", "novelty", "vocabulary")
TIMES = {2: "twice", 3: "three times"}


#: Of these the same topic, theme or launch must move twice; of twenty subjects two different ones move by chance too easily.
BY_SUBJECT = ("shares", "launch")


@dataclass(frozen=True)
class JudgedWindow:
    """What was material in one window: rule -> subject -> reason. Only rules of BY_SUBJECT tell subjects apart."""

    last: date
    material: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Lasting:
    """A rule that was material in so many windows in a row, the latest included."""

    rule: str
    last: date
    reason: str


def lasting(windows: Sequence[JudgedWindow], runs: int) -> tuple[Lasting, ...]:
    """Rules that were material in each of the last `runs` windows, in the order of RULES. Windows are in order of time."""
    recent = windows[-runs:]
    if len(recent) < runs:
        return ()
    word = TIMES.get(runs, f"{runs} times") if runs > 1 else ""
    found = []
    for rule in RULES:
        common = set.intersection(*(set(window.material.get(rule, ())) for window in recent))
        if common:
            latest = recent[-1].material[rule]
            subject = next(one for one in latest if one in common)  # the strongest comes first
            found.append(Lasting(rule, recent[-1].last, latest[subject] + (f", {word} in a row" if word else "")))
    return tuple(found)


def judged_windows(rows: Iterable[Mapping[str, Any]]) -> list[JudgedWindow]:
    """Windows from rows of `anomalies.drift`, oldest first; within a rule the largest |z| first."""
    days: dict[date, list[tuple[float, str, str, str]]] = {}
    for row in rows:
        found = days.setdefault(row["as_of_day"], [])
        if row["is_material"]:
            weight = abs(float(row["z"])) if row["z"] is not None and row["z"] == row["z"] else 0.0
            found.append((-weight, row["rule"], row["subject"] if row["rule"] in BY_SUBJECT else "", str(row["reason"])))
    windows = []
    for day in sorted(days):
        material: dict[str, dict[str, str]] = {}
        for _, rule, subject, reason in sorted(days[day]):
            material.setdefault(rule, {}).setdefault(subject, reason)
        windows.append(JudgedWindow(day, material))
    return windows
