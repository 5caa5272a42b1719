"""The base pace of retraining: looked at every day, due monthly, twice a month while a season runs or much is launched (R98, R160).

Belongs here: the schedule. When it is due is decided in `triggers.py`, by the shop's calendar and day, not by the machine's clock.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from insights_assets.learning.events import RETRAINING_SCHEDULE
from insights_assets.learning.sensors import TRIGGER_TAG, evaluate
from insights_assets.learning.triggers import TRAIN_CANDIDATE, decide_schedule
from insights_assets.settings import Settings


def retraining_schedule(jobs: Mapping[str, Any]) -> dg.ScheduleDefinition:
    """Every night: is a training due by the calendar?"""

    @dg.schedule(
        name=RETRAINING_SCHEDULE, job=jobs[TRAIN_CANDIDATE], cron_schedule="20 3 * * *", execution_timezone="UTC", default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Trains a candidate monthly, every two weeks in busy times, if enough was reviewed since the last time.",
    )
    def ask(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return due(context.instance, Settings())

    return ask


def due(instance: dg.DagsterInstance, settings: Settings) -> dg.RunRequest | dg.SkipReason:
    """A run request when a training is due, otherwise the reason why not."""
    decision, run_key = evaluate(instance, settings, RETRAINING_SCHEDULE, lambda signals, past, limits: decide_schedule(signals, past, limits.retraining))
    if run_key is None:
        return dg.SkipReason(decision.reason)
    return dg.RunRequest(run_key=run_key, tags={TRIGGER_TAG: decision.key})


SCHEDULES = [retraining_schedule]
