"""One writer a home: an exclusive lock on `<home>/lock`, released by the operating system when its holder dies.

Where the operational database is a PostgreSQL server, two machines may share a lake that neither has on its own disk: then the database's own
lock is held beside it for the time of the run, by a connection of its own, and released by the server when that connection is gone.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from insights_assets.resources.progress import announce

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations

#: The advisory lock that a run holds. It belongs to the database, so homes with their own do not wait for each other.
_RUN = 7_309_114


class HomeBusy(TimeoutError):
    """Another run is writing this home."""


@contextmanager
def home_lock(home: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the home for writing. Raises HomeBusy naming the holder after `wait_seconds`."""
    home.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_seconds
    is_told = False
    with open(home / "lock", "a+", encoding="utf-8") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                handle.seek(0)
                holder = handle.read().strip() or "unknown"
                if time.monotonic() >= deadline:
                    raise HomeBusy(f"{home} is being written by process {holder}; try again when it has ended") from None
                if not is_told:
                    announce(f"waiting for process {holder}, which writes this home")
                    is_told = True
                time.sleep(0.2)
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        try:
            yield
        finally:
            handle.seek(0)
            handle.truncate()
            handle.flush()
            fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def database_lock(operations: Operations, wait_seconds: float) -> Iterator[None]:
    """Hold the operational database for one run. Nothing to hold on SQLite, which lies in the home."""
    if operations.engine.dialect.name != "postgresql":
        yield
        return
    from sqlalchemy.exc import DBAPIError

    deadline = time.monotonic() + wait_seconds
    # No transaction of its own (it would keep the database from cleaning up for as long as the run goes), and none of the writers' turns.
    with operations.engine.connect().execution_options(insights_read_only=True, isolation_level="AUTOCOMMIT") as connection:
        is_told = False
        while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_RUN})").scalar():
            if time.monotonic() >= deadline:
                raise HomeBusy("another machine's run holds the operational database; try again when it has ended")
            if not is_told:
                announce("waiting for another machine's run, which holds the operational database")
                is_told = True
            time.sleep(0.5)
        try:
            yield
        finally:
            try:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_RUN})")
            except DBAPIError:
                # What the run did stands; somebody else may have run beside it since, so it is said.
                announce("the database closed the connection that held it for this run; a run of another machine may have begun before this one's end")
