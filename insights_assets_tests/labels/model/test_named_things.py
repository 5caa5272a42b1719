"""Things a model names: each stands in the text and is of a kind on the list; persons, numbers and what is not there go alone and are counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from insights_assets.labels.detail_tables import LABEL_DETAILS, MODEL_ENTITIES
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.model.defence import prepare
from insights_assets.labels.model.outcomes import Outcome
from insights_assets.labels.model.parse import judge_reply
from insights_assets.labels.model.request import LabelPrompt
from insights_assets.labels.prompt_versions import promote, rollback
from insights_assets.labels.prompts import load_prompt
from insights_assets_tests.contract.azure_openai_brains import oracle, reply
from insights_assets_tests.contract.azure_openai_server import AzureOpenAI
from insights_assets_tests.labels.model.desk import open_desk
from insights_assets_tests.labels.model.house_with_model import HARD, answers, decisions, label, open_house

LABELS = load_label_set()
KINDS = ("product", "part", "carrier", "place", "competitor")
TEXT = "The  valance of my Aurora lamp tore after 3 days, says [NAME]. Bjorn Schmidt from DHL rang about 4711998, see www.lamps.example. <b>Hinge</b> is fine, Lampland is cheaper."


def thing(kind: str, quote: str, confidence: str = "high") -> dict[str, str]:
    return {"kind": kind, "quote": quote, "confidence": confidence}


def judged(things: Any, text: str = TEXT) -> Any:
    return judge_reply(json.dumps(reply([("product_quality", "tore after 3 days")], entities=things)), prepare(text), LABELS, (), KINDS)


def test_what_stands_in_the_text_is_kept_and_the_rest_goes_alone_and_is_counted() -> None:
    lies = [
        thing("part", "lid"), thing("part", "VALANCE"), thing("part", "alance"), thing("competitor", "Bjorn Schmidt"), thing("carrier", "Bjorn"), thing("product", "4711998"),
        thing("competitor", "www.lamps.example"), thing("product", ". Bjorn"), thing("product", "Bjorn Schmidt"), thing("place", "[NAME]"), thing("part", "The valance of my Aurora lamp tore after 3"), thing("part", ""), thing("part", "after 3 days"),
    ]  # fmt: skip
    good = [thing("part", "valance", "medium"), thing("product", "Aurora lamp"), thing("carrier", "DHL"), thing("competitor", "Lampland", "low"), thing("part", "valance")]
    found = judged([*lies, *good])
    assert found.outcome is Outcome.OK and found.value.entities_dropped == len(lies) and found.detail == f"entities dropped:{len(lies)}"
    assert [(one.kind, one.quote, one.band) for one in found.value.entities] == [(one["kind"], one["quote"], one["confidence"]) for one in good[:4]]
    assert [one.topic for one in found.value.topics] == ["product_quality"], "the label stands"


@pytest.mark.parametrize("things", [
    None, {}, "DHL", [7], [thing("person", "Bjorn")], [thing("order", "4711998")], [thing("date", "3 days")], [{"kind": "part", "quote": "valance"}],
    [{**thing("part", "valance"), "name": "x"}], [thing("part", "valance", "certain")], [{"kind": "part", "quote": None, "confidence": "high"}], [thing("part", "valance")] * 97,
])  # fmt: skip
def test_a_reply_outside_the_schema_is_no_label(things: Any) -> None:
    assert judged(things).outcome is Outcome.OFF_SCHEMA


def test_earlier_prompts_ask_for_no_things_and_a_reply_that_names_some_is_off_schema(tmp_path: Path) -> None:
    with AzureOpenAI(brain=oracle()) as server:
        connection = open_desk(server, tmp_path).connection
        kinds = {version: LabelPrompt.of(load_prompt("label_feedback", version), LABELS, connection).kinds for version in ("v1", "v2", "v3")}
    assert kinds == {"v1": (), "v2": (), "v3": KINDS}
    told = json.dumps(reply([("product_quality", "tore after 3 days")], entities=[]))
    assert judge_reply(told, prepare(TEXT), LABELS, (), ()).outcome is Outcome.OFF_SCHEMA
    assert judge_reply(told, prepare(TEXT), LABELS, (), KINDS).outcome is Outcome.OK


@settings(max_examples=200, deadline=None)
@example([("product", 60, 7)])
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, len(TEXT)), st.integers(0, 70)), max_size=8))
def test_whatever_part_of_the_text_a_model_cuts_out_what_is_kept_is_an_exact_part(cuts: list[tuple[str, int, int]]) -> None:
    text = prepare(TEXT)
    found = judged([thing(kind, text.plain[start : start + length]) for kind, start, length in cuts])
    assert found.outcome is Outcome.OK
    assert all(text.find(one.quote) is not None and "[" not in one.quote and "Bjorn" not in one.quote for one in found.value.entities)


HARD_TEXT = HARD[0][0]


@pytest.mark.slow
def test_things_reach_the_table_beside_those_found_here_and_rollback_takes_them_back_without_a_call(tmp_path: Path, spark: Any) -> None:
    known = answers()
    known[HARD_TEXT] = reply([("product_quality", HARD_TEXT)], entities=[thing("part", "contraption", "medium"), thing("competitor", "forsooth"), thing("part", "not there at all")])
    with AzureOpenAI(brain=oracle(known)) as server:
        house = open_house(tmp_path, spark, server)
        step = label(house, "run-1")
        step_of_details(house, "run-1")
        asked = len(server.chats)
        mine = decisions(house)[HARD_TEXT]["feedback_id"]
        [stored] = [row for row in house.rows(MODEL_ENTITIES) if row["feedback_id"] == mine]
        [row] = [row for row in house.rows(LABEL_DETAILS) if row["feedback_id"] == mine]
        assert (len(stored["entities"]), stored["dropped_count"], row["entities_dropped"]) == (2, 1, 1)
        assert {(one["kind"], one["name"], one["source"], one["confidence"]) for one in row["entities"]} >= {("part", "contraption", "model", 0.7), ("competitor", "forsooth", "model", 0.9)}
        assert all(one["quote"] == HARD_TEXT[one["start"] : one["end"]] for one in row["entities"])
        assert len(house.rows(LABEL_DETAILS)) == len(decisions(house)), "one row a record"
        notes = next(iter(step.notes.values()))
        assert (notes["entities_named"], notes["entities_dropped"]) == (2, 1)
        before = house.rows(LABEL_DETAILS)
        assert not step_of_details(house, "run-2").results, "nothing is rebuilt where nothing changed"
        promote(house.operations, "label_feedback", "v2", by="ana", reason="a test")
        label(house, "run-3")
        step_of_details(house, "run-3")
        assert not [row for row in house.rows(MODEL_ENTITIES) if row["entities"]], "the prompt in force asks for no things"
        assert all(one["source"] != "model" for row in house.rows(LABEL_DETAILS) for one in row["entities"])
        rollback(house.operations, "label_feedback", by="ana", reason="a test")
        paid = len(server.chats)
        label(house, "run-4")
        step_of_details(house, "run-4")
        assert len(server.chats) == paid == 2 * asked
    stable = [name for name in LABEL_DETAILS.column_names if name != "run_id"]
    cut = [sorted(([row[name] for name in stable] for row in rows), key=lambda values: values[0]) for rows in (before, house.rows(LABEL_DETAILS))]
    assert cut[0] == cut[1]


def step_of_details(house: Any, run_id: str) -> Any:
    import insights_assets.labels.assets  # noqa: F401 - fills BODIES
    from insights_assets.resources.table_assets import BODIES

    step = house.step("labels__label_details", run_id)
    BODIES["labels__label_details"][0](step)
    assert all(outcome.passed for outcome in step.outcomes)
    return step
