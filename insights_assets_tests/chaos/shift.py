"""What the chaos tests share: a clock that several processes see, messages, and a worker in a process of its own.

Belongs here: making and driving. Does not belong here: any expectation.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import event

from insights_assets.actions.destinations.port import Destination, Message
from insights_assets.actions.outbox import Outgoing, Patience, drain
from insights_assets.resources.operations import Operations, open_operations
from insights_assets_tests.hands import START


class SharedClock:
    """Stands still until it is turned; every process that holds it sees the same time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_text("0")

    def __call__(self) -> datetime:
        return START + timedelta(seconds=float(self.path.read_text() or 0))

    def turn(self, seconds: float) -> None:
        later = float(self.path.read_text()) + seconds
        fresh = self.path.with_suffix(".new")
        fresh.write_text(str(later))
        fresh.replace(self.path)


def open_fast(target: str, clock: Callable[[], datetime]) -> Operations:
    """The database without waiting for the disk: a process may die here, the power does not go."""
    found = open_operations(target, clock=clock)
    if found.engine.dialect.name == "sqlite":
        event.listen(found.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    found.migrate()
    return found


def outgoing(number: int, *, body: str = "text", tier: int = 2, destination: str = "tickets:Q", parent: str = "", owner: str = "quality") -> Outgoing:
    key = f"{number:012x}{'0' * 52}"
    message = Message(key, f"ACT-{number}", f"INS-{number}", "defect_ticket", tier, owner, f"title {number}", f"{body} {number}", place="Q", parent_key=parent)
    return Outgoing(message, destination, tier)


def by_key(items: Iterable[Outgoing]) -> dict[str, Message]:
    return {item.message.key: item.message for item in items}


def worker_process(
    target: str,
    clock: Callable[[], datetime],
    destinations: Callable[[str], Mapping[str, Destination]],
    messages: Mapping[str, Message],
    *,
    name: str,
    act_at: tuple[str, str] | None = None,
    act: int = signal.SIGKILL,
    patience: Patience | None = None,
) -> int:
    """A drain in a forked process with its own connections, which sends itself the signal `act` when it reaches `act_at`. Gives its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        acted = [False]

        def crash(point: str, key: str) -> None:
            if not acted[0] and act_at is not None and point == act_at[0] and act_at[1] in ("", key):
                acted[0] = True
                os.kill(os.getpid(), act)

        operations: Operations = open_operations(target, clock=clock)
        drain(operations, destinations(name), messages, worker=name, run_id=name, crash=crash, sleep=lambda _s: None, patience=patience)
        operations.close()
        status = 0
    finally:
        os._exit(status)
