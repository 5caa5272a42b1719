"""After a lost reply: look twice, with time for the destination's search to see a write, and only then make the effect again.

Belongs here: one look-up and what follows from it. Does not belong here: how a destination searches (its `find`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from insights_assets.actions.destinations.port import NotSent

if TYPE_CHECKING:
    from insights_assets.actions.outbox.lanes import Lane
    from insights_assets.actions.outbox.sender import Drain
    from insights_assets.resources.operations.sending_tables import OutboxRow


def look_up(drain: Drain, row: OutboxRow, lane: Lane) -> None:
    """Ask whether the effect is there. Found: delivered. Not found twice: it waits to be made again. Could not ask: asked again later."""
    destination, patience = lane.destination, drain.patience
    message = drain.messages[row.idempotency_key]
    started = row.sending_at or row.created_at
    drain.crash("lookup:before", row.idempotency_key)
    try:
        receipt = drain.timed(lane, lambda: destination.find(message, started - timedelta(seconds=patience.clock_skew)))
    except NotSent as error:
        wait = patience.wait(row.idempotency_key, 1) if error.retry_after is None else error.retry_after
        drain.outbox.unknown(row, f"the look-up failed: {error}", look_after_seconds=max(wait, 1.0))
        if error.retry_after is None:
            lane.failed(str(error))
        else:
            lane.limited(error.retry_after)
        return
    except Exception as error:  # noqa: BLE001 - as for a write: an adapter's fault stops no run
        drain.outbox.unknown(row, f"the look-up failed with {type(error).__name__}", look_after_seconds=patience.wait(row.idempotency_key, 1))
        lane.failed(type(error).__name__)
        return
    drain.crash("lookup:after", row.idempotency_key)
    if receipt is not None:
        drain.record(row, receipt, lane, "found by look-up: the reply to the write was lost", is_found=True)
        return
    drain.report.missed += 1
    if drain.outbox.missed(row, look_after_seconds=destination.settles_after, most_tries=patience.most_tries) == "dead":
        drain.report.dead += 1
    drain.crash("missed:after", row.idempotency_key)
