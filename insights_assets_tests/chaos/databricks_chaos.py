"""Kill Dagster's run worker, the job, the message channel, the workspace's own services, each at three moments: `make chaos-databricks`.

Belongs here: the twelve cases as data, one way to play any of them, and the program. Does not belong here: the stand-in, and the three cases
that the suite plays (`test_databricks_chaos.py`). A case is two heavy steps behind one another, tasks of one job, against the stand-in; afterwards
the run is started again, as a schedule would, and the home must be the undisturbed one: equal rows, as many commits, no job run too many.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from insights_assets.canonical import assets as canonical
from insights_assets.canonical.tables import DUPLICATES, SHIPMENTS
from insights_assets.lake.lake import Lake
from insights_assets.run import mark_dead_runs
from insights_assets.sources import assets as sources
from insights_assets_tests.contract.databricks_server import DatabricksServer, Fault, TaskRun, kill
from insights_assets_tests.contract.databricks_workspace import workspace_in
from insights_assets_tests.contract.feedback_run import SECRET, TABLES, environment, failure_of, house, instance_of, write_landing

VICTIMS = ("worker", "job", "channel", "workspace")
MOMENTS = ("before it starts", "while it writes", "after it ended")
#: (first run succeeds, job runs in all, results of job runs) by victim and moment.
EXPECTED: dict[tuple[str, str], tuple[bool, list[str]]] = {
    **{("worker", moment): (False, ["SUCCESS"]) for moment in MOMENTS},  # the next run waits for the job of the killed one
    ("job", MOMENTS[0]): (False, ["FAILED", "SUCCESS"]), ("job", MOMENTS[1]): (False, ["FAILED", "SUCCESS"]),
    ("job", MOMENTS[2]): (True, ["FAILED"]),  # its work was done and told; only its end was lost
    **{("channel", moment): (True, ["SUCCESS"]) for moment in MOMENTS},
    ("workspace", MOMENTS[0]): (True, ["SUCCESS"]),
    ("workspace", MOMENTS[1]): (False, ["SUCCESS"]),  # away for longer than the step's patience
    ("workspace", MOMENTS[2]): (True, ["SUCCESS"]),
}
#: A step killed between its commits is done again as a whole, so its tables may have one commit more; those of steps that had ended may not.
DONE_AGAIN = {("job", MOMENTS[1]): {str(spec) for spec in TABLES}}
_FEEDBACK, _SHIPMENTS = "canonical__feedback", "canonical__shipments"


@dataclass(frozen=True)
class Played:
    """What became of a case."""

    first_succeeded: bool
    second_succeeded: bool
    job_results: list[str | None]
    dagster_states: list[str]
    rows: dict[str, Any]
    versions: dict[str, int | None]
    cancels: int
    words: str


def prepare(home: Path) -> None:
    """All that the two steps read."""
    write_landing(home / "landing")
    with environment(), instance_of(home) as instance:
        dg.materialize([*sources.ASSETS, canonical.products, canonical.sessions, canonical.orders], resources={"house": house(home)}, instance=instance)


def run(home: Path) -> dg.ExecuteInProcessResult:
    with instance_of(home) as instance:
        return dg.materialize(
            [canonical.shipments, canonical.feedback], resources={"house": house(home)}, instance=instance, raise_on_error=False, tags={"insights/process": str(os.getpid())}
        )


def undisturbed(home: Path, spark: Any) -> tuple[dict[str, Any], dict[str, int | None]]:
    """Rows and versions where nothing was killed: the embedded run."""
    with environment():
        result = run(home)
    assert result.success, failure_of(result)
    return state(home, spark)


def state(home: Path, spark: Any) -> tuple[dict[str, Any], dict[str, int | None]]:
    lake = Lake(home / "lake", lambda: spark)
    specs = (*TABLES, SHIPMENTS)
    rows = {str(spec): lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key]).select(spec.stable_columns).to_pylist() for spec in specs}
    return rows, {str(spec): lake.version(spec) for spec in specs}


def play(victim: str, moment: str, home: Path, folder: Path, spark: Any) -> Played:
    """One case: a run with its accident, then a run without."""
    is_long = (victim, moment) == ("workspace", MOMENTS[1])
    with workspace_in(folder, "shared", DATABRICKS_PATIENCE_SECONDS="3" if is_long else "30") as server:
        strike = _Strike(victim, server, home, is_long)
        strike.at(moment)
        if victim == "worker":
            first = _killed_worker(home, strike)
            words = ""
        else:
            result = run(home)
            first, words = result.success, failure_of(result)
        strike.over()
        second = run(home)
        with instance_of(home) as instance:
            states = [record.dagster_run.status.value for record in reversed(instance.get_run_records(limit=2))]
        rows, versions = state(home, spark)
        results = [one.result for one in server.runs.values()]
        return Played(first, second.success, results, states, rows, versions, server.count("/runs/cancel"), words + failure_of(second))


class _Strike:
    """The accident, and when it happens."""

    def __init__(self, victim: str, server: DatabricksServer, home: Path, is_long: bool) -> None:
        self.victim, self.server, self.home, self.is_long = victim, server, home, is_long
        self.happened = threading.Event()
        self.worker: subprocess.Popen[bytes] | None = None
        self._task: TaskRun | None = None

    def at(self, moment: str) -> None:
        first_commit = self.home / "lake" / DUPLICATES.stage / DUPLICATES.name / "_delta_log" / f"{1:020}.json"

        def hold(which: str, task: TaskRun) -> None:
            if self.happened.is_set():
                return
            self._task = task
            if moment == MOMENTS[0] and which == "before start" and task.key == _SHIPMENTS:
                time.sleep(1)  # the answer to the submission is on its way
                self.strike()
            elif moment == MOMENTS[1] and which == "before start" and task.key == _FEEDBACK:
                threading.Thread(target=self._when, args=(first_commit.exists,), daemon=True).start()
            elif moment == MOMENTS[2] and which == "before end" and task.key == _FEEDBACK:
                self.strike()

        self.server.jobs.hold = hold

    def _when(self, condition: Callable[[], bool]) -> None:
        while not condition():
            time.sleep(0.02)
        self.strike()

    def strike(self) -> None:
        self.happened.set()
        assert self._task is not None
        if self.victim == "worker":
            assert self.worker is not None
            self.worker.send_signal(signal.SIGKILL)
            self.worker.wait()
        elif self.victim == "job":
            if self._task.process is None:
                self.server.secrets.clear()  # its cluster does not come up
            else:
                kill(self._task)
                self._task.process.returncode = -signal.SIGKILL
        elif self.victim == "channel":
            shutil.rmtree(self.server.dbfs.root / "insights_pipes")
            for path in ("/dbfs/get-status", "/dbfs/read"):
                self.server.faults[path] = Fault(times=1_000_000, status=403)
        else:
            self.server.shut()
            if not self.is_long:
                threading.Timer(4, self.server.listen).start()

    def over(self) -> None:
        """What was broken is put in order again, as its owners would."""
        assert self.happened.wait(60), "the accident did not happen: nothing was tested"
        self.server.secrets["insights", "customer_key"] = SECRET
        self.server.faults.clear()
        if not self.server.is_open:
            self.server.listen()


def _killed_worker(home: Path, strike: _Strike) -> bool:
    """The run in a process of its own, until that is killed; then marked failed, as the next start of the house does it."""
    code = "import sys; from pathlib import Path; from insights_assets_tests.chaos.databricks_chaos import run; run(Path(sys.argv[1]))"
    strike.worker = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert strike.worker.wait(120) == -signal.SIGKILL
    with instance_of(home) as instance:
        assert mark_dead_runs(instance) == 1
        return instance.get_run_records(limit=1)[0].dagster_run.is_success


def faults_of(played: Played, victim: str, moment: str, rows: dict[str, Any], versions: dict[str, int | None]) -> list[str]:
    """What is not as it must be, in words; nothing where all is well."""
    first, results = EXPECTED[victim, moment]
    states = ["SUCCESS" if first else "FAILURE", "SUCCESS"]
    again = DONE_AGAIN.get((victim, moment), set())
    commits = {name: (count or 0) - (versions[name] or 0) for name, count in played.versions.items()}
    checks = (
        (played.first_succeeded == first, f"the disturbed run {'succeeded' if played.first_succeeded else 'failed'}"),
        (played.second_succeeded, "the run after it failed"),
        (played.job_results == results, f"job runs ended as {played.job_results}, not {results}"),
        (played.dagster_states == states, f"Dagster says {played.dagster_states}, not {states}"),
        (played.rows == rows, "rows differ from the undisturbed home"),
        (all(more in ((0, 1) if name in again else (0,)) for name, more in commits.items()), f"commits {played.versions}, undisturbed {versions}"),
    )
    return [words for holds, words in checks if not holds] + ([played.words[:3000]] if not all(holds for holds, _ in checks) else [])


def main() -> int:
    """All twelve, each on a copy of one prepared home."""
    from insights_assets.engine.session import session

    spark, failed = session(None), 0
    with tempfile.TemporaryDirectory(prefix="insights-chaos-") as name:
        base = Path(name)
        prepare(base / "prepared")
        rows, versions = undisturbed(Path(shutil.copytree(base / "prepared", base / "undisturbed")), spark)
        wanted = [(victim, moment) for victim in VICTIMS for moment in MOMENTS if not sys.argv[1:] or victim in sys.argv[1:]]
        for number, (victim, moment) in enumerate(wanted):
            began = time.monotonic()
            home = Path(shutil.copytree(base / "prepared", base / f"home{number}"))
            wrong = faults_of(play(victim, moment, home, base / f"workspace{number}", spark), victim, moment, rows, versions)
            failed += bool(wrong)
            print(f"{'FAIL' if wrong else 'ok  '}  {victim} killed {moment} ({time.monotonic() - began:.0f} s)", *wrong, sep="\n        ", flush=True)
    print(f"{len(wanted) - failed} of {len(wanted)} cases: no work lost or doubled, both sides tell the same")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
