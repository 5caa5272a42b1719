"""Questions and answers: what is asked of a model, and what comes back, whoever carries it (single requests or a batch).

Belongs here: those types and what a question may use at most. Does not belong here: building one (`request`), sending it (`client`, `batch`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from insights_assets.labels.model.outcomes import Outcome

_READS_A_TOKEN = 3  # bytes; English has four or more, so an estimate is above what is counted


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reply's content is worth: a value when it is `ok`."""

    outcome: Outcome
    value: Any = None
    detail: str | None = None


@dataclass(frozen=True)
class Question:
    """One request: the body as it is sent, and how its reply is judged. Equal keys are equal questions."""

    cache_key: str
    task: str
    prompt_version: str
    body: Mapping[str, Any]
    judge: Callable[[str], Judged]
    subjects: frozenset[str] = frozenset()

    @property
    def estimate_tokens(self) -> int:
        """What it may use at most, by bytes and the longest reply allowed."""
        written = len(json.dumps(self.body, ensure_ascii=False).encode())
        return written // _READS_A_TOKEN + 1 + self.longest_reply_tokens

    @property
    def longest_reply_tokens(self) -> int:
        return int(self.body.get("max_completion_tokens") or self.body.get("max_tokens") or 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. `value` is there when the outcome is ok."""

    cache_key: str
    outcome: Outcome
    value: Any = None
    detail: str | None = None
    snapshot: str | None = None
    was_stored: bool = False
