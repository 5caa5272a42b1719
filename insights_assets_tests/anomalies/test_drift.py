"""Drift: windows pool until they hold enough, planted drift is seen, none is seldom seen, and only what lasts leads to a review."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.anomalies import drift
from insights_assets.anomalies.drift import Counts, Window
from insights_assets.anomalies.drift_rule import BY_SUBJECT, RULES, JudgedWindow, judged_windows, lasting
from insights_assets.shop.watching import DriftLimits

LIMITS = DriftLimits()
DAY = date(2026, 8, 1)


def day(number: int) -> date:
    return DAY + timedelta(days=number)


# -- windows -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 900), min_size=1, max_size=60), st.integers(1, 59))
def test_windows_are_the_same_however_often_one_looks(counts: list[int], seen_before: int) -> None:
    records = {day(n): count for n, count in enumerate(counts)}
    at_once = drift.plan_windows(records, [], day(len(counts)), 2_000)
    first = drift.plan_windows(records, [], day(min(seen_before, len(counts))), 2_000)
    assert [*first, *drift.plan_windows(records, first, day(len(counts)), 2_000)] == at_once
    for window in at_once:
        inside = sum(count for when, count in records.items() if window.first <= when <= window.last)
        assert window.records == inside >= 2_000
        assert inside - records[window.last] < 2_000, "a window ends as soon as it is full"
    for left, right in itertools.pairwise(at_once):
        assert right.first == left.last + timedelta(days=1)


def test_a_window_is_compared_with_those_before_the_previous_one() -> None:
    windows = [Window(day(10 * n), day(10 * n + 9), 2_000) for n in range(9)]
    assert drift.reference_of(windows, 0, 56) == ()
    assert drift.reference_of(windows, 1, 56) == (windows[0],)
    assert drift.reference_of(windows, 2, 56) == (windows[0],)
    assert drift.reference_of(windows, 8, 56) == tuple(windows[3:7]), "not the one just before, nothing older than 56 days"
    slow = [Window(day(80 * n), day(80 * n + 79), 2_000) for n in range(4)]
    assert drift.reference_of(slow, 3, 56) == (slow[1],), "a small shop's windows are longer than that"


# -- statistics --------------------------------------------------------------------------------------------------------

ZIPF = 1 / np.arange(1, 41) ** 1.1
SHARES = ZIPF / ZIPF.sum()


def drawn(generator: np.random.Generator, shares: np.ndarray, records: int = 2_000) -> dict[str, int]:
    """A window of a shop in which nothing changed: shares wobble by 5 % from run to run."""
    moved = shares * generator.lognormal(0, 0.05, len(shares))
    return {f"t{n}": int(count) for n, count in enumerate(generator.multinomial(records, moved / moved.sum())) if count}


def share_alarms(now_shares: np.ndarray, seed: int) -> bool:
    generator = np.random.default_rng(seed)
    before: dict[str, int] = {}
    for _ in range(4):
        for name, count in drawn(generator, SHARES).items():
            before[name] = before.get(name, 0) + count
    now = drawn(generator, now_shares)
    rows = [*drift.judge_shares("topic_share", now, before, {}), *drift.judge_top_three("top_three_topics", now, before, LIMITS)]
    return any(row["is_material"] for row in rows)


def test_without_drift_few_windows_alarm() -> None:
    alarms = sum(share_alarms(SHARES, seed) for seed in range(400))
    assert alarms / 400 <= 0.05, f"{alarms} of 400 windows without drift were material"


def planted(**changes: float) -> np.ndarray:
    shares = SHARES.copy()
    for name, times in changes.items():
        shares[int(name[1:])] *= times
    return shares / shares.sum()


@pytest.mark.parametrize(("shares", "least"), [(planted(t7=2.5), 0.95), (planted(t0=1.5), 0.8), (np.append(SHARES * 0.95, 0.05), 1.0)])
def test_planted_drift_is_seen(shares: np.ndarray, least: float) -> None:
    assert sum(share_alarms(shares, seed) for seed in range(60)) / 60 >= least


def test_a_rise_that_an_insight_explains_is_told_but_not_material() -> None:
    before, now = {"shipping_delay": 400, "praise": 7_600}, {"shipping_delay": 400, "praise": 1_600}
    alone = {row["subject"]: row for row in drift.judge_shares("topic_share", now, before, {})}
    assert alone["shipping_delay"]["is_material"]
    told = {row["subject"]: row for row in drift.judge_shares("topic_share", now, before, {"shipping_delay": "INS-1", "praise": "INS-2"})}
    assert (told["shipping_delay"]["is_material"], told["shipping_delay"]["explained_by"]) == (False, "INS-1")
    assert told["praise"]["explained_by"] is None, "a fall is explained by no issue"


@pytest.mark.parametrize(
    ("mean", "unsure", "material"),
    [(0.85, 200, {"mean_confidence": False, "unsure_share": False}), (0.82, 200, {"mean_confidence": True, "unsure_share": False}),
     (0.875, 200, {"mean_confidence": True, "unsure_share": False}), (0.85, 270, {"mean_confidence": False, "unsure_share": True}),
     (0.85, 250, {"mean_confidence": False, "unsure_share": False})],
)  # fmt: skip
def test_confidence_is_material_beyond_the_policy(mean: float, unsure: int, material: dict[str, bool]) -> None:
    before = Counts(records=8_000, confident=8_000, confidence=0.85 * 8_000, unsure=800)
    now = Counts(records=2_000, confident=2_000, confidence=mean * 2_000, unsure=unsure)
    assert {row["measure"]: row["is_material"] for row in drift.judge_confidence(now, before, LIMITS)} == material


def test_confidence_of_another_version_is_not_compared() -> None:
    rows = drift.judge_confidence(Counts(confident=2_000, confidence=1_000.0), Counts(confident=20), LIMITS)
    assert {row["answer"] for row in rows} == {"too_few"} and not any(row["is_material"] for row in rows)


def places(generator: np.random.Generator, centres: np.ndarray, count: int) -> np.ndarray:
    rows = centres[generator.integers(0, len(centres), count)] + generator.normal(0, 0.12, (count, centres.shape[1]))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_texts_of_an_unseen_kind_are_far() -> None:
    generator = np.random.default_rng(3)
    centres = np.eye(40)[:20]
    calm = [drift.judge_far(places(generator, centres, 1_200), places(generator, centres, 800)) for _ in range(40)]
    assert sum(row["is_material"] for row in calm) <= 1
    new = np.concatenate([places(generator, centres, 720), places(generator, np.eye(40)[30:31], 80)])
    found = drift.judge_far(places(generator, centres, 1_200), new)
    assert found["is_material"] and found["figure"] >= 0.1
    assert drift.judge_far(places(generator, centres, 90), new)["answer"] == "too_few"


def test_unknown_words_of_new_language_are_seen() -> None:
    generator = np.random.default_rng(4)
    usual, new = generator.beta(2, 20, 900), np.concatenate([generator.beta(2, 20, 300), generator.beta(6, 10, 100)])
    assert drift.judge_words("unknown_words", "vocabulary", "all", new, usual)["is_material"]
    assert not drift.judge_words("unknown_words", "vocabulary", "all", generator.beta(2, 20, 400), usual)["is_material"]
    assert drift.judge_words("launch_words", "launch", "EV1", new[:5], usual, 20)["answer"] == "too_few"


# -- the rule of two runs ----------------------------------------------------------------------------------------------


def windows(pattern: list[frozenset[str]]) -> list[JudgedWindow]:
    return [JudgedWindow(day(7 * n), {rule: {"": f"{rule} moved"} for rule in material}) for n, material in enumerate(pattern)]


@pytest.mark.parametrize(
    ("pattern", "fires"),
    [("", False), ("x", False), (".x", False), ("xx", True), ("x.x", False), ("xx.", False), (".xx", True), ("x.xx", True), ("xy", False)],
)
def test_one_run_no_two_runs_yes_two_apart_no(pattern: str, fires: bool) -> None:
    kinds = {"x": frozenset({"top_three"}), "y": frozenset({"confidence"}), ".": frozenset()}
    assert bool(lasting(windows([kinds[mark] for mark in pattern]), 2)) is fires


@settings(max_examples=200)
@given(st.lists(st.frozensets(st.sampled_from(RULES), max_size=3), max_size=8), st.integers(1, 4))
def test_a_rule_lasts_exactly_when_it_was_material_in_each_of_the_last_runs(pattern: list[frozenset[str]], runs: int) -> None:
    found = {one.rule for one in lasting(windows(pattern), runs)}
    wanted = {rule for rule in RULES if len(pattern) >= runs and all(rule in material for material in pattern[-runs:])}
    assert found == wanted


def test_of_shares_the_same_one_must_move_twice() -> None:
    def window(number: int, subject: str) -> JudgedWindow:
        rows = [{"as_of_day": day(number), "rule": "shares", "subject": subject, "is_material": True, "z": 4.0, "reason": f"{subject} moved"}]
        return judged_windows(rows)[0]

    assert "shares" in BY_SUBJECT
    assert not lasting([window(0, "sizing_issue"), window(7, "safety")], 2)
    [found] = lasting([window(0, "safety"), window(7, "safety")], 2)
    assert found.reason == "safety moved, twice in a row"
