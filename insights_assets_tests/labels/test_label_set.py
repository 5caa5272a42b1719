"""The label set: what ships is whole, and what is wrong is refused by file and field."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from insights_assets.labels.label_set import ACTION_KINDS, TEAMS, LabelSetError, load_label_set, parse_label_set
from insights_assets.labels.prompts import prompt_text

WHERE = "prompts/label_sets/v1.yaml"


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(yaml.safe_load(prompt_text("label_sets/v1.yaml")))


def test_v1_has_the_topics_of_the_design_each_with_owner_and_action_path() -> None:
    label_set = load_label_set("v1")
    assert len(label_set.topic_ids) == 17
    assert {"shipping_delay", "product_quality", "sizing_issue", "billing_confusion", "missing_accessories", "feature_request"} <= set(label_set.topic_ids)
    assert label_set.risk_tag_ids == ("potential_defect", "refund_risk", "quality_review", "churn_risk", "fraud_like")
    for topic in label_set.topics:
        assert topic.owner in TEAMS
        assert topic.action_path and set(topic.action_path) <= ACTION_KINDS
        assert topic.definition and topic.include and topic.exclude and len(topic.examples) >= 1


def test_the_active_label_set_is_the_default() -> None:
    assert load_label_set() == load_label_set(prompt_text("label_sets/ACTIVE").strip())


@pytest.mark.parametrize(("path", "value", "field"), [
    (("topics", "safety", "owner"), "nobody", "topics.safety.owner"),
    (("topics", "safety", "action_path"), [], "topics.safety.action_path"),
    (("topics", "safety", "action_path"), ["pray"], "topics.safety.action_path"),
    (("topics", "safety", "definition"), "", "topics.safety.definition"),
    (("topics", "safety", "examples"), [], "topics.safety.examples"),
    (("topics", "safety", "deprecated_to"), "nowhere", "topics.safety.deprecated_to"),
    (("risk_tags", "churn_risk", "owner"), None, "risk_tags.churn_risk.owner"),
    (("schema",), None, "schema"),
])
def test_a_broken_field_is_named_with_its_file(document: dict[str, Any], path: tuple[str, ...], value: Any, field: str) -> None:
    target: Any = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(LabelSetError, match=field) as error:
        parse_label_set(document, WHERE)
    assert WHERE in str(error.value)


def test_an_unknown_field_is_refused(document: dict[str, Any]) -> None:
    document["topics"]["safety"]["colour"] = "red"
    with pytest.raises(LabelSetError, match="colour"):
        parse_label_set(document, WHERE)


def test_more_than_twenty_topics_or_six_tags_are_refused(document: dict[str, Any]) -> None:
    crowded = copy.deepcopy(document)
    for number in range(4):
        crowded["topics"][f"extra_{number}"] = document["topics"]["safety"]
    with pytest.raises(LabelSetError, match="at most 20"):
        parse_label_set(crowded, WHERE)
    for number in range(2):
        document["risk_tags"][f"extra_{number}"] = document["risk_tags"]["churn_risk"]
    with pytest.raises(LabelSetError, match="at most 6"):
        parse_label_set(document, WHERE)


@pytest.mark.parametrize("needed", ["praise", "other"])
def test_praise_and_other_are_always_there(document: dict[str, Any], needed: str) -> None:
    del document["topics"][needed]
    with pytest.raises(LabelSetError, match=needed):
        parse_label_set(document, WHERE)


def test_a_retired_topic_is_read_under_its_successor(document: dict[str, Any]) -> None:
    document["topics"]["price_value"]["deprecated_to"] = "billing_confusion"
    label_set = parse_label_set(document, WHERE)
    assert "price_value" not in label_set.topic_ids
    assert label_set.current("price_value") == "billing_confusion"
    assert label_set.current("safety") == "safety"


def test_topics_that_retire_into_each_other_are_refused_when_read(document: dict[str, Any]) -> None:
    document["topics"]["price_value"]["deprecated_to"] = "billing_confusion"
    document["topics"]["billing_confusion"]["deprecated_to"] = "price_value"
    with pytest.raises(LabelSetError, match="circle"):
        parse_label_set(document, WHERE).current("price_value")


def test_an_unknown_topic_is_answered_with_the_ones_there_are() -> None:
    with pytest.raises(KeyError, match="shipping_delay"):
        load_label_set().topic("nonsense")
