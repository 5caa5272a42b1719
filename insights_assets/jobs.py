"""The jobs people and schedules start: each a name, the tables it materialises, and one sentence. Nothing else belongs here."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from insights_assets.flow import STAGES

WHOLE_LOOP = "whole_loop"
#: A run that Dagster starts anew after its process was lost runs all its steps: what is done costs nothing, and a part of the graph publishes nothing.
_TAGS = {"dagster/retry_strategy": "ALL_STEPS"}


@dataclass(frozen=True)
class Job:
    """A job as data. `tables` are `stage.table` names; None selects every table that no job claims for itself alone.

    A stage's own jobs stand in its `sensors.py` under JOBS, beside what launches them. `apart` keeps the job's tables (or those it
    names) out of the whole loop: they are written only when something asks for them (a candidate is trained on a signal, not every hour).
    """

    name: str
    tables: tuple[str, ...] | None
    description: str
    apart: bool | tuple[str, ...] = False


_JOBS = (
    Job(WHOLE_LOOP, None, "Files in, tickets out: every stage in order."),
    Job("quality", ("canonical.source_completeness", "labels.label_quality", "labels.label_corrections"), "Are the sources complete and the labels right?"),
    Job("brief", ("actions.executive_brief",), "Write the weekly brief."),
)


def offered(stage: str, module: str, name: str) -> Any:
    """What a stage's Dagster module offers under a name; None where the stage has no such module."""
    path = f"insights_assets.{stage}.{module}"
    try:
        found = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None
    return getattr(found, name, None)


def apart_jobs() -> list[Job]:
    """The jobs whose tables, or some of them, the whole loop leaves out."""
    return [job for job in _all_jobs() if job.apart]


def _all_jobs() -> list[Job]:
    return [*_JOBS, *(job for stage in STAGES for job in offered(stage.name, "sensors", "JOBS") or ())]


def build_jobs() -> Mapping[str, Any]:
    """Every job by name."""
    jobs = _all_jobs()
    apart = {table for job in jobs for table in (job.apart if isinstance(job.apart, tuple) else (job.tables or ()) if job.apart else ())}
    return {job.name: dg.define_asset_job(job.name, selection=_selection(job, apart), description=job.description, tags=_TAGS) for job in jobs}


def _selection(job: Job, apart: set[str]) -> dg.AssetSelection:
    if job.tables is not None:
        return dg.AssetSelection.assets(*(name.split(".") for name in job.tables))
    everything = dg.AssetSelection.all()
    return everything - dg.AssetSelection.assets(*(name.split(".") for name in sorted(apart))) if apart else everything
