"""The outbox row of a message: its key, its place, and a hash of its content; never the text itself.

Belongs here: what counts as content, and writing rows down. Does not belong here: making messages (`actions/messages.py`), sending.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from insights_assets.actions.destinations.desk import path_of
from insights_assets.actions.destinations.port import Destination, Message
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.sending_tables import OutboxRow

DESK = "desk"
#: Why a row waits whose action shows no text (it is snoozed, in a digest, or a run has not come so far).
NO_TEXT = "its text of this version is not there: the action is not shown now, or the run that wrote it has not been published"

#: Why a row waits that is, or may be, at a destination this installation has no access to now.
NOT_CONNECTED = "the destination that has it, or may have it, is not connected now; a copy elsewhere would be a second one"


@dataclass(frozen=True)
class Outgoing:
    """A message and the destination its action names (`jira:PROJECT`). `urgency` orders sending: 1 is first, as Tier 1 and safety are.

    `not_before`: UTC, when it may first go out (the end of quiet hours, the hour of the digest); None for at once.
    """

    message: Message
    destination: str
    urgency: int
    not_before: datetime | None = None


def digest(message: Message) -> str:
    """The hash of what a person would see; one-shot tokens and the parent's name at the destination are not part of it."""
    seen = [
        message.title, message.body, message.place, message.due_at.isoformat() if message.due_at else None, message.owner, message.tier,
        [(button.act, button.label, button.subject) for button in message.buttons], sorted(message.facts.items()),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def body_digest(message: Message) -> str:
    """The hash of what the desk shows, which is the body alone."""
    return hashlib.sha256(message.body.encode()).hexdigest()


def matches(row: OutboxRow, message: Message) -> bool:
    """Whether the message has the content that the row wants; a row that names no hash takes the text as it is."""
    return row.payload.get("sha256") in (None, digest(message), body_digest(message))


def name_of(destination: str) -> str:
    """`jira:PROJECT` -> `jira`."""
    return destination.partition(":")[0]


def route(row: OutboxRow, destinations: Mapping[str, Destination]) -> Destination | None:
    """Where a row goes now. What is somewhere (or may be) stays there; what is nowhere yet goes where its action says, else to the desk.

    None where it cannot go anywhere now: its destination is not connected any more, and a copy elsewhere would be a second effect.
    """
    if row.sent_to is not None or row.external_id is not None:
        return destinations.get(row.sent_to or DESK)
    return destinations.get(name_of(row.destination)) or destinations.get(DESK)


def row_of(outgoing: Outgoing, at: str) -> dict[str, Any]:
    """The row as `Outbox.want` takes it. `at`: the destination that will show it (the desk where the one wanted is not connected)."""
    message = outgoing.message
    payload = {"path": path_of(message), "sha256": body_digest(message)} if at == DESK else {"at": at, "sha256": digest(message)}
    return {
        "idempotency_key": message.key, "action_id": message.action_id, "insight_id": message.insight_id, "kind": message.kind,
        "destination": outgoing.destination, "payload": payload, "owner": message.owner or None, "tier": outgoing.urgency,
        "parent_key": message.parent_key if message.parent_key not in ("", message.key) else None,
        **({"not_before": outgoing.not_before} if outgoing.not_before is not None else {}),
    }  # fmt: skip


def want(operations: Operations, outgoing: Iterable[Outgoing], destinations: Mapping[str, Destination], session: Session | None = None) -> int:
    """Write down messages as wanted, in the caller's transaction where one is given. Gives how many wait anew."""
    if session is None:
        with operations.writing() as own:
            return want(operations, outgoing, destinations, own)
    rows = []
    for item in outgoing:
        known = session.get(OutboxRow, item.message.key)
        named = destinations.get(name_of(item.destination))
        at = (named or destinations.get(DESK)) if known is None else route(known, destinations)
        rows.append(row_of(item, at.name if at is not None else (known.sent_to if known is not None else None) or name_of(item.destination)))
    return operations.outbox.want(rows, session)
