"""The outbox as a state machine: whatever order of wishes, faults, deaths, orphans, hands of people and time, nothing is there twice."""

from __future__ import annotations

import contextlib
from collections import Counter
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from insights_assets.actions.destinations.port import Message, NotSent, Receipt, Refused, Unknown
from insights_assets.actions.outbox import CRASH_POINTS, Outgoing, Patience, drain, want
from insights_assets.resources.operations import open_operations
from insights_assets.resources.operations.outbox import OUTBOX_STATES, StaleFence
from insights_assets.resources.operations.outbox_people import RefusedMove, drop, retry
from insights_assets.resources.operations.sending_tables import OutboxRow
from insights_assets_tests.chaos.shift import by_key, outgoing
from insights_assets_tests.hands import Hands

#: Few actions, so that trouble meets the same one again.
NUMBERS = st.integers(0, 3)
FAULTS = st.sampled_from(["lost", "lost", "", "limited", "fault", "refused", "bug"])


class Crashed(BaseException):
    """The worker died here."""


class Place:
    """A destination in memory with a ledger of its own: key -> contents written by `create`; search is late."""

    name, is_searchable, settles_after = "tickets", True, 60.0

    def __init__(self, clock: Hands) -> None:
        self.clock = clock
        self.written: list[tuple[str, datetime]] = []
        self.content: dict[str, str] = {}
        self.faults: list[str] = []
        self.lag = 0.0

    def find(self, message: Message, since: datetime) -> Receipt | None:
        seen = [key for key, at in self.written if key == message.key and at >= since and at + timedelta(seconds=self.lag) <= self.clock()]
        return Receipt(seen[0]) if seen else None

    def create(self, message: Message) -> Receipt:
        return self._write(message, is_new=True)

    def update(self, message: Message, external_id: str) -> Receipt:
        assert external_id == message.key
        return self._write(message, is_new=False)

    def _write(self, message: Message, *, is_new: bool) -> Receipt:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "limited":
            raise NotSent("too many", 20.0)
        if fault == "fault":
            raise NotSent("no connection")
        if fault == "refused":
            raise Refused("no such project")
        if is_new:
            self.written.append((message.key, self.clock()))
        self.content[message.key] = message.body
        if fault == "lost":
            raise Unknown("no reply")
        if fault == "bug":
            raise KeyError("an adapter's mistake after the write")
        return Receipt(message.key)


class OutboxMachine(RuleBasedStateMachine):
    """Two workers' worth of trouble over four actions."""

    @initialize()
    def begin(self) -> None:
        self.clock = Hands()
        self.operations = open_operations("sqlite://", clock=self.clock)
        self.operations.migrate()
        self.place = Place(self.clock)
        self.wanted: dict[int, Outgoing] = {}
        self.orphans: list[OutboxRow] = []
        self.marked: list[OutboxRow] = []
        self.runs = 0

    def drain(self, crash_at: str = "", *, skip: int = 0) -> None:
        self.runs += 1
        left = [skip]

        def crash(point: str, _key: str) -> None:
            if point == crash_at:
                left[0] -= 1
                if left[0] < 0:
                    raise Crashed

        with contextlib.suppress(Crashed):
            drain(
                self.operations, {"tickets": self.place}, by_key(self.wanted.values()), worker=f"w{self.runs}", run_id="r", crash=crash, sleep=self.clock.turn,
                patience=Patience(most_tries=4),
            )

    @rule(number=NUMBERS, version=st.integers(0, 2), tier=st.integers(1, 3))
    def wish(self, number: int, version: int, tier: int) -> None:
        self.wanted[number] = outgoing(number, body=f"v{version}", tier=tier)
        want(self.operations, self.wanted.values(), {"tickets": self.place})

    @rule(faults=st.lists(FAULTS, min_size=1, max_size=2), lag=st.sampled_from([0.0, 60.0, 100.0]))
    def trouble(self, faults: list[str], lag: float) -> None:
        self.place.faults, self.place.lag = faults, lag

    @rule(seconds=st.sampled_from([1, 30, 61, 301, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.turn(seconds)

    @rule()
    def send(self) -> None:
        self.drain()

    @rule()
    def others_work_for_an_hour(self) -> None:
        for _ in range(5):
            self.clock.turn(700)
            self.drain()

    @rule(point=st.sampled_from(CRASH_POINTS), skip=st.integers(0, 3))
    def send_and_die(self, point: str, skip: int) -> None:
        self.drain(point, skip=skip)

    @rule(is_marked=st.booleans())
    def a_worker_is_stopped(self, is_marked: bool) -> None:
        """After its claim, or after its mark and before the call."""
        for row in self.operations.outbox.claim("orphan", lease_seconds=300, limit=1):
            (self.marked if is_marked and self.mark(row) else self.orphans).append(row)

    def mark(self, row: OutboxRow) -> bool:
        if row.state != "waiting" or row.external_id is not None:
            return False
        try:
            self.operations.outbox.start(row, "tickets", lease_seconds=300)
        except StaleFence:
            return False
        return True

    @precondition(lambda self: self.orphans)
    @rule()
    def the_stopped_worker_marks(self) -> None:
        """It wakes, marks its row if it may, and is stopped again before the call."""
        row = self.orphans.pop(0)
        if self.mark(row):
            self.marked.append(row)

    @precondition(lambda self: self.marked)
    @rule(is_reporting=st.booleans())
    def the_stopped_worker_calls(self, is_reporting: bool) -> None:
        """It wakes again: looks once more, writes, reports or dies; the fence decides how far it comes."""
        row = self.marked.pop(0)
        outbox, message = self.operations.outbox, by_key(self.wanted.values())[row.idempotency_key]
        if not outbox.may_send(row, within_seconds=60):
            return
        try:
            receipt = self.place.create(message)
        except (NotSent, Unknown, Refused, KeyError):
            return  # as a death would leave it
        if is_reporting:
            outbox.delivered(row, external_id=receipt.external_id, run_id="orphan")

    @rule(number=NUMBERS)
    def somebody_lets_go(self, number: int) -> None:
        with contextlib.suppress(RefusedMove):
            drop(self.operations, f"ACT-{number}", by="ana", reason="done by hand")

    @rule(number=NUMBERS)
    def somebody_tries_again(self, number: int) -> None:
        with contextlib.suppress(RefusedMove):
            retry(self.operations, f"ACT-{number}", by="ana")

    @invariant()
    def nothing_is_there_twice(self) -> None:
        assert all(count == 1 for count in Counter(key for key, _ in self.place.written).values())

    @invariant()
    def rows_say_what_is_so(self) -> None:
        there = {key for key, _ in self.place.written}
        for row in self.operations.outbox.all():
            assert row.state in OUTBOX_STATES
            assert (row.external_id is None) == (row.delivered_at is None)
            assert row.external_id is None or row.idempotency_key in there
            assert (row.sending_at is not None) == (row.sending_sha256 is not None)
            if row.state in ("waiting", "dead"):
                assert row.sending_at is None and (row.external_id is not None or row.idempotency_key not in there), "a write nobody knows of"
            if row.state == "delivered":
                assert row.leased_by is None and row.external_id is not None
        firsts = Counter(d.idempotency_key for d in self.operations.outbox.deliveries() if d.outcome == "created")
        assert all(count == 1 for count in firsts.values())

    def teardown(self) -> None:
        """Left alone, everything that nobody let go of or refused arrives in its latest version."""
        if not hasattr(self, "operations"):
            return
        self.place.faults = []
        for _ in range(20):
            self.drain()
            self.clock.turn(1000)
        for number, item in self.wanted.items():
            row = self.operations.outbox.get(item.message.key)
            assert row is not None and row.state in ("delivered", "dead", "dropped"), (number, row and row.state)
            if row.state == "delivered":
                assert self.place.content[item.message.key] == item.message.body
        self.nothing_is_there_twice()
        assert self.operations.audit.verify_chain().holds
        self.operations.close()


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
