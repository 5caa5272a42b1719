"""What the cascade's steps say of the records that people reviewed: the local path with its rules, and the model by its stored replies.

Belongs here: putting reviewed records beside both. Does not belong here: what follows from it (`trust`, `prompt_evaluation`). Nothing is sent: a
record that was never asked about under the present prompt has no reply here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from insights_assets.labels.fields import text_of
from insights_assets.labels.model.defence import prepare
from insights_assets.labels.reviewed import last_correction, reviewed_records

if TYPE_CHECKING:
    from insights_assets.labels.cascade import Label, Labeller
    from insights_assets.labels.model.client import ModelClient
    from insights_assets.labels.model.request import Candidates, LabelPrompt
    from insights_assets.resources.step import Step

Right = frozenset[str]


def replies_about(
    step: Step, labeller: Labeller, client: ModelClient, prompt: LabelPrompt, candidates: Candidates
) -> tuple[list[tuple[Label, Right]], list[tuple[Mapping[str, str], Right]]]:
    """(local label, right topics) of every reviewed record off the golden side, and ({topic: band}, right topics) of those with a stored reply that holds."""
    # The golden side judges prompts and classifiers; what it is judged by must not shape what is judged.
    known = [one for one in reviewed_records(step, last_correction(step.operations)) if one.side != "golden"]
    if not known:
        return [], []
    local = [(label, frozenset(one.right)) for label, one in zip(labeller.label_records([one.record for one in known]), known, strict=True)]
    questions: dict[str, tuple[Any, Right]] = {}
    for one in known:
        text = prepare(str(one.record["text"]))
        if text.says_something:
            question = prompt.question(text, text_of(one.record.get("language")), candidates.of(text.plain))
            questions[question.cache_key] = (question, frozenset(one.right))
    said = []
    for key, row in sorted(client.replies.known(questions, client.time.now()).items()):
        question, right = questions[key]
        judged = question.judge(row.content) if row.content is not None else None
        if judged is not None and judged.value is not None:
            said.append(({topic.topic: topic.band for topic in judged.value.topics}, right))
    return local, said
