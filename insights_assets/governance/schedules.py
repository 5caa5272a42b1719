"""Schedules of the stage: a monthly look at what has expired, which removes nothing (that takes a person, or a schedule of the operator's own), and
weekly maintenance of the files, which changes no row."""

import dagster as dg

from insights_assets.governance.sensors import MAINTENANCE, RETENTION


def _monthly_retention(jobs: dict) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="monthly_retention", job=jobs[RETENTION], cron_schedule="40 4 1 * *", execution_timezone="UTC", default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Shows on the first of the month what has outlived its retention; dry.",
    )


def _weekly_maintenance(jobs: dict) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="weekly_maintenance", job=jobs[MAINTENANCE], cron_schedule="40 3 * * 0", execution_timezone="UTC", default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Merges small files and deletes those that no version published in the last 30 days needs, on Sunday night.",
    )


SCHEDULES = (_monthly_retention, _weekly_maintenance)
