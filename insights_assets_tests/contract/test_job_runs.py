"""Launching, adopting, giving up and cancelling job runs, against the stand-in with tasks that do nothing: no engine, whole life cycles in seconds."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from insights_assets.lake.lake import Lake
from insights_assets.lake.unity import UnityLake
from insights_assets.resources import job_outcome
from insights_assets.resources.job_request import JobRequest, key_check
from insights_assets.resources.jobs import ATTEMPTS, JobRuns, open_workspace
from insights_assets.resources.receipts import receipt_path, versions_of, write_receipt
from insights_assets.settings import Settings
from insights_assets_tests.contract.databricks_server import DatabricksServer
from insights_assets_tests.contract.databricks_workspace import TOKEN, settings_of
from insights_assets_tests.contract.feedback_run import AS_OF, SECRET, environment

STEPS = ("a__first", "a__second")
UPSTREAM = {"a__first": set(), "a__second": {"a__first"}}
SLEEP, FAIL_SECOND = "import time; time.sleep(60)", "import sys; sys.exit('a__second' in sys.argv)"


class Facts(dict[str, str]):
    put = dict.__setitem__


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DatabricksServer]:
    """The stand-in without its Spark."""
    made = DatabricksServer(tmp_path / "workspace", TOKEN)
    more = {"DATABRICKS_JOB_FILE": "dbfs:/job.py", "DATABRICKS_POLL_SECONDS": "0.1", "DATABRICKS_PATIENCE_SECONDS": "10"}
    with environment(**{**settings_of(made, "serverless"), **more}):
        yield made
    made.jobs.end_all()
    made.shut()


@pytest.fixture
def facts() -> Facts:
    return Facts()


def runs(facts: Facts, home: Path) -> JobRuns:
    """What a Dagster run has of jobs: a new one each time, as after a restart."""
    return JobRuns(Settings(home=home), facts, Lake(home / "lake", lambda: None))  # type: ignore[arg-type,return-value]


def script(server: DatabricksServer, text: str) -> None:
    server.dbfs.put({"path": "/job.py", "contents": base64.b64encode(text.encode()).decode(), "overwrite": True})


def launch(made: JobRuns, work: str = "work", steps: tuple[str, ...] = STEPS, context: Any = None) -> Any:
    requests = [JobRequest(step, "run", made.lake_name, None, AS_OF, None, key_check(SECRET)) for step in steps]
    context = context or SimpleNamespace(job_name="j", retry_number=0, log=logging.getLogger("test"))
    return made.launch(context, lambda steps: work, requests, UPSTREAM, {step: ["a/b"] for step in steps})


def ended(server: DatabricksServer, run_id: int) -> str | None:
    assert server.runs[run_id].ended.wait(20)
    return server.runs[run_id].result


def receipts(home: Path, token: str) -> None:
    """Both steps wrote their table, and said so."""
    for step in STEPS:
        folder = home / "lake" / "a" / step / "_delta_log"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{3:020}.json").touch()
        write_receipt(home / "lake", token, step, [dg.MaterializeResult(asset_key=dg.AssetKey(["a", step]), data_version=dg.DataVersion("delta-3"))])


def test_who_comes_while_it_runs_waits_for_the_same_run(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:
    script(server, SLEEP)
    first = launch(runs(facts, tmp_path))
    second = launch(runs(facts, tmp_path))
    assert (second.run_id, second.token) == (first.run_id, first.token) == (1000, first.token)
    assert server.count("/runs/submit") == 1 and server.count("/runs/cancel") == 0


def test_a_crash_between_submission_and_its_record_makes_no_second_run(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:
    script(server, SLEEP)
    before_answer = dict(facts)
    real = facts.put

    def put(name: str, value: str) -> None:
        if '"run_id": null' in value:
            before_answer[name] = value
        real(name, value)

    facts.put = put  # type: ignore[method-assign]
    first = launch(runs(facts, tmp_path))
    second = launch(runs(Facts(before_answer), tmp_path))
    assert ATTEMPTS in before_answer and second.run_id == first.run_id
    assert server.count("/runs/submit") == 2 and list(server.runs) == [1000], "asked twice under one token"


def test_a_run_that_did_its_work_is_not_repeated_while_the_lake_holds_it(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:
    script(server, "pass")
    first = launch(runs(facts, tmp_path))
    assert ended(server, first.run_id) == "SUCCESS"
    receipts(tmp_path, first.token)
    assert launch(runs(facts, tmp_path)).run_id == launch(runs(facts, tmp_path), steps=("a__second",)).run_id == first.run_id
    (tmp_path / "lake" / "a" / "a__first" / "_delta_log" / f"{4:020}.json").touch()
    again = launch(runs(facts, tmp_path))
    assert again.run_id == 2000 and again.token != first.token, "somebody else wrote the table since"
    assert not receipt_path(tmp_path / "lake", first.token, "a__first").exists() and not Path(server.volume.root / "insights_pipes" / first.token).exists()


def test_a_run_that_failed_is_given_up_and_its_good_part_kept(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:
    script(server, FAIL_SECOND)
    first = launch(made := runs(facts, tmp_path))
    assert ended(server, first.run_id) == "FAILED" and server.runs[1000].task("a__first").result == "SUCCESS"
    made.give_back("a__second")
    assert made.under_way == {"a__first"}, "the step that is tried again gets a job of its own"
    assert launch(made, steps=("a__second",)).run_id == 2000
    assert ended(server, 2000) == "FAILED"
    assert launch(runs(facts, tmp_path)).run_id == 3000
    assert len(facts[ATTEMPTS]) < 1_000


def test_a_step_behind_one_that_failed_is_not_started(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:
    script(server, "import sys; sys.exit(1)")
    launch(runs(facts, tmp_path))
    assert ended(server, 1000) == "FAILED"
    assert server.runs[1000].task("a__second").result == "UPSTREAM_FAILED" and server.runs[1000].task("a__second").process is None


def test_a_run_that_the_workspace_no_longer_knows_is_launched_anew(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:
    script(server, SLEEP)
    launch(runs(facts, tmp_path))
    server.jobs.cancel(server.runs[1000])
    ended(server, 1000)
    del server.runs[1000]
    assert launch(runs(facts, tmp_path)).token != ""
    assert server.count("/runs/submit") == 2


def test_what_a_dead_run_left_is_cancelled_and_other_homes_are_left_alone(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:
    script(server, SLEEP)
    launch(runs(Facts(), tmp_path / "another home"))
    launch(runs(facts, tmp_path), work="of yesterday")
    new = launch(runs(facts, tmp_path), work="of today")
    assert ended(server, 2000) == "CANCELED" and server.runs[1000].result is None is server.runs[3000].result
    assert new.run_id == 3000 and {task.life_cycle for task in server.runs[2000].tasks} == {"TERMINATED"}, "and it has stopped before the new one starts"


def test_the_end_of_a_run_is_the_end_of_its_jobs(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:
    script(server, SLEEP)
    wave = launch(made := runs(facts, tmp_path))
    deadline = time.monotonic() + 20
    while (process := server.runs[1000].task("a__first").process) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    said: list[str] = []
    made.end(said.append)
    assert ended(server, 1000) == "CANCELED" and process.poll() is not None and said == []
    assert not Path(server.volume.root / "insights_pipes" / wave.token).exists() and made.under_way == set()


def test_an_end_that_the_workspace_does_not_hear_is_said(server: DatabricksServer, facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(server, SLEEP)
    monkeypatch.setenv("INSIGHTS_DATABRICKS_PATIENCE_SECONDS", "1")
    launch(made := runs(facts, tmp_path))
    server.shut()
    said: list[str] = []
    made.end(said.append)
    assert "Databricks job run 1000 could not be cancelled and may still be running" in said[0]


def test_a_receipt_on_a_volume_that_is_not_mounted_here_is_fetched(server: DatabricksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = UnityLake("main", lambda: None)  # type: ignore[arg-type,return-value]
    lake.root = server.volume.root / "scratch"
    monkeypatch.setattr(job_outcome, "read_receipt", lambda *_: None)
    workspace = open_workspace(Settings())
    assert job_outcome.receipt_of(workspace, lake, "t", "a__first") is None
    write_receipt(lake.root, "t", "a__first", [dg.MaterializeResult(asset_key=dg.AssetKey(["a", "b"]), data_version=dg.DataVersion("delta-3"))])
    found = job_outcome.receipt_of(workspace, lake, "t", "a__first")
    assert found is not None and versions_of(found) == {"a.b": "delta-3"}
    assert server.count("/_jobs/t/a__first.json") == 1


def test_jobs_are_told_the_catalog_where_the_lake_is_one(server: DatabricksServer, facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_DATABRICKS_CATALOG", "insights_prod")
    assert runs(facts, tmp_path).lake_name == "unity:insights_prod"
