"""Sensors of the stage and the jobs they launch: tickets nobody answered, what people did in Jira, holds that feed and webhook lack.

Not in here: the timers (`escalation.py`), what a look does (`destinations/ticks.py`). Sensors read the operational database alone, so a
tick too many changes nothing. No `from __future__ import annotations`: Dagster reads annotations.
"""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import dagster as dg

from insights_assets.actions.destinations.ticks import looked_at_jira, published_holds
from insights_assets.actions.outbox.sensors import outbox_sensor
from insights_assets.jobs import Job
from insights_assets.settings import Settings

UNANSWERED = "unanswered"
UNANSWERED_TAG = "insights/unanswered"
MOST_ATTEMPTS = 3
JOBS = (
    Job(UNANSWERED, ("actions.notices", "actions.action_tickets", "actions.deliveries"), "Tell the next team of tickets that nobody answered in time (R97)."),
)


def unanswered_sensor(jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """Starts a run when the time of an unanswered ticket is over."""

    @dg.sensor(
        name="unanswered_sensor", job=jobs[UNANSWERED], minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells the next team of tickets that nobody acknowledged within the hours of their tier.",
    )
    def sense(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        reason, key = evaluate(settings)
        if key is None:
            return dg.SkipReason(reason)
        runs = context.instance.get_runs(filters=dg.RunsFilter(job_name=UNANSWERED, tags={UNANSWERED_TAG: key}))
        if any(not run.is_finished or run.status == dg.DagsterRunStatus.SUCCESS for run in runs):
            return dg.SkipReason(f"a run has looked at this already, or does now: {reason}")
        if len(runs) >= MOST_ATTEMPTS:
            return dg.SkipReason(f"{len(runs)} runs failed; mend the cause and start {UNANSWERED} by hand: {reason}")
        # A run key is spent for ever, so each attempt has its own.
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"{key}-{len(runs)}", tags={UNANSWERED_TAG: key})])

    return sense


INTERVAL_SECONDS = 60


def jira_answers(_jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """Transitions and resolutions in Jira become answers; each counts once however often it is read."""

    @dg.sensor(
        name="jira_answers", minimum_interval_seconds=INTERVAL_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reads back what people did to tickets in Jira: taken up, fixed, closed, and verdicts. Idle where Jira is not connected.",
    )
    def sense(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(looked_at_jira(settings))

    return sense


def hold_state(_jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """Feed and webhook follow the running holds within a minute, whoever changed them."""

    @dg.sensor(
        name="hold_state", minimum_interval_seconds=INTERVAL_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Brings the promotion feed and the hold webhook up to the running holds. Idle where both are off.",
    )
    def sense(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(published_holds(settings))

    return sense


def evaluate(settings: Settings) -> tuple[str, str | None]:
    """A reason a person can read, and what names the steps that are due; None where none are."""
    from insights_assets.actions.escalation import may_be_due
    from insights_assets.resources.operations import open_operations
    from insights_assets.shop import load_shop

    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return "no run of this home yet", None
    with closing(open_operations(settings.operations_target)) as operations:  # a sensor's process lives long: no connection is left open
        operations.migrate()
        steps = may_be_due(operations, load_shop(settings.shop))
    if not steps:
        return "every ticket that is due was answered or told on", None
    names = "\0".join(f"{step.action_id} {step.step}" for step in sorted(steps, key=lambda step: (step.action_id, step.step)))
    tickets = f"{len(steps)} ticket{'s' if len(steps) != 1 else ''}"
    return f"{tickets} nobody answered in time", hashlib.sha256(names.encode()).hexdigest()[:16]


SENSORS = [unanswered_sensor, outbox_sensor, jira_answers, hold_state]
