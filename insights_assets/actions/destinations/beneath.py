"""Messages beneath a ticket: its evidence, its coming back, the earlier one it repeats, whether it was right. Each is a row of the outbox of its own.

Belongs here: their keys and words. Does not belong here: when they are wanted (`actions/messages.py`), what a destination makes of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from insights_assets.actions.destinations.evidence import evidence_csv
from insights_assets.actions.destinations.port import Message
from insights_assets.actions.model import Evidence

EVIDENCE = "evidence"


def evidence_of(ticket: Message, records: Iterable[Evidence]) -> Message:
    """The records behind a ticket as a CSV file, for a destination that takes files (Jira). A later version is another file."""
    return _beneath(ticket, "evidence", kind=EVIDENCE, title=f"Evidence of {ticket.insight_id}", body=evidence_csv(records))


def came_back(ticket: Message, times: int, said: str) -> Message:
    """The issue is there again within the policy's days: the ticket is opened again, once a time."""
    return _beneath(ticket, f"back-{times}", body=f"**It came back.** {said}\n", move="reopen")


def repeats(ticket: Message, earlier_id: str, said: str) -> Message:
    """The issue is like one that ended longer ago: a ticket of its own, linked to the earlier one."""
    return _beneath(ticket, "repeats", body=f"**Like an earlier one.** {said}\n", links_to=earlier_id)


def asks_for_verdict(ticket: Message, said: str) -> Message:
    """The ticket was closed, and nobody said whether it was right: asked once."""
    return _beneath(ticket, "verdict", body=said)


def _beneath(ticket: Message, part: str, **changes: str) -> Message:
    head, _, known = ticket.key.partition(":")
    key = f"{head}:{known}-{part}" if known else f"{head}:{part}"
    return replace(ticket, key=key, parent_key=ticket.key, buttons=(), due_at=None, facts={}, **changes)  # type: ignore[arg-type]
