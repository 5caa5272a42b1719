"""What follows a ticket where tickets live on (Jira): its evidence once, its coming back each time, the earlier ticket it repeats.

Belongs here: which of these a ticket has, from its row and the outbox. Does not belong here: their words (`destinations/beneath.py`)
and whether Jira is connected. Alerts and files of the desk have none: a message says in its text what a ticket says in a comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.destinations.beneath import came_back, evidence_of, repeats
from insights_assets.actions.destinations.port import Message
from insights_assets.actions.model import Evidence, number_of, text_of
from insights_assets.actions.outbox import Outgoing
from insights_assets.resources.operations.sending_tables import OutboxRow

#: The destination whose messages are moved, linked and given files.
TICKETS = "jira"
KIND = "defect_ticket"


def follow_ups(
    outgoing: Iterable[Outgoing], rows: Iterable[Mapping[str, Any]], sent: Iterable[OutboxRow], evidence: Mapping[str, Sequence[Evidence]]
) -> list[Outgoing]:
    """More messages, each beneath a ticket among `outgoing`. `rows`: of `actions.planned_actions`; `evidence`: insight id -> its records.

    A file that arrived is not replaced by tomorrow's: the ticket shows what it was made on, and its own text what came since.
    """
    known = list(sent)
    arrived = {row.idempotency_key for row in known if row.external_id}
    keys = {row.insight_id: str(row.external_id) for row in known if row.sent_to == TICKETS and row.kind == KIND and row.external_id and not row.parent_key}
    by_action = {str(row["action_id"]): row for row in rows}
    made: list[Outgoing] = []
    for item in outgoing:
        ticket = item.message
        if ticket.kind == KIND and item.destination.startswith(f"{TICKETS}:") and not ticket.parent_key and ticket.action_id in by_action:
            beneath = _beneath(ticket, by_action[ticket.action_id], keys, evidence.get(ticket.insight_id, ()))
            made += [replace(item, message=message) for message in beneath if message.parent_key and not _is_there(message, arrived)]
    return made


def _is_there(message: Message, arrived: set[str]) -> bool:
    return message.kind != KIND and message.key in arrived


def _beneath(ticket: Message, row: Mapping[str, Any], keys: Mapping[str, str], records: Sequence[Evidence]) -> list[Message]:
    made = [evidence_of(ticket, records)] if records else []
    times = int(number_of(row.get("reopened_count")) or 0)
    if times and text_of(row.get("issue_state")) != "closed":
        made.append(came_back(ticket, times, "Customers report it anew; the ticket is open again." if times == 1 else f"For the {wording.ordinal(times)} time; the ticket is open again."))
    earlier = text_of(row.get("links_to"))
    if earlier and earlier in keys and earlier != ticket.insight_id:
        made.append(repeats(ticket, keys[earlier], f"{keys[earlier]} was about the same place and topic."))
    return made
