"""What is usual of a topic on a day, by weekday, and from which day on its excess counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from insights_assets.anomalies.issues import IssueSettings, onset_of, tail_of
from insights_assets.anomalies.lags import no_lags
from insights_assets.anomalies.leaves import build_ledger
from insights_assets.anomalies.situations import Situation, situate

FIRST = int(np.datetime64("2026-06-01", "D").astype(np.int64))
DAYS, LINES = 120, 40.0
SETTINGS = IssueSettings()


def scene(people: np.ndarray, baseline_end: int = DAYS - 14, basis: str = "ordered") -> Situation:
    """One topic of a shop that ships the same every day; `people` complain on each day."""
    days = np.repeat(np.arange(DAYS), people)
    said = pd.DataFrame({
        "feedback_id": [f"F{n}" for n in range(len(days))], "topic": "shipping_delay", "person": [f"P{n}" for n in range(len(days))], "confidence": 0.9,
        "day": np.array(FIRST + days, dtype="datetime64[D]"), "known_day": np.array(FIRST + days, dtype="datetime64[D]"),
    })  # fmt: skip
    lines = pd.DataFrame({"day": np.array(FIRST - 60 + np.arange(DAYS + 60), dtype="datetime64[D]"), "units": LINES})
    ledger = build_ledger(said, {basis: lines}, no_lags(), frozenset({basis, "records"}))
    return situate(ledger, "shipping_delay", FIRST + DAYS - 1, baseline_end=FIRST + baseline_end)


def weekly(loud: int, quiet: int) -> np.ndarray:
    """People a day, loud on one weekday of seven."""
    return np.where((FIRST + np.arange(DAYS)) % 7 == 3, loud, quiet)


def test_what_is_usual_of_a_day_follows_its_weekday() -> None:
    situation = scene(weekly(loud=9, quiet=2))
    week = [situation.expected({}, FIRST + DAYS - 7 + i, FIRST + DAYS - 7 + i) for i in range(7)]
    loud = [i for i in range(7) if (FIRST + DAYS - 7 + i) % 7 == 3]
    assert [int(np.argmax(week))] == loud
    # Shrunk to an even week (3 a day), but nearer to what was seen.
    assert 6 < max(week) < 9 and 1.9 < min(week) < 2.5
    assert sum(week) == pytest.approx(9 + 6 * 2, rel=0.03)
    observed, expected = situation.daily({}, FIRST + DAYS - 7)
    assert expected == pytest.approx(week, rel=2e-3) and observed.sum() == 21


def test_an_even_week_stays_even() -> None:
    assert scene(np.full(DAYS, 3)).baseline.season == pytest.approx(np.ones(7), abs=0.02)


def test_what_is_measured_by_records_has_its_week_in_the_records() -> None:
    assert scene(weekly(loud=9, quiet=2), basis="records").baseline.season == pytest.approx(np.ones(7))


def test_a_loud_weekday_alone_is_nothing_unlikely() -> None:
    people = weekly(loud=9, quiet=2)
    last = int(np.flatnonzero(people == 9)[-1])
    situation = scene(people)
    expected = situation.expected({}, FIRST + last, FIRST + last)
    assert tail_of(situation, 9, expected, 1, SETTINGS) > 0.2
    assert tail_of(situation, 9, 3.0, 1, SETTINGS) < 0.02  # what an even week would have said


def test_the_onset_is_the_day_from_which_on_the_excess_is_least_likely() -> None:
    people = np.full(DAYS, 6)
    people[-28:] += 1  # four weeks hardly above what is usual
    people[-3:] += 6  # three days well above it
    situation = scene(people, baseline_end=DAYS - 28)
    onset = onset_of(situation, {}, 28, SETTINGS)
    assert onset == FIRST + DAYS - 3

    def chance(start: int) -> float:
        days = situation.day - start + 1
        return tail_of(situation, len(situation.people({}, start, situation.day)), situation.expected({}, start, situation.day), days, SETTINGS)

    assert chance(onset) <= min(chance(situation.day - back) for back in range(28))
