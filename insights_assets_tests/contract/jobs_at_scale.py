"""One shop embedded and as jobs against the stand-in, with the time of each way and whether any table differs: a program, by hand.

    python -m insights_assets_tests.contract.jobs_at_scale [RECORDS] [FOLDER]

Belongs here: the two runs and their times. Does not belong here: expectations of the suite (`test_whole_graph_as_jobs.py`). The tasks' Spark is
one Sail on this machine, and the stand-in starts a Python a task: the time of jobs says what the way costs, not what a workspace takes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.homes import differences
from insights_assets.simulator import simulate
from insights_assets_tests.contract.databricks_workspace import workspace_in
from insights_assets_tests.contract.feedback_run import environment
from insights_assets_tests.contract.test_whole_graph_as_jobs import run
from insights_assets_tests.shared_homes import LAST_DAY

DAYS = 400


def timed(name: str, home: Path, landing: Path) -> dict[str, Any]:
    began = time.monotonic()
    report = run(home, landing, seconds=3_600)
    took = time.monotonic() - began
    print(f"{name}: {took:.0f} s, {len(report['insights'])} insights, {len(report['actions'])} actions", flush=True)
    return report


def main(records: int, folder: Path, last_day: date = LAST_DAY) -> int:
    landing = folder / "shop" / "landing"
    if not landing.is_dir():
        simulate(folder / "shop", days=DAYS, records=records, seed=11, last_day=last_day)
    print(f"{records:,} records over {DAYS} days", flush=True)
    with environment():
        timed("embedded", folder / "embedded", landing)
    with workspace_in(folder / "workspace", "serverless") as server:
        timed("as jobs", folder / "jobs", landing)
        for job in server.runs.values():
            seconds = {task.key: round(task.ended_at - task.started_at) for task in job.tasks}
            print(f"job run {job.run_id} {job.result}: {json.dumps(seconds)}", flush=True)
    compared, differing = differences(folder / "embedded", folder / "jobs")
    print(f"{compared} tables compared, {len(differing)} differ", *(f"{name}: {what}" for name, what in differing.items()), sep="\n", flush=True)
    return 1 if differing else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="insights-jobs-") as made:
        sys.exit(main(int(given[0]) if given else 200_000, Path(given[1] if len(given) > 1 else made)))
