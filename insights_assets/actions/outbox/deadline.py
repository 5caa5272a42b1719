"""An absolute deadline for a call: socket timeouts count the silence between bytes, so a slow drip outlasts them.

Belongs here: waiting no longer than allowed. Does not belong here: what follows; a call that is given up may still end at the
destination, so its outcome is unknown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from insights_assets.actions.destinations.port import Unknown


class Overdue(Unknown):
    """The call did not end in time; it may still be under way."""


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """What the call gives or raises, or Overdue. The call runs in a thread of its own, which is abandoned when it is late."""
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["value"] = call()
        except BaseException as error:  # noqa: BLE001 - raised again where the call was asked for
            outcome["error"] = error

    thread = threading.Thread(target=run, name="outbox-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Overdue(f"no answer within {seconds:g} s")
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]
