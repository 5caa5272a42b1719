"""The labels stage with a model behind real HTTP: who is asked, what stands, what an outage, a filter or a new prompt does to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.asking import OPEN_QUESTIONS
from insights_assets.labels.cascade_report import called_for
from insights_assets.labels.cascade_tables import CASCADE_STEPS, LABEL_CONFLICTS, LABEL_DECISIONS
from insights_assets.labels.prompt_versions import promote, rollback
from insights_assets.labels.tables import FEEDBACK_LABELS, REVIEW_QUEUE
from insights_assets.resources.table_assets import BODIES
from insights_assets_tests.contract.azure_openai_server import SNAPSHOT, AzureOpenAI
from insights_assets_tests.house import TestHouse
from insights_assets_tests.labels.model.house_with_model import EASY, HARD, decisions, knowing, label, open_house, put, rows, texts

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Any:
    with AzureOpenAI(brain=knowing()) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, spark: Any, server: AzureOpenAI) -> TestHouse:
    return open_house(tmp_path, spark, server)


def right_count(house: TestHouse) -> int:
    right = dict(texts())
    return sum({one["topic"] for one in row["topics"]} == {right[text]} for text, row in rows(house).items())


def sent_texts(house: TestHouse) -> set[str]:
    return {text for text, one in decisions(house).items() if one["is_for_model"]}


def test_the_riskiest_texts_are_asked_and_become_right_and_a_second_run_asks_nothing(house: TestHouse, server: AzureOpenAI) -> None:
    step = label(house, "run-1")
    found, decided, right, sent = rows(house), decisions(house), dict(texts()), sent_texts(house)
    assert len(server.chats) == len(sent) == int(0.14 * len(texts()))
    assert len(sent & {text for text, _ in HARD}) >= 4, "words it never met are what it doubts most"
    assert min(decided[text]["risk"] for text in sent) >= max(one["risk"] for text, one in decided.items() if text not in sent)
    for text in sent:
        assert ([one["topic"] for one in found[text]["topics"]], found[text]["label_source"], found[text]["model_version"]) == ([right[text]], "model", SNAPSHOT)
        assert (decided[text]["step"], decided[text]["outcome"], decided[text]["confidence_basis"]) == ("model", "ok", "uncalibrated")
    local = {text for text in found if text not in sent}
    assert {found[text]["label_source"] for text in local} <= {"rule", "classifier"} and {decided[text]["outcome"] for text in local} == {None}
    notes = step.notes[FEEDBACK_LABELS]
    assert (notes["model_calls"], notes["texts_sent_new"], notes["questions_open"]) == (len(sent), len(sent), 0) and notes["model_cost"] > 0
    again = label(house, "run-2")
    assert len(server.chats) == len(sent), "a second run asks nothing"
    assert not again.results, "and writes nothing"


def test_without_a_model_the_same_home_has_the_local_labels_and_no_decisions(tmp_path: Path, spark: Any, server: AzureOpenAI, house: TestHouse) -> None:
    plain = open_house(tmp_path, spark, server, called="plain", model="none")
    label(plain, "run-1")
    label(house, "run-1")
    local, asked = rows(plain), rows(house)
    assert not decisions(plain)
    assert {text for text in local if local[text] != asked[text]} == sent_texts(house), "what was not asked is labelled as without a model"
    assert right_count(house) > right_count(plain)


def test_an_outage_stops_no_run_and_the_next_run_asks_what_is_open(house: TestHouse, server: AzureOpenAI) -> None:
    server.faults = lambda _number, _body: "500"
    step = label(house, "run-1")
    decided = decisions(house)
    open_ones = {text for text, one in decided.items() if one["outcome"] is not None}
    assert {decided[text]["outcome"] for text in open_ones} == {"transport"} and {decided[text]["step"] for text in open_ones} <= {"rule", "classifier"}
    assert len(rows(house)) == len(texts()) and "local labels" in step.notes[FEEDBACK_LABELS]["model_says"]
    assert house.operations.facts.get(OPEN_QUESTIONS) == str(len(open_ones))
    before = len(server.chats)
    server.faults = lambda _number, _body: None
    label(house, "run-2")
    assert sent_texts(house) == open_ones and len(server.chats) - before == len(open_ones)
    assert {decisions(house)[text]["step"] for text in open_ones} == {"model"} and house.operations.facts.get(OPEN_QUESTIONS) == "0"
    assert not label(house, "run-3").results and len(server.chats) - before == len(open_ones)


def test_what_the_budget_does_not_reach_is_asked_by_later_runs_most_urgent_first(house: TestHouse, server: AzureOpenAI) -> None:
    house.settings = house.settings.model_copy(update={"model_tokens_per_run": 12_000, "model_concurrency": 1, "model_concurrency_most": 1})
    asked = []
    for number in range(1, 9):
        label(house, f"run-{number}")
        asked.append(len(server.chats))
        if house.operations.facts.get(OPEN_QUESTIONS) == "0":
            break
    assert asked[0] >= 1 and asked[-1] == int(0.14 * len(texts())) and len(asked) > 1, asked
    assert {decisions(house)[text]["step"] for text in sent_texts(house)} == {"model"}


def test_a_complaint_that_the_filter_takes_keeps_its_local_label_and_comes_before_a_person(house: TestHouse, server: AzureOpenAI) -> None:
    server.filtered_words = ("sputtered", "wavered")
    step = label(house, "run-1")
    filtered = {text: one for text, one in decisions(house).items() if one["outcome"] == "filtered_prompt"}
    assert filtered and all(one["step"] in ("rule", "classifier") and one["detail"].startswith("violence") for one in filtered.values())
    assert step.notes[FEEDBACK_LABELS]["model_filtered_prompt"] == len(filtered)
    for name in ("labelled_feedback", "review_queue", "label_cascade"):
        BODIES[f"labels__{name}"][0](house.step(f"labels__{name}", "run-1"))
    found = house.step("labels__review_queue")
    called = called_for(found.read(LABEL_DECISIONS), found.read(LABEL_CONFLICTS)).toArrow().to_pylist()
    assert {row["feedback_id"] for row in called if row["called_for"] == "content filter"} == {one["feedback_id"] for one in filtered.values()}
    assert set(filtered) <= {row["text"] for row in house.rows(REVIEW_QUEUE)}
    steps = {row["step"]: row for row in house.rows(CASCADE_STEPS)}
    assert steps["model"]["records"] == len(sent_texts(house)) - len(filtered) and steps["all"]["records"] == len(texts())
    assert steps["all"]["cost_per_thousand"] == pytest.approx(1000 * steps["model"]["cost"] / len(texts()), rel=1e-4) and steps["classifier"]["cost"] == 0
    before = len(server.chats)
    assert not label(house, "run-2").results and len(server.chats) == before, "it is not asked again"


def test_every_third_answer_a_429_loses_nothing(house: TestHouse, server: AzureOpenAI) -> None:
    server.faults = lambda number, _body: "429:ms:5" if number % 3 == 1 else None
    label(house, "run-1")
    assert {decisions(house)[text]["step"] for text in sent_texts(house)} == {"model"} and server.fault_counts["429:ms:5"] >= 2
    assert len(server.billed) == len(sent_texts(house)), "no question is paid twice"


def test_a_new_prompt_asks_exactly_what_the_old_one_was_asked_and_going_back_asks_nothing(house: TestHouse, server: AzureOpenAI) -> None:
    label(house, "run-1")
    first, sent = rows(house), sent_texts(house)
    asked = len(server.chats)
    promote(house.operations, "label_feedback", "v1", by="ana", reason="a test")
    label(house, "run-2")
    second = rows(house)
    assert {text for text in first if first[text] != second[text]} == sent and len(server.chats) == asked + len(sent)
    assert all(second[text]["prompt_version"].startswith("label_feedback/v1") for text in sent)
    rollback(house.operations, "label_feedback", by="ana", reason="back")
    label(house, "run-3")
    assert rows(house) == first and len(server.chats) == asked + len(sent), "going back costs nothing and restores the rows"


def test_new_records_and_copies_of_known_texts(house: TestHouse, server: AzureOpenAI) -> None:
    label(house, "run-1")
    asked, known = len(server.chats), sorted(sent_texts(house))[0]
    put(house, "later.jsonl", {known: "product_quality", EASY[0][0] + " Please hurry.": "shipping_delay"}, day="2026-11-09")
    house.run("sources", "canonical", run_id="run-2")
    label(house, "run-2")
    assert len(server.chats) == asked, "a copy is answered from the store, and the share is used up"
    assert sum(row["label_source"] == "model" for row in house.rows(FEEDBACK_LABELS)) == asked + 1


def test_a_correction_stands_over_the_model_and_keeps_what_it_said_otherwise(house: TestHouse, server: AzureOpenAI) -> None:
    label(house, "run-1")
    text = sorted(sent_texts(house))[0]
    feedback_id = next(row["feedback_id"] for row in house.rows(FEEDBACK) if row["text"] == text)
    before, asked = rows(house)[text], len(server.chats)
    house.operations.corrections.add_many([{"feedback_id": feedback_id, "field": "urgency", "value": "high", "previous_value": None}], by="ana", through="test")
    label(house, "run-2")
    after = rows(house)[text]
    assert (after["urgency"], after["label_source"], after["topics"]) == ("high", "person", before["topics"]) and len(server.chats) == asked
    assert decisions(house)[text]["step"] == "person"
    assert not label(house, "run-3").results
