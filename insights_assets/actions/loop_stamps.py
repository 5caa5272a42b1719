"""Taking the stamps of the loop: from issues, evidence, tickets, approvals, verdicts and what destinations reported.

Belongs here: which moment stands for which stage. Does not belong here: hours and the promise (`loop_time.py`, `loop_promise.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from insights_assets.actions.loop_time import ON_THEIR_WAY, Stamps
from insights_assets.actions.model import Evidence, Issue, day_of, time_of
from insights_assets.resources.operations.models import Approval, TicketStamp, Verdict
from insights_assets.shop.model import Shop

SILENT_VERDICTS = ("dismissed", "duplicate")


def loop_stamps(
    tickets: Iterable[Mapping[str, Any]],
    issues: Mapping[str, Issue],
    evidence: Mapping[str, Sequence[Evidence]],
    verdicts: Iterable[Verdict],
    shop: Shop,
    *,
    approvals: Iterable[Approval] = (),
    reported: Mapping[str, Mapping[str, TicketStamp]] | None = None,
) -> list[Stamps]:
    """The stamps of each action of an insight.

    `acknowledge`: what its destination reported, else the first verdict. `fix`: what was reported, else that the ticket was closed
    without being judged wrong.
    """
    answered: dict[str, datetime] = {}
    latest: dict[str, str] = {}
    for verdict in verdicts:
        answered.setdefault(verdict.insight_id, verdict.given_at)
        latest[verdict.insight_id] = verdict.verdict
    asked = {row.action_id: row for row in approvals}
    stamps = []
    for ticket in tickets:
        issue = issues.get(str(ticket["insight_id"]))
        if issue is None:
            continue
        action_id = str(ticket["action_id"])
        records = evidence.get(issue.insight_id, ())
        first = issue.first_said_at or min((r.occurred_at for r in records), default=None)
        arrival = min((r.received_at for r in records if r.received_at), default=None)
        label = max((r.labelled_at for r in records if r.labelled_at), default=None)
        decide = time_of(ticket.get("created_at"))
        there = {stage: row.at for stage, row in (reported or {}).get(action_id, {}).items()}
        closed = there.get("close") if latest.get(issue.insight_id) not in SILENT_VERDICTS else None
        at = {
            "event": first,
            "arrival": max(arrival, first) if arrival and first else None,
            # Records are labelled anew when labels change; what was known at the decision is not kept then.
            "label": label if label is None or decide is None or label <= decide else None,
            "detect": issue.detected_at,
            "decide": decide,
            "approve": time_of(ticket.get("approved_at")) or _approved(asked.get(action_id)),
            "route": time_of(ticket.get("delivered_at")),
            "acknowledge": there.get("acknowledge") or answered.get(issue.insight_id),
            "start": there.get("start"),
            "fix": there.get("fix") or closed,
        }
        stamps.append(
            Stamps(
                action_id=action_id,
                insight_id=issue.insight_id,
                kind=str(ticket["kind"]),
                owner=str(ticket["owner"]),
                tier=int(ticket["tier"]),
                at={stage: moment for stage, moment in at.items() if moment is not None},
                is_replayed=_is_replayed(issue, day_of(ticket["decided_day"]), shop),
                needs_approval=action_id in asked,
                is_open=ticket.get("state") in ON_THEIR_WAY,
            )
        )
    return stamps


def _approved(row: Approval | None) -> datetime | None:
    return row.decided_at if row is not None and row.state == "approved" else None


def _is_replayed(issue: Issue, decided_day: date | None, shop: Shop) -> bool:
    """Whether the issue was to be seen on an earlier day than the house first decided about it."""
    if issue.detected_at is None or decided_day is None:
        return False
    return issue.detected_at.astimezone(shop.zone).date() < decided_day
