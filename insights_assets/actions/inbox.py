"""What people answer where they work: a button in Slack, a transition in Jira, the console, a command; each counted once.

Belongs here: one answer as every surface hands it over, and carrying it out by who it is and what it asks. Does not belong here:
listening (`destinations/`), the rules of approvals and verdicts (`approvals.py`, `verdicts.py`), who may do what (`roles.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from insights_assets.actions import approvals, hold_answers
from insights_assets.actions.roles import LOCAL, Person, person_of
from insights_assets.actions.verdicts import give_verdict
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.holds import RefusedHold
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.resources.operations.models import Approval, InboundAnswer
from insights_assets.resources.operations.sending_tables import Hold, OutboxRow
from insights_assets.shop.model import Shop

DECISIONS = ("approve", "reject")
#: act -> judgement of `give_verdict`
VERDICTS = {"confirm": "confirmed", "dismiss": "dismissed", "duplicate": "duplicate-of", "snooze": "snooze", "unknown": "unknown"}
HOLD_ACTS = ("place", "release", "extend")
#: Facts of a destination: anybody who can do it there can report it.
STAMPS = {"acknowledge": "taken up", "start": "work has begun", "fix": "fixed", "close": "closed"}
ACTS = (*DECISIONS, *VERDICTS, *HOLD_ACTS, *STAMPS)
THROUGH = ("console", "command", "jira", "slack")
REASON_CHARACTERS = 400


@dataclass(frozen=True)
class Answer:
    """One thing a person did. `event_id` is the surface's own name of it, so that the same delivery twice counts once.

    `act`: approve, reject, confirm, dismiss, duplicate, snooze, unknown, release, place, extend, acknowledge, start, fix or close.
    `person`: the e-mail address (or the surface's user id where it gives no address). `through`: console, command, jira or slack.
    """

    event_id: str
    act: str
    subject: str
    person: str
    through: str
    at: datetime
    token: str = ""
    reason: str = ""
    until: date | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an answer: taken or not, and the sentence the person is shown."""

    is_taken: bool
    said: str


def take(
    operations: Operations,
    shop: Shop,
    answer: Answer,
    *,
    home: Path | None = None,
    as_of: date | None = None,
    operators: Iterable[str] | None = None,
    known_insights: Iterable[str] | None = None,
) -> Outcome:
    """Carry an answer out: the act, its token, its audit entry and the note that it came are one transaction.

    The same `event_id` again changes nothing and gives the first outcome. What may not be done is not taken; the outcome says why, in
    the person's words. `subject` may name the action, the insight or the hold; what the act is about is found from it. `home`: where
    the desk is, so that a hold shows in its desired state at once. `as_of`: the shop's day, by default that of the last publication.
    """
    with operations.writing() as session:
        known = operations.answers.known(answer.event_id)
        if known is not None:
            outcome = Outcome(known.is_taken, known.said)
        else:
            operations.approvals.expire()
            try:
                with operations.writing():
                    outcome = Outcome(True, _carry_out(operations, shop, answer, as_of, operators, known_insights))
            except (RefusedJudgement, RefusedHold) as refused:
                outcome = Outcome(False, str(refused))
                operations.audit.append_within(session, answer.person.strip() or "nobody", "refused", answer.subject or "nothing", act=answer.act, through=answer.through)
            operations.answers.note(_row(operations, answer, outcome))
    if home is not None and outcome.is_taken and answer.act in (*HOLD_ACTS, *DECISIONS):
        from insights_assets.actions.commands import write_desired_state

        # Console and commands bring feed and webhook up to date themselves, and say what became of it.
        write_desired_state(home, operations, None if answer.through in LOCAL else shop)
    return outcome


def take_here(operations: Operations, shop: Shop, act: str, subject: str, *, by: str, through: str, reason: str = "", until: date | None = None, **more: Any) -> Outcome:
    """An answer given on the console or by a command, now; `more` is what `take` takes."""
    answer = Answer(f"{through}:{uuid.uuid4()}", act, subject, by, through, operations.clock(), reason=reason, until=until)
    return take(operations, shop, answer, **more)


def _row(operations: Operations, answer: Answer, outcome: Outcome) -> InboundAnswer:
    return InboundAnswer(
        event_id=answer.event_id, through=answer.through, act=answer.act, subject=answer.subject, person=answer.person, answered_at=answer.at,
        taken_at=operations.clock(), is_taken=outcome.is_taken, said=outcome.said,
    )  # fmt: skip


def _carry_out(
    operations: Operations, shop: Shop, answer: Answer, as_of: date | None, operators: Iterable[str] | None, known_insights: Iterable[str] | None
) -> str:
    if answer.act not in ACTS or answer.through not in THROUGH:
        raise RefusedJudgement(f"{answer.act!r} through {answer.through!r} is nothing that can be answered")
    answer = replace(answer, reason=answer.reason.strip()[:REASON_CHARACTERS])
    if answer.act in STAMPS:
        return _stamp(operations, shop, answer, operators)
    person = person_of(shop, answer.person, answer.through, operators)
    day = as_of or _shop_day(operations)
    if answer.act in VERDICTS:
        return _judge(operations, shop, answer, person, day, known_insights)
    hold = _hold(operations, answer.subject)
    # A hold that waits for an approval is placed by approving it, and the other way round; the token names what its button said.
    action_id = hold.action_id if hold is not None else answer.subject
    if answer.act in GUARDED_BY_TOKEN[answer.through] or answer.token:
        operations.answers.redeem(answer.token, answer.act, answer.subject, by=person.name)
    if answer.act in DECISIONS:
        return _decide(operations, shop, answer, person, action_id, hold, day)
    if hold is None:
        raise RefusedHold(f"there is no hold {answer.subject}; see `insights hold list`")
    asked = operations.approvals.get(action_id)
    said = hold_answers.carry_out(operations, shop, answer.act, hold, person, day, reason=answer.reason, until=answer.until)
    if answer.act == "place" and asked is not None and asked.state == "waiting":
        approvals.decide(operations, shop, action_id, True, person, reason=answer.reason or None, through=answer.through)
    operations.audit.append(person.name, f"hold_{answer.act}", hold.hold_id, reason=answer.reason, through=answer.through, said=said)
    return said


#: A button in Slack can be pressed by whoever sees the message, so it brings a token. Jira's transitions are guarded by the workflow.
GUARDED_BY_TOKEN = {"slack": approvals.GUARDED, "jira": (), "console": (), "command": ()}


def _decide(operations: Operations, shop: Shop, answer: Answer, person: Person, action_id: str, hold: Hold | None, day: date | None) -> str:
    row = approvals.decide(operations, shop, action_id, answer.act == "approve", person, reason=answer.reason or None, through=answer.through)
    operations.audit.append(person.name, answer.act, action_id, reason=answer.reason, through=answer.through)
    if hold is not None and hold.state == "proposed" and row.state == "approved":
        return f"{action_id} is approved by {person.name}; " + hold_answers.carry_out(operations, shop, "place", hold, person, day)
    then = "the next run carries it out" if row.state == "approved" else "nothing leaves the house"
    return f"{action_id} is {row.state} by {person.name}; {then}"


def _judge(operations: Operations, shop: Shop, answer: Answer, person: Person, day: date | None, known_insights: Iterable[str] | None) -> str:
    insight_id = _insight(operations, answer.subject)
    known = known_insights if known_insights is not None else _insights(operations)
    until = answer.until
    if answer.act == "snooze" and until is None and answer.through not in LOCAL and day is not None:
        until = day + timedelta(days=shop.policy.answers.snooze_days)
    if answer.act == "dismiss" and not answer.reason:
        raise RefusedJudgement(f"a dismissal needs a reason: it is what teaches the detector; insights verdict {insight_id} dismissed --reason …, or the console")
    return give_verdict(
        operations, insight_id, VERDICTS[answer.act], by=person.name, reason=answer.reason or None, until=until, known_insights=known, as_of=day,
        through=answer.through,
    )  # fmt: skip


def _stamp(operations: Operations, shop: Shop, answer: Answer, operators: Iterable[str] | None) -> str:
    person = answer.person.strip() if answer.through not in LOCAL else person_of(shop, answer.person, answer.through, operators).name
    with operations.reading() as session:
        sent = session.scalar(select(OutboxRow).where(OutboxRow.action_id == answer.subject).limit(1))
    if sent is None:
        raise RefusedJudgement(f"there is no action {answer.subject}; see `insights show tickets`")
    is_first = operations.answers.stamp(answer.subject, answer.act, answer.at, by=person or answer.through, through=answer.through)
    said = f"{answer.subject}: {STAMPS[answer.act]}"
    if not is_first:
        return f"{said} already; the first time counts"
    operations.audit.append(person or answer.through, answer.act, answer.subject, through=answer.through, at=answer.at)
    if answer.act == "close" and sent.insight_id not in operations.verdicts.latest():
        said += f"; nobody has said whether it was right: insights verdict {sent.insight_id} confirmed, or dismissed with a reason"
    return said


# -- what a subject is about -------------------------------------------------------------------------------------------


def _hold(operations: Operations, subject: str) -> Hold | None:
    return next((hold for hold in operations.holds.all() if subject in (hold.hold_id, hold.action_id)), None)


def _insight(operations: Operations, subject: str) -> str:
    """The insight that a subject is, or that its action or hold belongs to."""
    with operations.reading() as session:
        for model, key in ((OutboxRow, OutboxRow.action_id), (Approval, Approval.action_id), (Hold, Hold.action_id), (Hold, Hold.hold_id)):
            found: str | None = session.scalar(select(model.insight_id).where(key == subject).limit(1))
            if found is not None:
                return found
    return subject


def _insights(operations: Operations) -> set[str]:
    """Insights that something was done about: what a surface outside the house can know of."""
    with operations.reading() as session:
        return {insight_id for model in (OutboxRow, Approval, Hold) for insight_id in session.scalars(select(model.insight_id).distinct())}


def _shop_day(operations: Operations) -> date | None:
    latest = operations.latest_publication()
    return latest.as_of_day if latest is not None else None
