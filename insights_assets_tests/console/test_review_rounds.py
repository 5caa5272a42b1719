"""The round of a reviewer: where one stands, whose repeats, pace, marked quotes, answers kept, taken back and never doubled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.console.review_rounds import ROUND, asked, draft_of, make_round, marked, pace, record_answer, take_back, toggled
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.review import standing, values_in_force
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets_tests.console.homes import feedback_id
from insights_assets_tests.labels.review_homes import ASKED, BLIND, REPEAT, queue_rows

TITLES = {topic: topic.replace("_", " ").capitalize() for topic in load_label_set().topic_ids}


class Ticking:
    """A clock that goes on by some seconds at every look."""

    def __init__(self, seconds: float) -> None:
        self.now, self.step = datetime(2026, 11, 23, 12, 0, tzinfo=UTC), timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


@pytest.fixture
def operations(tmp_path: Path) -> Operations:
    made = open_operations(f"sqlite:///{tmp_path / 'operations.db'}", clock=Ticking(4))
    made.migrate()
    made.corrections.add(feedback_id(REPEAT), "topics", ["feature_request"], by="bob", previous_value={"topics": ["price_value"], "weight": 0.0, "model_version": "clf-1"})
    return made


def row(number: str) -> dict[str, Any]:
    return next(one for one in queue_rows() if one["feedback_id"] == feedback_id(number))


def test_a_round_counts_what_is_done_and_says_how_long_is_left(operations: Operations) -> None:
    long = [{**row("C1"), "feedback_id": f"F{n:04}", "place": n} for n in range(1, 301)]
    for n in range(37):
        record_answer(operations, long[n], draft_of(long[n]), by="ana")
    now = make_round(long, operations.corrections.all(), "ana")
    assert (now.done, now.total, now.later, len(now.left)) == (37, ROUND, 180, 83)
    assert now.words == "37 of 120, about 17 minutes left; 180 more wait after this round", "12 seconds a record: three fields, a tick of four each"
    assert [one["feedback_id"] for one in now.left[:2]] == ["F0038", "F0039"]
    for n in range(37, 120):
        record_answer(operations, long[n], draft_of(long[n]), by="ana")
    assert (after := make_round(long, operations.corrections.all(), "ana")).done == 0 and after.total == ROUND and after.later == 60


def test_a_repeat_is_for_somebody_else(operations: Operations) -> None:
    everything = operations.corrections.all()
    assert feedback_id(REPEAT) in {one["feedback_id"] for one in make_round(queue_rows(), everything, "ana").left}
    mine = make_round(queue_rows(), everything, "bob")
    assert feedback_id(REPEAT) not in {one["feedback_id"] for one in mine.left} and (mine.done, mine.total) == (0, len(ASKED) - 1)
    record_answer(operations, row(REPEAT), {"topics": ["price_value"], "sentiment": None, "urgency": None}, by="ana")
    assert (make_round(queue_rows(), operations.corrections.all(), "ana").done, len(standing(operations.corrections.all())[feedback_id(REPEAT)].by_reviewer)) == (1, 2)


def test_skipped_records_come_last_and_what_was_taken_back_first(operations: Operations) -> None:
    order = make_round(queue_rows(), operations.corrections.all(), "ana", {feedback_id(ASKED[0])}, feedback_id(ASKED[5])).left
    assert order[0]["feedback_id"] == feedback_id(ASKED[5]) and order[-1]["feedback_id"] == feedback_id(ASKED[0])


def test_pace_is_the_readers_own_without_pauses(operations: Operations) -> None:
    assert pace(operations.corrections.all(), "ana") == 6.0
    for number in ASKED[:8]:
        record_answer(operations, row(number), {"topics": ["safety"], "sentiment": None, "urgency": None}, by="ana")
    assert pace(operations.corrections.all(), "ana") == 4.0 and pace(operations.corrections.all(), "cleo") == 6.0


def test_an_answer_is_kept_with_who_and_from_what_and_taken_back_by_one_more_row(operations: Operations) -> None:
    asked_row = row("C1")
    draft = toggled(toggled(draft_of(asked_row), "shipping_delay"), "safety")
    assert record_answer(operations, asked_row, {**draft, "urgency": "high"}, by="ana") == 3
    assert record_answer(operations, asked_row, {**draft, "urgency": "high"}, by="ana") == 0, "the key pressed twice answers once"
    kept = [one for one in operations.corrections.all() if one.feedback_id == asked_row["feedback_id"]]
    assert {(one.field, str(one.value["value"]), one.corrected_by, one.corrected_through) for one in kept} == {
        ("topics", "['safety']", "ana", "console"), ("sentiment", "negative", "ana", "console"), ("urgency", "high", "ana", "console"),
    }  # fmt: skip
    assert kept[0].previous_value["value"]["topics"] == ["shipping_delay"] and kept[0].previous_value["value"]["model_version"] == "clf-1"
    assert take_back(operations, queue_rows(), by="bob") is None, "only one's own, given here"
    assert take_back(operations, queue_rows(), by="ana") == (asked_row["feedback_id"], {"topics": ["safety"], "sentiment": "negative", "urgency": "high"})
    assert asked_row["feedback_id"] not in values_in_force(operations.corrections.all())
    assert len([one for one in operations.corrections.all() if one.feedback_id == asked_row["feedback_id"]]) == 6, "nothing is ever removed"
    assert take_back(operations, queue_rows(), by="ana") is None
    assert record_answer(operations, asked_row, draft_of(asked_row), by="ana") == 3


def test_taking_back_a_second_reading_leaves_the_first_in_force(operations: Operations) -> None:
    record_answer(operations, row(REPEAT), {"topics": ["safety"], "sentiment": None, "urgency": None}, by="ana")
    assert values_in_force(operations.corrections.all())[feedback_id(REPEAT)] == {"topics": ["safety"]}
    take_back(operations, queue_rows(), by="ana")
    assert values_in_force(operations.corrections.all())[feedback_id(REPEAT)] == {"topics": ["feature_request"]}


def test_nobody_and_nothing_are_refused(operations: Operations) -> None:
    with pytest.raises(RefusedJudgement, match="your name"):
        record_answer(operations, row("C1"), draft_of(row("C1")), by=" ")
    with pytest.raises(RefusedJudgement, match="choose a topic"):
        record_answer(operations, row(BLIND), draft_of(row(BLIND)), by="ana")


def test_none_of_these_stands_alone() -> None:
    assert toggled({"topics": ["safety"]}, "other")["topics"] == ["other"]
    assert toggled({"topics": ["other"]}, "safety")["topics"] == ["safety"]
    assert toggled({"topics": ["safety"]}, "safety")["topics"] == []


def test_a_blind_record_shows_nothing_of_its_label() -> None:
    record = {"text": row(BLIND)["text"], "label": {"topics": [{"topic": "feature_request", "quote": "gift wrap", "start": 13, "end": 22}]}}
    shown = asked(row(BLIND), record, TITLES)
    assert shown.label == ("", "") and not any(is_quote for _, is_quote in shown.parts)
    told = asked({**row(BLIND), "is_blind": False}, record, TITLES)
    assert [piece for piece, is_quote in told.parts if is_quote] == ["gift wrap"] and told.label[0] == "Feature request (93 % sure)"


def test_pieces_say_the_whole_text_with_its_spaces() -> None:
    text = "The box was crushed, the lamp broken."
    assert marked(text, [(4, 7), (12, 19)]) == [("The ", False), ("box", True), (" was ", False), ("crushed", True), (", the lamp broken.", False)]
    assert marked("", [(0, 3)]) == [] and marked("a\u202eb\u0000c", []) == [("ab c", False)]


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=4))
def test_any_text_and_any_spans_give_pieces_that_read_as_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    from insights_assets.actions.escaping import plain

    pieces = marked(text, spans)
    assert "".join(plain("".join(piece for piece, _ in pieces)).split()) == "".join(plain("".join(plain(piece) for piece, _ in pieces)).split())
    assert all(plain(piece) for piece, _ in pieces)
    if text.isascii() and text.isprintable():
        assert " ".join("".join(piece for piece, _ in pieces).split()) == plain(text)
