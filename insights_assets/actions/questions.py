"""Asking once whether a closed ticket was right: the question beneath the ticket, wanted and noted in one transaction.

Belongs here: the message of the question, and keeping that it was asked. Does not belong here: which tickets are asked about
(`precision.py`), sending (`outbox/`). Texts are not kept, so the question of an earlier run is made again as long as its ticket is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from insights_assets.actions.destinations.beneath import asks_for_verdict
from insights_assets.actions.destinations.port import Destination
from insights_assets.actions.model import text_of
from insights_assets.actions.outbox import Outgoing, want
from insights_assets.actions.precision import note_asked, question_text, tickets_to_ask
from insights_assets.resources.operations import Operations


def ask_for_verdicts(
    operations: Operations, actions: Iterable[Mapping[str, Any]], made: Sequence[Outgoing], destinations: Mapping[str, Destination]
) -> list[Outgoing]:
    """Ask about the tickets that were closed without a verdict since; gives the messages of every question asked so far, to be sent with the others."""
    rows = list(actions)
    of_action = {item.message.action_id: item for item in made if item.message.key.partition(":")[2] == ""}
    with operations.writing():
        new = [question for question in tickets_to_ask(rows, operations.answers.stamps(), operations.verdicts.latest()) if question.action_id in of_action]
        for question in new:
            note_asked(operations, question)
        stamps = operations.answers.stamps()
        asked = [text_of(row["action_id"]) for row in rows if "asked" in stamps.get(text_of(row["action_id"]), {})]
        messages = [_question(of_action[action_id]) for action_id in asked if action_id in of_action]
        want(operations, messages, destinations)
    return messages


def _question(ticket: Outgoing) -> Outgoing:
    message = asks_for_verdict(ticket.message, question_text(ticket.message.insight_id))
    return Outgoing(message, ticket.destination, ticket.urgency)
