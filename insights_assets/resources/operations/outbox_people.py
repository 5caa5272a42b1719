"""What people see of the outbox and may do about it: what waits, is unknown or dead and whose it is; try again; let go.

Belongs here: the view of unsettled rows and the two acts of a person, each with its audit entry in the same transaction. Does not belong
here: printing (`commands/outbox.py`), sending.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from insights_assets.resources.operations.outbox import SETTLED_STATES
from insights_assets.resources.operations.sending_tables import OutboxRow

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations

#: Who must look where a row names no team.
OPERATOR = "operator"


class RefusedMove(ValueError):
    """A move that a row in its state cannot make; the message says why and what to do."""


@dataclass(frozen=True)
class Standing:
    """How the outbox stands: unsettled rows and dead letters, since when, and when the next look is due."""

    waiting: int = 0
    unknown: int = 0
    dead: int = 0
    oldest_at: datetime | None = None
    next_at: datetime | None = None
    by_destination: dict[str, int] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        """Nothing waits and nothing is unknown; the dead wait for people, not for a sender."""
        return not (self.waiting or self.unknown)

    def as_facts(self, now: datetime) -> dict[str, Any]:
        """For metadata and checks; `insights outbox list` names the rows."""
        hours = (now - self.oldest_at).total_seconds() / 3600 if self.oldest_at is not None else 0.0
        return {"waiting": self.waiting, "unknown": self.unknown, "dead": self.dead, "oldest_hours": round(max(hours, 0.0), 1)}


def standing(operations: Operations) -> Standing:
    """Rows under way count as waiting while their sender lives; `oldest_at` is the oldest of what has not arrived."""
    now = operations.clock()
    with operations.reading() as session:
        rows = list(session.scalars(select(OutboxRow).where(or_(OutboxRow.state.not_in(SETTLED_STATES), OutboxRow.state == "dead"))))
    pending = [row for row in rows if row.state != "dead"]
    by_destination: dict[str, int] = {}
    for row in pending:
        name = row.destination.partition(":")[0]
        by_destination[name] = by_destination.get(name, 0) + 1
    return Standing(
        waiting=sum(row.state in ("waiting", "sending") for row in pending),
        unknown=sum(row.state == "unknown" for row in pending),
        dead=len(rows) - len(pending),
        oldest_at=min((_since(row) for row in rows), default=None),
        next_at=min((_due(row) or now for row in pending), default=None),
        by_destination=dict(sorted(by_destination.items())),
    )


def _since(row: OutboxRow) -> datetime:
    """From when a row is late: from when it may first go out, where the policy made it wait (quiet hours, a digest)."""
    return row.not_before if _waits_on_purpose(row) and row.not_before is not None else row.created_at


def _waits_on_purpose(row: OutboxRow) -> bool:
    return row.state == "waiting" and row.not_before is not None and row.attempts == 0 and row.last_error is None


def _due(row: OutboxRow) -> datetime | None:
    return row.leased_until if row.state == "sending" else row.not_before


def unsettled(operations: Operations, states: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Rows that have not arrived, as plain values: what needs a person first, then Tier 1, then the oldest."""
    order = {"dead": 0, "unknown": 1, "sending": 2, "waiting": 3, "dropped": 4, "delivered": 5}
    wanted = states or ("dead", "unknown", "sending", "waiting")
    with operations.reading() as session:
        rows = list(session.scalars(select(OutboxRow).where(OutboxRow.state.in_(wanted))))
    rows.sort(key=lambda row: (order[row.state], row.tier or 9, row.created_at, row.idempotency_key))
    return [
        {
            "key": row.idempotency_key, "action_id": row.action_id, "insight_id": row.insight_id, "kind": row.kind, "tier": row.tier,
            "destination": row.destination, "state": row.state, "why": row.last_error or _usual_reason(row), "owner": row.owner or OPERATOR,
            "since": row.created_at, "next_at": _due(row), "tries": row.attempts, "lookups": row.lookups, "external_id": row.external_id, "url": row.url,
        }
        for row in rows
    ]  # fmt: skip


def _usual_reason(row: OutboxRow) -> str:
    if _waits_on_purpose(row):
        return "waits for its time: the end of the quiet hours, or the hour of the digest"
    if row.state == "waiting":
        return "a newer version waits to be sent" if row.external_id else "not sent yet"
    return {"sending": "is being sent", "delivered": "has arrived"}.get(row.state, row.state)


def retry(operations: Operations, name: str, *, by: str) -> list[OutboxRow]:
    """Try a dead or dropped letter again, or one that waits for a later time at once. `name`: an action's id or a row's key."""
    with operations.writing() as session:
        rows = [row for row in _named(session, name) if row.state in ("dead", "dropped", "waiting")]
        if not rows:
            raise RefusedMove(_why_not(_named(session, name)))
        for row in rows:
            before = row.state
            # Let go while nobody knew: look it up before a second try.
            row.state = "unknown" if row.sending_at is not None else "waiting"
            row.not_before, row.attempts, row.lookups = None, 0, 0
            row.fence += 1
            row.leased_by = row.leased_until = None
            operations.audit.append_within(session, by, "outbox_retry", row.action_id, key=row.idempotency_key, before=before)
        return rows


def drop(operations: Operations, name: str, *, by: str, reason: str) -> list[OutboxRow]:
    """Let go of what has not arrived: it is not sent, whatever its text becomes, until somebody retries it."""
    if not reason.strip():
        raise RefusedMove("letting go of an action needs a reason: somebody counted on it")
    with operations.writing() as session:
        rows = [row for row in _named(session, name) if row.state in ("dead", "waiting", "unknown")]
        if not rows:
            raise RefusedMove(_why_not(_named(session, name)))
        for row in rows:
            before, row.state, row.last_error, row.not_before = row.state, "dropped", f"dropped by {by}: {reason}"[:500], None
            row.fence += 1
            row.leased_by = row.leased_until = None
            operations.audit.append_within(session, by, "outbox_drop", row.action_id, key=row.idempotency_key, before=before, reason=reason)
        return rows


def _named(session: Session, name: str) -> list[OutboxRow]:
    query = select(OutboxRow).where(or_(OutboxRow.action_id == name, OutboxRow.idempotency_key == name))
    rows = list(session.scalars(query.order_by(OutboxRow.idempotency_key)))
    if not rows:
        raise RefusedMove(f"nothing in the outbox is called {name!r}; `insights outbox list` shows what waits, is unknown or dead")
    return rows


def _why_not(rows: list[OutboxRow]) -> str:
    row = rows[0]
    said = {
        "delivered": f"has arrived at {row.sent_to or 'the desk'} as {row.external_id}; there is nothing to do",
        "sending": "is being sent at this moment; look again in a few minutes",
        "unknown": f"may have arrived: it is looked up before any second try, next at {row.not_before:%Y-%m-%d %H:%M} UTC" if row.not_before else "is being looked up",
        "dropped": f"was let go already ({row.last_error}); `insights outbox retry {row.action_id}` takes that back",
    }
    return f"{row.action_id} {said[row.state]}"
