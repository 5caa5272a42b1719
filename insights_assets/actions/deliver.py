"""From decided actions to documents on the desk, and from the ledger back to rows.

Belongs here: which action becomes which file, the digest, and the state of an action after delivery. Does not belong
here: what a text says (`finish.py`) and how a file is written (`desk.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from insights_assets.actions.desk import Document
from insights_assets.actions.escaping import inert
from insights_assets.actions.model import text_of
from insights_assets.resources.operations.models import Approval, Delivery, OutboxRow
from insights_assets.shop.model import Shop

#: States in which an action has something to show; a digest entry is shown in its team's digest instead.
SHOWN_STATES = ("planned", "proposed", "awaiting_approval", "approved", "rejected", "expired", "ended")


def documents(actions: Iterable[Mapping[str, Any]], drafts: Iterable[Mapping[str, Any]], shop: Shop) -> list[Document]:
    """One document an action, one a language for drafts. A draft says in its first line that it waits, or who
    decided.
    """
    by_action: dict[str, list[Mapping[str, Any]]] = {}
    for draft in drafts:
        by_action.setdefault(str(draft["action_id"]), []).append(draft)
    made = []
    for action in actions:
        if action["state"] not in SHOWN_STATES or not text_of(action.get("body")):
            continue
        parts = by_action.get(str(action["action_id"]), [])
        texts = [(str(draft["language"]), _draft_page(action, draft, shop)) for draft in parts]
        for part, content in texts or [("", str(action["body"]))]:
            made.append(
                Document(
                    action_id=str(action["action_id"]),
                    insight_id=str(action["insight_id"]),
                    kind=str(action["kind"]),
                    destination=str(action["destination"]),
                    content=content,
                    idempotency_key=str(action["idempotency_key"]),
                    part=part,
                )
            )
    return sorted(made, key=lambda document: document.key)


def _draft_page(action: Mapping[str, Any], draft: Mapping[str, Any], shop: Shop) -> str:
    team = shop.owners[str(action["owner"])].name
    state = text_of(action["state"])
    if state == "awaiting_approval":
        head = f"*Draft: waits for {team}. Approve: `insights approve {action['action_id']}`.*"
    else:
        head = f"*Draft: {text_of(action.get('state_reason')) or state}.*"
    return f"{head}\n\n{draft['text']}"


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
