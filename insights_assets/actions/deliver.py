"""From decided actions to destinations, and from the ledger back to rows.

Belongs here: delivering what was decided through the outbox, the digest, and the state of an action after delivery. Does not belong
here: what a text says (`finish.py`), the message it becomes (`messages.py`), the order of sending (`outbox/`).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from insights_assets.actions.approvals import buttons_for
from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations.connect import connect
from insights_assets.actions.destinations.desk import DeskDestination
from insights_assets.actions.destinations.port import Destination
from insights_assets.actions.escaping import inert
from insights_assets.actions.follow_ups import TICKETS, follow_ups
from insights_assets.actions.messages import messages_of
from insights_assets.actions.model import Evidence, text_of
from insights_assets.actions.outbox import DrainReport, Outgoing, Patience, drain, want
from insights_assets.actions.questions import ask_for_verdicts
from insights_assets.lake.crash import crash_here
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.models import Approval
from insights_assets.resources.operations.sending_tables import Delivery, OutboxRow
from insights_assets.settings import Settings
from insights_assets.shop.model import Shop


def destinations_of(settings: Settings, shop: Shop) -> dict[str, Destination]:
    """Every destination by name: the desk, which is always there, and what is connected."""
    desk: dict[str, Destination] = {"desk": DeskDestination(Desk(settings.home / "desk"))}
    return {**desk, **connect(settings, shop)}


def outgoing_of(
    operations: Operations,
    shop: Shop,
    destinations: Mapping[str, Destination],
    actions: Sequence[Mapping[str, Any]],
    notices: Sequence[Mapping[str, Any]],
    drafts: Sequence[Mapping[str, Any]],
    evidence: Callable[[], Mapping[str, Sequence[Evidence]]] = dict,
) -> list[Outgoing]:
    """Every message there is by these rows (of `planned_actions`, `notices`, `macros` and `articles`), with what follows a ticket.

    `evidence`: insight id -> its records, asked for only where a destination takes files; without it a ticket's file waits for a run.
    """
    made = messages_of([*actions, *notices], drafts, shop, buttons_for(operations, shop, destinations))
    made += ask_for_verdicts(operations, actions, made, destinations)
    if TICKETS in destinations:
        made += follow_ups(made, actions, operations.outbox.all(), evidence())
    return made


def deliver(
    operations: Operations,
    destinations: Mapping[str, Destination],
    outgoing: Sequence[Outgoing],
    run_id: str,
    *,
    crash_at: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
    patience: Patience | None = None,
) -> DrainReport:
    """Bring messages to their destinations, each action once; a changed one is an update of what is there.

    The operational database keeps ids and hashes, never a text. A process that died anywhere in here is made good by a later call.
    """
    want(operations, outgoing, destinations)
    return send_waiting(operations, destinations, outgoing, run_id, crash_at=crash_at, sleep=sleep, patience=patience)


def send_waiting(
    operations: Operations,
    destinations: Mapping[str, Destination],
    outgoing: Sequence[Outgoing],
    run_id: str,
    *,
    crash_at: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
    patience: Patience | None = None,
) -> DrainReport:
    """Send what the outbox holds already; nothing is wanted anew. `crash_at` (`outbox.call:after`) kills this process there, for tests."""

    def crash(point: str, _key: str) -> None:
        crash_here(crash_at, f"outbox.{point}")

    messages = {item.message.key: item.message for item in outgoing}
    worker = f"{socket.gethostname()}:{os.getpid()}:{run_id}"
    return drain(operations, destinations, messages, worker=worker, run_id=run_id, crash=crash, sleep=sleep, patience=patience)


def digests(actions: Iterable[Mapping[str, Any]], shop: Shop) -> dict[str, bytes]:
    """`alerts/digest-<team>.md` for each team: the alerts its weekly budget pushed back (R134)."""
    pages = {}
    listed = sorted(
        (row for row in actions if row["state"] == "digest"), key=lambda row: (row["tier"], row["insight_id"])
    )
    for owner, team in shop.owners.items():
        lines = [
            f"- {inert(text_of(row['title']), 160)} (Tier {row['tier']})" for row in listed if row["owner"] == owner
        ]
        if lines:
            pages[f"alerts/digest-{owner}.md"] = "\n".join([f"# Digest for {team.name}", "", *lines, ""]).encode()
    return pages


def ticket_rows(
    actions: Iterable[Mapping[str, Any]], outbox: Iterable[OutboxRow], approvals: Iterable[Approval]
) -> list[dict[str, Any]]:
    """Rows of `actions.action_tickets`: what was decided, where it is, who approved it."""
    sent: dict[str, list[OutboxRow]] = {}
    for row in outbox:
        if row.delivered_at is not None:
            sent.setdefault(row.action_id, []).append(row)
    approved = {row.action_id: row.decided_at for row in approvals if row.state == "approved"}
    rows = []
    for action in actions:
        arrived = sorted(sent.get(str(action["action_id"]), ()), key=lambda row: row.idempotency_key)
        state = "delivered" if action["state"] == "planned" and arrived else action["state"]
        rows.append(
            {
                **{name: action[name] for name in action if name not in ("policy_line", "hold_id")},
                "state": state,
                "external_id": arrived[0].external_id if arrived else None,
                "proof_sha256": None,
                "approved_at": approved.get(str(action["action_id"])),
                "delivered_at": min((row.delivered_at for row in arrived if row.delivered_at), default=None),
            }
        )
    return rows


def delivery_rows(deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """Rows of `actions.deliveries`."""
    rows = []
    for delivery in deliveries:
        row = delivery.as_dict()
        row["delivery_id"] = f"{delivery.idempotency_key}:{delivery.content_sha256[:12]}"
        rows.append(row)
    return rows
