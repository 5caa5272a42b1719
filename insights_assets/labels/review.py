"""What reviewers said (R85, R143): their answers as corrections, which answer stands, and what of it measures the labels.

Belongs here: pure functions over corrections, which are few, append-only, and hold what was asked (the label as it was shown, its
versions, how the record was picked) beside what was answered. Does not belong here: picking records (`review_sampling.py`),
sheets (`review_sheet.py`), figures (`evaluation.py`, `review_report.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from insights_assets.labels.evaluation import Judged

if TYPE_CHECKING:
    from insights_assets.resources.operations.models import Activation, Correction

#: Fields of a label that a reviewer answers.
FIELDS = ("topics", "sentiment", "urgency")
#: Says that no topic fits; it is none itself, and is neither found nor missed.
NO_TOPIC = frozenset({"other"})
#: What is kept with an answer of the row that was asked about.
_ASKED = (
    "stratum", "stratum_size", "is_blind", "source", "channel", "language", "prompt_version", "label_set_version", "sheet",
)  # fmt: skip


def correction_rows(queue: Iterable[Mapping[str, Any]], answers: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a reviewer's answers are as corrections: per record and answered field the right value, beside what the label said.

    `answers`: feedback_id -> {"topics": [...]} and, where they were asked for, "sentiment", "urgency", "reason". A record whose
    label was right is a correction too: it confirms.
    """
    rows = []
    for item in queue:
        answer = answers.get(item["feedback_id"])
        if answer is None:
            continue
        asked = {"weight": item["inclusion_weight"], "model_version": item["model_version"]}
        asked |= {name: item[name] for name in _ASKED if item.get(name) is not None}
        if item.get("reason") is not None:
            asked["asked"] = item["reason"]
        for name in FIELDS:
            if name not in answer:
                continue
            said = dict(asked)
            if name == "topics" and item.get("topics") is not None:
                said["topics"] = sorted(item["topics"])
                if item.get("confidences") is not None:
                    said["confidences"] = {topic: round(float(sure), 4) for topic, sure in zip(item["topics"], item["confidences"], strict=True)}
            elif name != "topics" and item.get(name) is not None:
                said[name] = item[name]
            value = sorted(answer[name]) if name == "topics" else answer[name]
            rows.append({"feedback_id": item["feedback_id"], "field": name, "value": value, "previous_value": said, "reason": answer.get("reason")})
    return rows


@dataclass(frozen=True)
class Standing:
    """What is known of one reviewed record: the answers in force, each reviewer's own, and the asking that measures.

    `answers`: field -> correction in force, the newest of those nobody took back. `asked`: what was stored with the newest random
    asking, else with the first asking of a label.
    """

    feedback_id: str
    answers: Mapping[str, Correction]
    by_reviewer: Mapping[str, Mapping[str, Correction]]
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> frozenset[str] | None:
        """The right topics; `other` names none of them and stays in, as reviewers gave it."""
        return frozenset(self.answers["topics"].value["value"]) if "topics" in self.answers else None


def standing(corrections: Iterable[Correction]) -> dict[str, Standing]:
    """feedback_id -> what stands, for every record with an answer in force. A value of None takes a reviewer's answer back."""
    newest: dict[str, dict[tuple[str, str], Correction]] = {}
    asked: dict[str, Mapping[str, Any]] = {}
    for row in corrections:
        newest.setdefault(row.feedback_id, {})[row.field, row.corrected_by] = row
        before = (row.previous_value or {}).get("value")
        if row.field != "topics" or not isinstance(before, Mapping) or "topics" not in before:
            continue
        if row.feedback_id not in asked or float(before.get("weight", 1.0)) > 0:
            asked[row.feedback_id] = before
    found = {}
    for feedback_id, given in newest.items():
        kept = {key: row for key, row in given.items() if row.value.get("value") is not None}
        if not kept:
            continue
        answers: dict[str, Correction] = {}
        people: dict[str, dict[str, Correction]] = {}
        for (name, by), row in sorted(kept.items(), key=lambda entry: entry[1].correction_id):
            answers[name] = row
            people.setdefault(by, {})[name] = row
        found[feedback_id] = Standing(feedback_id, answers, people, asked.get(feedback_id, {}))
    return found


def values_in_force(corrections: Iterable[Correction]) -> dict[str, dict[str, Any]]:
    """feedback_id -> field -> the corrected value that labels take over."""
    return {one: {name: row.value["value"] for name, row in found.answers.items()} for one, found in standing(corrections).items()}


def readers(corrections: Iterable[Correction]) -> dict[str, int]:
    """How many people read each record, by answers that stand."""
    return {one: sum("topics" in fields for fields in found.by_reviewer.values()) or 1 for one, found in standing(corrections).items()}


def still_to_read(queue: Iterable[Mapping[str, Any]], corrections: Iterable[Correction], by: str) -> list[Mapping[str, Any]]:
    """Rows of a queue that are still to be read, by this person: nobody's answer stands, or one of another person on a repeat."""
    found = standing(corrections)
    out = []
    for row in queue:
        one = found.get(row["feedback_id"])
        people = set(one.by_reviewer) if one is not None else set()
        if (row.get("reason") == "repeat" and by not in people and len(people) < 2) or not people:
            out.append(row)
    return out


@dataclass(frozen=True)
class Measured:
    """A record of the random part: what the label said when it was asked about, what is right, how many records it stands for."""

    feedback_id: str
    said: frozenset[str]
    right: frozenset[str]
    weight: float
    version: str | None
    asked: Mapping[str, Any]

    @property
    def judged(self) -> Judged:
        return Judged(self.said, self.right, self.weight)


def measured(rows: Iterable[Correction], promoted: Mapping[str, frozenset[str]], active: Activation | None) -> list[Measured]:
    """Every reviewed record with what its label said, by record; those picked for their doubt have weight 0.

    Once a promotion is in force, what older versions said does not count against it: their reviewed records count with what the
    new version says of them (`promoted`: those it was not trained on), or not at all.
    """
    found: list[Measured] = []
    records = standing(rows)
    weights = _weights(records.values())
    for one in records.values():
        if one.right is None or "topics" not in one.asked:
            continue
        said, version, asked = frozenset(one.asked["topics"]) - NO_TOPIC, one.asked.get("model_version"), one.asked
        if active is not None and version != active.version:
            if one.feedback_id not in promoted:
                continue
            # How sure the new version is of them is not kept, so nothing is said of its calibration by them.
            said, version, asked = promoted[one.feedback_id] - NO_TOPIC, active.version, {**asked, "confidences": None}
        weight = float(asked.get("weight", 1.0))
        if weight > 0 and asked.get("stratum_size"):
            weight = weights[str(asked["stratum"])]
        found.append(Measured(one.feedback_id, said, one.right - NO_TOPIC, weight, version, asked))
    return found


def _weights(records: Iterable[Standing]) -> dict[str, float]:
    """What a random record of each topic stands for, by how many drawn ones are answered so far: a half-done round is no whole one."""
    answered: dict[str, int] = {}
    size: dict[str, float] = {}
    for one in records:
        if one.right is not None and float(one.asked.get("weight", 1.0)) > 0 and one.asked.get("stratum_size"):
            name = str(one.asked["stratum"])
            answered[name] = answered.get(name, 0) + 1
            size[name] = max(size.get(name, 0.0), float(one.asked["stratum_size"]))
    return {name: round(size[name] / count, 4) for name, count in answered.items()}


def corrected_topics(topics: Sequence[Mapping[str, Any]], right: Sequence[str]) -> list[dict[str, Any]]:
    """A label's topics as a person put them right: kept ones keep their quote, new ones have none, all are certain."""
    known = {topic["topic"]: topic for topic in topics}
    out = []
    for name in right:
        if name == "other":
            continue
        kept = known.get(name)
        base = dict(kept) if kept is not None else {"topic": name, "quote": None, "start": None, "end": None, "sentiment": "positive" if name == "praise" else "negative"}
        out.append({**base, "confidence": 1.0})
    return out
