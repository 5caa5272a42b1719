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
from insights_assets.actions.decide import decide_actions, hold_state, with_verdicts
from insights_assets.actions.deliver import delivery_rows, digests, documents, loop_stamps, ticket_rows
from insights_assets.actions.desk import Desk, deliver
from insights_assets.actions.destinations.hold_state import publish
from insights_assets.actions.finish import PROVISIONAL, Inputs, Known
from insights_assets.actions.holds import desired_state, revenue_shares
from insights_assets.actions.loop_time import judge_loop, loop_rows
from insights_assets.actions.model import CauseRow, Issue, time_of
from insights_assets.actions.queues import WaitingAction, approval_queue, queue_files, record_queues
from insights_assets.actions.ranking import rank_pain_points
from insights_assets.actions.repeated import find_repeated
from insights_assets.actions.tables import (
    ACTION_TICKETS,
    APPROVALS,
    ARTICLES,
    DELIVERIES,
    EXECUTIVE_BRIEF,
    LOOP_TIME,
    MACROS,
    PLANNED_ACTIONS,
    PROMO_HOLDS,
    QUEUES,
    VERDICTS,
)
from insights_assets.actions.tickets import MAX_LINES
from insights_assets.actions.verdicts import verdict_rows
from insights_assets.anomalies.soundness_tables import TRUST_CERTIFICATE
from insights_assets.anomalies.tables import INSIGHTS, ROOT_CAUSES
from insights_assets.canonical.tables import FEEDBACK, ORDERS, PRODUCTS
from insights_assets.clusters.tables import THEME_MEMBERS, THEMES
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY
from insights_assets.lake.spec import TableSpec
from insights_assets.resources import previews
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets

#: Days of feedback the brief and the queues look back.
RECENT_DAYS = 28


def rows_of(step: Step, spec: TableSpec) -> list[dict[str, Any]]:
    """A small table as dicts."""
    return [dict(row) for row in step.lake.read_arrow(spec).to_pylist()] if step.exists(spec) else []


def frame_of(spec: TableSpec, rows: list[dict[str, Any]], step: Step) -> pd.DataFrame:
    """Rows as a frame of the spec; run_id and created_at are filled where the row has none."""
    filled = []
    for row in rows:
        made = {"run_id": step.run_id, "created_at": step.clock(), **{k: v for k, v in row.items() if v is not None}}
        filled.append({name: made.get(name) for name in spec.column_names})
    return pd.DataFrame(filled, columns=spec.column_names, dtype=object)


def judgement_state(step: Step) -> str:
    """What people decided so far, as one text: a body that depends on it runs again when anything of that moved."""
    operations = step.operations
    judged = [row.verdict_id for row in operations.verdicts.latest().values()]
    asleep = sorted(operations.verdicts.snoozed(step.as_of))
    approvals = [(row.action_id, row.state) for row in operations.approvals.all()]
    holds = [(row.hold_id, row.state, str(row.expires_on), row.changed_by) for row in operations.holds.all()]
    return repr((judged, asleep, approvals, holds))


def delivery_state(step: Step) -> str:
    """What was decided and delivered so far, and whether the desk is still there."""
    outbox = [(row.idempotency_key, row.content_sha256, row.state) for row in step.operations.outbox.all()]
    digest = hashlib.sha256(repr(outbox).encode()).hexdigest()
    return f"{judgement_state(step)} {digest} {(step.settings.home / 'desk').is_dir()}"


def issues_of(step: Step) -> list[Issue]:
    return with_verdicts((Issue.from_row(row) for row in rows_of(step, INSIGHTS)), step.operations)


@table_assets(
    PLANNED_ACTIONS, PROMO_HOLDS, MACROS, ARTICLES, APPROVALS, QUEUES,
    reads=(
        INSIGHTS, ROOT_CAUSES, FEEDBACK, FEEDBACK_LABELS, LABEL_QUALITY, ORDERS, PRODUCTS, THEMES, THEME_MEMBERS,
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
    ),
)  # fmt: skip
def planned_actions(step: Step) -> None:
    """What the shop's policy decides for each issue: ticket, alert, hold, drafts; holds are placed or proposed here."""
    issues = issues_of(step)
    recent = gather.recent_rows(step.read(FEEDBACK), step.read(FEEDBACK_LABELS), step.as_of, RECENT_DAYS)
    inputs = _inputs(step, issues, recent)
    decided = decide_actions(inputs, step.operations)
    stored = {key: item.row for key, item in inputs.known.items()}
    keep = ("created_at", "run_id")
    rows = [
        {**row, **{name: stored[row["action_id"]][name] for name in keep if row["action_id"] in stored}}
        for row in decided.actions
    ]
    step.write(PLANNED_ACTIONS, frame_of(PLANNED_ACTIONS, rows, step))
    step.write(PROMO_HOLDS, frame_of(PROMO_HOLDS, [hold.as_dict() for hold in decided.holds], step))
    for spec, kind in ((MACROS, "macro"), (ARTICLES, "article")):
        step.write(spec, frame_of(spec, [draft for draft in decided.drafts if draft["kind"] == kind], step))
    approvals = [approval.as_dict() for approval in decided.approvals]
    step.write(APPROVALS, frame_of(APPROVALS, approvals, step))
    queued = record_queues(gather.queue_records(recent, step.as_of, step.shop.policy.opens_within_days), step.shop)
    queued += approval_queue(_waiting(rows, approvals))
    step.write(QUEUES, frame_of(QUEUES, queued, step))
    _check(step, rows, decided.holds)
    states = pd.Series([row["state"] for row in rows], dtype=object).value_counts()
    step.note(PLANNED_ACTIONS, **{f"{state}_count": int(count) for state, count in states.items()})
    waiting = pd.Series([row["queue"] for row in queued], dtype=object).value_counts().sort_index()
    columns = {"Queue": "queue", "Waiting": "count"}
    step.note(QUEUES, waiting=len(queued), preview=previews.table([{"queue": q, "count": int(n)} for q, n in waiting.items()], columns))
    held = [{**hold.as_dict(), "products": ", ".join(hold.skus)} for hold in decided.holds]
    columns = {"Hold": "hold_id", "Products": "products", "State": "state", "Until": "expires_on", "Why": "state_reason"}
    step.note(PROMO_HOLDS, preview=previews.table(held, columns))


@table_assets(
    ACTION_TICKETS,
    DELIVERIES,
    reads=(PLANNED_ACTIONS, MACROS, ARTICLES, PROMO_HOLDS, QUEUES, APPROVALS),
    memo=delivery_state,
)
def deliveries(step: Step) -> None:
    """Every action brought to where it goes, once; the desired state of holds and the queues as files beside it."""
    desk = Desk(step.settings.home / "desk")
    actions = rows_of(step, PLANNED_ACTIONS)
    made = documents(actions, [*rows_of(step, MACROS), *rows_of(step, ARTICLES)], step.shop)
    written = deliver(step.operations, desk, made, step.run_id)
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


def _by_tier(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(actions, key=lambda row: (row["tier"], row["title"], row["kind"]))


@table_assets(VERDICTS, reads=(INSIGHTS,))
def verdicts(step: Step) -> None:
    """What people judged, from the operational database."""
    rows = verdict_rows(step.operations)
    step.write(VERDICTS, frame_of(VERDICTS, rows, step))
    known = {row["insight_id"] for row in rows_of(step, INSIGHTS)}
    latest = [row for row in rows if row["is_latest"]]
    step.note(VERDICTS, judged=len(latest), of_no_insight=sum(row["insight_id"] not in known for row in latest))


@table_assets(
    EXECUTIVE_BRIEF,
    memo=delivery_state,
    reads=(INSIGHTS, FEEDBACK, FEEDBACK_LABELS, PRODUCTS, PLANNED_ACTIONS, ACTION_TICKETS, EXECUTIVE_BRIEF),
)
def executive_brief(step: Step) -> None:
    """The weekly brief: five pain points ranked by score, with movement; one self-contained page on the desk."""
    issues = issues_of(step)
    recent = gather.recent_rows(step.read(FEEDBACK), step.read(FEEDBACK_LABELS), step.as_of, RECENT_DAYS)
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


@table_assets(LOOP_TIME, reads=(ACTION_TICKETS, INSIGHTS, FEEDBACK, FEEDBACK_LABELS), memo=judgement_state)
def loop_time(step: Step) -> None:
    """When each action reached each stage, and the count-based promise of 72 hours."""
    issues = issues_of(step)
    rows = gather.evidence_rows(step.read(FEEDBACK), step.read(FEEDBACK_LABELS), step.read(INSIGHTS))
    stamps = loop_stamps(
        rows_of(step, ACTION_TICKETS), {i.insight_id: i for i in issues}, gather.evidence_by_issue(issues, rows),
        step.operations.verdicts.history(), step.shop,
    )  # fmt: skip
    step.write(LOOP_TIME, frame_of(LOOP_TIME, loop_rows(stamps), step))
    result = judge_loop(stamps, step.shop.policy.loop)
    step.note(
        LOOP_TIME, counted=result.counted, late=result.late, answer=result.answer, slowest_stage=result.slowest_stage,
        p50_hours=result.p50_hours or 0.0, p90_hours=result.p90_hours or 0.0,
    )  # fmt: skip


ASSETS = [planned_actions, deliveries, verdicts, executive_brief, loop_time]


# -- small print -------------------------------------------------------------------------------------------------------


def _inputs(step: Step, issues: list[Issue], recent: list[dict[str, Any]]) -> Inputs:
    causes: dict[str, list[CauseRow]] = {}
    for row in rows_of(step, ROOT_CAUSES):
        causes.setdefault(str(row["insight_id"]), []).append(CauseRow.from_row(row))
    drafts: dict[str, list[Mapping[str, Any]]] = {}
    for row in [*rows_of(step, MACROS), *rows_of(step, ARTICLES)]:
        drafts.setdefault(str(row["action_id"]), []).append(row)
    first = step.as_of - timedelta(days=gather.REVENUE_DAYS - 1)
    support = gather.support_records(recent, rows_of(step, THEMES), _members(step))
    return Inputs(
        issues=issues,
        causes=causes,
        evidence=gather.evidence_by_issue(
            issues, gather.evidence_rows(step.read(FEEDBACK), step.read(FEEDBACK_LABELS), step.read(INSIGHTS))
        ),
        products=gather.products_of(rows_of(step, PRODUCTS)),
        revenue_share=revenue_shares(gather.revenue_by_sku(step.read(ORDERS), first, step.as_of)),
        repeated=find_repeated(support, step.shop, step.as_of_end),
        known={str(row["action_id"]): Known.from_row(row) for row in rows_of(step, PLANNED_ACTIONS)},
        known_drafts=drafts,
        shop=step.shop,
        as_of=step.as_of,
        until=step.as_of_end,
        provisional_reasons=_review_progress(step),
    )


def _review_progress(step: Step) -> dict[str, str]:
    """topic -> what its labels' gate lacks, in words."""
    wanted = step.shop.policy.acceptance.labels_reviewed
    said = dict.fromkeys(step.shop.policy.topics, f"no label of this topic is reviewed, {wanted} are wanted")
    for row in rows_of(step, LABEL_QUALITY):
        reason = str(row["reason"] or "")
        said[str(row["topic"])] = {
            "too_few": f"too few labels of this topic are reviewed: {reason.removesuffix(' reviewed')}",
            "fail": f"reviewers found the labels of this topic not sure enough: {reason}",
            "pass": "the labels of this topic passed their gate just now; the next run lifts this",
        }.get(str(row["gate"]), PROVISIONAL)
    return said


def _members(step: Step) -> list[dict[str, Any]]:
    since = step.as_of - timedelta(days=RECENT_DAYS)
    frame = step.read(THEME_MEMBERS).where(f"known_day > DATE'{since.isoformat()}' AND theme_id IS NOT NULL")
    rows: list[dict[str, Any]] = frame.select("feedback_id", "theme_id").toArrow().to_pylist()
    return rows


def _waiting(rows: list[dict[str, Any]], approvals: list[dict[str, Any]]) -> list[WaitingAction]:
    asked = {str(approval["action_id"]): approval for approval in approvals}
    return [
        WaitingAction(
            action=Known.from_row(row).action, title=row["title"], due_at=time_of(row["due_at"]),
            is_decided=asked[row["action_id"]]["state"] != "waiting",
        )
        for row in rows
        if row["action_id"] in asked
    ]  # fmt: skip


def _check(step: Step, rows: list[dict[str, Any]], holds: list[Any]) -> None:
    homeless = [row["action_id"] for row in rows if not row["owner"] or not row["destination"]]
    step.check("actions_have_owner_and_destination", not homeless, homeless=len(homeless))
    pairs = [(row["insight_id"], row["kind"]) for row in rows]
    step.check(
        "one_action_per_issue_and_kind", len(set(pairs)) == len(pairs), actions=len(pairs), distinct=len(set(pairs))
    )
    tickets = [row["body"] for row in rows if row["kind"] == "defect_ticket"]
    broken = [body for body in tickets if len(body.splitlines()) > MAX_LINES or "Undo: " not in body]
    step.check("tickets_keep_their_form", not broken, tickets=len(tickets), broken=len(broken))
    placed = [
        hold for hold in holds if hold.state == "active" and hold.changed_by == "policy"
    ]  # a person may go beyond
    held = round(sum(hold.revenue_share or 0.0 for hold in placed), 4)
    cap = step.shop.policy.holds.cap_share_of_revenue
    step.check("holds_stay_under_cap", held <= cap + 0.001, held_share=held, cap_share=cap)


def _brief_facts(step: Step, issues: list[Issue], points: list[Any]) -> briefing.BriefFacts:
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
