"""What starts what, and what does not: every trigger, its opposite, and the order from a training to labels made again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.anomalies.drift_rule import JudgedWindow
from insights_assets.learning.signals import with_calendar
from insights_assets.learning.triggers import (
    JUDGE_CANDIDATE,
    MODEL_REVIEW,
    RELABEL,
    TRAIN_CANDIDATE,
    History,
    Signals,
    decide_review,
    decide_schedule,
    decide_training,
    next_step,
)
from insights_assets.shop.watching import RetrainingLimits

DAY = date(2026, 11, 22)
LIMITS = RetrainingLimits()
NOBODY = History(since=date(2026, 8, 1))
CALM = Signals(as_of=DAY, topics=frozenset({"sizing_issue", "praise"}), reviewed=400, last_correction_id=400)


def window(days_ago: int, **material: str) -> JudgedWindow:
    return JudgedWindow(DAY - timedelta(days=days_ago), {rule: {"": reason} for rule, reason in material.items()})


MOVED = "top-three share moved 4.1 points"
TWICE = replace(CALM, windows=(window(9), window(5, top_three=MOVED), window(1, top_three=MOVED)))


def test_two_runs_open_a_review_with_a_reason_to_read() -> None:
    decision = decide_review(TWICE, NOBODY, 2)
    assert (decision.job, decision.reason) == (MODEL_REVIEW, f"{MOVED}, twice in a row")


@pytest.mark.parametrize(
    "windows", [(), (window(1, top_three=MOVED),), (window(9, top_three=MOVED), window(5), window(1, top_three=MOVED)), (window(5, top_three=MOVED), window(1)),
                (window(5, top_three=MOVED), window(1, confidence="mean confidence moved"))],
)  # fmt: skip
def test_one_run_or_two_apart_open_none(windows: tuple[JudgedWindow, ...]) -> None:
    decision = decide_review(replace(CALM, windows=windows), NOBODY, 2)
    assert not decision.fires and decision.reason


def test_a_reviewed_window_opens_no_second_review_but_the_next_does() -> None:
    reviewed = replace(NOBODY, reviewed_through=DAY - timedelta(days=1))
    assert not decide_review(TWICE, reviewed, 2).fires
    later = replace(TWICE, windows=(*TWICE.windows, JudgedWindow(DAY, {"top_three": {"": MOVED}})))
    assert decide_review(later, reviewed, 2).fires


@given(st.lists(st.booleans(), max_size=9), st.integers(-1, 9))
def test_a_review_starts_exactly_for_two_fresh_material_windows(pattern: list[bool], reviewed: int) -> None:
    windows = tuple(JudgedWindow(DAY + timedelta(days=n), {"confidence": {"": "moved"}} if material else {}) for n, material in enumerate(pattern))
    history = replace(NOBODY, reviewed_through=DAY + timedelta(days=reviewed) if reviewed >= 0 else None)
    wanted = len(pattern) >= 2 and pattern[-1] and pattern[-2] and (reviewed < 0 or len(pattern) - 1 > reviewed)
    assert decide_review(replace(CALM, windows=windows), history, 2).fires is wanted


def test_nothing_trains_nothing() -> None:
    decision = decide_training(CALM, NOBODY, LIMITS, 2)
    assert not decision.fires and "no label gate failed" in decision.reason


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"failed_topics": {"sizing_issue": "precision at least 0.41, wanted 0.75"}}, "label gate failed (sizing_issue: precision at least 0.41, wanted 0.75)"),
        ({"windows": (JudgedWindow(DAY, {"launch": {"EV7": "unknown words about EV7 went from 8.0 % to 31.0 %"}}),)}, "launch language: unknown words about EV7"),
        ({"windows": tuple(JudgedWindow(DAY - timedelta(days=n), {"shares": {"sizing_issue": "sizing issue went from 1 % to 5 %"}}) for n in (7, 0))}, "label shift: sizing issue"),
    ],
)
def test_each_trigger_trains_and_says_why(changes: dict[str, object], said: str) -> None:
    signals = replace(CALM, **changes)  # type: ignore[arg-type]
    decision = decide_training(signals, NOBODY, LIMITS, 2)
    assert decision.job == TRAIN_CANDIDATE and said in decision.reason
    just_trained = replace(NOBODY, trained_reviewed=380, trained_day=DAY)
    waiting = decide_training(signals, just_trained, LIMITS, 2)
    assert not waiting.fires and "20 of 30 records were reviewed" in waiting.reason


def test_a_theme_that_grows_is_no_label_shift() -> None:
    windows = tuple(JudgedWindow(DAY - timedelta(days=n), {"shares": {"TH-12345678": "a theme grew"}}) for n in (7, 0))
    assert not decide_training(replace(CALM, windows=windows), NOBODY, LIMITS, 2).fires


def test_the_schedule_follows_the_calendar() -> None:
    trained = replace(NOBODY, trained_day=DAY - timedelta(days=20), trained_reviewed=100)
    monthly = decide_schedule(CALM, trained, LIMITS)
    assert not monthly.fires and "every 28 days: next on 2026-11-30" in monthly.reason
    in_season = with_calendar(CALM, [{"kind": "season", "name": "winter", "starts_day": DAY - timedelta(days=3), "ends_day": DAY + timedelta(days=30)}])
    assert decide_schedule(in_season, trained, LIMITS).job == TRAIN_CANDIDATE
    launches = [{"kind": "launch", "name": f"L{n}", "starts_day": DAY - timedelta(days=n), "ends_day": None} for n in (3, 20, 40)]
    launched = with_calendar(CALM, launches)
    assert launched.launches_lately == 2
    assert "2 launches in four weeks" in decide_schedule(launched, trained, LIMITS).reason
    assert decide_schedule(replace(CALM, as_of=DAY + timedelta(days=8)), trained, LIMITS).fires
    assert not decide_schedule(CALM, NOBODY, LIMITS).reason.startswith("every 28 days: next"), "a home's first training is due after its first interval"


def test_what_was_begun_is_finished_first() -> None:
    failing = replace(CALM, failed_topics={"micro": "precision"})
    trained = replace(NOBODY, waiting_candidate="local@1", trained_reviewed=400, trained_day=DAY)
    promoted = replace(NOBODY, activation=3, trained_reviewed=400)
    assert next_step(failing, NOBODY, LIMITS, 2).job == TRAIN_CANDIDATE
    assert next_step(failing, trained, LIMITS, 2).job == JUDGE_CANDIDATE
    assert next_step(failing, replace(trained, gate_answer="pass"), LIMITS, 2).job == JUDGE_CANDIDATE, "it passed but is not in force: the run died between"
    refused = next_step(failing, replace(trained, gate_answer="too_few"), LIMITS, 2)
    assert not refused.fires and "gate said too few" in refused.reason
    assert next_step(failing, promoted, LIMITS, 2).job == RELABEL
    assert next_step(failing, replace(promoted, relabel_left=12), LIMITS, 2).job == RELABEL
    assert not next_step(failing, replace(promoted, relabel_left=0), LIMITS, 2).fires
    keys = {next_step(failing, replace(promoted, relabel_left=left), LIMITS, 2).key for left in (None, 40, 12)}
    assert len(keys) == 3, "each round of relabelling has its own key, since keys are spent"
