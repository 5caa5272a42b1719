"""Which label set and prompt are in force is said in one place: a promotion reaches every label, a rollback restores the rows with no call, a release changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from insights_assets.cli import main
from insights_assets.labels import prompts
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.prompt_versions import active_label_set, active_version, keep_defaults, promote, rollback
from insights_assets.labels.prompts import LABEL_SETS, PromptError, load_prompt
from insights_assets.labels.renaming import renamed_row, successors
from insights_assets.labels.tables import RULE_LABELS
from insights_assets.resources.operations import open_operations
from insights_assets_tests.contract.azure_openai_server import BATCH_DEPLOYMENT, AzureOpenAI
from insights_assets_tests.house import TestHouse
from insights_assets_tests.labels.model.house_with_model import decisions, knowing, label, open_house, rows

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A shop's own prompts: label set v2 retires one topic, drops another and has a new one; label_feedback v4 is written for it."""
    there = Path(shutil.copytree(str(prompts.prompts_folder()), tmp_path / "prompts"))
    document = yaml.safe_load((there / "label_sets/v1.yaml").read_text(encoding="utf-8"))
    document["version"] = "v2"
    topics = document["topics"]
    topics["sizing_issue"]["deprecated_to"] = "product_quality"
    del topics["billing_confusion"]
    topics["packaging_waste"] = {**topics["price_value"], "definition": "Too much packaging."}
    (there / "label_sets/v2.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    (there / "label_sets/v3.yaml").write_text(yaml.safe_dump({**document, "version": "v3"}, sort_keys=False), encoding="utf-8")
    text = (there / "label_feedback/v3.md").read_text(encoding="utf-8")
    (there / "label_feedback/v4.md").write_text(text.replace("version: v3\n", "version: v4\n").replace("label_set: v1\n", "label_set: v2\n"), encoding="utf-8")
    monkeypatch.setattr(prompts, "_root", lambda: there)
    for one in (load_prompt, load_label_set):
        one.cache_clear()
    yield there
    for one in (load_prompt, load_label_set):
        one.cache_clear()


@pytest.fixture
def server() -> Any:
    with AzureOpenAI(brain=knowing()) as running:
        running.deployments.add(BATCH_DEPLOYMENT)
        yield running


def names(found: dict[str, dict[str, Any]]) -> set[str]:
    return {topic["topic"] for row in found.values() for topic in row["topics"]}


def by_local(found: dict[str, dict[str, Any]]) -> set[str]:
    return {text for text, row in found.items() if row["label_source"] in ("rule", "classifier")}


@pytest.mark.slow
@pytest.mark.parametrize("model", ["azure", "none"])
def test_a_promoted_label_set_reaches_every_label_and_a_rollback_restores_the_rows(folder: Path, tmp_path: Path, spark: Any, server: AzureOpenAI, model: str) -> None:
    house = open_house(tmp_path, spark, server, model=model)
    label(house, "run-1")
    first, asked, rules = rows(house), len(server.chats), house.rows(RULE_LABELS)
    assert {"sizing_issue", "billing_confusion"} <= names(first) and {row["label_set_version"] for row in first.values()} == {"v1"}
    promote(house.operations, LABEL_SETS, "v2", by="ana", reason="a test")
    step = label(house, "run-2")
    second = rows(house)
    assert all(outcome.passed for outcome in step.outcomes), "every topic and tag is of the set in force"
    assert {row["label_set_version"] for row in second.values()} == {"v2"} and not {"sizing_issue", "billing_confusion"} & names(second)
    assert not {"sizing_issue", "billing_confusion"} & {row["target"] for row in house.rows(RULE_LABELS)}
    moved, tags = successors(load_label_set("v1"), load_label_set("v2")), frozenset(load_label_set("v2").risk_tag_ids)
    for text in by_local(first) & by_local(second):
        assert second[text] == {**renamed_row(first[text], moved, tags), "label_set_version": "v2"}, "exactly what its preview says"
    if model == "azure":
        sent = {text for text, one in decisions(house).items() if one["step"] == "model"}
        assert {second[text]["prompt_version"].partition("@")[0] for text in sent} == {"label_feedback/v4"}, "the prompt written for it came along"
        assert asked < len(server.chats) <= 2 * asked + 2
    paid = len(server.chats)
    rollback(house.operations, LABEL_SETS, by="ana", reason="worse")
    assert active_version(house.operations, "label_feedback") == "v3"
    label(house, "run-3")
    assert rows(house) == first and len(server.chats) == paid, "the exact earlier rows, and nobody was asked"
    order = sorted(rules, key=lambda row: (row["feedback_id"], row["rule_id"], row["target"], row["start"]))
    assert sorted(house.rows(RULE_LABELS), key=lambda row: (row["feedback_id"], row["rule_id"], row["target"], row["start"])) == order
    assert not label(house, "run-4").results and len(server.chats) == paid


@pytest.mark.slow
def test_a_correction_in_the_words_of_an_earlier_set_is_read_in_those_of_the_present(folder: Path, tmp_path: Path, spark: Any, server: AzureOpenAI) -> None:
    house = open_house(tmp_path, spark, server, model="none")
    label(house, "run-1")
    text = next(text for text, row in sorted(rows(house).items()) if row["primary_topic"] == "shipping_delay")
    house.operations.corrections.add_many(
        [{"feedback_id": rows(house)[text]["feedback_id"], "field": "topics", "value": ["sizing_issue", "billing_confusion"], "previous_value": None}], by="ana", through="test"
    )
    label(house, "run-2")
    assert sorted(one["topic"] for one in rows(house)[text]["topics"]) == ["billing_confusion", "sizing_issue"]
    promote(house.operations, LABEL_SETS, "v2", by="ana", reason="a test")
    step = label(house, "run-3")
    assert all(outcome.passed for outcome in step.outcomes)
    assert ([one["topic"] for one in rows(house)[text]["topics"]], rows(house)[text]["label_source"]) == (["product_quality"], "person")


def test_sets_and_prompts_change_together_or_not_at_all(folder: Path, tmp_path: Path) -> None:
    operations = open_operations(tmp_path / "operations.db")
    operations.migrate()
    with pytest.raises(PromptError, match=r"label_feedback/v4\.md is written for label set v2, but v1 is in force; promote label_sets v2"):
        promote(operations, "label_feedback", "v4", by="ana", reason="x")
    with pytest.raises(PromptError, match="no version of label_feedback is written for label set v3"):
        promote(operations, LABEL_SETS, "v3", by="ana", reason="x")
    assert active_label_set(operations).version == "v1" and not operations.activations.history("prompt:label_sets")
    promote(operations, "label_feedback", "v1", by="ana", reason="x")
    promote(operations, LABEL_SETS, "v2", by="ana", reason="x")
    assert (active_label_set(operations).version, active_version(operations, "label_feedback")) == ("v2", "v4")
    with pytest.raises(PromptError, match="roll back label_sets"):
        rollback(operations, "label_feedback", by="ana", reason="x")
    rollback(operations, LABEL_SETS, by="ana", reason="x")
    assert (active_label_set(operations).version, active_version(operations, "label_feedback")) == ("v1", "v1"), "the prompt that was in force with it, not the newest"


def test_another_release_changes_nothing_in_a_home_that_has_labels(folder: Path, tmp_path: Path) -> None:
    old, new = (open_operations(tmp_path / name) for name in ("old.db", "new.db"))
    for operations in (old, new):
        operations.migrate()
    keep_defaults(old)
    keep_defaults(old)
    assert len(old.activations.history("prompt:label_feedback")) == 1
    (folder / "label_feedback/ACTIVE").write_text("v4\n", encoding="utf-8")
    (folder / "label_sets/ACTIVE").write_text("v2\n", encoding="utf-8")
    assert (active_version(old, "label_feedback"), active_label_set(old).version) == ("v3", "v1")
    assert (active_version(new, "label_feedback"), active_label_set(new).version) == ("v4", "v2")
    with pytest.raises(ValueError, match="no earlier version"):
        rollback(old, LABEL_SETS, by="ana", reason="x")


@pytest.mark.slow
def test_the_command_that_goes_back_cancels_what_asks_for_nothing(tmp_path: Path, spark: Any, server: AzureOpenAI) -> None:
    house: TestHouse = open_house(tmp_path, spark, server, model_batch_deployment=BATCH_DEPLOYMENT, model_batch_above=0, model_batch_least=1)
    label(house, "run-1")
    assert server.batches.batches["batch_0000"]["status"] == "validating"
    environment = {
        "INSIGHTS_MODEL": "azure", "INSIGHTS_MODEL_ENDPOINT": server.url, "INSIGHTS_MODEL_DEPLOYMENT": house.settings.model_deployment,
        "INSIGHTS_MODEL_KEY": house.settings.model_key.get_secret_value() if house.settings.model_key else "", "INSIGHTS_MODEL_BATCH_DEPLOYMENT": BATCH_DEPLOYMENT,
    }
    words = ["prompts", "promote", "label_feedback", "v1", "--reason", "a test", "--home", str(house.settings.home)]
    told = CliRunner().invoke(main, words, env=environment)
    assert told.exit_code == 0 and "1 cancelled" in told.output and "in force no more" in told.output
    assert server.batches.batches["batch_0000"]["status"] == "cancelling"


@pytest.mark.slow
def test_a_label_set_that_is_not_in_force_is_judged_by_reviews_in_its_own_words_and_its_gate_stands_before_its_promotion(
    folder: Path, tmp_path: Path, spark: Any, server: AzureOpenAI
) -> None:
    from insights_assets.labels.model.client import ModelClient
    from insights_assets.labels.model.request import Candidates, LabelPrompt
    from insights_assets.labels.prompt_evaluation import evaluate, keep
    from insights_assets.labels.prompt_versions import named_prompt
    from insights_assets.labels.reviewed import last_correction, reviewed_records
    from insights_assets.resources.language_model import connect
    from insights_assets_tests.labels.model.house_with_model import texts

    house = open_house(tmp_path, spark, server, model_share=0.0)
    label(house, "run-1")
    known, ids = dict(texts()), {text: row["feedback_id"] for text, row in rows(house).items()}
    house.operations.corrections.add_many(
        [{"feedback_id": ids[text], "field": "topics", "value": [topic], "previous_value": {"topics": [], "weight": 1.0}} for text, topic in known.items()], by="ana", through="test"
    )
    step = house.step("labels__label_candidates")
    through = last_correction(house.operations)
    now, then = (reviewed_records(step, through, one) for one in (None, load_label_set("v2")))
    topics_now, topics_then = ({topic for one in found for topic in one.right} for found in (now, then))
    assert {"sizing_issue", "billing_confusion"} <= topics_now and not {"sizing_issue", "billing_confusion"} & topics_then
    assert len(then) == len(now) - sum(topic == "billing_confusion" for topic in known.values()), "a record whose only topic is gone is not judged"
    assert named_prompt(house.operations, "label_sets/v2") == "v4" == named_prompt(house.operations, "label_feedback/v4")
    connection = connect(house.settings, strict=True)
    assert connection is not None
    active = LabelPrompt.of(load_prompt("label_feedback", "v3"), load_label_set("v1"), connection)
    candidate = LabelPrompt.of(load_prompt("label_feedback", "v4"), load_label_set("v2"), connection)
    client = ModelClient(connection, house.operations, house.settings, "eval")
    # The oracle goes on naming sizing_issue, which the candidate's schema lacks: those replies are its prompt's fault.
    found = evaluate(client, candidate, then, Candidates([]), active)
    connection.close()
    by_topic = {one.topic: one for one in found.qualities}
    assert found.unjudged_topics == ("packaging_waste",) and not {"packaging_waste", "sizing_issue", "billing_confusion"} & set(by_topic)
    sizes, hard = (sum(topic == name for topic in known.values()) for name in ("sizing_issue", "product_quality"))
    assert by_topic["product_quality"].actual == sizes + hard, "reviews of the retired topic count for the one that took over"
    assert found.outcomes.get("off_schema") == sizes and found.compared is not None and "product_quality" in found.compared.worse_topics
    assert found.answer == "fail" and "product_quality" in found.failed_topics
    keep(house.operations, found)
    words = ["prompts", "promote", LABEL_SETS, "v2", "--reason", "a test", "--home", str(house.settings.home)]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 3 and "label_feedback/v4 failed its evaluation" in refused.output
    assert active_version(house.operations, LABEL_SETS) == "v1"
    assert CliRunner().invoke(main, [*words, "--past-the-gate"]).exit_code == 0 and active_version(house.operations, LABEL_SETS) == "v2"
