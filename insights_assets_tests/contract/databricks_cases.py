"""What a workspace must do for heavy steps, whatever workspace it is: the cases of the suite's stand-in and of `make live-databricks`.

Belongs here: each case as a function of a prepared home; it raises where the workspace does not do it. Does not belong here: settings, which are
in the environment, and where the home lies: here and in the workspace, see `live_databricks.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
from databricks.sdk.service.jobs import RunType

from insights_assets.resources import job_outcome, jobs
from insights_assets.settings import Settings
from insights_assets_tests.contract.feedback_run import STEP, failure_of, instance_of, reported, rows, run_heavy_step

ADDED = {"Databricks Job Run ID", "Databricks Job Run URL"}


def told(one: dict[str, Any]) -> dict[str, Any]:
    """A report without what only a job adds to it."""
    return {key: {**said, "metadata": {n: v for n, v in said["metadata"].items() if n not in ADDED}} for key, said in one.items()}


def a_job_writes_and_reports_what_the_step_does_here(home: Path, reference: Path, spark: Any) -> None:
    here_before = os.environ["INSIGHTS_HEAVY_STEPS"]
    os.environ["INSIGHTS_HEAVY_STEPS"] = "here"
    try:
        here = run_heavy_step(reference)
    finally:
        os.environ["INSIGHTS_HEAVY_STEPS"] = here_before
    assert here.success, failure_of(here)
    there = run_heavy_step(home)
    assert there.success, failure_of(there)
    assert rows(home, spark) == rows(reference, spark), "the rows differ from those written here"
    assert told(reported(there)) == told(reported(here)), "the report differs from that given here"


def a_second_run_launches_nothing(home: Path, reference: Path, spark: Any) -> None:
    before = rows(home, spark), _submitted()
    again = run_heavy_step(home)
    assert again.success, failure_of(again)
    assert (rows(home, spark), _submitted()) == before, "a run over unchanged tables launched a job or changed rows"


def cancelling_the_run_cancels_the_job(home: Path, reference: Path, spark: Any) -> None:
    """On a home whose step was not run yet."""
    code = "import sys; from pathlib import Path; from insights_assets_tests.contract.feedback_run import run_heavy_step; run_heavy_step(Path(sys.argv[1]))"
    known = _submitted()
    worker = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (new := _submitted() - known):
            assert worker.poll() is None, "the run ended before it launched a job"
            time.sleep(1)
        with instance_of(home) as instance:
            record = instance.get_run_records(limit=1)[0].dagster_run
            instance.report_run_canceling(record)  # as Dagster's launcher does it: the request first, then the interrupt
            worker.send_signal(signal.SIGINT)
            worker.wait(600)
            ended = instance.get_run_by_id(record.run_id)
    finally:
        worker.kill()
    run = jobs.open_workspace(Settings()).jobs.get_run(min(new))
    assert ended is not None and ended.status == dg.DagsterRunStatus.CANCELED, f"Dagster says {ended.status if ended else None}"
    assert job_outcome.has_ended(run) and job_outcome.stated(run) == "CANCELED", f"the workspace says {job_outcome.stated(run)}"


#: (case, the name of the home it goes on: cases of one name follow each other on one home).
CASES: tuple[tuple[Callable[[Path, Path, Any], None], str], ...] = (
    (a_job_writes_and_reports_what_the_step_does_here, "first"), (a_second_run_launches_nothing, "first"), (cancelling_the_run_cancels_the_job, "second"),
)


def _submitted() -> set[int]:
    """Runs of the workspace that were launched for the step."""
    found = jobs.open_workspace(Settings()).jobs.list_runs(run_type=RunType.SUBMIT_RUN, start_time_from=int((time.time() - 6 * 3600) * 1000))
    return {run.run_id or 0 for run in found if STEP in (run.run_name or "")}
