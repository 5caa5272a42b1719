"""A finding of a change preview: one thing that would be other than it is, in figures and in a sentence.

Belongs here: the type, its row, the words intervals are told in. Does not belong here: finding anything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from insights_assets.actions import wording

if TYPE_CHECKING:
    from insights_assets.rehearsal.trends import Week

#: In the order a person reads them.
KINDS = ("summary", "flip", "trend", "insight", "ticket", "cost")
FindingKind = Literal["summary", "flip", "trend", "insight", "ticket", "cost"]


@dataclass(frozen=True)
class Finding:
    """`answer` is one word out of few; `words` one sentence. What does not apply is None."""

    finding: FindingKind
    subject: str
    answer: str
    words: str
    count: int | None = None
    share: float | None = None
    low: float | None = None
    high: float | None = None
    before: float | None = None
    after: float | None = None
    sampled_count: int | None = None
    population_count: int | None = None
    calls_count: int | None = None
    tokens: int | None = None
    cost: float | None = None
    currency: str | None = None
    sample_ids: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    weeks: tuple[Week, ...] = ()

    def row(self, **stamp: Any) -> dict[str, Any]:
        """A row of `rehearsal.change_previews`."""
        return {**asdict(self), "sample_ids": list(self.sample_ids), "quotes": list(self.quotes), "weeks": [asdict(week) for week in self.weeks], **stamp}


def between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{wording.share(low)} to {wording.share(high)}]"
