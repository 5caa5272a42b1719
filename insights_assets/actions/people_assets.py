"""Assets about what people answered: verdicts with the precision of alerts, and the loop time with its promise."""

import hashlib
from typing import Any

from insights_assets.actions import gather
from insights_assets.actions.loop_promise import judge_loop, promise_words, summary_rows
from insights_assets.actions.loop_stamps import loop_stamps
from insights_assets.actions.loop_time import loop_rows
from insights_assets.actions.people_tables import ALERT_PRECISION, LOOP_SUMMARY
from insights_assets.actions.precision import Standing, precision_rows, precision_words, standings
from insights_assets.actions.rows import frame_of, issues_of, rows_of
from insights_assets.actions.tables import ACTION_TICKETS, LOOP_TIME, VERDICTS
from insights_assets.actions.verdicts import verdict_rows
from insights_assets.anomalies.tables import INSIGHTS
from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import table_assets


def answers_state(step: Step) -> str:
    """What people and destinations said so far, as one text: the loop is reckoned anew when anything of that moved."""
    operations = step.operations
    said: list[Any] = [row.verdict_id for row in operations.verdicts.history()]
    said += [(row.action_id, row.state, str(row.decided_at)) for row in operations.approvals.all()]
    said += sorted((row.action_id, row.stage) for stages in operations.answers.stamps().values() for row in stages.values())
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _standings(step: Step) -> list[Standing]:
    operations = step.operations
    return standings(
        rows_of(step, INSIGHTS), rows_of(step, ACTION_TICKETS), operations.verdicts.latest(), operations.answers.stamps(), step.shop.policy.answers,
        as_of=step.as_of, now=step.clock(),
    )  # fmt: skip


def alerts_words(step: Step) -> str:
    """How often alerts were right so far, in a sentence."""
    return precision_words(precision_rows(_standings(step), step.shop.policy.acceptance)[0])


@table_assets(VERDICTS, ALERT_PRECISION, reads=(INSIGHTS, ACTION_TICKETS))
def verdicts(step: Step) -> None:
    """What people judged, from the operational database, and how often alerts were right."""
    rows = verdict_rows(step.operations)
    step.write(VERDICTS, frame_of(VERDICTS, rows, step))
    insights, precision = rows_of(step, INSIGHTS), precision_rows(_standings(step), step.shop.policy.acceptance)
    step.write(ALERT_PRECISION, frame_of(ALERT_PRECISION, precision, step))
    step.note(ALERT_PRECISION, all_alerts=precision_words(precision[0]), answer=precision[0]["answer"], unknown_share=precision[0]["unknown_share"])
    known = {row["insight_id"] for row in insights}
    latest = [row for row in rows if row["is_latest"]]
    step.note(VERDICTS, judged=len(latest), of_no_insight=sum(row["insight_id"] not in known for row in latest))


@table_assets(LOOP_TIME, LOOP_SUMMARY, reads=(ACTION_TICKETS, INSIGHTS, FEEDBACK, FEEDBACK_LABELS), memo=answers_state)
def loop_time(step: Step) -> None:
    """When each action reached each stage, and the count-based promise of 72 hours."""
    issues = issues_of(step)
    rows = gather.evidence_rows(step.read(FEEDBACK), step.read(FEEDBACK_LABELS), step.read(INSIGHTS))
    stamps = loop_stamps(
        rows_of(step, ACTION_TICKETS), {i.insight_id: i for i in issues}, gather.evidence_by_issue(issues, rows),
        step.operations.verdicts.history(), step.shop, approvals=step.operations.approvals.all(), reported=step.operations.answers.stamps(),
    )  # fmt: skip
    promise = step.shop.policy.loop
    step.write(LOOP_TIME, frame_of(LOOP_TIME, loop_rows(stamps), step))
    step.write(LOOP_SUMMARY, frame_of(LOOP_SUMMARY, summary_rows(stamps, promise), step))
    result = judge_loop(stamps, promise, step.clock())
    step.note(LOOP_SUMMARY, promise=promise_words(result, promise), latest_late=[late.words(promise.promise_hours, step.shop.zone) for late in result.late_actions[:3]])
    step.note(
        LOOP_TIME, counted=result.counted, late=result.late, answer=result.answer, slowest_stage=result.slowest_stage,
        p50_hours=result.p50_hours or 0.0, p90_hours=result.p90_hours or 0.0,
    )  # fmt: skip


ASSETS = [verdicts, loop_time]
