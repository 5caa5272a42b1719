"""Joining: the model's label stands, a proven rule stands against it, a code joins it, and every difference is written down."""

from __future__ import annotations

from typing import Any

import pytest

from insights_assets.labels.cascade import Label
from insights_assets.labels.joining import join
from insights_assets.labels.trust import CALIBRATED_FROM, RULE_REVIEWED, Trust, calibrated_bands, trust_of, trusted_rules


def topic(name: str, confidence: float = 0.9, **more: Any) -> dict[str, Any]:
    return {"topic": name, "confidence": confidence, "quote": None, "start": None, "end": None, "sentiment": "negative", **more}


def row(*topics: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "feedback_id": "f1", "topics": list(topics), "primary_topic": topics[0]["topic"], "urgency": "normal", "risk_tags": [], "confidence": topics[0]["confidence"],
        "label_source": "model", **more,
    }


def hit(rule_id: str, target: str, start: int = 3, kind: str = "topic") -> dict[str, Any]:
    return {"rule_id": rule_id, "kind": kind, "target": target, "start": start, "end": start + 4, "quote": "word"}


def test_where_both_agree_there_is_no_conflict() -> None:
    found, conflicts = join(row(topic("safety")), [hit("r1", "safety")], row(topic("safety", 0.7)), Trust())
    assert conflicts == [] and found["topics"][0]["confidence"] == 0.7 and found["label_source"] == "model"


def test_an_unproven_rule_loses_and_a_proven_one_wins() -> None:
    local, asked = row(topic("safety", 0.95, quote="smoke"), urgency="critical"), row(topic("product_quality"), urgency="normal")
    lost, conflicts = join(local, [hit("r1", "safety")], asked, Trust())
    assert [one["topic"] for one in lost["topics"]] == ["product_quality"] and lost["urgency"] == "normal"
    assert [(one["target"], one["local_by"], one["local_says"], one["winner"]) for one in conflicts] == [
        ("product_quality", "classifier", False, "model"), ("safety", "r1", True, "model"),
    ]
    won, conflicts = join(local, [hit("r1", "safety")], asked, Trust(rules=frozenset({"r1"})))
    assert [one["topic"] for one in won["topics"]] == ["safety", "product_quality"] and (won["primary_topic"], won["urgency"]) == ("safety", "critical")
    assert {one["target"]: one["winner"] for one in conflicts} == {"safety": "rule", "product_quality": "model"}
    assert asked["topics"] == [topic("product_quality")], "what the model said is left as it was"


def test_a_return_code_joins_and_is_no_conflict_and_other_gives_way() -> None:
    local = row(topic("sizing_issue", 0.95))
    found, conflicts = join(local, [hit("code:too_small", "sizing_issue", start=-1)], row(topic("other")), Trust())
    assert [one["topic"] for one in found["topics"]] == ["sizing_issue"] and conflicts == []


def test_tags_of_proven_rules_are_added() -> None:
    local, asked = row(topic("praise"), risk_tags=["fraud_like", "churn_risk"]), row(topic("praise"), risk_tags=[])
    hits = [hit("r1", "fraud_like", kind="risk_tag"), hit("r2", "churn_risk", kind="risk_tag")]
    assert join(local, hits, asked, Trust())[0]["risk_tags"] == []
    found, conflicts = join(local, hits, asked, Trust(rules=frozenset({"r1", "r2"})))
    assert sorted(found["risk_tags"]) == ["churn_risk", "fraud_like"] and {one["winner"] for one in conflicts} == {"rule"}


@pytest.mark.parametrize(("fired", "right", "trusted"), [(RULE_REVIEWED - 1, RULE_REVIEWED - 1, False), (20, 19, True), (20, 18, False), (40, 38, True)])
def test_a_rule_is_proven_by_reviewed_records_alone(fired: int, right: int, trusted: bool) -> None:
    reviewed = [(Label({}, (hit("r1", "safety"),)), frozenset({"safety"} if number < right else {"praise"})) for number in range(fired)]
    assert (trusted_rules(reviewed) == {"r1"}) is trusted


def test_bands_are_calibrated_from_enough_reviewed_replies_and_marked_before() -> None:
    said = [({"safety": "high"}, frozenset({"safety"} if number % 2 else {"praise"})) for number in range(CALIBRATED_FROM)]
    before = trust_of([], said[:-1])
    assert (before.basis, before.confidence_of(0.9)) == ("uncalibrated", 0.9)
    after = trust_of([], said)
    assert after.basis == "calibrated" and after.digest != before.digest
    assert after.confidence_of(0.9) == pytest.approx(0.7, abs=0.01), "high is right in half the cases, and no less than what medium stands for"
    bands = calibrated_bands(said)
    assert bands["low"] <= bands["medium"] <= bands["high"]
