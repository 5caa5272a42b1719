"""A heavy step gives the same rows and the same report here, over Spark Connect and as a Databricks job; its ends are told apart."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import yaml
from jsonschema import Draft7Validator

import insights_assets.job
from insights_assets.resources import jobs
from insights_assets.resources.house import Engine
from insights_assets.settings import Settings
from insights_assets_tests.contract.databricks_server import DatabricksServer
from insights_assets_tests.contract.feedback_run import SECRET, STEP, environment, failure_of, reported, rows, run_heavy_step

pytestmark = pytest.mark.slow

TOKEN = "a-workspace-token-that-nobody-may-see"
JOB_FILE = "dbfs:/insights_assets/job.py"
CLUSTER = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 2}
SERVER_CODE = (
    "import os, sys; os.environ['RUST_LOG'] = 'error'; from pysail.spark import SparkConnectServer\n"
    "server = SparkConnectServer(ip='127.0.0.1', port=0); server.start(); print(server.listening_address[1], flush=True); sys.stdin.read()"
)


def settings_of(server: DatabricksServer) -> dict[str, str]:
    """The settings of an installation whose heavy steps are jobs."""
    return {
        "HEAVY_STEPS": "job", "DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": TOKEN, "DATABRICKS_JOB_FILE": JOB_FILE, "DATABRICKS_POLL_SECONDS": "0.3",
        "DATABRICKS_CLUSTER": json.dumps(CLUSTER), "DATABRICKS_WHEEL": "dbfs:/insights_assets/it.whl",
    }


@contextmanager
def workspace_in(folder: Path) -> Iterator[DatabricksServer]:
    """A workspace as a platform team prepares it: the key in its scope, the job file in its place."""
    with DatabricksServer(folder, TOKEN) as server, environment(**settings_of(server)):
        server.secrets["insights", "customer_key"] = SECRET
        upload(server, Path(insights_assets.job.__file__).read_text(encoding="utf-8"))
        yield server


@pytest.fixture
def workspace(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabricksServer]:
    monkeypatch.setattr("dagster._core.pipes.utils.WAIT_FOR_LOGS_AFTER_EXECUTION_INTERVAL", 1)  # for messages of a job that is dead
    with workspace_in(tmp_path / "workspace") as server:
        yield server


@pytest.fixture(scope="module")
def here(copy_home: Callable[[str], Path], spark: Any) -> SimpleNamespace:
    home = copy_home("here")
    with environment():
        result = run_heavy_step(home)
    assert result.success, failure_of(result)
    return SimpleNamespace(rows=rows(home, spark), reported=reported(result))


@pytest.fixture(scope="module")
def as_job(copy_home: Callable[[str], Path], spark: Any) -> SimpleNamespace:
    """One run of the heavy step as a job, and a second one after it, which several tests look at."""
    home = copy_home("as_job")
    with workspace_in(home.parent / "workspace") as server:
        result = run_heavy_step(home)
        assert result.success, failure_of(result)
        again = run_heavy_step(home)
    return SimpleNamespace(home=home, server=server, rows=rows(home, spark), reported=reported(result), again=again)


def upload(server: DatabricksServer, script: str) -> None:
    """Put a job file where the settings say it is, through the SDK."""
    jobs.open_workspace(Settings()).dbfs.put("/insights_assets/job.py", contents=base64.b64encode(script.encode()).decode(), overwrite=True)
    assert server.dbfs.existing(JOB_FILE).read_text(encoding="utf-8") == script


def test_a_job_writes_the_rows_that_the_step_writes_here(here: SimpleNamespace, as_job: SimpleNamespace) -> None:
    assert len(here.rows["canonical.feedback"]) == 42
    assert here.rows["canonical.conversations"] and here.rows["canonical.feedback_text"]
    assert as_job.rows == here.rows


def test_a_job_reports_what_the_step_reports_here(here: SimpleNamespace, as_job: SimpleNamespace) -> None:
    added = {"Databricks Job Run ID", "Databricks Job Run URL"}

    def told(one: SimpleNamespace) -> dict[str, Any]:
        return {key: {**said, "metadata": {n: v for n, v in said["metadata"].items() if n not in added}} for key, said in one.reported.items()}

    assert told(as_job) == told(here)
    assert set(as_job.reported) >= {"canonical/feedback", "canonical/feedback:feedback_ids_unique", "canonical/feedback:schema_matches_spec"}
    assert as_job.reported["canonical/feedback"]["metadata"]["Databricks Job Run ID"] == "1000"


def test_one_run_submits_one_job_and_a_second_run_over_the_same_tables_none(as_job: SimpleNamespace) -> None:
    server = as_job.server
    assert as_job.again.success
    assert {event.asset_key.to_user_string() for event in as_job.again.get_asset_materialization_events()} >= {"canonical/feedback"}
    assert server.count("/runs/submit") == 1 and list(server.runs) == [1000]
    assert server.count("/runs/cancel") == 0
    assert server.runs[1000].seen == ["PENDING", "RUNNING", "TERMINATING", "TERMINATED"]
    assert list((server.dbfs.root / "tmp").iterdir()) == [], "context and messages are taken away again"
    assert {call.status for call in server.calls if call.path != "/api/2.0/dbfs/read"} == {200}


@pytest.mark.parametrize("word", [SECRET, TOKEN])
def test_no_secret_reaches_payload_context_event_log_or_job_output(as_job: SimpleNamespace, word: str) -> None:
    run = as_job.server.runs[1000]
    assert "{{secrets/insights/customer_key}}" in json.dumps(run.payload), "the key is there by reference"
    seen = json.dumps([call.body for call in as_job.server.calls]) + run.output + run.errors
    assert word not in seen
    context = next(call.body["contents"] for call in as_job.server.calls if call.path.endswith("/put") and call.body["path"].endswith("context.json"))
    assert word not in base64.b64decode(context).decode()
    stored = [path for path in (as_job.home / "dagster").rglob("*") if path.is_file()]
    assert any(STEP.encode() in path.read_bytes() for path in stored), "the search would find what is there"
    assert [path.name for path in stored if word.encode() in path.read_bytes()] == []


def test_submission_and_answers_fit_the_published_description(as_job: SimpleNamespace, shared: Path) -> None:
    path = shared / "specs" / "databricks_jobs_2.1.yaml"
    if not path.is_file():
        pytest.skip(f"needs the description of the Jobs API, {path}, which is not here")
    components = yaml.safe_load(path.read_text(encoding="utf-8"))["components"]
    components["schemas"]["NewCluster"]["required"] = ["spark_version"]  # written there as a word instead of a list

    def faults(name: str, value: dict[str, Any]) -> list[str]:
        wrong = Draft7Validator({"$ref": f"#/components/schemas/{name}", "components": components}).iter_errors(value)
        return [error.message for error in wrong] + [f"{name} has no {key}" for key in value if key not in components["schemas"][name]["properties"]]

    payload = as_job.server.runs[1000].payload
    task = payload["tasks"][0]
    assert faults("RunSubmitSettings", payload) + faults("RunSubmitTaskSettings", task) + faults("NewCluster", task["new_cluster"]) == []
    assert len(payload["idempotency_token"]) <= 64
    assert faults("Run", as_job.server.runs_get({"run_id": 1000})) == []
    assert faults("RunSubmitSettings", {**payload, "run_name": 7}) and faults("RunSubmitSettings", {**payload, "run_nam": "x"}), "the check can fail"


def test_an_existing_cluster_runs_it_once_though_the_answer_to_the_submission_is_lost(
    home: Path, workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch, here: SimpleNamespace, spark: Any
) -> None:
    workspace.clusters["1123-shared"] = jobs.job_environment(Settings())
    workspace.lose_replies["/api/2.2/jobs/runs/submit"] = 1
    monkeypatch.setenv("INSIGHTS_DATABRICKS_CLUSTER_ID", "1123-shared")
    result = run_heavy_step(home)
    assert result.success, failure_of(result)
    assert rows(home, spark) == here.rows
    assert workspace.count("/runs/submit") == 2, "the SDK asked again"
    assert list(workspace.runs) == [1000]
    assert "new_cluster" not in workspace.runs[1000].payload["tasks"][0]


def test_over_connect_the_other_engine_writes_the_same_rows(
    home: Path, monkeypatch: pytest.MonkeyPatch, here: SimpleNamespace, spark: Any
) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER_CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None and server.stdout is not None
    sessions: list[Any] = []
    real = Engine.over_connect
    monkeypatch.setattr(Engine, "over_connect", lambda engine, remote: sessions.append(real(engine, remote)) or sessions[-1])
    monkeypatch.setenv("INSIGHTS_SPARK_REMOTE", f"sc://127.0.0.1:{server.stdout.readline().strip()}")
    monkeypatch.setenv("INSIGHTS_HEAVY_STEPS", "connect")
    try:
        result = run_heavy_step(home)
        assert result.success, failure_of(result)
        assert sessions and sessions[0] is not spark, "the step asked for the second engine"
        assert rows(home, spark) == here.rows
    finally:
        for session in {id(one): one for one in sessions}.values():
            session.stop()
        server.stdin.close()
        server.wait(20)


def test_a_job_with_another_key_fails_the_step_in_its_own_words_and_writes_nothing(
    home: Path, workspace: DatabricksServer, spark: Any
) -> None:
    workspace.secrets["insights", "customer_key"] = "the key of another home"
    result = run_heavy_step(home)
    assert not result.success
    assert f"{STEP} failed as Databricks job run 1000" in failure_of(result)
    assert "one customer would get two pseudonyms" in failure_of(result)
    assert rows(home, spark)["canonical.feedback"] == []
    assert result.get_asset_materialization_events() == []


def test_a_killed_job_fails_the_step_and_the_next_run_makes_it_whole(
    home: Path, workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch, here: SimpleNamespace, spark: Any
) -> None:
    monkeypatch.setenv("INSIGHTS_CRASH_AT", "canonical.duplicates:after")
    killed = run_heavy_step(home)
    assert not killed.success and "Workload failed" in failure_of(killed)
    assert rows(home, spark)["canonical.feedback"] == [], "it died before its last table"
    monkeypatch.delenv("INSIGHTS_CRASH_AT")
    again = run_heavy_step(home)
    assert again.success, failure_of(again)
    assert rows(home, spark) == here.rows
    assert workspace.count("/runs/submit") == len(workspace.runs) == 2


def test_a_job_that_reports_nothing_does_not_pass(home: Path, workspace: DatabricksServer) -> None:
    upload(workspace, "print('done, says the job')")
    result = run_heavy_step(home)
    assert not result.success
    assert "succeeded, but its report lacks canonical/conversations" in failure_of(result)
    assert result.get_asset_materialization_events() == []


def test_a_step_that_loses_sight_of_its_job_cancels_it(home: Path, workspace: DatabricksServer) -> None:
    upload(workspace, "import time; time.sleep(300)")
    workspace.refuse["/api/2.2/jobs/runs/get"] = 1
    result = run_heavy_step(home)
    assert not result.success and "You no longer have permission" in failure_of(result)
    assert workspace.wait_for("TERMINATED", 10).result == "CANCELED"


def test_cancelling_the_run_cancels_the_job_and_is_no_success(home: Path, workspace: DatabricksServer) -> None:
    upload(workspace, "import time; time.sleep(300)")
    code = "import sys; from pathlib import Path; from insights_assets_tests.contract.feedback_run import run_heavy_step; run_heavy_step(Path(sys.argv[1]))"
    worker = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with dg.DagsterInstance.local_temp(str(home / "dagster")) as instance:
        try:
            run = workspace.wait_for("RUNNING")
            record = instance.get_run_records(limit=1)[0].dagster_run
            instance.report_run_canceling(record)  # as Dagster's launcher does it: the request first, then the interrupt
            worker.send_signal(signal.SIGINT)
            worker.communicate(timeout=60)
        finally:
            worker.kill()
        ended = instance.get_run_by_id(record.run_id)
        events = [entry.dagster_event for entry in instance.all_logs(record.run_id) if entry.dagster_event]
    assert workspace.wait_for("TERMINATED", 5).result == "CANCELED"
    assert run.process is not None and run.process.poll() is not None, "the task itself is gone"
    assert workspace.count("/runs/cancel") == 1
    assert ended is not None and ended.status == dg.DagsterRunStatus.CANCELED
    failures = [str(event.step_failure_data.error) for event in events if event.is_step_failure]
    assert len(failures) == 1 and "the run was cancelled, and with it Databricks job run 1000" in failures[0]
    assert not any(event.is_step_success or event.is_step_materialization for event in events)
