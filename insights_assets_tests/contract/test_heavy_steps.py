"""A heavy step gives the same rows and the same report here, over Spark Connect and as a Databricks job; its ends are told apart."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import yaml

import insights_assets.job
from insights_assets.resources import jobs
from insights_assets.settings import Settings
from insights_assets_tests.contract.databricks_server import DatabricksServer
from insights_assets_tests.contract.feedback_run import AS_OF, SECRET, STEP, failure_of, prepare, reported, rows, run_heavy_step

pytestmark = pytest.mark.slow

TOKEN = "a-workspace-token-that-nobody-may-see"
JOB_FILE = "dbfs:/insights_assets/job.py"
CLUSTER = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 2}
COMMON = {"INSIGHTS_CUSTOMER_KEY_SECRET": SECRET, "INSIGHTS_AS_OF": AS_OF.isoformat()}
SERVER_CODE = (
    "import os, sys; os.environ['RUST_LOG'] = 'error'; from pysail.spark import SparkConnectServer\n"
    "server = SparkConnectServer(ip='127.0.0.1', port=0); server.start(); print(server.listening_address[1], flush=True); sys.stdin.read()"
)


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in COMMON.items():
            patch.setenv(name, value)
        yield patch


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, environment: pytest.MonkeyPatch, spark: Any) -> Path:
    home = tmp_path_factory.mktemp("prepared") / "home"
    prepare(home)
    return home


@pytest.fixture
def new_home(prepared: Path, tmp_path: Path) -> Callable[[], Path]:
    return lambda: Path(shutil.copytree(prepared, tmp_path / "home"))


def copy_of(prepared: Path, folder: Path) -> Path:
    return Path(shutil.copytree(prepared, folder / "home"))


@pytest.fixture(scope="module")
def here(prepared: Path, tmp_path_factory: pytest.TempPathFactory, spark: Any) -> SimpleNamespace:
    home = copy_of(prepared, tmp_path_factory.mktemp("here"))
    result = run_heavy_step(home)
    assert result.success, failure_of(result)
    return SimpleNamespace(rows=rows(home, spark), reported=reported(result))


@pytest.fixture
def workspace(tmp_path: Path, environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabricksServer]:
    with DatabricksServer(tmp_path / "workspace", TOKEN) as server:
        connect_to(server, monkeypatch)
        yield server


def connect_to(server: DatabricksServer, patch: pytest.MonkeyPatch, **more: str) -> None:
    """The settings of an installation whose heavy steps are jobs, and what a platform team puts into its workspace."""
    server.secrets["insights", "customer_key"] = SECRET
    settings = {"HEAVY_STEPS": "job", "DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": TOKEN, "DATABRICKS_JOB_FILE": JOB_FILE, "DATABRICKS_POLL_SECONDS": "0.3"}
    for name, value in {**settings, "DATABRICKS_CLUSTER": json.dumps(CLUSTER), "DATABRICKS_WHEEL": "dbfs:/insights_assets/it.whl", **more}.items():
        patch.setenv(f"INSIGHTS_{name}", value)
    upload(server, Path(insights_assets.job.__file__).read_text(encoding="utf-8"))


def upload(server: DatabricksServer, script: str) -> None:
    """Put a job file where the settings say it is, through the SDK."""
    import base64

    jobs.open_workspace(Settings()).dbfs.put("/insights_assets/job.py", contents=base64.b64encode(script.encode()).decode(), overwrite=True)
    assert server.count("/dbfs/put") >= 1


@pytest.fixture(scope="module")
def as_job(prepared: Path, tmp_path_factory: pytest.TempPathFactory, environment: pytest.MonkeyPatch, spark: Any) -> Iterator[SimpleNamespace]:
    """One run of the heavy step as a job, which several tests look at."""
    folder = tmp_path_factory.mktemp("as_job")
    home = copy_of(prepared, folder)
    with pytest.MonkeyPatch.context() as patch, DatabricksServer(folder / "workspace", TOKEN) as server:
        connect_to(server, patch)
        result = run_heavy_step(home)
        assert result.success, failure_of(result)
        yield SimpleNamespace(home=home, server=server, result=result, rows=rows(home, spark), reported=reported(result))


def test_a_job_writes_the_rows_that_the_step_writes_here(here: SimpleNamespace, as_job: SimpleNamespace) -> None:
    assert len(here.rows["canonical.feedback"]) == 42
    assert here.rows["canonical.conversations"] and here.rows["canonical.feedback_text"]
    assert as_job.rows == here.rows


def test_a_job_reports_what_the_step_reports_here(here: SimpleNamespace, as_job: SimpleNamespace) -> None:
    added = {"Databricks Job Run ID", "Databricks Job Run URL"}

    def told(one: SimpleNamespace) -> dict[str, Any]:
        return {key: [{n: v for n, v in part.items() if n not in added} if isinstance(part, dict) else part for part in parts] for key, parts in one.reported.items()}

    assert told(as_job) == told(here)
    assert set(as_job.reported) >= {"canonical/feedback", "canonical/feedback:feedback_ids_unique", "canonical/feedback:schema_matches_spec"}
    assert as_job.reported["canonical/feedback"][0]["Databricks Job Run ID"] == "1000"


def test_one_run_submits_one_job_and_cleans_up(as_job: SimpleNamespace) -> None:
    server = as_job.server
    assert server.count("/runs/submit") == 1 and list(server.runs) == [1000]
    assert server.count("/runs/cancel") == 0
    assert server.runs[1000].seen == ["PENDING", "RUNNING", "TERMINATING", "TERMINATED"]
    assert list((server.root / "tmp").iterdir()) == [], "context and messages are taken away again"
    assert {call.status for call in server.calls if call.path != "/api/2.0/dbfs/read"} == {200}


@pytest.mark.parametrize("word", [SECRET, TOKEN])
def test_no_secret_reaches_payload_context_event_log_or_job_output(as_job: SimpleNamespace, word: str) -> None:
    run = as_job.server.runs[1000]
    assert "{{secrets/insights/customer_key}}" in json.dumps(run.payload), "the key is there by reference"
    seen = json.dumps([call.body for call in as_job.server.calls]) + run.output + run.errors
    assert word not in seen
    context = next(call.body["contents"] for call in as_job.server.calls if call.path.endswith("/put") and call.body["path"].endswith("context.json"))
    import base64

    assert word not in base64.b64decode(context).decode()
    stored = [path for path in (as_job.home / "dagster").rglob("*") if path.is_file()]
    assert any(STEP.encode() in path.read_bytes() for path in stored), "the search would find what is there"
    assert [path.name for path in stored if word.encode() in path.read_bytes()] == []


def test_submission_and_answers_fit_the_published_description(as_job: SimpleNamespace, shared: Path) -> None:
    path = shared / "specs" / "databricks_jobs_2.1.yaml"
    if not path.is_file():
        pytest.skip(f"needs the description of the Jobs API, {path}, which is not here")
    from jsonschema import Draft7Validator

    described = yaml.safe_load(path.read_text(encoding="utf-8"))
    schemas = described["components"]["schemas"]

    def faults(name: str, value: dict[str, Any]) -> list[str]:
        checker = Draft7Validator({"$ref": f"#/components/schemas/{name}", "components": described["components"]})
        return [error.message for error in checker.iter_errors(value)] + [f"{name} has no {key}" for key in value if key not in schemas[name]["properties"]]

    payload = as_job.server.runs[1000].payload
    task = payload["tasks"][0]
    assert faults("RunSubmitSettings", payload) + faults("RunSubmitTaskSettings", task) + faults("NewCluster", task["new_cluster"]) == []
    assert len(payload["idempotency_token"]) <= 64
    assert faults("Run", as_job.server.runs_get({"run_id": 1000})) == []
    assert faults("RunSubmitSettings", {**payload, "run_name": 7}) and faults("RunSubmitSettings", {**payload, "run_nam": "x"}), "the check can fail"


def test_an_existing_cluster_runs_it_too(new_home: Callable[[], Path], workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch, here: SimpleNamespace, spark: Any) -> None:
    workspace.clusters["1123-shared"] = jobs.job_environment(Settings())
    monkeypatch.setenv("INSIGHTS_DATABRICKS_CLUSTER_ID", "1123-shared")
    home = new_home()
    result = run_heavy_step(home)
    assert result.success, failure_of(result)
    assert rows(home, spark) == here.rows
    assert "new_cluster" not in workspace.runs[1000].payload["tasks"][0]


def test_over_connect_the_other_engine_writes_the_same_rows(
    new_home: Callable[[], Path], environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch, here: SimpleNamespace, spark: Any
) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER_CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None and server.stdout is not None
    sessions: list[Any] = []
    from insights_assets.resources.house import Engine

    real = Engine.over_connect
    monkeypatch.setattr(Engine, "over_connect", lambda engine, remote: sessions.append(real(engine, remote)) or sessions[-1])
    monkeypatch.setenv("INSIGHTS_SPARK_REMOTE", f"sc://127.0.0.1:{server.stdout.readline().strip()}")
    monkeypatch.setenv("INSIGHTS_HEAVY_STEPS", "connect")
    try:
        home = new_home()
        result = run_heavy_step(home)
        assert result.success, failure_of(result)
        assert sessions and sessions[0] is not spark, "the step asked for the second engine"
        assert rows(home, spark) == here.rows
    finally:
        for session in {id(one): one for one in sessions}.values():
            session.stop()
        server.stdin.close()
        server.wait(20)


def test_a_job_with_another_key_fails_the_step_in_its_own_words_and_writes_nothing(new_home: Callable[[], Path], workspace: DatabricksServer, spark: Any) -> None:
    workspace.secrets["insights", "customer_key"] = "the key of another home"
    home = new_home()
    result = run_heavy_step(home)
    assert not result.success
    assert f"{STEP} failed as Databricks job run 1000" in failure_of(result)
    assert "one customer would get two pseudonyms" in failure_of(result)
    assert rows(home, spark)["canonical.feedback"] == []
    assert result.get_asset_materialization_events() == []


def test_a_killed_job_fails_the_step_and_the_next_run_makes_it_whole(
    new_home: Callable[[], Path], workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch, here: SimpleNamespace, spark: Any
) -> None:
    home = new_home()
    monkeypatch.setenv("INSIGHTS_CRASH_AT", "canonical.duplicates:after")
    killed = run_heavy_step(home)
    assert not killed.success and "Workload failed" in failure_of(killed)
    assert rows(home, spark)["canonical.feedback"] == [], "it died before its last table"
    monkeypatch.delenv("INSIGHTS_CRASH_AT")
    again = run_heavy_step(home)
    assert again.success, failure_of(again)
    assert rows(home, spark) == here.rows
    assert workspace.count("/runs/submit") == len(workspace.runs) == 2


def test_a_lost_answer_to_the_submission_starts_no_second_job(new_home: Callable[[], Path], workspace: DatabricksServer) -> None:
    upload(workspace, "raise ValueError('the second lamp is broken too')")
    workspace.lose_replies["/api/2.2/jobs/runs/submit"] = 1
    result = run_heavy_step(new_home())
    assert workspace.count("/runs/submit") == 2, "the SDK asked again"
    assert len(workspace.runs) == 1
    assert "the second lamp is broken too" in failure_of(result)


def test_a_job_that_reports_nothing_does_not_pass(new_home: Callable[[], Path], workspace: DatabricksServer) -> None:
    upload(workspace, "print('done, says the job')")
    result = run_heavy_step(new_home())
    assert not result.success
    assert "succeeded, but its report lacks canonical/conversations" in failure_of(result)
    assert result.get_asset_materialization_events() == []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_cancelling_the_run_cancels_the_job_and_is_no_success(new_home: Callable[[], Path], workspace: DatabricksServer, stop: signal.Signals) -> None:
    upload(workspace, "import time; time.sleep(300)")
    home = new_home()
    code = "import sys; from pathlib import Path; from insights_assets_tests.contract.feedback_run import run_heavy_step; run_heavy_step(Path(sys.argv[1]))"
    worker = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        run = workspace.wait_for("RUNNING")
        worker.send_signal(stop)
        worker.communicate(timeout=60)
    finally:
        worker.kill()
    assert workspace.wait_for("TERMINATED", 5).result == "CANCELED"
    assert run.process is not None and run.process.poll() is not None, "the task itself is gone"
    assert workspace.count("/runs/cancel") == 1
    with dg.DagsterInstance.local_temp(str(home / "dagster")) as instance:
        record = instance.get_run_records(limit=1)[0].dagster_run
        events = [entry.dagster_event for entry in instance.all_logs(record.run_id) if entry.dagster_event]
    assert record.status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE)
    assert [event.event_type_value for event in events if event.is_step_failure] == ["STEP_FAILURE"]
    assert not any(event.is_step_success or event.is_step_materialization for event in events)
