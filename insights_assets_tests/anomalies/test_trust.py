"""The certificate: each condition passes, fails and says too few for its own reasons; corrected shares cover the truth."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from insights_assets.anomalies import trust
from insights_assets.anomalies.corrected_shares import Confusion, correct, corrected_rows, week_of
from insights_assets.anomalies.drift_rule import JudgedWindow
from insights_assets.shop import load_shop

DAY = date(2026, 11, 22)
SOUND = {"source": "reviews", "raw_count": 1_000, "unexplained_count": 0, "quarantine_share": 0.01}


def answers(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["condition"]: row["answer"] for row in rows}


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([SOUND], ("pass", "pass")),
        ([SOUND, {**SOUND, "source": "chats", "unexplained_count": 2}], ("fail", "pass")),
        ([SOUND, {**SOUND, "source": "chats", "quarantine_share": 0.08}], ("pass", "fail")),
        ([{**SOUND, "raw_count": 12, "quarantine_share": 0.5}], ("pass", "too_few")),
        ([], ("too_few", "too_few")),
    ],
)
def test_sources(rows: list[dict[str, Any]], wanted: tuple[str, str]) -> None:
    found = answers(trust.sources(rows, 0.05, 30))
    assert (found["records_accounted"], found["quarantine_share_small"]) == wanted


def test_a_silent_source_of_the_question_is_no_sound_input() -> None:
    silent = {"kind": "source_silent", "source": "reviews", "is_over": False}
    assert trust.deliveries([silent], ("reviews",))["answer"] == "fail"
    assert trust.deliveries([silent], ("chats",))["answer"] == "pass"
    assert trust.deliveries([{**silent, "is_over": True}], ("reviews",))["answer"] == "pass"


ACCEPTANCE = load_shop().policy.acceptance


def test_labels() -> None:
    row = {"topic": "micro", "gate": "pass", "reason": "r", "reviewed_count": 400, "f1": 0.9, "precision": 0.9, "recall": 0.9}
    rows = trust.label_gate([row, {**row, "topic": "sizing_issue", "gate": "fail", "recall": 0.4}], ("sizing_issue", "safety"), ACCEPTANCE)
    assert answers(rows) == {"labels_hold_their_gate": "pass", "label_gate:sizing_issue": "fail"}
    assert trust.overall(rows)["answer"] == "pass", "a failed topic informs; its share is corrected"
    assert trust.overall(trust.label_gate([{**row, "gate": "fail", "precision": 0.6}], (), ACCEPTANCE))["answer"] == "fail"
    assert answers(trust.label_gate([], ("safety",), ACCEPTANCE)) == {"labels_hold_their_gate": "too_few"}
    unproven = trust.label_gate([{**row, "gate": "fail", "precision": 0.8}], (), ACCEPTANCE)
    assert answers(unproven) == {"labels_hold_their_gate": "too_few"} and "not proven yet" in unproven[0]["reason"]


def window(days_ago: int, rule: str | None = None) -> JudgedWindow:
    return JudgedWindow(DAY - timedelta(days=days_ago), {rule: {"": f"{rule} moved"}} if rule else {})


@pytest.mark.parametrize(
    ("windows", "reviewed", "answer"),
    [
        ([window(5)], None, "too_few"), ([window(5), window(1)], None, "pass"), ([window(5, "confidence"), window(1, "confidence")], None, "fail"),
        ([window(5, "confidence"), window(1)], None, "pass"), ([window(5, "shares"), window(1, "shares")], None, "pass"),
        ([window(5, "novelty"), window(1, "novelty")], DAY - timedelta(days=1), "pass"), ([window(5, "novelty"), window(1, "novelty")], DAY - timedelta(days=4), "fail"),
    ],
)  # fmt: skip
def test_lasting_doubt_of_the_labels_fails_until_it_was_reviewed(windows: list[JudgedWindow], reviewed: date | None, answer: str) -> None:
    assert trust.drift(windows, 2, reviewed)["answer"] == answer


def test_only_two_conditions_hold_the_publication_back() -> None:
    leak = trust.redaction(1, 500)
    assert leak["answer"] == "fail" and trust.overall([leak])["stops_publication"]
    quarantined = trust.sources([{**SOUND, "quarantine_share": 0.3}], 0.05, 30)
    whole = trust.overall(quarantined)
    assert whole["answer"] == "fail" and not whole["stops_publication"] and "30.0 % of reviews" in whole["reason"]
    assert trust.overall([trust.redaction(0, 500)])["answer"] == "pass"
    assert trust.overall([trust.redaction(0, 0)])["answer"] == "too_few"


# -- corrected shares --------------------------------------------------------------------------------------------------


def test_the_correction_undoes_known_errors() -> None:
    """Of 1,000 records 100 have the topic; 80 of them are labelled, and 20 others are."""
    found = correct(100, 1_000, Confusion(500, 500, precision=0.8, recall=0.8))
    assert found is not None and found.share == pytest.approx(0.1)
    low = correct(90, 1_000, Confusion(500, 500, precision=0.9, recall=0.5))
    assert low is not None and low.share == pytest.approx(0.162) and low.low < 0.162 < low.high


def test_too_few_reviewed_is_said_not_guessed() -> None:
    assert correct(100, 1_000, Confusion(29, 500, 0.8, 0.8)) is None
    assert correct(100, 1_000, Confusion(500, 29, 0.8, 0.8)) is None
    rows = corrected_rows([(DAY, "safety", 3)], {DAY: 100}, {}, {"safety": 4})
    assert (rows[0]["answer"], rows[0]["corrected_share"], rows[0]["observed_share"], rows[0]["reviewed_count"]) == ("too_few", None, 0.03, 4)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(9)
    truth, recall, false_rate, covered, tried = 0.08, 0.75, 0.02, 0, 600
    for _ in range(tried):
        has = generator.random(3_000) < truth
        said = np.where(has, generator.random(3_000) < recall, generator.random(3_000) < false_rate)
        reviewed = generator.choice(3_000, 1_000, replace=False)
        both = float((has[reviewed] & said[reviewed]).sum())
        predicted, actual = int(said[reviewed].sum()), int(has[reviewed].sum())
        found = correct(int(said.sum()), 3_000, Confusion(predicted, actual, both / predicted, both / actual))
        covered += found is not None and found.low <= has.mean() <= found.high
    assert covered / tried >= 0.93


def test_weeks_begin_on_monday() -> None:
    assert week_of(date(2026, 11, 22)) == date(2026, 11, 16) and week_of(date(2026, 11, 16)) == date(2026, 11, 16)
