"""The audit writer: who did what to which subject, in a chain where every row covers the one before it.

Belongs here: appending, and finding an edit, a deletion, a change of order or a cut-off end. Does not belong here: what
deserves an entry (the readers and commands decide) and rules of retention.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from insights_assets.resources.operations.models import AuditRow, HomeFact

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations

FIRST_HASH = "0" * 64
_HEAD = "audit_head"


@dataclass(frozen=True)
class ChainResult:
    """What a check of the chain found. `broken_at` is the first sequence that does not hold; None when all do."""

    rows: int
    broken_at: int | None
    reason: str
    head: str

    @property
    def holds(self) -> bool:
        return self.broken_at is None


class AuditLog:
    """The audit log of one home. With a key the hashes are keyed, so that who can write the file still cannot forge
    it.
    """

    def __init__(self, operations: Operations, key: bytes | None = None) -> None:
        self._operations = operations
        self._key = key

    def append(self, actor: str, action: str, subject: str, **details: Any) -> AuditRow:
        """Add an entry: `actor` did `action` to `subject`. Details are small and never hold customer text."""
        if not (actor and action and subject):
            raise ValueError("an audit entry names actor, action and subject")
        with self._operations.writing() as session:
            return self.append_within(session, actor, action, subject, **details)

    def append_within(self, session: Session, actor: str, action: str, subject: str, **details: Any) -> AuditRow:
        """As `append`, inside the transaction of the act itself: neither happens without the other."""
        last = session.scalar(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(1))
        head = session.get(HomeFact, _HEAD)
        # The next number follows the head, not the table, so that a cut-off end leaves a gap that shows.
        sequence = max(last.sequence if last else 0, int(head.value.partition(":")[0]) if head else 0) + 1
        row = AuditRow(
            sequence=sequence,
            at=self._operations.clock(),
            actor=actor,
            action=action,
            subject=subject,
            details=json.loads(json.dumps(details, default=str)),
            previous_hash=last.row_hash if last else FIRST_HASH,
        )
        row.row_hash = self._hash(row)
        session.add(row)
        if head is None:
            session.add(HomeFact(name=_HEAD, value=f"{sequence}:{row.row_hash}", changed_at=row.at))
        else:
            head.value, head.changed_at = f"{sequence}:{row.row_hash}", row.at
        session.flush()
        return row

    def verify_chain(self, anchor: str | None = None) -> ChainResult:
        """Check every row. `anchor` (`sequence:hash`, kept elsewhere) also shows a chain rewritten from some row on."""
        with self._operations.reading() as session:
            rows = list(session.scalars(select(AuditRow).order_by(AuditRow.sequence)))
            head = session.get(HomeFact, _HEAD)
        previous, last = FIRST_HASH, 0
        anchored = anchor is None
        for row in rows:
            if row.sequence != last + 1:
                return ChainResult(len(rows), last + 1, f"entry {last + 1} is missing", previous)
            if row.previous_hash != previous:
                return ChainResult(
                    len(rows), row.sequence, f"entry {row.sequence} does not follow the one before", previous
                )
            if not hmac.compare_digest(row.row_hash, self._hash(row)):
                return ChainResult(len(rows), row.sequence, f"entry {row.sequence} was changed", previous)
            previous, last = row.row_hash, row.sequence
            anchored = anchored or anchor == f"{last}:{previous}"
        stored = head.value if head else f"0:{FIRST_HASH}"
        if stored != f"{last}:{previous}":
            return ChainResult(
                len(rows), last + 1, f"the log ends at entry {last}, its head names {stored[:20]}…", previous
            )
        if not anchored:
            return ChainResult(len(rows), last, "no entry matches the anchor kept elsewhere", previous)
        return ChainResult(len(rows), None, f"{len(rows)} entries hold", f"{last}:{previous}")

    def rows(self, limit: int | None = None) -> list[AuditRow]:
        """The entries, newest first."""
        with self._operations.reading() as session:
            return list(session.scalars(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(limit)))

    def count(self) -> int:
        with self._operations.reading() as session:
            return int(session.scalar(select(func.count()).select_from(AuditRow)) or 0)

    def _hash(self, row: AuditRow) -> str:
        moment: datetime = row.at
        parts = [row.sequence, moment.isoformat(), row.actor, row.action, row.subject, row.details, row.previous_hash]
        text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        return (hmac.new(self._key, text, hashlib.sha256) if self._key else hashlib.sha256(text)).hexdigest()


def verify_chain(operations: Operations, anchor: str | None = None) -> ChainResult:
    """Check the audit chain of a home; see `AuditLog.verify_chain`."""
    return operations.audit.verify_chain(anchor)
