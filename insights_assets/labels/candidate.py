"""The candidate's turn: it labels the reviewed records it was not trained on, and is held against the active version.

Belongs here: reading the sample, labelling it with both versions, keeping the gate's answer where later steps find it. Does not
belong here: the statistics (`comparison.py`), bringing a version into force (`models.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import PRODUCTS
from insights_assets.labels.comparison import Comparison, Paired, compare
from insights_assets.labels.models import active_version, candidate_version, model_file, versions_in_force
from insights_assets.labels.reviewed import Reviewed, reviewed_records

if TYPE_CHECKING:
    from insights_assets.labels.cascade import Labeller
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.step import Step

#: Fact of the home: what was trained last, on which corrections (JSON).
TRAINED = "learning:trained"
#: The tick under which the gate's answers are kept.
GATE_TICK = "candidate_gate"


def gate_fact(version: str) -> str:
    """Name of the fact that keeps the gate's answer for a version (JSON)."""
    return f"gate:{version}"


def waiting_candidate(operations: Operations) -> str | None:
    """The newest candidate, as long as it never came into force; after a rollback it does not come back by itself."""
    version = candidate_version(operations)
    return version if version is not None and version not in versions_in_force(operations) else None


def gate_answer(operations: Operations, version: str) -> dict[str, Any] | None:
    """What the gate said of a version; None where it was not asked yet."""
    stored = operations.facts.get(gate_fact(version))
    found: dict[str, Any] | None = json.loads(stored) if stored else None
    return found


def judge_candidate(step: Step) -> tuple[list[dict[str, Any]], Comparison] | None:
    """Rows of `label_candidates` and the comparison; None where no candidate waits. The answer is kept as fact and tick."""
    from insights_assets.labels.build import labeller_of
    from insights_assets.labels.cascade import Labeller
    from insights_assets.labels.classifier import Classifier
    from insights_assets.labels.prompt_versions import active_label_set
    from insights_assets.labels.rules import load_rules

    version = waiting_candidate(step.operations)
    if version is None:
        return None
    trained = json.loads(step.operations.facts.get(TRAINED) or "{}")
    through = int(trained.get("last_correction_id", 0))
    sample = [one for one in reviewed_records(step, through) if one.side == "golden" and one.weight > 0]
    candidate = Labeller(active_label_set(step.operations), load_rules(), Classifier.load(model_file(step.settings.home, version)), step.read_pandas(PRODUCTS))
    said, said_now = topics_of(candidate, sample), topics_of(labeller_of(step), sample)
    active = active_version(step.settings.home, step.operations)
    right = [frozenset(one.right) - {"other"} for one in sample]
    found = compare([Paired(new, old, truth) for new, old, truth in zip(said, said_now, right, strict=True)], step.shop.policy.learning.trust.records)
    rows = [
        {
            "feedback_id": one.feedback_id, "model_version": version, "active_version": active, "topics": sorted(new), "active_topics": sorted(old),
            "right_topics": sorted(truth), "is_right": new == truth, "is_active_right": old == truth, "last_correction_id": through, "run_id": step.run_id,
        }
        for one, new, old, truth in zip(sample, said, said_now, right, strict=True)
    ]
    answer = {"answer": found.answer, "reason": found.reason, "active_version": active, "last_correction_id": through, "better": found.better, "worse": found.worse}
    if gate_answer(step.operations, version) != answer:
        step.operations.facts.put(gate_fact(version), json.dumps(answer))
        step.operations.ticks.record(GATE_TICK, found.answer == "pass", f"{version}: {found.answer.replace('_', ' ')}: {found.reason}", details={"version": version, **answer})
    return rows, found


def topics_of(labeller: Labeller, sample: Sequence[Reviewed]) -> list[frozenset[str]]:
    """What a labeller says of reviewed records: topics, `other` (which is none) left out."""
    labels = labeller.label_records([one.record for one in sample])
    return [frozenset(topic["topic"] for topic in label.row["topics"]) - {"other"} for label in labels]
