"""The records that people reviewed, with their text, the right topics and their side: what a candidate learns from and is judged by.

Belongs here: one way to read them, for the candidate's gate here and the training set of `learning`, so that both agree on who is
on which side. Does not belong here: training, judging.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.prompt_versions import active_label_set
from insights_assets.labels.renaming import reworded
from insights_assets.labels.review import standing
from insights_assets.labels.splits import Side, groups, side_of
from insights_assets.labels.tables import FEEDBACK_LABELS

if TYPE_CHECKING:
    from insights_assets.labels.label_set import LabelSet
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.models import Correction
    from insights_assets.resources.step import Step


@dataclass(frozen=True)
class Reviewed:
    """One reviewed record. `record` has what a label is made from; `said` is what the label said when it was reviewed, if known."""

    record: Mapping[str, Any]
    right: tuple[str, ...]
    said: tuple[str, ...] | None
    sentiment: str
    group: str
    weight: float

    @property
    def feedback_id(self) -> str:
        return str(self.record["feedback_id"])

    @property
    def side(self) -> Side:
        return side_of(self.group)

    @property
    def contradicts(self) -> bool:
        """The reviewer put the label right rather than confirming it."""
        return self.said is None or set(self.said) != set(self.right)


def corrections_in_words(operations: Operations, label_set: LabelSet | None = None) -> list[Correction]:
    """Every correction, its topics in the words of a label set (default: the one in force). What training, evaluation and quality tables read."""
    wanted = label_set or active_label_set(operations)
    return [reworded(row, wanted) for row in operations.corrections.all()]


def last_correction(operations: Operations) -> int:
    """The newest correction's id; 0 without any."""
    rows = operations.corrections.all()
    return rows[-1].correction_id if rows else 0


def reviewed_records(step: Step, through: int, label_set: LabelSet | None = None) -> list[Reviewed]:
    """Every reviewed record with text, by corrections up to `through`, in order of id. They are few, so the driver holds them.

    Topics are in the words of `label_set`, by default of the one in force.
    """
    given = standing(row for row in corrections_in_words(step.operations, label_set) if row.correction_id <= through)
    topics = {one: found for one, found in given.items() if found.right is not None}
    if not topics:
        return []
    from insights_assets.labels.build import INPUTS

    wanted = step.lake.spark.createDataFrame([(one,) for one in sorted(topics)], "feedback_id string")
    columns = ("feedback_id", *INPUTS, "customer_key", "text_hash", "duplicate_group")
    feedback = step.read(FEEDBACK).where("text IS NOT NULL").select(*columns).join(wanted, "feedback_id", "left_semi")
    tones = step.read(FEEDBACK_LABELS).select("feedback_id", "sentiment").join(wanted, "feedback_id", "left_semi").toArrow().to_pylist()
    tone = {row["feedback_id"]: row["sentiment"] for row in tones}
    records = sorted(feedback.toArrow().to_pylist(), key=lambda row: row["feedback_id"])
    tied = groups((_key("customer", row["customer_key"]), _key("text", row["text_hash"]), _key("copies", row["duplicate_group"]), row["feedback_id"]) for row in records)
    found = []
    for record, group in zip(records, tied, strict=True):
        own = topics[record["feedback_id"]]
        fields, before = own.answers, own.asked
        sentiment = fields["sentiment"].value["value"] if "sentiment" in fields else tone.get(record["feedback_id"]) or "neutral"
        found.append(Reviewed(
            record, tuple(sorted(own.right or ())), tuple(sorted(before["topics"])) if "topics" in before else None, str(sentiment), group,
            float(before.get("weight", 1.0)),
        ))  # fmt: skip
    return found


def _key(kind: str, value: str | None) -> str | None:
    return f"{kind}:{value}" if value else None
