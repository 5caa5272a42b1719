"""A sabotaged prompt and a sabotaged classifier are stopped by the gate, which names the topic; figures come from reviewed records alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.cli import main
from insights_assets.labels import eval_sets, models
from insights_assets.labels.candidate import TRAINED, gate_answer, judge_candidate
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.eval_sets import packaged_sample as packaged
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.model.client import ModelClient
from insights_assets.labels.model.request import Candidates, LabelPrompt
from insights_assets.labels.prompt_evaluation import evaluate, golden, keep, kept
from insights_assets.labels.prompt_versions import active_version
from insights_assets.labels.prompts import load_prompt
from insights_assets.labels.reviewed import last_correction, reviewed_records
from insights_assets.resources.language_model import connect
from insights_assets.resources.table_assets import BODIES
from insights_assets_tests.contract.azure_openai_brains import in_form_of, read_text, reply
from insights_assets_tests.contract.azure_openai_server import DEPLOYMENT, KEY, AzureOpenAI
from insights_assets_tests.house import TestHouse, filled_home, review
from insights_assets_tests.labels.model.house_with_model import NUMBERS, asking, label, put, taken_in

pytestmark = pytest.mark.slow
SAID = {
    "sizing_issue": "Far too small, the jumper squeezes my shoulders, number {}.", "shipping_delay": "The parcel still has not arrived, number {}.",
    "damaged_on_arrival": "The glass was shattered when I opened the parcel, number {}.", "praise": "Love it, perfect quality, number {}.",
}
TEXTS = {words.format(f"{one} {other}"): topic for topic, words in SAID.items() for one in NUMBERS[:9] for other in NUMBERS[:6]}


def brain(body: dict[str, Any]) -> str:
    """Knows every text; asked by the sabotaged prompt it takes sizes for praise."""
    text = read_text(body)
    topic = TEXTS.get(text, "other")
    if topic == "sizing_issue" and "`source`" in body["messages"][0]["content"]:  # words of v1 that v2 has not
        topic = "praise"
    return json.dumps(in_form_of(body, reply([(topic, text)], sentiment="positive" if topic == "praise" else "negative")), ensure_ascii=False)


@pytest.fixture
def server() -> Any:
    with AzureOpenAI(brain=brain) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, spark: Any, server: AzureOpenAI) -> TestHouse:
    return asking(filled_home("gates", tmp_path, lambda home: fill(home, spark, server)), spark, server, model_share=0.0)


def fill(home: Path, spark: Any, server: AzureOpenAI) -> TestHouse:
    taken_in(home, spark).operations.close()
    made = asking(home, spark, server, model_share=0.0)
    put(made, "more.jsonl", TEXTS)
    made.run("sources", "canonical", run_id="run-1")
    label(made, "run-1")
    ids = {row["text"]: row["feedback_id"] for row in made.rows(FEEDBACK)}
    before = {"topics": [], "weight": 1.0, "model_version": models.shipped_version()}
    made.operations.corrections.add_many(
        [{"feedback_id": ids[text], "field": "topics", "value": [topic], "previous_value": before} for text, topic in TEXTS.items()], by="ana", through="test"
    )
    return made


def evaluated(house: TestHouse, version: str) -> Any:
    step = dataclasses.replace(house.step("labels__label_candidates"), run_id=f"eval-{version}")
    connection = connect(house.settings, strict=True)
    assert connection is not None
    prompt, active = (LabelPrompt.of(load_prompt("label_feedback", one), load_label_set(), connection) for one in (version, "v3"))
    sample = golden(reviewed_records(step, last_correction(step.operations)))
    found = evaluate(ModelClient(connection, house.operations, house.settings, step.run_id), prompt, sample, Candidates(step.read_pandas(PRODUCTS).to_dict("records")), active)
    connection.close()
    return found


def test_a_sabotaged_prompt_is_stopped_and_its_topic_named(house: TestHouse, server: AzureOpenAI) -> None:
    good = evaluated(house, "v3")
    quality = {one.topic: one for one in good.qualities}
    assert good.records >= 60 and quality["sizing_issue"].f1 == 1.0 and quality["micro"].precision_low is not None and not good.failed_topics
    assert good.outcomes == {"ok": good.records} and good.calls == len(server.chats) == good.records and good.cost > 0
    bad = evaluated(house, "v1")
    assert bad.answer == "fail" and set(bad.failed_topics) == {"praise", "sizing_issue", "micro"}, bad.reason
    assert "sizing_issue" in bad.reason and bad.compared is not None and "sizing_issue" in bad.compared.worse_topics
    assert bad.calls == bad.records and len(server.chats) == 2 * good.records, "the version in force is not paid again"
    keep(house.operations, bad)
    said = kept(house.operations, bad.version_id)
    assert said is not None and said["answer"] == "fail" and kept(house.operations, good.version_id) is None


def test_a_sabotaged_classifier_is_stopped_and_its_topic_named(house: TestHouse) -> None:
    shipped = Classifier.load(models.SHIPPED)
    thresholds = shipped.thresholds.copy()
    thresholds[shipped.topics.index("sizing_issue")] = 2.0
    deaf = dataclasses.replace(shipped, thresholds=thresholds)
    deaf.save(models.model_file(house.settings.home, deaf.model_version))
    house.operations.activations.activate(models.CANDIDATE_KIND, deaf.model_version, by="test", reason="sabotage")
    house.operations.facts.put(TRAINED, json.dumps({"last_correction_id": last_correction(house.operations)}))
    judged = judge_candidate(house.step("labels__label_candidates"))
    assert judged is not None and judged[1].answer == "fail" and set(judged[1].worse_topics) == {"sizing_issue"}
    said = gate_answer(house.operations, deaf.model_version)
    assert said is not None and "sizing_issue (wrong on " in said["reason"]
    refused = told(house, "model", "promote", deaf.model_version, "--reason", "I like it", code=3)
    assert "failed its gate: worse on sizing_issue (wrong on " in refused and "micro-F1" in refused
    assert models.active_version(house.settings.home, house.operations) == models.shipped_version()
    told(house, "model", "promote", deaf.model_version, "--reason", "I take it on me", "--past-the-gate")
    assert models.active_version(house.settings.home, house.operations) == deaf.model_version
    [row] = [row for row in house.operations.audit.rows() if row.action == "model_promote"]
    assert row.details["past_the_gate"] is True and row.details["reason"] == "I take it on me"


def told(house: TestHouse, *words: str, code: int = 0, **environment: str) -> str:
    """What a command says on the house's home."""
    result = CliRunner().invoke(main, [*words, "--home", str(house.settings.home)], env={"INSIGHTS_HOME": None, **environment})
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def test_the_commands_stop_with_three_and_name_topic_and_figures(house: TestHouse, server: AzureOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    """From `prompts eval` to `prompts promote`, as a person types them."""
    every = {spec for _, _, writes in BODIES.values() for spec in writes}
    house.operations.record_publication("run-1", house.as_of, {str(spec): version for spec in every if (version := house.lake.version(spec)) is not None})
    environment = {
        "INSIGHTS_MODEL": "azure", "INSIGHTS_MODEL_ENDPOINT": server.url, "INSIGHTS_MODEL_DEPLOYMENT": DEPLOYMENT, "INSIGHTS_MODEL_KEY": KEY,
        "INSIGHTS_MODEL_WAIT_SECONDS": "20",
    }  # fmt: skip
    monkeypatch.setattr(eval_sets, "packaged_sample", lambda *given: packaged(*given)[:12])
    tried = told(house, "prompts", "eval", "v3", "--packaged", **environment)
    assert "on 12 texts of the packaged eval set" in tried and "gate: too few" in tried
    assert kept(house.operations, load_prompt("label_feedback", "v3").version_id) is None, "only reviewed records answer a gate"
    judged = told(house, "prompts", "eval", "v1", code=3, **environment)
    assert "gate: fail:" in judged and "sizing_issue" in judged and "precision" in judged
    refused = told(house, "prompts", "promote", "label_feedback", "v1", "--reason", "shorter", code=3)
    assert "label_feedback/v1 failed its evaluation" in refused and "sizing_issue" in refused and "wrong on " in refused
    assert active_version(house.operations, "label_feedback") == "v3"
    assert "label_feedback/v1 is in force" in told(house, "prompts", "promote", "label_feedback", "v1", "--reason", "a drill", "--past-the-gate")
    [row] = [row for row in house.operations.audit.rows() if row.action == "prompt_promote"]
    assert row.details["past_the_gate"] is True


def test_gate_figures_come_from_reviewed_records_that_nothing_learns_from(house: TestHouse, server: AzureOpenAI) -> None:
    """Records that nobody read, however wrong their labels, move no figure; nor do reviewed ones that are learned from or were picked for their doubt."""
    first = evaluated(house, "v3")
    asked = len(server.chats)
    house.put("reviews", "unread.jsonl", [
        review(f"U{one}-{other}", None, f"N-{one}-{other}", day="2026-11-08", title=None, body=f"Utter gibberish about the weather, page {one} {other}.", rating=2)
        for one in NUMBERS for other in NUMBERS[:3]
    ])
    house.run("sources", "canonical", run_id="run-2")
    label(house, "run-2")
    ids = [row["feedback_id"] for row in house.rows(FEEDBACK) if row["text"].startswith("Utter gibberish")]
    doubtful = {"topics": [], "weight": 0.0, "model_version": models.shipped_version()}
    house.operations.corrections.add_many([{"feedback_id": one, "field": "topics", "value": ["safety"], "previous_value": doubtful} for one in ids[:12]], by="ana", through="test")
    again = evaluated(house, "v3")
    assert (again.records, again.qualities, again.answer) == (first.records, first.qualities, first.answer) and len(server.chats) == asked
    reviewed = reviewed_records(house.step("labels__label_candidates"), last_correction(house.operations))
    sides = {one.feedback_id: one.side for one in reviewed}
    assert first.records == sum(one.side == "golden" and one.weight > 0 for one in reviewed) < len(sides)
