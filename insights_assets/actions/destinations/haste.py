"""A write begins soon after it was asked for, or not at all: whoever gave a call up must not be surprised by it later.

Belongs here: that one rule. Destinations read before they write (a channel's id, a project's fields); where that took long, nothing is
sent, so that the write lies within the sender's deadline (`outbox/patience.py`).
"""

from __future__ import annotations

import time

from insights_assets.actions.destinations.port import NotSent

#: With the clients' own time limits of a write this stays below the 30 seconds a sender waits.
MOST_SECONDS = 12.0


def must_be_soon(begun: float, service: str) -> None:
    """Raise NotSent where more time has gone by since `begun` (`time.monotonic()`) than a write may begin late."""
    if time.monotonic() - begun > MOST_SECONDS:
        raise NotSent(f"{service} was too slow in what is read before a write; nothing was sent")
