"""The one Definitions: every stage's assets, sensors and schedules, the jobs, and the resources bound to settings. Nothing here reads a table.

Loads without credentials in every profile; assembling is a function so that tests and commands can put other resources in.
"""

import warnings

import dagster as dg

from insights_assets.collecting import collect_seldom
from insights_assets.flow import STAGES
from insights_assets.jobs import WHOLE_LOOP, build_jobs, offered
from insights_assets.resources.house import Engine, House
from insights_assets.settings import Settings

# Dagster copies each sensor when it resolves its jobs and hands the copy empty owners, which it then calls a beta parameter. Nobody here gives sensors
# owners, so there is nothing to put right on this side.
warnings.filterwarnings("ignore", r"Parameter `owners` of initializer `SensorDefinition\.__init__`", dg.BetaWarning)


def stage_parts(name: str) -> list[object]:
    """What a stage's modules offer under ASSETS."""
    if name not in {stage.name for stage in STAGES}:
        raise LookupError(f"no stage is called {name!r}")
    return list(offered(name, "assets", "ASSETS") or ())


def build_definitions(settings: Settings | None = None, **resources: object) -> dg.Definitions:
    """Definitions for the given settings (default: those of the environment); keyword arguments replace resources."""
    settings = settings or Settings()
    house = House(
        engine=Engine(remote=settings.spark_remote), home=str(settings.home), landing=str(settings.landing) if settings.landing else None,
        shop=str(settings.shop) if settings.shop else None, as_of=settings.as_of.isoformat() if settings.as_of else None,
    )
    jobs = build_jobs()
    sensors = [build(jobs, settings) for stage in STAGES for build in offered(stage.name, "sensors", "SENSORS") or ()]
    return dg.Definitions(
        assets=[asset for stage in STAGES for asset in stage_parts(stage.name)],
        jobs=list(jobs.values()),
        schedules=[*_schedules(jobs), *(build(jobs) for stage in STAGES for build in offered(stage.name, "schedules", "SCHEDULES") or ())],
        sensors=sensors,
        resources={"house": house, **resources},
        executor=dg.in_process_executor,
    )


def _schedules(jobs: dict) -> list[dg.ScheduleDefinition]:
    """The clock of the whole house; a stage's own schedules stand in its `schedules.py`."""
    running = dg.DefaultScheduleStatus.RUNNING
    rows = (
        ("hourly_loop", WHOLE_LOOP, "5 * * * *", "Batch by the hour.", running),
        ("daily_quality", "quality", "30 4 * * *", "Completeness of the sources and quality of the labels, once a day.", dg.DefaultScheduleStatus.STOPPED),
        ("weekly_brief", "brief", "0 5 * * 1", "The executive brief, Monday morning.", dg.DefaultScheduleStatus.STOPPED),
    )
    return [
        dg.ScheduleDefinition(name=name, job=jobs[job], cron_schedule=cron, execution_timezone="UTC", description=sentence, default_status=status)
        for name, job, cron, sentence, status in rows
    ]


@dg.definitions
def defs() -> dg.Definitions:
    collect_seldom()  # the processes of Dagster's daemon and its runs begin here
    return build_definitions()
