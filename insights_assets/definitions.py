"""The one Definitions: every stage's assets, the jobs, and the resources bound to settings. Nothing here reads a table.

Loads without credentials in every profile; assembling is a function so that tests and commands can put other resources in.
"""

import importlib
from typing import Any

import dagster as dg

from insights_assets.flow import STAGES
from insights_assets.resources.house import Engine, House
from insights_assets.settings import Settings
from insights_assets.sources.sensors import landing_sensor


def stage_parts(name: str) -> list[object]:
    """What a stage's modules offer under ASSETS."""
    for stage in STAGES:
        if stage.name == name:
            try:
                module = importlib.import_module(f"insights_assets.{name}.assets")
            except ModuleNotFoundError as error:
                if error.name == f"insights_assets.{name}.assets":
                    return []
                raise
            return list(module.ASSETS)
    raise LookupError(f"no stage is called {name!r}")


def build_definitions(settings: Settings | None = None, **resources: object) -> dg.Definitions:
    """Definitions for the given settings (default: those of the environment); keyword arguments replace resources."""
    settings = settings or Settings()
    assets = [asset for stage in STAGES for asset in stage_parts(stage.name)]
    engine = Engine(remote=settings.spark_remote)
    house = House(
        engine=engine, home=str(settings.home), landing=str(settings.landing) if settings.landing else None,
        shop=str(settings.shop) if settings.shop else None, as_of=settings.as_of.isoformat() if settings.as_of else None,
    )
    whole_loop = dg.define_asset_job(WHOLE_LOOP, selection=dg.AssetSelection.all(), description="Files in, tickets out: every stage in order.")
    quality, brief = _quality(), _brief()
    zone = "UTC"
    return dg.Definitions(
        assets=assets,
        jobs=[whole_loop, quality, brief],
        schedules=[
            dg.ScheduleDefinition(name="hourly_loop", job=whole_loop, cron_schedule="5 * * * *", execution_timezone=zone, description="Batch by the hour.",
                                  default_status=dg.DefaultScheduleStatus.RUNNING),
            dg.ScheduleDefinition(name="daily_quality", job=quality, cron_schedule="30 4 * * *", execution_timezone=zone,
                                  description="Completeness of the sources and quality of the labels, once a day."),
            dg.ScheduleDefinition(name="weekly_brief", job=brief, cron_schedule="0 5 * * 1", execution_timezone=zone, description="The executive brief, Monday morning."),
        ],
        sensors=[landing_sensor(whole_loop, settings.landing_path)],
        resources={"house": house, **resources},
        executor=dg.in_process_executor,
    )


def _quality() -> Any:
    keys = dg.AssetSelection.assets(["canonical", "source_completeness"], ["labels", "label_quality"], ["labels", "label_corrections"])
    return dg.define_asset_job("quality", selection=keys, description="Are the sources complete and the labels right?")


def _brief() -> Any:
    return dg.define_asset_job("brief", selection=dg.AssetSelection.assets(["actions", "executive_brief"]), description="Write the weekly brief.")


WHOLE_LOOP = "whole_loop"


@dg.definitions
def defs() -> dg.Definitions:
    return build_definitions()
