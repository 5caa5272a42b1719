"""One writer a home: an exclusive lock on `<home>/lock`, released by the operating system when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from insights_assets.resources.progress import announce


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
