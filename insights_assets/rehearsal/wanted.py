"""Which preview is wanted: a word a person left in the operational database, which the asset reads at its next run.

Belongs here: leaving it, reading it, the default, which preview answered. Loops close through the operational database: the command asks, the job answers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from insights_assets.labels.candidate import waiting_candidate
from insights_assets.rehearsal.change import CANDIDATE
from insights_assets.rehearsal.preview import DAYS, SAMPLE

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations

JOB = "change_preview"
_FACT, _TOLD = "preview:wanted", "preview:told"


@dataclass(frozen=True)
class Wanted:
    """A change by its word, how many texts may be asked about, how many days are judged again."""

    word: str
    sample: int = SAMPLE
    days: int = DAYS


def ask_for(operations: Operations, wanted: Wanted) -> None:
    """Leave what is wanted."""
    operations.facts.put(_FACT, json.dumps(asdict(wanted), sort_keys=True))


def tell(operations: Operations, preview_id: str) -> None:
    """Leave which preview answered."""
    operations.facts.put(_TOLD, preview_id)


def what_was_told(operations: Operations) -> str | None:
    """The preview that answered last."""
    return operations.facts.get(_TOLD)


def what_is_wanted(operations: Operations) -> Wanted | None:
    """What was asked for last; else the classifier that waits for its gate; None where there is neither."""
    stored = operations.facts.get(_FACT)
    if stored:
        return Wanted(**json.loads(stored))
    return Wanted(CANDIDATE) if waiting_candidate(operations) is not None else None
