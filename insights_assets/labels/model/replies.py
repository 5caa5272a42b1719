"""Replies that are kept: each distinct question is paid for once, and an erasure finds whose words an answer is about.

Belongs here: looking up, keeping (the first reply stays), running out, forgetting a person. Does not belong here: what makes two questions
the same (`request`), what a reply means (`parse`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from insights_assets.labels.model.outcomes import KEPT_FOR, Outcome
from insights_assets.resources.operations.asking_tables import ModelBatch, ModelReply, ModelReplySubject

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from insights_assets.resources.operations import Operations

_AT_ONCE = 400  # SQLite takes a limited number of values in one statement


class Replies:
    """Reads and writes `model_replies` and whose they are."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def known(self, cache_keys: Collection[str], at: datetime) -> dict[str, ModelReply]:
        """Replies that still count, by key."""
        found: dict[str, ModelReply] = {}
        with self._operations.reading() as session:
            for some in _some(sorted(set(cache_keys))):
                rows = session.scalars(select(ModelReply).where(ModelReply.cache_key.in_(some)))
                found.update((row.cache_key, row) for row in rows if row.expires_at is None or row.expires_at > at)
        return found

    def keep(
        self, cache_key: str, *, task: str, prompt_version: str, outcome: Outcome, detail: str | None, content: str | None, snapshot: str | None,
        subjects: Iterable[str], at: datetime,
    ) -> ModelReply | None:
        """Keep an answer if its kind is kept. Where one is there that still counts, that one stays and is given back."""
        if outcome not in KEPT_FOR:
            return None
        lasts = KEPT_FOR[outcome]
        with self._operations.writing() as session:
            row = session.get(ModelReply, cache_key)
            if row is not None and row.expires_at is not None and row.expires_at <= at:
                session.delete(row)
                session.flush()
                row = None
            if row is None:
                row = ModelReply(
                    cache_key=cache_key, task=task, prompt_version=prompt_version, outcome=outcome.value, detail=detail, content=content,
                    model_snapshot=snapshot, answered_at=at, expires_at=None if lasts is None else at + lasts,
                )
                session.add(row)
            session.add_all(_missing(session, {cache_key: set(subjects)}))
            return row

    def also_about(self, subjects: Mapping[str, Collection[str]]) -> None:
        """Note further people who said the same words (cache key -> subject keys)."""
        with self._operations.reading() as session:
            missing = _missing(session, subjects)
        if missing:
            with self._operations.writing() as session:
                session.add_all(_missing(session, subjects))

    def forget(self, subject_key: str) -> int:
        """Erase a person: the answers about nobody else's words go with them. Gives how many answers went."""
        with self._operations.writing() as session:
            keys = list(session.scalars(select(ModelReplySubject.cache_key).where(ModelReplySubject.subject_key == subject_key)))
            session.execute(delete(ModelReplySubject).where(ModelReplySubject.subject_key == subject_key))
            gone = 0
            for some in _some(keys):
                shared = set(session.scalars(select(ModelReplySubject.cache_key).where(ModelReplySubject.cache_key.in_(some))))
                alone = [key for key in some if key not in shared]
                _leave_open_batches(session, set(alone))
                gone += session.execute(delete(ModelReply).where(ModelReply.cache_key.in_(alone))).rowcount if alone else 0
            return gone

    def drop_expired(self, at: datetime) -> int:
        """Remove what has run out, with whose it was."""
        with self._operations.writing() as session:
            keys = list(session.scalars(select(ModelReply.cache_key).where(ModelReply.expires_at.is_not(None), ModelReply.expires_at <= at)))
            for some in _some(keys):
                session.execute(delete(ModelReplySubject).where(ModelReplySubject.cache_key.in_(some)))
                session.execute(delete(ModelReply).where(ModelReply.cache_key.in_(some)))
            return len(keys)


def _missing(session: Session, subjects: Mapping[str, Collection[str]]) -> list[ModelReplySubject]:
    """Rows that are not there yet."""
    wanted = {(key, subject) for key, several in subjects.items() for subject in several}
    for some in _some(sorted({key for key, _ in wanted})):
        known = session.execute(select(ModelReplySubject.cache_key, ModelReplySubject.subject_key).where(ModelReplySubject.cache_key.in_(some)))
        wanted.difference_update((key, subject) for key, subject in known)
    return [ModelReplySubject(cache_key=key, subject_key=subject) for key, subject in sorted(wanted)]


def _leave_open_batches(session: Session, keys: set[str]) -> None:
    """An answer that is still under way would come back after the erasure: its line is no longer waited for."""
    for batch in session.scalars(select(ModelBatch).where(ModelBatch.state != "ended")):
        if keys & set(batch.cache_keys):
            batch.cache_keys = [key for key in batch.cache_keys if key not in keys]


def _some(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
