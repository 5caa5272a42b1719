"""Reading labels under another label set: which topic of it takes over from each one, and a label's row in its words.

Belongs here: pure functions, and the one mapping of topics between label sets (`topics_in`). Rules, classifier and earlier reviews go on naming the topics they were made for; what they say is read in the words of the set that is in
force, in a preview as in a run. Does not belong here: which set is in force (`prompt_versions`), the sets themselves (`label_set`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from insights_assets.labels.label_set import LabelSet, topic_rank, topics_ever
from insights_assets.labels.rules import TOPIC

if TYPE_CHECKING:
    from insights_assets.resources.operations.models import Correction


def names_in(label_set: LabelSet, topics: Iterable[str]) -> dict[str, str | None]:
    """Where each of some topics is found in a label set; None where it is gone."""
    known = {topic.topic for topic in label_set.topics}
    return {topic: (label_set.current(topic) if topic in known else None) for topic in topics}


def topics_in(label_set: LabelSet, topics: Iterable[str]) -> tuple[str, ...]:
    """Topics of any label set in the words of this one: each as what took over from it, once, in their order; those that are gone are left out."""
    named = tuple(topics)
    names = names_in(label_set, named)
    return tuple(dict.fromkeys(now for topic in named if (now := names[topic]) is not None))


@dataclass(frozen=True, slots=True)
class Reworded:
    """A correction whose topics are read in the words of another label set; everything else is the stored row's."""

    correction_id: int
    feedback_id: str
    field: str
    value: Mapping[str, Any]
    previous_value: Mapping[str, Any] | None
    reason: str | None
    corrected_by: str
    corrected_at: datetime
    corrected_through: str


def reworded(row: Correction, label_set: LabelSet) -> Correction:
    """What a reviewer said, and what they were asked about, in the words of a label set.

    An answer none of whose topics is left says nothing in these words: it counts as taken back, so the record is neither right nor wrong by it.
    """
    if row.field != "topics":
        return row
    value, before = row.value.get("value"), (row.previous_value or {}).get("value")
    now = list(topics_in(label_set, value)) if value else value
    asked = _asked_in(label_set, before) if isinstance(before, Mapping) else before
    if now == value and asked == before:
        return row
    previous = {**row.previous_value, "value": asked} if row.previous_value is not None else None
    copy = Reworded(
        row.correction_id, row.feedback_id, row.field, {**row.value, "value": (now or None) if value else value}, previous, row.reason, row.corrected_by, row.corrected_at,
        row.corrected_through,
    )
    return cast("Correction", copy)


def _asked_in(label_set: LabelSet, before: Mapping[str, Any]) -> dict[str, Any]:
    """The label as it was shown; of topics that became one the surer word counts."""
    found = dict(before)
    if found.get("topics") is not None:
        found["topics"] = list(topics_in(label_set, found["topics"]))
    if found.get("confidences"):
        sure: dict[str, float] = {}
        for topic, confidence in found["confidences"].items():
            for now in topics_in(label_set, [topic]):
                sure[now] = max(sure.get(now, 0.0), float(confidence))
        found["confidences"] = sure
    return found


def names_of_classifier(topics: Sequence[str], label_set: LabelSet) -> dict[str, str | None]:
    """Where a classifier's topics, and those of the set itself, are found. One that no version of the label set ever had is a mistake, not a topic that was dropped."""
    known = {one.topic for one in label_set.topics}
    unheard_of = {topic for topic in set(topics) - known if topic not in topics_ever()}
    if unheard_of:
        raise ValueError(f"the classifier knows topics that no label set has: {sorted(unheard_of)}")
    return names_in(label_set, {*topics, *known})


def successors(old: LabelSet, new: LabelSet) -> dict[str, str | None]:
    """Where each topic in use today is found in the new set; None where it is gone."""
    return names_in(new, old.topic_ids)


def fresh_topics(old: LabelSet, new: LabelSet) -> tuple[str, ...]:
    """Topics that only the new set has, and that take over from no topic of the old one."""
    taken = set(successors(old, new).values())
    return tuple(topic for topic in new.topic_ids if topic not in old.topic_ids and topic not in taken)


def renamed_row(row: Mapping[str, Any], names: Mapping[str, str | None], tags: frozenset[str]) -> dict[str, Any]:
    """A label as the new set would have it. Topics that became one keep the surer word; where none is left the record is about `other`."""
    kept: dict[str, dict[str, Any]] = {}
    for one in row["topics"] or ():
        name = names.get(one["topic"])
        if name is not None and (name not in kept or kept[name]["confidence"] < one["confidence"]):
            kept[name] = {**one, "topic": name}
    if not kept:
        first = (row["topics"] or [{"confidence": 0.0, "quote": None, "start": None, "end": None, "sentiment": row["sentiment"]}])[0]
        kept["other"] = {**first, "topic": "other"}
    topics = sorted(kept.values(), key=lambda one: (topic_rank(one["topic"]), -one["confidence"], one["topic"]))
    return {
        **row, "topics": topics, "primary_topic": topics[0]["topic"], "confidence": topics[0]["confidence"],
        "risk_tags": [tag for tag in row["risk_tags"] or () if tag in tags],
    }


def in_words_of(
    row: Mapping[str, Any], fired: Sequence[dict[str, Any]], names: Mapping[str, str | None], tags: frozenset[str]
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """A label and the rules that fired on it, as the set would have them: a rule for a topic that is gone names nothing."""
    targets = [names.get(one["target"]) if one["kind"] == TOPIC else one["target"] for one in fired]
    return renamed_row(row, names, tags), tuple({**one, "target": target} for one, target in zip(fired, targets, strict=True) if target is not None)
