"""One destination during a drain: may it be called now, how long to wait between two messages, is it down.

Belongs here: pace, time budget and circuit breaker; what the breaker knows outlives the drain as a small fact of the home. Does not
belong here: rows, calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from insights_assets.actions.destinations.port import Destination
from insights_assets.actions.outbox.patience import Patience
from insights_assets.resources.operations import Operations


@dataclass
class Lane:
    """What a drain knows of one destination. `faults` in a row; after too many it is left alone until `closed_until`, then asked once."""

    destination: Destination
    operations: Operations
    patience: Patience
    sleep: Callable[[float], None]
    faults: int = 0
    closed_until: datetime | None = None
    spent: float = 0.0
    limits: int = 0
    held_back: str = ""
    last_sent: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def open(cls, destination: Destination, operations: Operations, patience: Patience, sleep: Callable[[float], None]) -> Lane:
        lane = cls(destination, operations, patience, sleep)
        stored = operations.facts.get(lane._fact)
        if stored is not None:
            known = json.loads(stored)
            lane.faults = known["faults"]
            lane.closed_until = datetime.fromisoformat(known["until"]) if known["until"] else None
        return lane

    @property
    def _fact(self) -> str:
        return f"breaker:{self.destination.name}"

    @property
    def is_down(self) -> bool:
        """Whether the last calls failed in a row: the next one is only a probe."""
        return self.faults >= self.patience.faults_in_a_row

    def is_open(self) -> bool:
        """Whether it may be called now; `held_back` says why not."""
        now = self.operations.clock()
        if self.closed_until is not None and now < self.closed_until:
            self.held_back = self.held_back or f"{self.destination.name} is left alone until {self.closed_until:%Y-%m-%d %H:%M:%S} UTC"
            return False
        if self.spent >= self.patience.destination_budget:
            self.held_back = f"{self.destination.name} took {self.spent:.0f} s of this drain; the rest follows in the next"
            return False
        return True

    def in_step(self, place: str, last_delivered: Callable[[], datetime | None]) -> bool:
        """Wait until the place may get its next message; False where that is too long for this drain."""
        gap = self.patience.pace.get(self.destination.name, 0.0)
        if gap <= 0:
            return True
        if place not in self.last_sent and (latest := last_delivered()) is not None:
            self.last_sent[place] = latest
        if place in self.last_sent:
            return self.rest(gap - (self.operations.clock() - self.last_sent[place]).total_seconds())
        return True

    def rest(self, seconds: float) -> bool:
        """Sleep a short wait out of the drain's budget; False where it is too long."""
        if seconds <= 0:
            return True
        if seconds > self.patience.short_wait or self.spent + seconds > self.patience.destination_budget:
            self.closed_until = self.operations.clock() + timedelta(seconds=seconds)
            self._keep()
            return False
        self.spent += seconds
        self.sleep(seconds)
        return True

    def sent(self, place: str) -> None:
        self.last_sent[place] = self.operations.clock()

    def succeeded(self) -> None:
        self.limits = 0
        if self.faults or self.closed_until is not None:
            self.faults, self.closed_until, self.held_back = 0, None, ""
            self._keep()

    def failed(self, why: str) -> None:
        """A fault of the destination, not of one message."""
        self.faults += 1
        if self.is_down:
            self.closed_until = self.operations.clock() + timedelta(seconds=self.patience.pause(self.faults))
            self.held_back = f"{self.destination.name} failed {self.faults} times in a row, last: {why[:200]}"
        self._keep()

    def limited(self, seconds: float) -> None:
        """The destination asks to wait: no fault. A short wait is slept, a longer one (or one too many in a row) holds the rest back."""
        self.limits += 1
        seconds = max(seconds, 1.0)
        if self.limits >= self.patience.faults_in_a_row:
            seconds = max(seconds, self.patience.first_pause)
        if self.rest(seconds):
            return
        self.closed_until = self.operations.clock() + timedelta(seconds=seconds)
        self.held_back = f"{self.destination.name} asked for {seconds:.0f} s of rest"
        self._keep()

    def _keep(self) -> None:
        until = self.closed_until.isoformat() if self.closed_until is not None else None
        self.operations.facts.put(self._fact, json.dumps({"faults": self.faults, "until": until}))
