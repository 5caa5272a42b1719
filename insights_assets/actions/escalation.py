"""When nobody answers: a ticket that its team does not acknowledge in time goes to the next team, step by step (R97).

Belongs here: pure timers over stored stamps, what counts as an answer, and writing the steps down. Does not belong here: the message
about a step (`notices.py`), approvals that expire (`approvals.py`). Times come from stamps and a clock that is given, never from waiting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from insights_assets.actions.alerts import SAFETY, waits_for_morning
from insights_assets.actions.model import Issue, text_of
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.sending_tables import Escalation
from insights_assets.shop.model import Shop

#: The kinds of action that somebody has to take up, the most urgent first: an issue waits for one answer, not for one each.
ANSWERED_KINDS = ("escalation", "defect_ticket", "copy_change")
#: What somebody did with a ticket where it is; the words of `ticket_stamps`.
STAMPS = ("acknowledge", "start", "fix", "close")


@dataclass(frozen=True)
class Unanswered:
    """A ticket that arrived and waits. `routed_at`: UTC, when it arrived."""

    action_id: str
    insight_id: str
    kind: str
    tier: int
    owner: str
    routed_at: datetime
    topic: str = ""

    @property
    def is_urgent(self) -> bool:
        return self.tier == 1 or self.topic == SAFETY or self.kind == "escalation"


@dataclass(frozen=True)
class Step:
    """One step up. `due_at`: UTC, when the answer was due."""

    action_id: str
    step: int
    insight_id: str
    team: str
    reason: str
    due_at: datetime

    def as_row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def answered_at(operations: Operations, actions: Iterable[Mapping[str, Any]]) -> dict[str, datetime]:
    """insight id -> when a person first answered: a verdict, a decision about one of its actions, or a move of its ticket.

    `actions`: rows with action_id and insight_id, which tell to what insight a ticket belongs.
    """
    insight_of = {str(row["action_id"]): str(row["insight_id"]) for row in actions}
    moments: list[tuple[str, datetime]] = [(row.insight_id, row.given_at) for row in operations.verdicts.history()]
    moments += [(row.insight_id, row.decided_at) for row in operations.approvals.all() if row.decided_by and row.decided_at is not None]
    moments += [(insight_of[row.action_id], row.at) for row in operations.escalations.stamps() if row.action_id in insight_of and row.stage in STAMPS]
    first: dict[str, datetime] = {}
    for insight_id, moment in moments:
        first[insight_id] = min(moment, first.get(insight_id, moment))
    return first


def unanswered(actions: Iterable[Mapping[str, Any]], arrived: Mapping[str, datetime]) -> list[Unanswered]:
    """One ticket an issue: the first that arrived of those somebody has to take up. `arrived`: action id -> when (UTC).

    `actions`: rows of `actions.planned_actions`. What is closed or ended waits for nobody.
    """
    found: dict[str, Unanswered] = {}
    for row in sorted(actions, key=lambda row: (ANSWERED_KINDS.index(row["kind"]) if row["kind"] in ANSWERED_KINDS else 99, str(row["action_id"]))):
        key, action_id = str(row["insight_id"]), str(row["action_id"])
        is_over = text_of(row.get("issue_state")) == "closed" or row["state"] in ("ended", "rejected")
        if row["kind"] in ANSWERED_KINDS and action_id in arrived and not is_over and key not in found:
            found[key] = Unanswered(action_id, key, str(row["kind"]), int(row["tier"]), str(row["owner"]), arrived[action_id], text_of(row.get("topic")))
    return sorted(found.values(), key=lambda ticket: (ticket.tier, ticket.action_id))


def due_steps(
    waiting: Iterable[Unanswered], answered: Mapping[str, datetime], raised: Iterable[Escalation], shop: Shop, now: datetime, asleep: Collection[str] = ()
) -> list[Step]:
    """The next step of each ticket whose time is over at `now`; one step at a time, each counted from the one before.

    In the quiet hours only what cannot wait goes up; the rest does so when they end. A ticket stops at the policy's number of steps, or
    where the next team was asked already.
    """
    before: dict[str, list[Escalation]] = {}
    for row in raised:
        before.setdefault(row.action_id, []).append(row)
    steps = []
    for ticket in waiting:
        if ticket.insight_id in answered or ticket.insight_id in asleep:
            continue
        made = sorted(before.get(ticket.action_id, ()), key=lambda row: row.step)
        asked = [ticket.owner, *(row.team for row in made)]
        team = shop.owners[asked[-1]].escalates_to if asked[-1] in shop.owners else ""
        hours = shop.policy.tiers[ticket.tier].respond_within_hours
        due = (made[-1].raised_at if made else ticket.routed_at) + timedelta(hours=hours)
        if len(made) >= shop.policy.escalation.steps or not team or team in asked or due > now:
            continue
        if not ticket.is_urgent and waits_for_morning(shop.owners[team].alert_destination, now, shop):
            continue
        who = shop.owners[asked[-1]].name if asked[-1] in shop.owners else "nobody"
        steps.append(Step(ticket.action_id, len(made) + 1, ticket.insight_id, team, f"{who} did not answer within {hours} h", due))
    return steps


def raise_due(operations: Operations, actions: Iterable[Mapping[str, Any]], shop: Shop, *, asleep: Collection[str] = ()) -> list[Escalation]:
    """Write down the steps that are due now; gives the new ones. `actions`: rows of `actions.planned_actions`. Repeatable."""
    rows = list(actions)
    arrived = {row.action_id: row.delivered_at for row in operations.outbox.all() if row.delivered_at is not None}
    steps = due_steps(unanswered(rows, arrived), answered_at(operations, rows), operations.escalations.all(), shop, operations.clock(), asleep)
    return operations.escalations.make(step.as_row() for step in steps)


def may_be_due(operations: Operations, shop: Shop) -> list[Step]:
    """What a sensor sees without the lake: steps that are due unless their issue closed meanwhile, which the run finds out."""
    rows = [row for row in operations.outbox.all() if row.delivered_at is not None and row.kind in ANSWERED_KINDS]
    waiting = [Unanswered(r.action_id, r.insight_id, r.kind, r.tier or 1, r.owner or "", r.delivered_at) for r in rows if r.delivered_at is not None]
    known = [{"action_id": row.action_id, "insight_id": row.insight_id} for row in rows]
    by_issue: dict[str, Unanswered] = {}
    for ticket in sorted(waiting, key=lambda ticket: (ANSWERED_KINDS.index(ticket.kind), ticket.action_id)):
        by_issue.setdefault(ticket.insight_id, ticket)
    return due_steps(by_issue.values(), answered_at(operations, known), operations.escalations.all(), shop, operations.clock())


def without_owner(issues: Iterable[Issue], acted: Collection[str], shop: Shop, now: datetime) -> list[str]:
    """Open insights that are nobody's after the policy's hours (R97): no team, or a decision that should have led to an action did not.

    `acted`: insight ids with an action, or for which the table says that none follows.
    """
    limit = timedelta(hours=shop.policy.escalation.no_owner_hours)
    late = []
    for issue in issues:
        seen = issue.detected_at or (datetime.combine(issue.opened_day, time(0), UTC) if issue.opened_day else None)
        is_old = seen is None or now - seen >= limit
        if issue.is_open and not issue.verdict and is_old and (issue.owner not in shop.owners or issue.insight_id not in acted):
            late.append(issue.insight_id)
    return sorted(late)
