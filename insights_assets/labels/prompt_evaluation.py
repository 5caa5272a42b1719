"""Evaluating a prompt: what a version says of the reviewed records that nothing learns from, beside the version in force, and the gate's answer.

Belongs here: asking about the golden side, figures by topic, outcomes, cost, the gate and where its answer is kept. Does not belong here: the
statistics (`evaluation`, `comparison`), bringing a version into force (`prompt_versions`).
Replies are kept like any others, so evaluating twice is paid once, and a promotion afterwards finds them. What a vendor refused or what could not be
asked says nothing of the prompt and is counted apart; a reply that does not hold is the prompt's fault and counts as a record without topics.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from insights_assets.labels.comparison import Comparison, Paired, compare
from insights_assets.labels.evaluation import Gate, Judged, Quality, gate, micro, quality
from insights_assets.labels.model.label import ModelLabel, label_texts
from insights_assets.labels.model.outcomes import Outcome
from insights_assets.labels.model.request import Candidates, LabelPrompt
from insights_assets.labels.renaming import fresh_topics, topics_in

if TYPE_CHECKING:
    from insights_assets.labels.label_set import LabelSet
    from insights_assets.labels.model.client import ModelClient
    from insights_assets.labels.reviewed import Reviewed
    from insights_assets.resources.operations import Operations

_FAULTS_OF_THE_PROMPT = frozenset({Outcome.INVALID_JSON, Outcome.OFF_SCHEMA, Outcome.QUOTE_MISMATCH, Outcome.TRUNCATED})


@dataclass(frozen=True)
class PromptEvaluation:
    """How right one version is. `failed_topics`: topic -> why; `compared`: against the version in force, None where it is that one."""

    version_id: str
    answer: Gate
    reason: str
    records: int
    qualities: tuple[Quality, ...]
    gates: dict[str, tuple[Gate, str]]
    failed_topics: dict[str, str]
    outcomes: dict[str, int]
    calls: int
    cost: float
    currency: str
    compared: Comparison | None = None
    #: Topics that only this version's label set has: no reviewer could have chosen them, so nothing is said of them.
    unjudged_topics: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """For programs."""
        rows = [{**asdict(one), "f1": one.f1, "gate": self.gates[one.topic][0], "reason": self.gates[one.topic][1]} for one in self.qualities]
        return {
            "version_id": self.version_id, "answer": self.answer, "reason": self.reason, "records": self.records, "topics": rows, "failed_topics": self.failed_topics,
            "outcomes": self.outcomes, "calls": self.calls, "cost": self.cost, "currency": self.currency,
            "compared": asdict(self.compared) if self.compared is not None else None, "unjudged_topics": list(self.unjudged_topics),
        }


def golden(reviewed: Sequence[Reviewed]) -> list[Reviewed]:
    """The records that a prompt is judged by: the side nothing learns from, with a weight."""
    return [one for one in reviewed if one.side == "golden" and one.weight > 0]


def evaluate(client: ModelClient, prompt: LabelPrompt, sample: Sequence[Reviewed], candidates: Candidates, active: LabelPrompt | None = None) -> PromptEvaluation:
    """Ask about the sample and judge the answers; `active` is asked too where it is another version.

    A prompt may be written for a label set that is not in force. The sample's topics are then in that set's words (`reviewed_records`), and so is what the
    active version says.
    """
    own = prompt.label_set
    unjudged = fresh_topics(active.label_set, own) if active is not None else ()
    answered = _answers(client, prompt, sample, candidates)
    said = {one.feedback_id: _topics(one, own, unjudged) for one in answered}
    judged = [Judged(topics, _right(one), one.weight) for one in sample if (topics := said.get(one.feedback_id)) is not None]
    limits = prompt.prompt.front_matter["gates"]
    names = [topic for topic in own.topic_ids if topic != "other" and topic not in unjudged]
    found = (*quality(judged, names), micro(judged))
    gates = {
        one.topic: gate(one, precision_low=float(limits["precision_low"]), recall_low=float(limits["recall_low"]), reviewed=int(limits["minimum_reviewed"])) for one in found
    }
    compared = None
    if active is not None and active.prompt.version_id != prompt.prompt.version_id:
        before = {one.feedback_id: _topics(one, own, unjudged) for one in _answers(client, active, sample, candidates)}
        pairs = [
            Paired(new, old, _right(one)) for one in sample
            if (new := said.get(one.feedback_id)) is not None and (old := before.get(one.feedback_id)) is not None
        ]
        compared = compare(pairs, int(limits["minimum_reviewed"]))
    failed = {topic: reason for topic, (answer, reason) in gates.items() if answer == "fail"}
    failed |= compared.worse_topics if compared is not None else {}
    answer, reason = _verdict(gates["micro"], failed, compared)
    # The active version's calls are in the same ledger; only those of this one are its cost.
    calls = [row for row in client.ledger.calls(run_id=client.run_id) if row.prompt_version == prompt.prompt.version_id]
    return PromptEvaluation(
        prompt.prompt.version_id, answer, reason, len(judged), found, gates, failed, dict(sorted(Counter(one.outcome.value for one in answered).items())), len(calls),
        round(sum(row.cost for row in calls), 6), client.prices.currency, compared, unjudged,
    )


def _verdict(whole: tuple[Gate, str], failed: dict[str, str], compared: Comparison | None) -> tuple[Gate, str]:
    """Fail names its topics; a version that is merely no better than the one in force does not fail for that."""
    if failed:
        return "fail", "; ".join(f"{topic}: {reason}" for topic, reason in sorted(failed.items()))
    if whole[0] == "pass" and compared is not None:
        return "pass", f"{whole[1]}; {compared.reason}"
    return whole


def _answers(client: ModelClient, prompt: LabelPrompt, sample: Sequence[Reviewed], candidates: Candidates) -> list[ModelLabel]:
    return list(label_texts((one.record for one in sample), client, prompt, candidates, rules_version="none"))


def _right(one: Reviewed) -> frozenset[str]:
    return frozenset(one.right) - {"other"}


def _topics(label: ModelLabel, label_set: LabelSet, unjudged: Collection[str]) -> frozenset[str] | None:
    """What a version says of a record, in the words of a label set; None where its answer is no fault of its own."""
    if label.row is not None:
        return frozenset(topics_in(label_set, (topic["topic"] for topic in label.row["topics"]))) - {"other", *unjudged}
    return frozenset() if label.outcome in _FAULTS_OF_THE_PROMPT else None


# -- the gate's answer is kept -------------------------------------------------------------------------------------------


def keep(operations: Operations, found: PromptEvaluation) -> None:
    """Keep the answer where a promotion finds it."""
    told = {"answer": found.answer, "reason": found.reason, "records": found.records, "failed_topics": found.failed_topics}
    operations.facts.put(_fact(found.version_id), json.dumps(told, sort_keys=True))


def kept(operations: Operations, version_id: str) -> dict[str, Any] | None:
    """What the last evaluation of a version said; None where there was none."""
    stored = operations.facts.get(_fact(version_id))
    found: dict[str, Any] | None = json.loads(stored) if stored else None
    return found


def _fact(version_id: str) -> str:
    return f"prompt_gate:{version_id}"
