"""Assets of the stage: decide, then deliver, then tell: planned actions, tickets, holds, drafts, queues, brief, loop
time.

A blocking check stands between deciding and delivering, so nothing reaches a desk that breaks a rule of the ticket.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pandas as pd

from insights_assets.actions import brief as briefing
from insights_assets.actions import gather
from insights_assets.actions.alerts import Seen, is_flapping
from insights_assets.actions.asking_costs import week_words
from insights_assets.actions.decide import decide_actions, hold_state
from insights_assets.actions.deliver import deliver, delivery_rows, destinations_of, digests, outgoing_of, ticket_rows
from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations.hold_state import publish
from insights_assets.actions.escalation import raise_due
from insights_assets.actions.finish import PROVISIONAL, Inputs, Known
from insights_assets.actions.hold_costs import hold_rows
from insights_assets.actions.holds import desired_state, revenue_shares
from insights_assets.actions.lives import Life, with_lives
from insights_assets.actions.model import CauseRow, Evidence, Issue, time_of
from insights_assets.actions.named import named_by_issue
from insights_assets.actions.notices import digest_notices, unanswered_notices
from insights_assets.actions.people_assets import ASSETS as PEOPLE_ASSETS
from insights_assets.actions.queues import WaitingAction, approval_queue, queue_files, record_queues
from insights_assets.actions.ranking import rank_pain_points
from insights_assets.actions.repeated import find_repeated
from insights_assets.actions.rows import frame_of, issues_of, rows_of
from insights_assets.actions.soundness import answer_checks
from insights_assets.actions.tables import (
    ACTION_TICKETS,
    APPROVALS,
    ARTICLES,
    DELIVERIES,
    EXECUTIVE_BRIEF,
    MACROS,
    NOTICES,
    PLANNED_ACTIONS,
    PROMO_HOLDS,
    QUEUES,
)
from insights_assets.anomalies.soundness_tables import TRUST_CERTIFICATE
from insights_assets.anomalies.tables import INSIGHTS, ISSUE_DAYS, ROOT_CAUSES
from insights_assets.canonical.tables import FEEDBACK, ORDERS, PRODUCTS
from insights_assets.clusters.tables import THEME_MEMBERS, THEMES
from insights_assets.engine.bounds import arrow_on_driver
from insights_assets.labels.detail_tables import LABEL_DETAILS
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY
from insights_assets.resources import previews
from insights_assets.resources.operations.outbox_people import standing
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets

#: An action that has not arrived by then is worth a word.
LATE_AFTER_HOURS = 1.0
#: Days of feedback the brief and the queues look back.
RECENT_DAYS = 28


def judgement_state(step: Step) -> str:
    """What people decided so far, as one text: a body that depends on it runs again when anything of that moved."""
    operations = step.operations
    judged = [row.verdict_id for row in operations.verdicts.latest().values()]
    asleep = sorted(operations.verdicts.snoozed(step.as_of))
    approvals = [(row.action_id, row.state) for row in operations.approvals.all()]
    holds = [(row.hold_id, row.state, str(row.expires_on), row.changed_by) for row in operations.holds.all()]
    now, limits = step.clock(), step.shop.policy.alerts
    restless = sorted(key for key, row in operations.alerts.all().items() if is_flapping(Seen.from_row(row.as_dict()), now, limits))
    stamps = [(row.action_id, row.stage) for row in operations.escalations.stamps()]
    return repr((judged, asleep, approvals, holds, restless, stamps))


def delivery_state(step: Step) -> str:
    """What was decided and delivered so far, which destinations there are, and whether the desk is still there.

    While anything waits or is unknown no run is like the one before: time alone may let it be sent.
    """
    outbox = [(row.idempotency_key, row.content_sha256, row.state, row.sent_to) for row in step.operations.outbox.all()]
    digest = hashlib.sha256(repr(outbox).encode()).hexdigest()
    pending = "" if standing(step.operations).is_settled else step.run_id
    connected = [step.settings.jira_token is not None, step.settings.slack_bot_token is not None]
    return f"{judgement_state(step)} {digest} {pending} {connected} {(step.settings.home / 'desk').is_dir()}"


@table_assets(
    PLANNED_ACTIONS, PROMO_HOLDS, MACROS, ARTICLES, APPROVALS, QUEUES,
    reads=(
        INSIGHTS, ISSUE_DAYS, ROOT_CAUSES, FEEDBACK, FEEDBACK_LABELS, LABEL_DETAILS, LABEL_QUALITY, ORDERS, PRODUCTS, THEMES, THEME_MEMBERS,
        PLANNED_ACTIONS, MACROS, ARTICLES,
    ),
    memo=judgement_state,
    after=(dg.AssetKey(TRUST_CERTIFICATE.key_path),),  # nothing is decided on inputs that may not be published
    checks=(
        Check("actions_have_owner_and_destination", PLANNED_ACTIONS,
              "Every action names a team and where it goes (R97, R129).", blocking=True),
        Check("one_action_per_issue_and_kind", PLANNED_ACTIONS, "No issue has two actions of a kind.", blocking=True),
        Check("tickets_keep_their_form", PLANNED_ACTIONS, "A ticket has 25 lines at most and an undo.", blocking=True),
        Check("holds_stay_under_cap", PROMO_HOLDS, "Running holds together stay under their cap.", blocking=True),
        Check("no_insight_is_left_without_owner", PLANNED_ACTIONS,
              "Every open insight has a team and an action within the policy's hours (R97).", blocking=False),
    ),
)  # fmt: skip
def planned_actions(step: Step) -> None:
    """What the shop's policy decides for each issue: ticket, alert, hold, drafts; holds are placed or proposed here."""
    lives = {str(row["insight_id"]): Life.from_row(row) for row in gather.life_rows(step.read(ISSUE_DAYS))} if step.exists(ISSUE_DAYS) else {}
    issues, policy = with_lives(issues_of(step), lives), step.shop.policy
    since = step.as_of_end - timedelta(days=policy.thresholds.repeated_window_days)
    wanted = gather.to_decide_on(step.as_of, policy.opens_within_days, since)
    recent = gather.recent_rows(step.read(FEEDBACK), step.read(FEEDBACK_LABELS), step.as_of, RECENT_DAYS, only=wanted)
    inputs = _inputs(step, issues, recent)
    decided = decide_actions(inputs, step.operations)
    stored = {key: item.row for key, item in inputs.known.items()}
    keep = ("created_at", "run_id")
    rows = [
        {**row, **{name: stored[row["action_id"]][name] for name in keep if row["action_id"] in stored}}
        for row in decided.actions
    ]
    step.write(PLANNED_ACTIONS, frame_of(PLANNED_ACTIONS, rows, step))
    verdicts = {key: row.verdict for key, row in step.operations.verdicts.latest().items()}
    priced = hold_rows(decided.holds, verdicts, step.shop, step.as_of)
    step.write(PROMO_HOLDS, frame_of(PROMO_HOLDS, priced, step))
    for spec, kind in ((MACROS, "macro"), (ARTICLES, "article")):
        step.write(spec, frame_of(spec, [draft for draft in decided.drafts if draft["kind"] == kind], step))
    approvals = [approval.as_dict() for approval in decided.approvals]
    step.write(APPROVALS, frame_of(APPROVALS, approvals, step))
    step.operations.alerts.put(decided.seen)  # after the rows: a run that dies before tells the same again, and once
    queued = record_queues(gather.queue_records(recent, step.as_of, step.shop.policy.opens_within_days), step.shop)
    queued += approval_queue(_waiting(rows, approvals))
    step.write(QUEUES, frame_of(QUEUES, queued, step))
    answer_checks(step, rows, decided, issues)
    states = pd.Series([row["state"] for row in rows], dtype=object).value_counts()
    step.note(PLANNED_ACTIONS, **{f"{state}_count": int(count) for state, count in states.items()})
    waiting = pd.Series([row["queue"] for row in queued], dtype=object).value_counts().sort_index()
    columns = {"Queue": "queue", "Waiting": "count"}
    step.note(QUEUES, waiting=len(queued), preview=previews.table([{"queue": q, "count": int(n)} for q, n in waiting.items()], columns))
    held = [{**hold.as_dict(), "products": ", ".join(hold.skus)} for hold in decided.holds]
    columns = {"Hold": "hold_id", "Products": "products", "State": "state", "Until": "expires_on", "Why": "state_reason"}
    wrong = [row for row in priced if row["is_wrong"]]
    step.note(
        PROMO_HOLDS, preview=previews.table(held, columns), wrong_count=len(wrong), wrong_cost=round(sum(row["wrong_cost"] or 0.0 for row in wrong), 2),
    )  # fmt: skip


@table_assets(NOTICES, reads=(PLANNED_ACTIONS, NOTICES))
def notices(step: Step) -> None:
    """What belongs to no single issue: digests of alerts that were held back, and tickets nobody answered, told to the next team."""
    actions = rows_of(step, PLANNED_ACTIONS)
    stored = {str(row["action_id"]): row for row in rows_of(step, NOTICES)}
    raised = raise_due(step.operations, actions, step.shop, asleep=step.operations.verdicts.snoozed(step.as_of))
    made = digest_notices(actions, stored, step.shop, step.clock())
    made += unanswered_notices(step.operations.escalations.all(), actions, stored, step.shop)
    step.write(NOTICES, frame_of(NOTICES, made, step))
    step.note(NOTICES, went_up=len(raised), digests=sum(row["kind"] == "digest" for row in made))


@table_assets(
    ACTION_TICKETS,
    DELIVERIES,
    reads=(PLANNED_ACTIONS, NOTICES, MACROS, ARTICLES, PROMO_HOLDS, QUEUES, APPROVALS, INSIGHTS, FEEDBACK, FEEDBACK_LABELS),
    memo=delivery_state,
    checks=(
        Check("nothing_waits_too_long", DELIVERIES, "What was decided has arrived: no dead letter, nothing waits longer than an hour.",
              severity=dg.AssetCheckSeverity.WARN),
    ),
)  # fmt: skip
def deliveries(step: Step) -> None:
    """Every action brought to where it goes, once; the desired state of holds and the queues as files beside it.

    A destination that fails or is slow does not fail the run: what could not be sent waits, and the check says so.
    """
    desk = Desk(step.settings.home / "desk")
    actions = rows_of(step, PLANNED_ACTIONS)
    there = destinations_of(step.settings, step.shop)
    drafts = [*rows_of(step, MACROS), *rows_of(step, ARTICLES)]
    made = outgoing_of(step.operations, step.shop, there, actions, rows_of(step, NOTICES), drafts, lambda: _evidence(step))
    sent = deliver(step.operations, there, made, step.run_id, crash_at=step.settings.crash_at)
    written = sent.arrived
    files = {
        "holds.csv": desired_state(step.operations.holds.all()),
        **queue_files(rows_of(step, QUEUES)),
        **digests(actions, step.shop),
    }
    written += sum(desk.put(path, content) for path, content in files.items())
    if held := publish(step.operations, step.shop, step.settings, step.as_of):
        step.note(ACTION_TICKETS, holds="; ".join(held))
    outbox, approvals = step.operations.outbox, step.operations.approvals.all()
    step.write(ACTION_TICKETS, frame_of(ACTION_TICKETS, ticket_rows(actions, outbox.all(), approvals), step))
    step.write(DELIVERIES, frame_of(DELIVERIES, delivery_rows(outbox.deliveries()), step))
    columns = {"Tier": "tier", "Action": "kind", "For": "owner", "Issue": "title", "State": "state"}
    step.note(ACTION_TICKETS, files_written=written, desk="desk/ in the home", preview=previews.table(_by_tier(actions), columns))
    stands = standing(step.operations).as_facts(step.clock())
    step.note(DELIVERIES, **stands, **{f"held_back_{name}": why for name, why in sent.held_back.items()})
    is_late = stands["oldest_hours"] > LATE_AFTER_HOURS
    step.check("nothing_waits_too_long", not stands["dead"] and not is_late, **stands)


def _evidence(step: Step) -> dict[str, list[Evidence]]:
    """The records behind each issue."""
    rows = gather.evidence_rows(step.read(FEEDBACK), step.read(FEEDBACK_LABELS), step.read(INSIGHTS))
    return gather.evidence_by_issue(issues_of(step), rows)


def _by_tier(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(actions, key=lambda row: (row["tier"], row["title"], row["kind"]))


def brief_state(step: Step) -> str:
    """What the brief depends on beside its tables."""
    return f"{delivery_state(step)} {week_words(step.operations, step.settings)}"


@table_assets(
    EXECUTIVE_BRIEF,
    memo=brief_state,
    reads=(INSIGHTS, FEEDBACK, FEEDBACK_LABELS, PRODUCTS, PLANNED_ACTIONS, ACTION_TICKETS, EXECUTIVE_BRIEF),
)
def executive_brief(step: Step) -> None:
    """The weekly brief: five pain points ranked by score, with movement; one self-contained page on the desk."""
    issues = issues_of(step)
    feedback, labels = step.read(FEEDBACK), step.read(FEEDBACK_LABELS)
    recent = gather.recent_rows(feedback, labels, step.as_of, RECENT_DAYS, only=gather.DISPLEASED)
    points = rank_pain_points(issues, gather.complaints(recent), step.as_of, briefing.PAIN_POINTS)
    if len(points) < briefing.PAIN_POINTS:
        step.note(
            EXECUTIVE_BRIEF,
            not_written=f"{len(points)} topics are complained about, the brief needs {briefing.PAIN_POINTS}",
        )
        return
    facts = _brief_facts(step, issues, points)
    step.write(EXECUTIVE_BRIEF, frame_of(EXECUTIVE_BRIEF, briefing.brief_rows(facts), step))
    path = f"brief/{briefing.week_of(step.as_of)}.html"
    Desk(step.settings.home / "desk").put(path, briefing.render_brief(facts).encode())
    columns = {"Rank": "rank", "Pain point": "title", "A day at risk": "risk_per_day", "This week": "customers_this_week", "Movement": "movement"}
    step.note(EXECUTIVE_BRIEF, preview=previews.table(briefing.brief_rows(facts), columns))
    step.note(EXECUTIVE_BRIEF, page=f"desk/{path}", issues=sum(point.issue is not None for point in points))


ASSETS = [planned_actions, notices, deliveries, executive_brief, *PEOPLE_ASSETS]


# -- small print -------------------------------------------------------------------------------------------------------


def _inputs(step: Step, issues: list[Issue], recent: list[dict[str, Any]]) -> Inputs:
    causes: dict[str, list[CauseRow]] = {}
    for row in rows_of(step, ROOT_CAUSES):
        causes.setdefault(str(row["insight_id"]), []).append(CauseRow.from_row(row))
    drafts: dict[str, list[Mapping[str, Any]]] = {}
    for row in [*rows_of(step, MACROS), *rows_of(step, ARTICLES)]:
        drafts.setdefault(str(row["action_id"]), []).append(row)
    first = step.as_of - timedelta(days=gather.REVENUE_DAYS - 1)
    revenue = gather.revenue_by_sku(step.read(ORDERS), first, step.as_of)
    support = gather.support_records(recent, rows_of(step, THEMES), _members(step))
    evidence = _evidence(step)
    return Inputs(
        issues=issues,
        causes=causes,
        evidence=evidence,
        named=named_by_issue(evidence, gather.detail_rows(step.read(LABEL_DETAILS), step.read(INSIGHTS))),
        products=gather.products_of(rows_of(step, PRODUCTS)),
        revenue_share=revenue_shares(revenue),
        daily_revenue={sku: amount / gather.REVENUE_DAYS for sku, amount in revenue.items()} or None,
        repeated=find_repeated(support, step.shop, step.as_of_end),
        known={str(row["action_id"]): Known.from_row(row) for row in rows_of(step, PLANNED_ACTIONS)},
        known_drafts=drafts,
        shop=step.shop,
        as_of=step.as_of,
        until=step.as_of_end,
        provisional_reasons=_review_progress(step),
        console_url=step.settings.console_url,
    )


def _review_progress(step: Step) -> dict[str, str]:
    """topic -> what its labels' gate lacks, in words."""
    wanted = step.shop.policy.acceptance.labels_reviewed
    said = dict.fromkeys(step.shop.policy.topics, f"nobody has checked a record of this topic yet, {wanted} are wanted")
    for row in rows_of(step, LABEL_QUALITY):
        reason = str(row["reason"] or "")
        said[str(row["topic"])] = {
            "too_few": f"people have checked {reason.removesuffix(' reviewed')} records of this topic",
            "fail": f"people who checked records of this topic found too many wrong: {reason}",
            "pass": "enough records of this topic are checked since just now; the next run lifts this",
        }.get(str(row["gate"]), PROVISIONAL)
    return said


def _members(step: Step) -> list[dict[str, Any]]:
    since = step.as_of - timedelta(days=RECENT_DAYS)
    frame = step.read(THEME_MEMBERS).where(f"known_day > DATE'{since.isoformat()}' AND theme_id IS NOT NULL")
    rows: list[dict[str, Any]] = arrow_on_driver(frame.select("feedback_id", "theme_id"), "members of themes").to_pylist()
    return rows


def _waiting(rows: list[dict[str, Any]], approvals: list[dict[str, Any]]) -> list[WaitingAction]:
    asked = {str(approval["action_id"]): approval for approval in approvals}
    return [
        WaitingAction(
            action=Known.from_row(row).action, title=row["title"], due_at=time_of(row["due_at"]),
            is_decided=asked[row["action_id"]]["state"] in ("approved", "rejected"),
        )
        for row in rows
        if row["action_id"] in asked
    ]  # fmt: skip


def _brief_facts(step: Step, issues: list[Issue], points: list[Any]) -> briefing.BriefFacts:
    from insights_assets.actions.people_assets import alerts_words

    week = briefing.week_of(step.as_of)
    before = briefing.week_of(step.as_of - timedelta(days=7))
    stored = [row for row in rows_of(step, EXECUTIVE_BRIEF) if row["week"] == before and before != week]
    actions = rows_of(step, PLANNED_ACTIONS)
    week_ago = step.as_of - timedelta(days=7)
    return briefing.BriefFacts(
        shop=step.shop,
        as_of=step.as_of,
        points=points,
        products=gather.products_of(rows_of(step, PRODUCTS)),
        previous_ranks={str(row["insight_id"] or row["topic"]): int(row["rank"]) for row in stored},
        closed=[
            (i, i.last_seen_day) for i in issues if not i.is_open and i.last_seen_day and i.last_seen_day > week_ago
        ],
        actions=[Known.from_row(row).action for row in actions],
        holds={hold.insight_id: hold_state(hold) for hold in step.operations.holds.active()},
        due=_due_by_issue(actions),
        alerts=alerts_words(step),
        model=week_words(step.operations, step.settings),
        open_issues=sum(issue.is_open and issue.verdict not in ("dismissed", "duplicate") for issue in issues),
    )


def _due_by_issue(actions: list[dict[str, Any]]) -> dict[str, datetime]:
    """insight id -> when its first step is due."""
    due: dict[str, datetime] = {}
    for row in actions:
        moment = time_of(row["due_at"])
        if moment is not None:
            due[str(row["insight_id"])] = min(moment, due.get(str(row["insight_id"]), moment))
    return due
