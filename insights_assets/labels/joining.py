"""Joining: one label out of what rules and classifier said and what the language model said, with who won where they differ.

Belongs here: pure functions over one record. Does not belong here: which records are asked (`routing`), how far each side is trusted (`trust`).

The model's label stands. A rule's word against it stands only where people who reviewed found that rule right in 95 of 100 cases. A return code
is no opinion about words: the customer ticked it, and the model was not shown it, so it joins the model's topics as it joins the local ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insights_assets.labels.label_set import topic_rank
from insights_assets.labels.rules import RISK_TAG, TOPIC
from insights_assets.labels.trust import Trust
from insights_assets.labels.urgency import ORDER

CLASSIFIER, MODEL, RULE = "classifier", "model", "rule"


def join(local: Mapping[str, Any], hits: Sequence[Mapping[str, Any]], asked: Mapping[str, Any], trust: Trust) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The record's label, and a row for each topic or tag that only one side named.

    `local` and `asked` are rows of labels of the same record, `hits` the rules that fired on it.
    """
    row = dict(asked)
    topics = [{**one, "confidence": trust.confidence_of(one["confidence"])} for one in asked["topics"]]
    said, known = {one["topic"] for one in topics}, {one["topic"]: one for one in local["topics"]}
    rule_of = _rules_by_target(hits, TOPIC)
    conflicts = []
    for name in sorted((said ^ known.keys()) - {"other"}):
        rule = rule_of.get(name)
        is_code = rule is not None and rule["start"] < 0
        wins = name in known and rule is not None and (is_code or rule["rule_id"] in trust.rules)
        if wins:
            topics.append(dict(known[name]))
        if not is_code:
            by = rule["rule_id"] if rule is not None and name in known else CLASSIFIER
            conflicts.append(_conflict(local, TOPIC, name, by, name in known, RULE if wins else MODEL))
    tag_rules = _rules_by_target(hits, RISK_TAG)
    tags = set(asked["risk_tags"])
    for name in sorted(tags ^ set(local["risk_tags"])):
        rule = tag_rules.get(name)
        wins = name not in tags and rule is not None and rule["rule_id"] in trust.rules
        if wins:
            row["risk_tags"] = [*row["risk_tags"], name]
        by = rule["rule_id"] if rule is not None and name not in tags else CLASSIFIER
        conflicts.append(_conflict(local, RISK_TAG, name, by, name not in tags, RULE if wins else MODEL))
    if len(topics) > len(asked["topics"]):
        topics = [one for one in topics if one["topic"] != "other"]
        # What a trusted rule added presses as it pressed before the model was asked.
        row["urgency"] = max(asked["urgency"], local["urgency"], key=lambda word: ORDER[word])
    topics.sort(key=lambda one: topic_rank(one["topic"]))
    row.update(topics=topics, primary_topic=topics[0]["topic"], confidence=topics[0]["confidence"])
    return row, conflicts


def _rules_by_target(hits: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Mapping[str, Any]]:
    """The rule that named each target; where several did, one that has a place in the text."""
    found: dict[str, Mapping[str, Any]] = {}
    for hit in sorted(hits, key=lambda one: one["start"]):
        if hit["kind"] == kind:
            found[hit["target"]] = hit
    return found


def _conflict(local: Mapping[str, Any], kind: str, target: str, by: str, local_says: bool, winner: str) -> dict[str, Any]:
    return {"feedback_id": local["feedback_id"], "kind": kind, "target": target, "local_by": by, "local_says": local_says, "model_says": not local_says, "winner": winner}
