"""Messages that are no issue's own: a channel's digest of a day, and the tickets that nobody answered, told to the next team.

Belongs here: what they say and when they go out. Does not belong here: what is held back for a digest (`switchboard.py`), when a ticket
goes up (`escalation.py`), sending. A notice is made once; while its day lasts a digest may grow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.escaping import inert
from insights_assets.actions.model import number_of, text_of, time_of
from insights_assets.resources.operations.sending_tables import Escalation
from insights_assets.shop.alerting import next_time
from insights_assets.shop.model import Shop

Row = Mapping[str, Any]


def digest_notices(actions: Iterable[Row], stored: Mapping[str, Row], shop: Shop, now: datetime) -> list[dict[str, Any]]:
    """One message a channel and day with the alerts that a budget pushed back. The desk has its digests as files; see `deliver.digests`."""
    held: dict[str, list[Row]] = {}
    for row in actions:
        if row["kind"] == "notification" and row["state"] == "digest" and row["destination"] != "desk" and text_of(row.get("told_with")):
            held.setdefault(str(row["told_with"]), []).append(row)
    made = []
    for key, rows in sorted(held.items()):
        rows.sort(key=lambda row: (row["tier"], row["owner"], row["insight_id"]))
        before = stored.get(key)
        goes_out = time_of(before["not_before"]) if before else next_time(now, shop.policy.digest.at, shop.zone)
        count = len(rows)
        title = f"Digest: {count} alert{'s' if count != 1 else ''} of {wording.day(min(row['decided_day'] for row in rows))}"
        lines = [f"- {shop.owners[str(row['owner'])].name}: {_title(row)} (Tier {row['tier']}): {_place(row, shop)}" for row in rows]
        body = _listed(f"**{title}**", "None of them is Tier 1 or about safety: those are told at once.", lines, shop)
        made.append(_notice(key, "digest", rows[0], title, body, count, {"not_before": goes_out, "due_at": None, "created_at": now, "state_reason": ""}, before))
    return made


def unanswered_notices(raised: Iterable[Escalation], actions: Iterable[Row], stored: Mapping[str, Row], shop: Shop) -> list[dict[str, Any]]:
    """One message for all steps that one team was given at one moment. What was told once stays as it was told."""
    by_action = {str(row["action_id"]): row for row in actions}
    together: dict[tuple[str, datetime], list[Escalation]] = {}
    for step in raised:
        together.setdefault((step.team, step.raised_at), []).append(step)
    made = []
    for (team, moment), steps in sorted(together.items()):
        key = _key("ESC", team, moment.isoformat())
        known = [step for step in steps if step.action_id in by_action]
        if key in stored or not known:
            continue
        known.sort(key=lambda step: (by_action[step.action_id]["tier"], step.due_at, step.action_id))
        count = len(known)
        title = f"{count} ticket{'s' if count != 1 else ''} nobody answered"
        lines = [
            f"- {_title(by_action[step.action_id])} (Tier {by_action[step.action_id]['tier']}): {step.reason}, due {wording.moment(step.due_at, shop.zone)}; "
            f"step {step.step}; {_place(by_action[step.action_id], shop)}"
            for step in known
        ]
        hint = "Take one up with `insights verdict INSIGHT confirmed`, or where the ticket is."
        body = _listed(f"**{title}** · for {shop.owners[team].name}", hint, lines, shop)
        first = {**by_action[known[0].action_id], "owner": team, "destination": shop.owners[team].alert_destination}
        more = {"not_before": None, "due_at": known[0].due_at, "created_at": moment, "state_reason": known[0].reason if count == 1 else ""}
        made.append(_notice(key, "unanswered", first, title, body, count, more, None))
    return made


def _place(row: Row, shop: Shop) -> str:
    return wording.ticket_place(shop.owners[str(row["owner"])].ticket_destination, str(row["insight_id"]))


def _notice(key: str, kind: str, first: Row, title: str, body: str, count: int, more: Row, before: Row | None) -> dict[str, Any]:
    """`first`: the most urgent row it tells of, which gives tier, team and destination."""
    return {
        "action_id": key, "insight_id": key, "kind": kind, "tier": int(number_of(first["tier"]) or 3), "owner": str(first["owner"]),
        "destination": str(first["destination"]), "state": "planned", "idempotency_key": hashlib.sha256(f"notice{chr(0)}{key}".encode()).hexdigest(),
        "topic": "", "title": title, "body": body, "issues_count": count, **more,
        **({"created_at": before["created_at"], "run_id": before.get("run_id")} if before else {}),
    }  # fmt: skip


def _listed(head: str, hint: str, lines: list[str], shop: Shop) -> str:
    most = shop.policy.alerts.told_together_at_most
    shown = lines[:most] + ([f"- and {len(lines) - most} more: `insights show tickets`"] if len(lines) > most else [])
    return f"{head}\n\n{hint}\n\n" + "\n".join(shown) + "\n"


def _title(row: Row) -> str:
    return inert(text_of(row["title"]), 160)


def _key(prefix: str, *parts: str) -> str:
    return f"{prefix}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:8]}"
