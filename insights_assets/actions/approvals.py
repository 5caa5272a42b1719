"""Approvals: asking a team, the buttons that answer, and deciding once, by whom the shop lets decide.

Belongs here: who is asked and until when, one-shot tokens and buttons, approve, reject, ask again. Does not belong here: rows
(`resources/operations/judgements.py`), which surface an answer came from (`inbox.py`), whether an action needs approval (`policy.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from insights_assets.actions.destinations.port import Button
from insights_assets.actions.model import PlannedAction, text_of
from insights_assets.actions.roles import Person, deciding_team, must_approve, person_of
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.resources.operations.models import Approval
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.model import Shop

#: Acts with an effect: a button for one carries a token, and Slack answers without one are refused.
GUARDED = ("approve", "reject", "place", "release", "extend")
#: Destinations in whose messages people can press.
INTERACTIVE = ("slack",)
#: Kinds whose message can be judged with a button: the ones that say what is wrong.
JUDGED_KINDS = ("defect_ticket", "notification", "escalation")


def request_approval(operations: Operations, shop: Shop, action: PlannedAction) -> Approval:
    """Ask the team that decides, for the hours of the action's tier. Asking again changes nothing, whatever was decided."""
    return operations.approvals.request(
        action.action_id, action.insight_id, action.kind, deciding_team(shop, action.kind, action.owner),
        expires_at=expires_at(shop, action.tier, operations.clock()),
    )  # fmt: skip


def expires_at(shop: Shop, tier: int, asked_at: datetime) -> datetime:
    return asked_at + timedelta(hours=shop.policy.answers.approval_hours[tier])


def issue_token(operations: Operations, act: str, subject: str, *, expires_at: datetime) -> str:
    """A one-shot right to do this act to this subject until then; only its hash is kept, so it is shown this once."""
    return operations.answers.issue_token(act, subject, expires_at=expires_at)


def buttons_of(operations: Operations, shop: Shop, action: Mapping[str, Any], *, is_interactive: bool) -> tuple[Button, ...]:
    """The buttons beside a message of an action (a row of `actions.action_tickets`), as of now; none where nobody can press them.

    An alert also carries what waits for a person about its insight: it is what people see first. Tokens are made here, so call it when
    messages are made to be sent, and keep none of them. Earlier ones stay good until they are used or run out: a message that was shown
    before still works, and whatever is pressed second is refused because it was decided.
    """
    if not is_interactive:
        return ()
    kind, insight_id, tier = text_of(action["kind"]), text_of(action["insight_id"]), int(action["tier"])

    def is_about(row: Approval | Hold) -> bool:
        return row.action_id == action["action_id"] or (kind == "notification" and row.insight_id == insight_id)

    made: list[Button] = []
    now, waiting = operations.clock(), [row for row in operations.approvals.waiting() if is_about(row)]
    for approval in waiting:
        what = f" the {approval.kind.replace('_', ' ')}"
        until = approval.expires_at or expires_at(shop, tier, now)
        made += [_guarded(operations, act, f"{label}{what}", approval.action_id, until) for act, label in (("approve", "Approve"), ("reject", "Reject"))]
    asked = {row.action_id for row in waiting}
    for hold in (row for row in operations.holds.all() if is_about(row)):
        if hold.state == "active":
            made.append(_guarded(operations, "release", "Release the hold", hold.hold_id, now + timedelta(days=shop.policy.holds.expires_after_days)))
        elif hold.state == "proposed" and hold.action_id not in asked:
            made.append(_guarded(operations, "place", "Place the hold", hold.hold_id, expires_at(shop, tier, now)))
    if kind in JUDGED_KINDS and insight_id not in operations.verdicts.latest():
        days = shop.policy.answers.snooze_days
        made += [
            Button("confirm", "It is real", insight_id), Button("dismiss", "Not an issue", insight_id),
            Button("snooze", f"Snooze {days} day{'s' if days != 1 else ''}", insight_id),
        ]  # fmt: skip
    return tuple(made)


def buttons_for(operations: Operations, shop: Shop, destinations: Collection[str]) -> Callable[[Mapping[str, Any]], tuple[Button, ...]]:
    """`buttons_of` as `messages_of` takes it: buttons where the action's destination is connected and can be pressed in."""

    def buttons(action: Mapping[str, Any]) -> tuple[Button, ...]:
        name = text_of(action["destination"]).partition(":")[0]
        return buttons_of(operations, shop, action, is_interactive=name in INTERACTIVE and name in destinations)

    return buttons


def _guarded(operations: Operations, act: str, label: str, subject: str, until: datetime) -> Button:
    return Button(act, label, subject, issue_token(operations, act, subject, expires_at=until))


def decide(
    operations: Operations, shop: Shop, action_id: str, approved: bool, person: Person, *, reason: str | None = None, through: str = "command"
) -> Approval:
    """Approve or reject as this person. Raises RefusedJudgement for another team's decision, one decided before, or one past its time."""
    row = operations.approvals.get(action_id)
    if row is None:
        raise RefusedJudgement(f"{action_id} does not wait for an approval")
    must_approve(shop, person, row.kind)
    if row.state == "expired":
        raise RefusedJudgement(f"{action_id} expired on {row.decided_at or row.expires_at:%d %b %Y, %H:%M} UTC; ask again first: insights approve {action_id} --ask-again")
    return operations.approvals.decide(action_id, approved, by=person.name, reason=reason, through=through)


def ask_again(
    operations: Operations, shop: Shop, action_id: str, tier: int, *, by: str, through: str, operators: Iterable[str] | None = None
) -> Approval:
    """A person lets an expired approval wait anew, for the hours of its tier; nothing else does."""
    person = person_of(shop, by, through, operators)
    with operations.writing() as session:
        operations.approvals.expire()
        known = operations.approvals.get(action_id)
        first = known.requested_at if known is not None else None
        row = operations.approvals.ask_again(action_id, expires_at=expires_at(shop, tier, operations.clock()))
        operations.audit.append_within(session, person.name, "ask_again", action_id, through=through, asked_before_at=first)
    return row
