"""Schedules of the stage: a monthly look at what has expired. It removes nothing: that takes a person, or a schedule of the operator's own."""

import dagster as dg

from insights_assets.governance.sensors import RETENTION


def _monthly_retention(jobs: dict) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="monthly_retention", job=jobs[RETENTION], cron_schedule="40 4 1 * *", execution_timezone="UTC", default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Shows on the first of the month what has outlived its retention; dry.",
    )


SCHEDULES = (_monthly_retention,)
