"""What a home knows of its batches: which questions are under way, which came back without an answer, and what a look brought.

Belongs here: reading and noting `model_batches`. Does not belong here: the server (`batch` submits and finds again, `batch_results` polls), which
questions can wait (`labels/batching`).
A row outlives its process: it stands before the server is asked. When a batch has ended, its row keeps the keys it left unanswered and no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from insights_assets.labels.model.outcomes import fault_of
from insights_assets.resources.operations.asking_tables import ModelBatch

if TYPE_CHECKING:
    from insights_assets.labels.model.client import ModelClient
    from insights_assets.labels.model.outcomes import Fault
    from insights_assets.resources.operations import Operations

SUBMITTING, OPEN, CANCELLING, ENDED = "submitting", "open", "cancelling", "ended"
#: How long after our deadline a cancelled batch may still bring what it has; then its questions are waited for no longer.
GRACE = timedelta(hours=1)
#: What a batch left unanswered is asked one by one for so long; afterwards it may wait for a batch again.
LEFT_FOR = timedelta(days=7)


@dataclass
class BatchReport:
    """What a look at the batches brought."""

    submitted_count: int = 0
    adopted_count: int = 0
    open_count: int = 0
    ended_count: int = 0
    cancelled_count: int = 0
    answered_count: int = 0
    unanswered_count: int = 0
    refused_by_budget_count: int = 0
    #: The server could not be asked whether it has a batch, or to take one: what was to be submitted is submitted by a later run.
    is_unreachable: bool = False
    #: The server does not take such a batch: asking again would not help.
    is_refused: bool = False
    sentences: list[str] = field(default_factory=list)

    def plus(self, other: BatchReport) -> BatchReport:
        """Both looks as one; what is open is as of the second."""
        names = ("submitted_count", "adopted_count", "ended_count", "cancelled_count", "answered_count", "unanswered_count", "refused_by_budget_count")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return BatchReport(
            **sums, open_count=other.open_count, is_unreachable=self.is_unreachable or other.is_unreachable, is_refused=self.is_refused or other.is_refused,
            sentences=[*self.sentences, *(one for one in other.sentences if one not in self.sentences)],
        )


def unfinished(operations: Operations) -> Sequence[ModelBatch]:
    """Batches whose end was not seen yet, in the order they were begun."""
    with operations.reading() as session:
        return list(session.scalars(select(ModelBatch).where(ModelBatch.state != ENDED).order_by(ModelBatch.started_at, ModelBatch.batch_key)))


def not_tidied(operations: Operations, at: datetime) -> Sequence[ModelBatch]:
    """Batches that ended of late and whose files may still lie at the server."""
    with operations.reading() as session:
        rows = select(ModelBatch).where(ModelBatch.state == ENDED, ModelBatch.file_id.is_not(None), ModelBatch.ended_at > at - LEFT_FOR)
        return list(session.scalars(rows.order_by(ModelBatch.batch_key)))


def unfinished_count(operations: Operations) -> int:
    with operations.reading() as session:
        return int(session.scalar(select(func.count()).select_from(ModelBatch).where(ModelBatch.state != ENDED)) or 0)


def is_anything_at_the_server(operations: Operations, at: datetime) -> bool:
    """Whether a look has something to do."""
    return unfinished_count(operations) > 0 or bool(not_tidied(operations, at))


def open_keys(operations: Operations, *, since: datetime | None = None) -> frozenset[str]:
    """Questions that an unfinished batch is about: nobody asks them meanwhile. `since`: batches begun before it are waited for no longer."""
    return frozenset(key for row in unfinished(operations) if since is None or begun(row) >= since for key in row.cache_keys)


def left_keys(operations: Operations, *, at: datetime, since: datetime) -> frozenset[str]:
    """Questions that a batch took and did not answer, of late: they are asked one by one, so that nothing goes round for ever."""
    with operations.reading() as session:
        ended = session.scalars(select(ModelBatch).where(ModelBatch.state == ENDED, ModelBatch.ended_at > at - LEFT_FOR))
        left = {key for row in ended for key in row.cache_keys}
    return frozenset(left.union(*(row.cache_keys for row in unfinished(operations) if begun(row) < since)))


def begun(row: ModelBatch) -> datetime:
    return row.submitted_at or row.started_at


def waited_since(client: ModelClient, batch_hours: float) -> datetime:
    """Batches begun before this moment are past our deadline and its grace."""
    return client.time.now() - timedelta(hours=batch_hours) - GRACE


def note(operations: Operations, row: ModelBatch, **values: Any) -> None:
    """Keep what became of a batch."""
    with operations.writing() as session:
        session.execute(update(ModelBatch).where(ModelBatch.batch_key == row.batch_key).values(**values))
    for name, value in values.items():
        setattr(row, name, value)


def fault_in(client: ModelClient, error: Exception) -> Fault:
    return fault_of(error, client.time.now())


def told(fault: Fault) -> str:
    return f"{fault.outcome.value} ({fault.detail})"
