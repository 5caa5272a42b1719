"""One run of the actions stage, between reading and writing: plan, hold, ask, draft, render.

Belongs here: bringing policy, holds, approvals and drafts together for all issues. Does not belong here: reading
tables, writing files, what an action says (`finish.py`). Rows of the operational database are made by key, so that a
repeated run makes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from insights_assets.actions.alerts import Seen, observe, steadied, still_asleep, tell
from insights_assets.actions.approvals import request_approval
from insights_assets.actions.escalation import answered_at
from insights_assets.actions.finish import Decided, Inputs, finish_issue, finish_repeated, stored_row
from insights_assets.actions.holds import may_hold_again, plan_hold, settle_holds
from insights_assets.actions.model import Issue, PlannedAction, text_of, time_of
from insights_assets.actions.policy import IssueFacts, issue_facts, plan
from insights_assets.actions.repeated import plan_repeated
from insights_assets.actions.ticket_form import HoldState
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.models import Approval
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.model import Shop


def decide_actions(inputs: Inputs, operations: Operations) -> Decided:
    """Decide everything there is to decide as of the day. Deterministic in inputs and stored judgements."""
    shop, policy, now = inputs.shop, inputs.shop.policy, operations.clock()
    judged = {issue.insight_id: issue for issue in with_verdicts(inputs.issues, operations)}
    remembered = {key: Seen.from_row(row.as_dict()) for key, row in operations.alerts.all().items()}
    seen = observe(judged.values(), remembered, now, policy.alerts)
    issues = {key: steadied(issue, seen[key], now, policy.alerts) for key, issue in judged.items()}
    asleep = still_asleep(operations.verdicts.snoozed(inputs.as_of), issues, seen)
    repeated = {issue.issue_id: issue for issue in inputs.repeated}
    facts = {
        key: issue_facts(issue, inputs.evidence.get(key, ()), policy, inputs.until) for key, issue in issues.items()
    }
    known = {key: item.action for key, item in inputs.known.items()}
    planned, places = plan(
        issues.values(),
        facts,
        shop,
        inputs.as_of,
        known=known.values(),
        decided_days={key: item.decided_day for key, item in inputs.known.items()},
        snoozed=asleep,
        seen=seen,
        now=now,
    )
    seen, tellings = tell(
        planned, issues, seen, now, shop, told_before=_told_before(inputs), answered=answered_at(operations, (item.row for item in inputs.known.values())),
        asleep=asleep, places=places,
    )  # fmt: skip
    # What is worth telling again does not wait for the morning that its first words were to wait for.
    planned = [replace(action, not_before=None) if action.action_id in tellings and tellings[action.action_id].again else action for action in planned]
    by_issue_and_kind = {(action.insight_id, action.kind): action for action in planned}
    answered = {issues[a.insight_id].topic for a in planned if a.kind == "macro" and a.insight_id in issues}
    planned += plan_repeated(
        inputs.repeated,
        shop,
        by_issue_and_kind,
        answered | _lately_answered(inputs),
        decided_today=_drafted_today(inputs),
    )
    holds = _holds(planned, issues, facts, inputs, operations)
    approvals = _approvals(planned, inputs.shop, operations)
    decided = Decided(holds=holds, approvals=sorted(approvals.values(), key=lambda row: row.action_id), facts=facts)
    decided.tellings, decided.seen = tellings, [state.as_row() for key, state in sorted(seen.items()) if state != remembered.get(key)]
    per_issue: dict[str, list[PlannedAction]] = {}
    for action in planned:
        per_issue.setdefault(action.insight_id, []).append(_with_approval(action, approvals))
    hold_states = {hold.insight_id: hold_state(hold) for hold in holds}
    for insight_id, actions in sorted(per_issue.items()):
        if insight_id in issues:
            finish_issue(decided, issues[insight_id], actions, hold_states.get(insight_id), inputs)
        elif insight_id in repeated:
            finish_repeated(decided, repeated[insight_id], actions, inputs)
        else:  # a question that is not asked so often any more: its drafts stay as they are, only a decision moves them
            decided.actions += [{**stored_row(action, inputs), "state": action.state} for action in actions]
    return decided


def with_verdicts(issues: Iterable[Issue], operations: Operations) -> list[Issue]:
    """Issues with the verdict that counts now, which may be younger than the insights table."""
    latest = operations.verdicts.latest()

    def judged(issue: Issue) -> Issue:
        verdict = latest.get(issue.insight_id)
        if verdict is None:
            return issue
        return replace(issue, verdict=verdict.verdict, verdict_reason=verdict.reason or "", verdict_by=verdict.given_by)

    return [judged(issue) for issue in issues]


def hold_state(hold: Hold) -> HoldState:
    return HoldState(hold.hold_id, hold.state, tuple(hold.skus), hold.expires_on, hold.state_reason or "")


# -- small print -------------------------------------------------------------------------------------------------------


def _holds(
    planned: Iterable[PlannedAction],
    issues: Mapping[str, Issue],
    facts: Mapping[str, IssueFacts],
    inputs: Inputs,
    operations: Operations,
) -> list[Hold]:
    """Plan the holds one after the other, dearest issue first, so that the cap is spent where it matters."""
    operations.holds.expire(inputs.as_of)
    wanted = [action for action in planned if action.kind == "promo_hold" and action.insight_id in issues]
    wanted.sort(key=lambda a: (a.tier, -(issues[a.insight_id].risk_per_day_p10 or 0.0), a.insight_id))
    existing = {hold.action_id: hold for hold in operations.holds.all()}
    held = {sku for hold in existing.values() if hold.state == "active" for sku in hold.skus}
    plans = []
    for action in wanted:
        known = existing.get(action.action_id)
        issue = issues[action.insight_id]
        if known is not None and known.state != "proposed" and not may_hold_again(known, issue):
            continue
        wanted_hold = plan_hold(
            action, issue, facts[issue.insight_id], inputs.revenue_share, held, inputs.shop.policy, inputs.as_of, inputs.daily_revenue
        )
        if wanted_hold.placed_on is not None:
            held |= set(wanted_hold.skus)
        plans.append(wanted_hold)
    return settle_holds(operations, plans, issues, inputs.as_of)


def _approvals(planned: Iterable[PlannedAction], shop: Shop, operations: Operations) -> dict[str, Approval]:
    operations.approvals.expire()
    existing = {row.action_id: row for row in operations.approvals.all()}
    for action in planned:
        if action.state == "awaiting_approval" and action.action_id not in existing:
            existing[action.action_id] = request_approval(operations, shop, action)
    return existing


def _with_approval(action: PlannedAction, approvals: Mapping[str, Approval]) -> PlannedAction:
    row = approvals.get(action.action_id)
    if row is None or row.state == "waiting":
        return action
    said = f"{row.state} by {row.decided_by}" if row.decided_by else "nobody decided in time; a person can ask again"
    return replace(action, state=row.state, state_reason=said)


def _told_before(inputs: Inputs) -> dict[str, datetime]:
    """action id -> when an earlier run decided it, for alerts that are out."""
    return {
        key: time_of(item.row.get("created_at")) or datetime.combine(item.decided_day, time(0), UTC)
        for key, item in inputs.known.items()
        if item.action.kind == "notification" and item.action.state == "planned"
    }


def _lately_answered(inputs: Inputs) -> set[str]:
    """Topics that got a macro within the window of R94: one answer at a time."""
    since = inputs.as_of - timedelta(days=inputs.shop.policy.thresholds.repeated_window_days)
    return {
        text_of(item.row.get("topic"))
        for item in inputs.known.values()
        if item.action.kind == "macro" and item.decided_day > since
    }


def _drafted_today(inputs: Inputs) -> int:
    issues = {
        item.action.insight_id
        for item in inputs.known.values()
        if item.decided_day == inputs.as_of and item.action.insight_id.startswith("REP-")
    }
    return len(issues)
