"""The sheet's parser over any sheet: it never fails, takes sound rows whole, and nothing of a row that was touched."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.review_sheet import ANSWERS, COLUMNS, HIDDEN, LOCKED, Filled, make_sheet, read_answers
from insights_assets_tests.console.homes import feedback_id
from insights_assets_tests.labels.review_homes import BLIND, REPEAT, queue_rows

SET = load_label_set()
SHEET, ROWS, REMEMBERED = make_sheet(queue_rows(), SET.version, lambda text: " ".join(text.split()))


def read(rows: list[dict[str, Any]]) -> Filled:
    return read_answers(list(enumerate(rows, start=2)), {SHEET: REMEMBERED}.get, SET.topic_ids, SET.version)


def filled(**answers: dict[str, str]) -> list[dict[str, Any]]:
    rows = copy.deepcopy(ROWS)
    for row in rows:
        for number, given_cells in answers.items():
            if row["feedback_id"] == feedback_id(number):
                row.update(given_cells)
    return rows


def fault(rows: list[dict[str, Any]]) -> tuple[str, str, str]:
    found = read(rows)
    assert not found.answers
    [one] = found.faults
    return one.field, one.problem, one.todo


def test_an_empty_sheet_says_nothing() -> None:
    assert read(ROWS) == Filled((), {}, (), len(ROWS))


def test_agreeing_confirms_what_was_shown_and_choosing_puts_it_right() -> None:
    found = read(filled(C1={"agree": "yes"}, D0={"topic_1": "product_quality", "topic_2": "safety", "urgency": "high", "reason": "smoke"}, W1={"topic_1": "praise", "sentiment": "positive"}))
    assert found.faults == () and found.unanswered == len(ROWS) - 3
    assert found.answers[feedback_id("C1")] == {"topics": ["shipping_delay"], "sentiment": "negative", "urgency": "normal"}
    assert found.answers[feedback_id("D0")] == {"topics": ["product_quality", "safety"], "sentiment": "negative", "urgency": "high", "reason": "smoke"}
    assert found.answers[feedback_id(BLIND)] == {"topics": ["praise"], "sentiment": "positive"}, "what was not shown is not confirmed"
    assert [item["sheet"] for item in found.items] == [SHEET] * 3


def test_blind_rows_show_nothing_of_the_label() -> None:
    for row in ROWS:
        if row["feedback_id"] in (feedback_id(BLIND), feedback_id(REPEAT)):
            assert (row["label_topics"], row["confidence"], row["label_sentiment"], row["label_urgency"]) == (HIDDEN, "", HIDDEN, HIDDEN)


def test_what_is_remembered_holds_no_text() -> None:
    assert "HOSTILE" not in repr(REMEMBERED) and "parcel" not in repr(REMEMBERED)


def test_each_wrong_answer_says_what_to_do() -> None:
    assert fault(filled(C1={"topic_1": "shiping_delay"}))[1:] == ("'shiping_delay' is not in the label set", "did you mean shipping_delay?")
    assert fault(filled(C1={"topic_1": "other", "topic_2": "safety"}))[0] == "topic_1"
    assert "read blind" in fault(filled(W1={"agree": "yes"}))[1]
    assert "names other topics" in fault(filled(C1={"agree": "yes", "topic_1": "safety"}))[1]
    assert fault(filled(C1={"sentiment": "positive"}))[0] == "topic_1"
    assert "not one of negative, neutral, positive" in fault(filled(C1={"agree": "yes", "sentiment": "bad"}))[1]
    assert fault(filled(C1={"agree": "maybe"}))[0] == "agree"
    assert fault(filled(C1={"agree": "=1+1"}))[0] == "agree"


def test_a_row_that_is_not_what_was_exported_is_not_taken() -> None:
    assert "this row is" in fault(filled(C1={"agree": "yes", "feedback_id": "abc"}))[1]
    assert "not a row of this sheet" in fault([*ROWS, {**ROWS[0], "agree": "yes", "feedback_id": "abc", "row_hash": "0" * 16}])[1]
    assert fault(filled(C1={"agree": "yes", "text": "All fine."}))[0] == "text"
    assert fault(filled(C1={"agree": "yes", "label_topics": "safety"}))[0] == "label_topics"
    assert fault(filled(C1={"agree": "yes", "row_hash": "f" * 16}))[0] == "row_hash"
    assert fault(filled(C1={"agree": "yes", "label_set": "v0"}))[0] == "label_set"
    assert "no sheet that was exported" in fault(filled(C1={"agree": "yes", "sheet": "beef"}))[1]
    twice = [*filled(C1={"agree": "yes"}), {**ROWS[0], "topic_1": "safety"}]
    found = read(twice)
    assert not found.answers and {one.line for one in found.faults} == {2, 14} and "lines 2, 14" in found.faults[0].problem


def test_what_spreadsheet_programs_do_to_cells_is_forgiven() -> None:
    row = dict(filled(C1={"agree": "YES "})[0])
    changed = {**row, "stars": 1, "confidence": "0.930", "text": f"'{row['text']} ", "row": 7}
    assert read([changed]).answers.keys() == {feedback_id("C1")}


CELL = st.one_of(st.none(), st.text(max_size=12), st.integers(-5, 5), st.floats(allow_nan=True), st.booleans(), st.sampled_from([*SET.topic_ids, "yes", "negative", "high", "=1+1", SHEET]))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(ROWS) - 1), st.dictionaries(st.sampled_from(COLUMNS), CELL, max_size=5)), max_size=6))
def test_any_sheet_is_read_and_only_untouched_rows_are_taken(edits: list[tuple[int, dict[str, Any]]]) -> None:
    rows = [{**ROWS[at], **cells} for at, cells in edits]
    found = read(rows)
    answered = [row for row in rows if any(str(row[name] if row[name] is not None else "").strip().lstrip("'") for name in ANSWERS)]
    assert len(found.answers) + len(found.faults) == len(answered)
    known = {str(row["feedback_id"]): row for row in ROWS}
    for item in found.items:
        assert item["feedback_id"] in known
        answer = found.answers[item["feedback_id"]]
        assert set(answer["topics"]) <= set(SET.topic_ids)
        assert answer.get("sentiment", "negative") in ("negative", "neutral", "positive") and answer.get("urgency", "low") in ("low", "normal", "high", "critical")
    for (at, cells), row in zip(edits, rows, strict=True):
        touched = [name for name in LOCKED if name != "row" and name in cells and " ".join(str(cells[name] if cells[name] is not None else "").split()) != " ".join(str(ROWS[at][name]).split())]
        if touched and str(row["feedback_id"]) in found.answers:
            taken = next(item for item in found.items if item["feedback_id"] == row["feedback_id"])
            assert taken["topics"] == REMEMBERED["rows"][taken["feedback_id"]]["topics"], "what was asked comes from home, never from the sheet"
    assert all(one.todo and one.field in COLUMNS for one in found.faults)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from([row["feedback_id"] for row in ROWS]), st.lists(st.sampled_from([t for t in SET.topic_ids if t != "other"]), min_size=1, max_size=3, unique=True)))
def test_whatever_is_chosen_comes_back(chosen: dict[str, list[str]]) -> None:
    rows = [{**row, **{f"topic_{n}": topic for n, topic in enumerate(chosen.get(row["feedback_id"], ()), start=1)}} for row in ROWS]
    found = read(rows)
    assert not found.faults and {one: answer["topics"] for one, answer in found.answers.items()} == {one: sorted(topics) for one, topics in chosen.items()}
