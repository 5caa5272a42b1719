"""Pace: how many requests are in flight, when the server wants quiet, and when it is given up.

Belongs here: additive increase and multiplicative decrease by what the server's answers and rate headers say, one pause for everybody, the
circuit breaker. Does not belong here: the queue and the sending (`client`). Time is injected.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from insights_assets.resources.clock import wall_clock

#: So many failures in a row, with no answer between them, are an outage.
OUTAGE_AFTER = 8


class Time(Protocol):
    """What tells the time and lets it pass."""

    def now(self) -> datetime: ...

    def sleep_until(self, moment: datetime) -> None: ...


class WallTime:
    """The machine's own time."""

    def now(self) -> datetime:
        return wall_clock()

    def sleep_until(self, moment: datetime) -> None:
        time.sleep(max(0.0, (moment - wall_clock()).total_seconds()))


class Pace:
    """One deployment's pace, shared by all threads of a run."""

    def __init__(self, start: int, most: int, longest_wait_seconds: float, now: datetime) -> None:
        self._lock = threading.Lock()
        self._limit = float(min(start, most))
        self._most = float(most)
        self._wait_left = longest_wait_seconds
        self._quiet_until = now
        self._failures_in_a_row = 0
        self._tokens_a_call = 0.0
        self.waited_seconds = 0.0

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return max(1, int(self._limit))

    @property
    def quiet_until(self) -> datetime:
        """Nothing is sent before this moment."""
        return self._quiet_until

    @property
    def is_outage(self) -> bool:
        return self._failures_in_a_row >= OUTAGE_AFTER

    def answered(self, tokens: int, headers: Mapping[str, str]) -> None:
        """A reply came: one more in flight for each round of them, and never more than what the server says is left allows."""
        with self._lock:
            self._failures_in_a_row = 0
            self._tokens_a_call = max(self._tokens_a_call * 0.9, float(tokens))
            self._limit = min(self._most, self._limit + 1.0 / self._limit)
            left = [_number(headers.get("x-ratelimit-remaining-requests"))]
            tokens_left = _number(headers.get("x-ratelimit-remaining-tokens"))
            if tokens_left is not None and self._tokens_a_call:
                left.append(tokens_left / self._tokens_a_call)
            known = [one for one in left if one is not None]
            if known:
                self._limit = max(1.0, min(self._limit, *known))

    def limited(self, until: datetime, now: datetime) -> bool:
        """The server asked for quiet until a moment. Halves the pace once a pause; False where the run's patience is used up."""
        with self._lock:
            self._failures_in_a_row = 0
            if now >= self._quiet_until:
                self._limit = max(1.0, self._limit / 2)
            longer = (until - max(self._quiet_until, now)).total_seconds()
            if longer <= 0:
                return True
            if longer > self._wait_left:
                return False
            self._wait_left -= longer
            self.waited_seconds += longer
            self._quiet_until = until
            return True

    def failed(self) -> None:
        """A call brought nothing."""
        with self._lock:
            self._failures_in_a_row += 1


def backoff(attempt: int, key: str) -> timedelta:
    """Pause before asking again where the server names none: 0.5 s doubling to 8 s, up to a quarter less by the request's own key."""
    share = int(key[:4], 16) / 0xFFFF if key else 0.0
    return timedelta(seconds=min(8.0, 0.5 * 2 ** (attempt - 1)) * (1.0 - 0.25 * share))


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and value >= 0 else None
