"""The drain: from what the outbox holds to calls of destinations, and from what became of a call to the row's next state.

Belongs here: the order of steps around one call, and what each outcome means. Does not belong here: the moves themselves with their
fences (`resources/operations/outbox.py`), look-ups (`reconcile.py`), any vendor. The order is the whole promise: mark as being sent,
check fence and lease once more, call, record; a death between any two of them leaves a row that says what is not known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from insights_assets.actions.destinations.port import Destination, Message, NotSent, Receipt, Refused, Unknown
from insights_assets.actions.outbox.deadline import Overdue, within
from insights_assets.actions.outbox.lanes import Lane
from insights_assets.actions.outbox.patience import Patience
from insights_assets.actions.outbox.wanted import NO_TEXT, NOT_CONNECTED, matches, name_of, route
from insights_assets.resources.clock import Clock
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.outbox import StaleFence
from insights_assets.resources.operations.sending_tables import OutboxRow

#: Every point at which a sender can die, in the order it passes them; tests enumerate them.
CRASH_POINTS = (
    "recover:before", "recover:after", "claim:before", "claim:after", "mark:before", "mark:after", "call:after", "record:after",
    "lookup:before", "lookup:after", "missed:after",
)  # fmt: skip


@dataclass
class DrainReport:
    """What one drain did, in rows. `again`: certainly not sent, will be tried again; `stale`: left to another worker."""

    created: int = 0
    updated: int = 0
    found: int = 0
    again: int = 0
    unknown: int = 0
    missed: int = 0
    dead: int = 0
    stale: int = 0
    recovered: int = 0
    without_text: int = 0
    held_back: dict[str, str] = field(default_factory=dict)

    @property
    def arrived(self) -> int:
        return self.created + self.updated + self.found

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def drain(
    operations: Operations,
    destinations: Mapping[str, Destination],
    messages: Mapping[str, Message],
    *,
    worker: str,
    run_id: str,
    clock: Clock | None = None,
    crash: Callable[[str, str], None] = lambda _point, _key: None,
    sleep: Callable[[float], None] = time.sleep,
    patience: Patience | None = None,
) -> DrainReport:
    """Send what waits and look up what is unknown, as far as text, time and destinations allow. Faults of destinations never raise.

    `messages` by the key of their row; a row without one waits. `crash(point, key)` is called at every point of CRASH_POINTS.
    """
    if clock is not None and clock is not operations.clock:
        operations = Operations(operations.engine, clock)
    return Drain(operations, destinations, messages, worker, run_id, crash, sleep, patience or Patience()).run()


def is_repeatable(destination: Destination) -> bool:
    """Whether making an effect twice there is the same as once (a file, a desired state): no lease, no look-up is needed."""
    return bool(getattr(destination, "is_repeatable", False))


class Drain:
    """One pass over the outbox by one worker."""

    def __init__(
        self, operations: Operations, destinations: Mapping[str, Destination], messages: Mapping[str, Message], worker: str, run_id: str,
        crash: Callable[[str, str], None], sleep: Callable[[float], None], patience: Patience,
    ) -> None:  # fmt: skip
        self.operations, self.outbox = operations, operations.outbox
        self.destinations, self.messages = destinations, messages
        self.worker, self.run_id, self.crash, self.patience = worker, run_id, crash, patience
        self.lanes = {name: Lane.open(destination, operations, patience, sleep) for name, destination in destinations.items()}
        self.report = DrainReport()

    def run(self) -> DrainReport:
        self.outbox.wake(self._has_text, NO_TEXT)
        self.outbox.wake(lambda row: self.lane_of(row) is not None, NOT_CONNECTED)
        self.crash("recover:before", "")
        self.report.recovered = self.outbox.recover(self._settles_after)
        self.crash("recover:after", "")
        while rows := self._claim():
            left = []
            for row in rows:
                lane = self.lane_of(row)
                if lane is None or not lane.is_open():
                    left.append(row)
                    continue
                try:
                    self._handle(row, lane)
                except StaleFence:
                    self.report.stale += 1
            self.outbox.release(left)
        self._postpone()
        self.report.held_back = {name: lane.held_back for name, lane in sorted(self.lanes.items()) if lane.held_back}
        return self.report

    # -- choosing -----------------------------------------------------------------------------------------------------

    def lane_of(self, row: OutboxRow) -> Lane | None:
        destination = route(row, self.destinations)
        return self.lanes[destination.name] if destination is not None else None

    def _claim(self) -> list[OutboxRow]:
        self.crash("claim:before", "")
        rows = self.outbox.claim(self.worker, lease_seconds=self._lease, limit=self.patience.batch, accepts=self._accepts)
        for row in rows:
            self.crash("claim:after", row.idempotency_key)
        return rows

    def _lease(self, row: OutboxRow) -> float:
        destination = route(row, self.destinations)
        return 0.0 if destination is None or is_repeatable(destination) else self.patience.lease

    def _accepts(self, row: OutboxRow) -> bool:
        lane = self.lane_of(row)
        return lane is not None and self._has_text(row) and lane.is_open()

    def _has_text(self, row: OutboxRow) -> bool:
        """Looking up needs only the key; sending needs the text of the version that is wanted."""
        message = self.messages.get(row.idempotency_key)
        return message is not None and (row.state == "unknown" or matches(row, message))

    def _postpone(self) -> None:
        """What is due and cannot be sent gets a time and a reason: it is not asked for every minute, and people see why it waits."""
        now = self.operations.clock()
        parked = now + timedelta(seconds=self.patience.parked)

        def later(row: OutboxRow) -> tuple[datetime, str] | None:
            lane = self.lane_of(row)
            if lane is None:
                return parked, NOT_CONNECTED
            if not self._has_text(row):
                return parked, NO_TEXT
            return (lane.closed_until, lane.held_back) if lane.closed_until is not None and lane.closed_until > now else None

        self.report.without_text = self.outbox.postpone(later)[NO_TEXT]

    def _settles_after(self, row: OutboxRow) -> float | None:
        """For a row whose sender died in the call: the call may have gone on until its deadline."""
        destination = route(row, self.destinations)
        if destination is None:
            return self.patience.call
        if row.external_id is not None or is_repeatable(destination) or not destination.is_searchable:
            return None
        return self.patience.call + destination.settles_after

    # -- one row ------------------------------------------------------------------------------------------------------

    def _handle(self, row: OutboxRow, lane: Lane) -> None:
        if row.state == "unknown":
            from insights_assets.actions.outbox.reconcile import look_up

            look_up(self, row, lane)
            return
        key, destination = row.idempotency_key, lane.destination
        message, note = self._addressed(row, destination)
        if not lane.in_step(message.place, lambda: self._last_delivered(row.destination)):
            self.outbox.release([row])
            return
        is_probe, repeatable = lane.is_down, is_repeatable(destination)
        self.crash("mark:before", key)
        self.outbox.start(row, destination.name, lease_seconds=0.0 if repeatable else self.patience.lease, on_lease=not repeatable)
        self.crash("mark:after", key)
        if not repeatable and not self.outbox.may_send(row, within_seconds=2 * self.patience.call):
            # This process was stopped in between, or the database was very slow: nothing was sent, and nothing will be.
            self.outbox.not_sent(row, "the sender was stopped before the call", wait_seconds=0, counts=False)
            self.report.stale += 1
            return
        try:
            receipt = self.timed(lane, lambda: destination.update(message, row.external_id) if row.external_id else destination.create(message))
        except Refused as error:
            self.outbox.dead(row, f"{destination.name} refuses it: {error}")
            self.report.dead += 1
            lane.succeeded()  # it answers
            return
        except NotSent as error:
            self._not_sent(row, lane, error, is_probe)
            return
        except Unknown as error:
            self._unknown(row, lane, str(error), is_probe)
            return
        except Exception as error:  # noqa: BLE001 - a fault of an adapter stops no run; what it did is not known, and its words may hold data
            self._unknown(row, lane, f"the adapter of {destination.name} failed with {type(error).__name__}", is_probe)
            return
        self.crash("call:after", key)
        lane.succeeded()
        self.record(row, receipt, lane, note)
        lane.sent(message.place)

    def record(self, row: OutboxRow, receipt: Receipt, lane: Lane, note: str = "", *, is_found: bool = False) -> None:
        said = "; ".join(part for part in (note, receipt.note) if part) or None
        self.outbox.delivered(row, external_id=receipt.external_id, run_id=self.run_id, note=said, url=receipt.url or None, sent_to=lane.destination.name)
        if is_found:
            self.report.found += 1  # a search that works does not say that writing works again
        elif row.external_id is None:
            self.report.created += 1
        else:
            self.report.updated += 1
        self.crash("record:after", row.idempotency_key)

    def timed(self, lane: Lane, call: Callable[[], Any]) -> Any:
        """A call under the deadline; its time counts against the destination's budget."""
        begun = self.operations.clock()
        try:
            return within(self.patience.call, call)
        except Overdue:
            lane.spent = self.patience.destination_budget  # its client is still busy with the call that was given up
            raise
        finally:
            lane.spent += max(0.0, (self.operations.clock() - begun).total_seconds())

    # -- small print --------------------------------------------------------------------------------------------------

    def _addressed(self, row: OutboxRow, destination: Destination) -> tuple[Message, str]:
        """The message with its parent's name at this destination, and what is to be said of where it goes."""
        message, note = self.messages[row.idempotency_key], ""
        if destination.name != name_of(row.destination):
            note = f"{row.destination} is not connected: delivered to the {destination.name}"
        if row.parent_key:
            parent = self.outbox.get(row.parent_key)
            if parent is not None and parent.external_id and parent.sent_to == destination.name:
                return replace(message, parent_id=parent.external_id), note
        return message, note

    def _last_delivered(self, destination: str) -> datetime | None:
        since = self.operations.clock() - timedelta(seconds=60)
        with self.operations.reading() as session:
            query = select(func.max(OutboxRow.delivered_at)).where(OutboxRow.destination == destination, OutboxRow.delivered_at >= since)
            return session.scalar(query)

    def _not_sent(self, row: OutboxRow, lane: Lane, error: NotSent, is_probe: bool) -> None:
        if error.retry_after is not None:
            # A rate limit is about the destination, not about this letter: it is no try, and the rest is not sent after it either.
            self.report.again += 1
            self.outbox.not_sent(row, str(error), wait_seconds=max(0.0, error.retry_after), counts=False)
            lane.limited(error.retry_after)
            return
        lane.failed(str(error))
        self._again(row, str(error), is_probe)

    def _unknown(self, row: OutboxRow, lane: Lane, why: str, is_probe: bool) -> None:
        lane.failed(why)
        destination = lane.destination
        if row.external_id is not None or is_repeatable(destination) or not destination.is_searchable:
            # Doing it again does no harm, or cannot be helped: an update is the same twice, and here nothing can be looked up.
            self._again(row, why, is_probe)
            return
        self.report.unknown += 1
        self.outbox.unknown(row, why, look_after_seconds=destination.settles_after, counts=not is_probe)

    def _again(self, row: OutboxRow, why: str, is_probe: bool) -> None:
        if not is_probe and self._tries(row) >= self.patience.most_tries:
            self.report.dead += 1
            self.outbox.dead(row, f"tried {self._tries(row)} times; last: {why}")
            return
        self.report.again += 1
        self.outbox.not_sent(row, why, wait_seconds=self.patience.wait(row.idempotency_key, self._tries(row)), counts=not is_probe)

    @staticmethod
    def _tries(row: OutboxRow) -> int:
        return row.attempts + 1  # the row is as it was claimed, before this call was marked
