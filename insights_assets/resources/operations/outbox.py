"""The outbox: every effect that should happen once at a destination, and the ledger of what arrived.

Belongs here: writing down what is wanted, leasing, and the moves of a row between its states, each one transaction that holds the
fence against the row. Does not belong here: sending and looking up (`actions/outbox/`), deciding (the policy does), what people see
and do about a row (`outbox_people.py`). States: waiting -> sending -> delivered; back to waiting where the write certainly did not
happen; unknown where nobody knows; dead where a person must look; dropped where a person let it go.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from insights_assets.resources.operations.sending_tables import Delivery, OutboxRow

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations

OUTBOX_STATES = ("waiting", "sending", "unknown", "delivered", "dead", "dropped")
#: States in which nothing more happens by itself.
SETTLED_STATES = ("delivered", "dead", "dropped")
#: Look-ups that must find nothing before an effect of unknown outcome may be made again.
LOOKUPS_BEFORE_AGAIN = 2
_LONGEST_REASON = 500


class StaleFence(RuntimeError):
    """Somebody else has claimed the row since, or the lease is over; what this worker knows is out of date."""


def content_hash(payload: dict[str, Any]) -> str:
    """The sha256 of a payload, equal for equal content."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Outbox:
    """Wanted effects by idempotency key. A key is delivered first once, for ever; later versions update what is there."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    # -- wanting ------------------------------------------------------------------------------------------------------

    def want(self, rows: list[dict[str, Any]], session: Session | None = None) -> int:
        """Write down effects: idempotency_key, action_id, insight_id, kind, destination, payload; optionally owner, tier, parent_key.

        With `session` inside the caller's transaction, so that a decision and its effect are there together or not at all. A known key
        keeps its history; when its content changed it waits again, as an update. Gives how many wait anew.
        """
        if session is not None:
            return sum(self._want(session, row) for row in sorted(rows, key=lambda row: row["idempotency_key"]))
        with self._operations.writing() as own:
            return self.want(rows, own)

    def _want(self, session: Session, wanted: dict[str, Any]) -> bool:
        digest = content_hash(wanted["payload"])
        row = session.get(OutboxRow, wanted["idempotency_key"])
        if row is None:
            session.add(OutboxRow(**wanted, content_sha256=digest, state="waiting", created_at=self._operations.clock()))
            return True
        for name in ("owner", "tier", "parent_key"):
            if wanted.get(name) is not None and getattr(row, name) != wanted[name]:
                setattr(row, name, wanted[name])
        if row.content_sha256 == digest:
            return False
        row.payload, row.content_sha256, row.destination = wanted["payload"], digest, wanted["destination"]
        if row.state == "waiting" and row.attempts == 0 and row.last_error is None:
            row.not_before = wanted.get("not_before")  # nothing was tried yet: when it may go out follows the newest text, which may be urgent
        # A write under way or unknown is settled first, and the new content follows as an update; what is dead or dropped waits for people.
        if row.state == "delivered":
            row.state, row.not_before, row.last_error = "waiting", None, None
        return row.state == "waiting"

    # -- leasing ------------------------------------------------------------------------------------------------------

    def claim(
        self,
        worker: str,
        *,
        lease_seconds: float | Callable[[OutboxRow], float] = 300,
        limit: int = 1000,
        accepts: Callable[[OutboxRow], bool] = lambda _row: True,
    ) -> list[OutboxRow]:
        """Take rows that wait, or whose outcome is to be looked up, whose time has come and whose lease is free.

        Tier 1 first, then the oldest; a row beneath another waits until that one has arrived (or never will). Each claim raises the fence.
        """
        now = self._operations.clock()
        parent = aliased(OutboxRow)
        with self._operations.writing() as session:
            query = (
                select(OutboxRow)
                .outerjoin(parent, parent.idempotency_key == OutboxRow.parent_key)
                .where(
                    OutboxRow.state.in_(("waiting", "unknown")),
                    or_(OutboxRow.leased_until.is_(None), OutboxRow.leased_until <= now),
                    or_(OutboxRow.not_before.is_(None), OutboxRow.not_before <= now),
                    or_(parent.idempotency_key.is_(None), parent.external_id.is_not(None), parent.state.in_(("dead", "dropped"))),
                )
                .order_by(OutboxRow.tier.is_(None), OutboxRow.tier, OutboxRow.created_at, OutboxRow.idempotency_key)
            )
            rows: list[OutboxRow] = []
            for row in session.scalars(query.execution_options(yield_per=100)):
                if not accepts(row):
                    continue
                seconds = lease_seconds(row) if callable(lease_seconds) else lease_seconds
                row.leased_by, row.leased_until = worker, now + timedelta(seconds=seconds)
                row.fence += 1
                rows.append(row)
                if len(rows) == limit:
                    break
            return rows

    def release(self, rows: Collection[OutboxRow]) -> None:
        """Give claimed rows back untouched; one that was taken over since is left to who has it."""
        if not rows:
            return
        with self._operations.writing() as session:
            for row in rows:
                stored = session.get(OutboxRow, row.idempotency_key)
                if stored is not None and stored.fence == row.fence and stored.state != "sending":
                    stored.leased_by = stored.leased_until = None

    def start(self, row: OutboxRow, destination: str, *, lease_seconds: float, on_lease: bool = True) -> None:
        """Mark a claimed row as being sent, right before the call. Raises StaleFence where fence or lease no longer hold."""
        now = self._operations.clock()
        with self._operations.writing() as session:
            stored = self._held(session, row, "waiting")
            if on_lease and (stored.leased_until is None or stored.leased_until <= now):
                raise StaleFence(f"{row.idempotency_key}: the lease ended at {stored.leased_until}")
            stored.state, stored.sending_at, stored.sending_sha256 = "sending", now, stored.content_sha256
            stored.sent_to, stored.leased_until = destination, now + timedelta(seconds=lease_seconds)
            stored.attempts += 1

    def may_send(self, row: OutboxRow, *, within_seconds: float) -> bool:
        """The last look before the call: is the row still this worker's, with lease enough for the whole call?"""
        with self._operations.reading() as session:
            stored = session.get(OutboxRow, row.idempotency_key)
        held = stored is not None and stored.fence == row.fence and stored.state == "sending"
        return held and stored.leased_until >= self._operations.clock() + timedelta(seconds=within_seconds)

    def recover(self, settles_after: Callable[[OutboxRow], float | None]) -> int:
        """Rows whose sender died in its call: their outcome is unknown. `settles_after` gives the seconds after the start of the call
        from which a look-up can be trusted; None where the effect may simply be made again. Gives how many there were.
        """
        now = self._operations.clock()
        with self._operations.writing() as session:
            query = select(OutboxRow).where(OutboxRow.state == "sending", OutboxRow.leased_until <= now)
            rows = list(session.scalars(query.order_by(OutboxRow.idempotency_key)))
            for row in rows:
                row.fence += 1  # whatever the lost sender still reports is refused
                self._unleash(row)
                seconds = settles_after(row)
                row.last_error = "the sender ended in the middle of the call"
                if seconds is None:
                    self._not_there(row)
                else:
                    row.state, row.lookups = "unknown", 0
                    row.not_before = (row.sending_at or now) + timedelta(seconds=seconds)
            return len(rows)

    # -- what became of a call ----------------------------------------------------------------------------------------

    def delivered(
        self, row: OutboxRow, *, external_id: str, run_id: str, note: str | None = None, url: str | None = None, sent_to: str | None = None
    ) -> datetime:
        """Mark a claimed row as arrived; gives the time of its first delivery. Raises StaleFence for an old claim."""
        now = self._operations.clock()
        with self._operations.writing() as session:
            stored = self._held(session, row)
            first, content = stored.external_id is None, stored.sending_sha256 or row.content_sha256
            stored.external_id, stored.delivered_at = external_id, stored.delivered_at or now
            stored.url, stored.sent_to = url or stored.url, sent_to or stored.sent_to
            stored.state = "delivered" if stored.content_sha256 == content else "waiting"
            stored.last_error = stored.not_before = None
            stored.attempts = 0
            self._unleash(stored)
            self._settle(stored)
            query = select(Delivery).where(Delivery.idempotency_key == row.idempotency_key, Delivery.content_sha256 == content)
            if session.scalar(query) is None:
                session.add(
                    Delivery(
                        idempotency_key=row.idempotency_key, action_id=stored.action_id, insight_id=stored.insight_id, kind=stored.kind,
                        destination=stored.destination, external_id=external_id, content_sha256=content, note=note, run_id=run_id,
                        outcome="created" if first else "updated", delivered_at=now,
                    )
                )  # fmt: skip
            return stored.delivered_at

    def not_sent(self, row: OutboxRow, why: str, *, wait_seconds: float, counts: bool = True) -> None:
        """The write did not happen (or may happen twice without harm): wait, then try again. `counts`: whether it was one of the row's tries."""
        with self._operations.writing() as session:
            stored = self._held(session, row)
            if stored.state == "sending" and not counts:
                stored.attempts -= 1
            self._unleash(stored)
            self._not_there(stored)
            stored.last_error = why[:_LONGEST_REASON]
            stored.not_before = self._operations.clock() + timedelta(seconds=wait_seconds)

    def unknown(self, row: OutboxRow, why: str, *, look_after_seconds: float, counts: bool = True) -> None:
        """Nobody knows whether the write happened; or the look-up itself failed and is to be repeated."""
        with self._operations.writing() as session:
            stored = self._held(session, row)
            if stored.state == "sending":
                stored.lookups, stored.attempts = 0, stored.attempts - (not counts)
            stored.state, stored.last_error = "unknown", why[:_LONGEST_REASON]
            stored.not_before = self._operations.clock() + timedelta(seconds=look_after_seconds)
            self._unleash(stored)

    def missed(self, row: OutboxRow, *, look_after_seconds: float, most_tries: int) -> str:
        """A look-up found nothing. After the second the row waits to be made again, or is dead where it was tried often enough; gives its state."""
        now = self._operations.clock()
        with self._operations.writing() as session:
            stored = self._held(session, row, "unknown")
            stored.lookups += 1
            self._unleash(stored)
            if stored.lookups < LOOKUPS_BEFORE_AGAIN:
                stored.not_before = now + timedelta(seconds=look_after_seconds)
            elif stored.attempts < most_tries:
                self._not_there(stored)
                stored.not_before = None
            else:
                self._bury(session, stored, f"tried {stored.attempts} times, looked for and not there; last: {stored.last_error}")
            return stored.state

    def dead(self, row: OutboxRow, why: str) -> None:
        """The effect will not be made without a person: its owner sees why. An audit entry says so too."""
        with self._operations.writing() as session:
            self._bury(session, self._held(session, row), why)

    def postpone(self, later: Callable[[OutboxRow], tuple[datetime, str] | None]) -> Counter[str]:
        """Rows that are due but cannot be sent now wait until a time, for a reason, so that nobody asks again and again. Gives how many by reason."""
        now, counts = self._operations.clock(), Counter[str]()
        with self._operations.writing() as session:
            free = or_(OutboxRow.leased_until.is_(None), OutboxRow.leased_until <= now)
            due = or_(OutboxRow.not_before.is_(None), OutboxRow.not_before <= now)
            for row in session.scalars(select(OutboxRow).where(OutboxRow.state.in_(("waiting", "unknown")), free, due)):
                if (found := later(row)) is not None:
                    row.not_before, row.last_error = found[0], found[1][:_LONGEST_REASON]
                    counts[found[1]] += 1
        return counts

    def wake(self, accepts: Callable[[OutboxRow], bool], why: str) -> None:
        """Undo `postpone` for the rows that waited for that reason."""
        with self._operations.writing() as session:
            for row in session.scalars(select(OutboxRow).where(OutboxRow.state.in_(("waiting", "unknown")), OutboxRow.last_error == why)):
                if accepts(row):
                    row.not_before = row.last_error = None

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, key: str) -> OutboxRow | None:
        with self._operations.reading() as session:
            return session.get(OutboxRow, key)

    def all(self) -> list[OutboxRow]:
        with self._operations.reading() as session:
            return list(session.scalars(select(OutboxRow).order_by(OutboxRow.idempotency_key)))

    def deliveries(self) -> list[Delivery]:
        """Everything that arrived, oldest first."""
        with self._operations.reading() as session:
            return list(session.scalars(select(Delivery).order_by(Delivery.delivery_id)))

    # -- small print --------------------------------------------------------------------------------------------------

    def _held(self, session: Session, row: OutboxRow, state: str | None = None) -> OutboxRow:
        stored = session.get(OutboxRow, row.idempotency_key)
        if stored is None or stored.fence != row.fence:
            raise StaleFence(f"{row.idempotency_key}: claimed by another worker since")
        if state is not None and stored.state != state:
            raise StaleFence(f"{row.idempotency_key}: is {stored.state} by now, not {state}")
        return stored

    def _bury(self, session: Session, stored: OutboxRow, why: str) -> None:
        stored.state, stored.last_error, stored.not_before = "dead", why[:_LONGEST_REASON], None
        self._unleash(stored)
        self._settle(stored)
        owner = stored.owner or "operator"
        self._operations.audit.append_within(session, "outbox", "dead_letter", stored.action_id, key=stored.idempotency_key, owner=owner, tries=stored.attempts)

    @staticmethod
    def _unleash(row: OutboxRow) -> None:
        row.leased_by = row.leased_until = None

    @staticmethod
    def _settle(row: OutboxRow) -> None:
        """No write of unknown outcome is left."""
        row.sending_at = row.sending_sha256 = None
        row.lookups = 0

    def _not_there(self, row: OutboxRow) -> None:
        row.state = "waiting"
        self._settle(row)
        if row.external_id is None:
            row.sent_to = None
