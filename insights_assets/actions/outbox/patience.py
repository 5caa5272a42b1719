"""How patient the sender is: waits between tries, when a letter is dead, when a destination is left alone, how long a call may take.

Belongs here: the figures and the waits that follow from them. Does not belong here: any state. Waits differ by key, so that what failed
together does not come back together, and are the same in every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Patience:
    """Seconds, unless the name says otherwise. `lease` leaves room for a call, its look-ahead and a slow database several times over."""

    first_wait: float = 30.0
    longest_wait: float = 3600.0
    #: Tries of one letter that count: not those that a rate limit sent away, nor probes of a destination known to be down.
    most_tries: int = 10
    #: Faults of a destination in a row after which the rest waits, and how long at first and at most.
    faults_in_a_row: int = 3
    first_pause: float = 60.0
    longest_pause: float = 900.0
    #: No call may take longer; after that its outcome is unknown.
    call: float = 30.0
    lease: float = 300.0
    #: What one drain spends on one destination at most, so that a slow one holds back neither the run nor the others.
    destination_budget: float = 120.0
    #: A wait named by the destination (or its pace) up to this is slept in the drain; a longer one is left to the next.
    short_wait: float = 5.0
    #: Least time between two messages to one place of a destination.
    pace: Mapping[str, float] = field(default_factory=lambda: {"slack": 1.0})
    #: Clocks of two machines may differ by this; look-ups start so much earlier.
    clock_skew: float = 300.0
    #: How long a row whose text is not there is left alone.
    parked: float = 6 * 3600.0
    #: Rows leased at a time: few, so that what becomes urgent meanwhile is next.
    batch: int = 20

    def __post_init__(self) -> None:
        if self.call * 3 > self.lease:
            raise ValueError(f"a call of {self.call:g} s needs a lease of three times that, not {self.lease:g} s: an orphan could still be sending")

    def wait(self, key: str, tries: int) -> float:
        """Twice as long with every try, up to the longest, times 0.75 to 1.25 by the key."""
        base = min(self.longest_wait, self.first_wait * 2 ** min(max(tries - 1, 0), 30))
        drawn = int.from_bytes(hashlib.sha256(f"{key}\0{tries}".encode()).digest()[:4], "big") / 2**32
        return base * (0.75 + 0.5 * drawn)

    def pause(self, faults: int) -> float:
        """How long a destination is left alone after so many faults in a row."""
        return min(self.longest_pause, self.first_pause * 2 ** min(max(faults - self.faults_in_a_row, 0), 30))
