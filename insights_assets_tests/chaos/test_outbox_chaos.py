"""600 actions, every crash point x lost reply x late search x 429 and 5xx: none twice, none missing, by the server's own ledger.

Beside it the naive order (send, then record; try again on a fault) under the same faults, which duplicates and loses: the test can fail.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from insights_assets.actions.destinations.port import NotSent, Unknown
from insights_assets.actions.outbox import CRASH_POINTS, Outgoing, Patience, drain, want
from insights_assets.resources.operations import Operations, open_operations
from insights_assets_tests.chaos.shift import SharedClock, by_key, outgoing, worker_process
from insights_assets_tests.chaos.ticket_server import FAULTS, Tickets, TicketServer
from insights_assets_tests.hands import Hands

#: Seconds until a search sees a write; the last is later than the destination promises (60).
LAGS = (0.0, 5.0, 60.0, 100.0)
#: Where an action's sender dies: at one point, or there and once more while it is looked up.
DEATHS: tuple[tuple[str, ...], ...] = (
    (), ("claim:after",), ("mark:before",), ("mark:after",), ("call:after",), ("record:after",), ("lookup:before",), ("lookup:after",), ("missed:after",),
    ("call:after", "lookup:before"), ("call:after", "lookup:after"), ("mark:after", "lookup:after"), ("mark:after", "missed:after"),
)  # fmt: skip
#: What becomes of the second write, where there is one.
SECOND = ("lost", "503")
#: Here nearly every write fails, which is no outage; leaving a destination alone is `test_sender.py`'s matter.
EAGER = Patience(faults_in_a_row=1_000_000)
SCENARIOS = list(product(DEATHS, FAULTS, LAGS, SECOND))


class Crashed(BaseException):
    """The worker died here."""


def actions(number: int) -> list[tuple[Outgoing, tuple[tuple[str, ...], str, float, str]]]:
    """Actions with a scenario each; every scenario comes before any comes again, and few actions meet many kinds of them."""
    return [(outgoing(n, tier=n % 3 + 1), SCENARIOS[n * 7 % len(SCENARIOS)]) for n in range(number)]


def set_plan(server: TicketServer, planned: list[tuple[Outgoing, tuple[tuple[str, ...], str, float, str]]]) -> None:
    server.plan = {item.message.fingerprint: (fault, second) for item, (_, fault, _, second) in planned}
    server.lags = {item.message.fingerprint: lag for item, (_, _, lag, _) in planned}


def run_until_settled(run: Callable[[], None], operations: Operations, clock: Hands, *, most: int = 5000) -> int:
    """Run workers that die, one after the other, until everything has arrived; gives how many died."""
    died = 0
    for _ in range(most):
        try:
            run()
            if all(row.state == "delivered" for row in operations.outbox.all()):
                return died
            clock.turn(45)
        except Crashed:
            died += 1
            clock.turn(11)
    raise AssertionError(f"not settled: {Counter(row.state for row in operations.outbox.all())}")


@pytest.mark.slow
def test_600_actions_arrive_once_whatever_happens(operations: Operations, server: TicketServer, clock: Hands, target: str) -> None:
    assert len({SCENARIOS[n * 7 % len(SCENARIOS)] for n in range(600)}) == len(SCENARIOS) == 520
    planned = actions(600 if target.startswith("sqlite") else 240)
    set_plan(server, planned)
    items = [item for item, _ in planned]
    deaths = {item.message.key: list(points) for item, (points, *_) in planned}
    general = Counter({point: 5 for point in CRASH_POINTS if point.startswith("recover") or point == "claim:before"})
    reached: Counter[str] = Counter()

    def crash(point: str, key: str) -> None:
        if deaths.get(key, [])[:1] == [point]:
            deaths[key].pop(0)
        elif general[point] > 0:
            general[point] -= 1
        else:
            return
        reached[point] += 1
        raise Crashed

    want(operations, items, {})
    destinations = {"tickets": Tickets(server.port)}
    died = run_until_settled(
        lambda: void(drain(operations, destinations, by_key(items), worker=f"w{reached.total()}", run_id="r", crash=crash, sleep=clock.turn, patience=EAGER)),
        operations, clock,
    )  # fmt: skip
    wanted = [item.message.fingerprint for item in items]
    assert (server.duplicates(), server.missing(wanted), len(server.ledger)) == ([], [], len(items))
    assert set(reached) == set(CRASH_POINTS), "a point that no worker died at proves nothing"
    assert died == reached.total() > len(items) // 2
    assert {t.fingerprint: t.content for t in server.ledger} == {item.message.fingerprint: item.message.body for item in items}
    assert Counter(row.outcome for row in operations.outbox.deliveries()) == {"created": len(items)}


def void(_value: object) -> None:
    """For a lambda that is called for what it does."""


def test_the_naive_order_duplicates_and_loses_under_the_same_faults(server: TicketServer, clock: Hands) -> None:
    planned = actions(600)
    set_plan(server, planned)
    recorded: set[str] = set()
    given_up: set[str] = set()
    deaths = {item.message.key: list(points) for item, (points, *_) in planned}
    tickets = Tickets(server.port)

    def naive(item: Outgoing) -> None:
        """Send, then record; on a fault try once more, then log it and go on."""
        key = item.message.key
        for _ in range(2):
            try:
                tickets.create(item.message)
            except (NotSent, Unknown):
                continue
            if deaths[key][:1] == ["call:after"]:
                deaths[key].pop(0)
                raise Crashed
            recorded.add(key)
            return
        given_up.add(key)

    def run() -> None:
        for item, _ in planned:
            if item.message.key not in recorded | given_up:
                naive(item)

    for _ in range(700):
        try:
            run()
            break
        except Crashed:
            clock.turn(11)
    wanted = [item.message.fingerprint for item, _ in planned]
    assert len(server.duplicates()) > 100, "the faults must be able to duplicate"
    assert len(server.missing(wanted)) > 20, "and to lose"


@pytest.mark.slow
def test_workers_killed_by_the_system_leave_none_twice_and_none_missing(target: str, tmp_path: Path) -> None:
    """As above with real processes and SIGKILL: every point x every fault, each worker dying once."""
    clock = SharedClock(tmp_path / "clock")
    server = TicketServer(clock)
    points = [point for point in CRASH_POINTS if point not in ("recover:before", "recover:after")]
    scenarios = list(product(points, FAULTS))
    items = [outgoing(n) for n in range(len(scenarios))]
    server.plan = {item.message.fingerprint: (fault,) for item, (_, fault) in zip(items, scenarios, strict=True)}
    server.lags = {item.message.fingerprint: LAGS[n % 4] for n, item in enumerate(items)}
    operations = open_operations(target, clock=clock)
    operations.migrate()
    want(operations, items, {})
    operations.close()
    killed = 0
    try:
        for item, (point, _) in zip(items, scenarios, strict=True):
            at = (point, "" if point == "claim:before" else item.message.key)
            for _ in range(4):  # a look-up comes only after a call whose reply was lost, some minutes later
                child = worker_process(target, clock, lambda name: {"tickets": Tickets(server.port, worker=name)}, by_key([item]), name=f"w-{at}", act_at=at, patience=EAGER)
                _, status = os.waitpid(child, 0)
                clock.turn(400)
                if os.WIFSIGNALED(status):
                    assert os.WTERMSIG(status) == signal.SIGKILL
                    killed += 1
                    break
                assert status == 0
        for _ in range(40):
            drain(operations, {"tickets": Tickets(server.port)}, by_key(items), worker="last", run_id="r", sleep=clock.turn, patience=EAGER)
            clock.turn(400)
        assert {row.state for row in operations.outbox.all()} == {"delivered"}
        wanted = [item.message.fingerprint for item in items]
        assert (server.duplicates(), server.missing(wanted)) == ([], [])
        assert killed >= 30
    finally:
        operations.close()
        server.close()


@pytest.mark.parametrize("point", ["claim:after", "mark:before", "mark:after", "call:after", "lookup:before", "lookup:after"])
def test_an_orphan_that_wakes_up_sends_nothing(target: str, tmp_path: Path, point: str) -> None:
    """A worker stopped past its lease while another takes over, then continued: no request of it after that."""
    clock = SharedClock(tmp_path / "clock")
    server = TicketServer(clock)
    items = [outgoing(n) for n in range(12)]
    stopped_at = items[3].message
    server.plan = {stopped_at.fingerprint: ("lost",)} if point.startswith("lookup") else {}
    server.lags = {item.message.fingerprint: 60 for item in items}
    operations = open_operations(target, clock=clock)
    operations.migrate()
    want(operations, items, {})
    if point.startswith("lookup"):
        drain(operations, {"tickets": Tickets(server.port)}, {stopped_at.key: stopped_at}, worker="first", run_id="r", sleep=clock.turn)
        clock.turn(120)
    operations.close()
    try:
        orphan = worker_process(
            target, clock, lambda name: {"tickets": Tickets(server.port, worker=name)}, by_key(items), name="orphan", act_at=(point, stopped_at.key), act=signal.SIGSTOP
        )
        _, status = os.waitpid(orphan, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        before = server.requests["POST orphan"]
        for _ in range(6):
            clock.turn(301)
            drain(operations, {"tickets": Tickets(server.port, worker="heir")}, by_key(items), worker="heir", run_id="r", sleep=clock.turn)
        assert {row.state for row in operations.outbox.all()} == {"delivered"}
        os.kill(orphan, signal.SIGCONT)
        _, status = os.waitpid(orphan, 0)
        assert status == 0, "an orphan ends quietly"
        assert server.requests["POST orphan"] == before and server.requests["PUT orphan"] == 0, "sent with a stale fence"
        assert (server.duplicates(), server.missing([item.message.fingerprint for item in items])) == ([], [])
    finally:
        operations.close()
        server.close()


def test_workers_side_by_side_share_the_work(target: str, tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "clock")
    server = TicketServer(clock)
    items = [outgoing(n) for n in range(60)]
    operations = open_operations(target, clock=clock)
    operations.migrate()
    want(operations, items, {})
    operations.close()
    try:
        children = [
            worker_process(target, clock, lambda name: {"tickets": Tickets(server.port, worker=name)}, by_key(items), name=f"w{n}") for n in range(3)
        ]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
        assert {row.state for row in operations.outbox.all()} == {"delivered"}
        assert (server.duplicates(), len(server.ledger)) == ([], 60)
    finally:
        operations.close()
        server.close()
