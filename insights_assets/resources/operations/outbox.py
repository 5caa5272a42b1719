"""The outbox: every effect that should happen once at a destination, and the ledger of what arrived.

Belongs here: writing down what is wanted, marking what arrived, and refusing a second first delivery. Does not belong
here: sending (a destination does) and deciding (the policy does). Leases and fencing tokens are columns of the row, so
that workers of network destinations can claim it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from insights_assets.resources.operations.models import Delivery, OutboxRow

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations

OUTBOX_STATES = ("waiting", "delivered", "dead")


class StaleFence(RuntimeError):
    """Somebody else has claimed the row since; what this worker knows is out of date."""


def content_hash(payload: dict[str, Any]) -> str:
    """The sha256 of a payload, equal for equal content."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Outbox:
    """Wanted effects by idempotency key. A key is delivered first once, for ever; later versions update what is
    there.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def want(self, rows: list[dict[str, Any]]) -> int:
        """Write down effects (idempotency_key, action_id, insight_id, kind, destination, payload) in one transaction.

        A known key keeps its history; when its content changed it waits again, as an update. Gives how many wait anew.
        """
        waiting = 0
        with self._operations.writing() as session:
            for wanted in sorted(rows, key=lambda row: row["idempotency_key"]):
                digest = content_hash(wanted["payload"])
                row = session.get(OutboxRow, wanted["idempotency_key"])
                if row is None:
                    now = self._operations.clock()
                    session.add(OutboxRow(**wanted, content_sha256=digest, state="waiting", created_at=now))
                    waiting += 1
                elif row.content_sha256 != digest:
                    row.payload, row.content_sha256, row.state = wanted["payload"], digest, "waiting"
                    row.destination = wanted["destination"]
                    waiting += 1
        return waiting

    def claim(self, worker: str, *, lease_seconds: int = 60, limit: int = 1000) -> list[OutboxRow]:
        """Take waiting rows whose lease is free, oldest first; each claim raises the row's fence."""
        now = self._operations.clock()
        with self._operations.writing() as session:
            free = or_(OutboxRow.leased_until.is_(None), OutboxRow.leased_until <= now)
            query = select(OutboxRow).where(OutboxRow.state == "waiting", free)
            rows = list(session.scalars(query.order_by(OutboxRow.created_at, OutboxRow.idempotency_key).limit(limit)))
            for row in rows:
                row.leased_by, row.leased_until = worker, now + timedelta(seconds=lease_seconds)
                row.fence += 1
                row.attempts += 1
            return rows

    def delivered(self, row: OutboxRow, *, external_id: str, run_id: str, note: str | None = None) -> datetime:
        """Mark a claimed row as arrived; gives the time of its first delivery. Raises StaleFence for an old claim."""
        now = self._operations.clock()
        with self._operations.writing() as session:
            stored = session.get(OutboxRow, row.idempotency_key)
            if stored is None or stored.fence != row.fence:
                raise StaleFence(f"{row.idempotency_key}: claimed by another worker since")
            first = stored.delivered_at is None
            stored.external_id, stored.delivered_at = external_id, stored.delivered_at or now
            stored.leased_by = stored.leased_until = stored.last_error = None
            if stored.content_sha256 == row.content_sha256:
                stored.state = "delivered"
            query = select(Delivery).where(
                Delivery.idempotency_key == row.idempotency_key, Delivery.content_sha256 == row.content_sha256
            )
            if session.scalar(query) is None:
                session.add(
                    Delivery(
                        idempotency_key=row.idempotency_key,
                        action_id=row.action_id,
                        insight_id=row.insight_id,
                        kind=row.kind,
                        destination=row.destination,
                        external_id=external_id,
                        content_sha256=row.content_sha256,
                        outcome="created" if first else "updated",
                        note=note,
                        run_id=run_id,
                        delivered_at=now,
                    )
                )
            return stored.delivered_at

    def failed(self, row: OutboxRow, error: str, *, dead: bool = False) -> None:
        """Note why a delivery did not happen; a dead row is not tried again."""
        with self._operations.writing() as session:
            stored = session.get(OutboxRow, row.idempotency_key)
            if stored is None or stored.fence != row.fence:
                raise StaleFence(f"{row.idempotency_key}: claimed by another worker since")
            stored.last_error, stored.state = error[:500], "dead" if dead else "waiting"
            stored.leased_by = stored.leased_until = None

    def all(self) -> list[OutboxRow]:
        with self._operations.reading() as session:
            return list(session.scalars(select(OutboxRow).order_by(OutboxRow.idempotency_key)))

    def deliveries(self) -> list[Delivery]:
        """Everything that arrived, oldest first."""
        with self._operations.reading() as session:
            return list(session.scalars(select(Delivery).order_by(Delivery.delivery_id)))
