"""A clock that a test turns, for everything that takes one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Hands:
    """Stands still until it is turned; `turn` takes what a timedelta takes."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float = 0.0, **more: float) -> None:
        self.now += timedelta(seconds=seconds, **more)
