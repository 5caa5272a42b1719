"""A heavy step gives the same rows and the same report here, over Spark Connect and as a Databricks job; its ends are told apart."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import yaml
from jsonschema import Draft7Validator

from insights_assets.canonical import assets as canonical
from insights_assets.resources import jobs
from insights_assets.resources.house import Engine, House
from insights_assets.settings import Settings
from insights_assets_tests.contract.databricks_cases import told
from insights_assets_tests.contract.databricks_server import _SPARK as SPARK_CODE
from insights_assets_tests.contract.databricks_server import DatabricksServer, Fault
from insights_assets_tests.contract.databricks_workspace import CLUSTER, TOKEN, workspace_in
from insights_assets_tests.contract.feedback_run import SECRET, STEP, environment, failure_of, instance_of, reported, rows, run_heavy_step

pytestmark = pytest.mark.slow

JOB_FILE = "dbfs:/insights_assets/job.py"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagster._core.pipes.utils.WAIT_FOR_LOGS_AFTER_EXECUTION_INTERVAL", 1)  # for messages of a job that is dead


@pytest.fixture
def workspace(home: Path, tmp_path: Path) -> Any:
    with workspace_in(tmp_path / "workspace", "cluster") as server:
        yield server


@pytest.fixture(scope="module")
def here(copy_home: Callable[[str], Path], spark: Any) -> SimpleNamespace:
    home = copy_home("here")
    with environment():
        result = run_heavy_step(home)
    assert result.success, failure_of(result)
    return SimpleNamespace(rows=rows(home, spark), reported=reported(result))


@pytest.fixture(scope="module", params=["cluster", "serverless"])
def as_job(request: pytest.FixtureRequest, copy_home: Callable[[str], Path], spark: Any) -> SimpleNamespace:
    """One run of the heavy step as a job, and a second one after it, which several tests look at."""
    home = copy_home(f"as_job_{request.param}")
    with workspace_in(home.parent / "workspace", request.param) as server:
        result = run_heavy_step(home)
        assert result.success, failure_of(result)
        again = run_heavy_step(home)
        left = [path.name for root in (server.dbfs.root, server.volume.root) for path in root.rglob("*.json")]
    return SimpleNamespace(kind=request.param, home=home, server=server, rows=rows(home, spark), reported=reported(result), again=again, left=left)


def run_file(server: DatabricksServer, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let tasks run a file of the test's own instead of the wheel, put where the settings say through the SDK."""
    jobs.open_workspace(Settings()).dbfs.put("/insights_assets/job.py", contents=base64.b64encode(script.encode()).decode(), overwrite=True)
    assert server.dbfs.existing(JOB_FILE).read_text(encoding="utf-8") == script
    monkeypatch.setenv("INSIGHTS_DATABRICKS_JOB_FILE", JOB_FILE)


def test_a_job_writes_the_rows_that_the_step_writes_here(here: SimpleNamespace, as_job: SimpleNamespace) -> None:
    assert len(here.rows["canonical.feedback"]) == 42
    assert here.rows["canonical.conversations"] and here.rows["canonical.feedback_text"]
    assert as_job.rows == here.rows


def test_a_job_reports_what_the_step_reports_here(here: SimpleNamespace, as_job: SimpleNamespace) -> None:
    assert told(as_job.reported) == told(here.reported)
    assert set(as_job.reported) >= {"canonical/feedback", "canonical/feedback:feedback_ids_unique", "canonical/feedback:schema_matches_spec"}
    assert as_job.reported["canonical/feedback"]["metadata"]["Databricks Job Run ID"] == "1000"


def test_one_run_submits_one_job_and_a_second_run_over_the_same_tables_none(as_job: SimpleNamespace) -> None:
    server = as_job.server
    assert as_job.again.success
    assert {event.asset_key.to_user_string() for event in as_job.again.get_asset_materialization_events()} >= {"canonical/feedback"}
    assert server.count("/runs/submit") == 1 and list(server.runs) == [1000]
    assert server.count("/runs/cancel") == 0
    assert server.runs[1000].task(STEP).seen == ["BLOCKED", "PENDING", "RUNNING", "TERMINATING", "TERMINATED"]
    assert as_job.left == [], "messages are taken away again"
    assert {call.status for call in server.calls if not call.path.endswith(("/dbfs/read", ".json"))} == {200}


def test_what_is_asked_is_the_wheel_the_step_and_its_days(as_job: SimpleNamespace) -> None:
    payload = as_job.server.runs[1000].payload
    (task,) = payload["tasks"]
    wheel = task["python_wheel_task"]
    assert (wheel["package_name"], wheel["entry_point"]) == ("insights-assets", "insights-step")
    assert wheel["parameters"][:6] == ["--step", STEP, "--from-day", "start", "--to-day", "2026-10-31"]
    if as_job.kind == "serverless":
        assert payload["environments"] == [{"environment_key": "insights", "spec": {"environment_version": "3", "dependencies": ["/Volumes/main/insights/files/it.whl"]}}]
        assert "libraries" not in task and "new_cluster" not in task
    else:
        assert task["libraries"] == [{"whl": "/Volumes/main/insights/files/it.whl"}] and "environments" not in payload


@pytest.mark.parametrize("word", [SECRET, TOKEN])
def test_no_secret_reaches_payload_messages_event_log_receipt_or_job_output(as_job: SimpleNamespace, word: str) -> None:
    run = as_job.server.runs[1000]
    if as_job.kind == "cluster":
        assert "{{secrets/insights/customer_key}}" in json.dumps(run.payload), "the key is there by reference"
    seen = json.dumps([call.body for call in as_job.server.calls]) + json.dumps(run.payload) + run.task(STEP).output + run.task(STEP).errors
    assert word not in seen
    stored = [path for folder in ("dagster", "lake/_jobs") for path in (as_job.home / folder).rglob("*") if path.is_file()]
    assert sum(STEP.encode() in path.read_bytes() for path in stored) >= 2, "the search would find what is there"
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
    newer = {"RunSubmitSettings has no environments", "RunSubmitTaskSettings has no environment_key"} if as_job.kind == "serverless" else set()  # came after 2.1's description
    assert set(faults("RunSubmitSettings", payload) + faults("RunSubmitTaskSettings", task) + faults("NewCluster", task.get("new_cluster", CLUSTER))) == newer
    assert len(payload["idempotency_token"]) <= 64
    shown = as_job.server.answer("GET", "/api/2.2/jobs/runs/get", {"run_id": 1000})
    assert faults("Run", shown) + [fault for task in shown["tasks"] for fault in faults("RunTask", task) if "environment_key" not in fault] == []
    assert faults("RunSubmitSettings", {**payload, "run_name": 7}) and faults("RunSubmitSettings", {**payload, "run_nam": "x"}), "the check can fail"


def test_an_existing_cluster_runs_it_once_through_lost_slow_and_refused_answers(
    home: Path, tmp_path: Path, here: SimpleNamespace, spark: Any
) -> None:
    with workspace_in(tmp_path / "workspace", "shared") as server:
        server.faults = {
            "/runs/submit": Fault(lost=True), "/runs/get": Fault(times=3, status=500), "/dbfs/read": Fault(times=2, status=429, retry_after="1"),
            "/dbfs/mkdirs": Fault(status=503), "/runs/list": Fault(seconds=2),
        }
        result = run_heavy_step(home)
        assert result.success, failure_of(result)
        assert {fault.times for fault in server.faults.values()} == {0}, "every fault happened"
        assert rows(home, spark) == here.rows
        assert server.count("/runs/submit") == 2, "the SDK asked again"
        assert list(server.runs) == [1000]
        assert "new_cluster" not in server.runs[1000].payload["tasks"][0]


def test_who_is_not_known_is_told_so_and_launches_nothing(home: Path, workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_DATABRICKS_TOKEN", "a token of yesterday")
    result = run_heavy_step(home)
    assert not result.success and "Credential was not sent" in failure_of(result)
    assert workspace.runs == {}


def test_over_connect_the_other_engine_writes_the_same_rows(
    home: Path, monkeypatch: pytest.MonkeyPatch, here: SimpleNamespace, spark: Any
) -> None:
    server = subprocess.Popen([sys.executable, "-c", SPARK_CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None and server.stdout is not None
    sessions: list[Any] = []
    real = Engine.over_connect

    def noted(engine: Engine, remote: str) -> Any:
        sessions.append(real(engine, remote))
        return sessions[-1]

    monkeypatch.setattr(Engine, "over_connect", noted)
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


def test_the_result_of_a_job_whose_messages_are_lost_is_read_from_the_lake(
    home: Path, workspace: DatabricksServer, here: SimpleNamespace, spark: Any
) -> None:
    workspace.faults["/dbfs/get-status"] = Fault(times=10_000, status=403)
    result = run_heavy_step(home)
    assert result.success, failure_of(result)
    assert told(reported(result)) == told(here.reported) and rows(home, spark) == here.rows
    assert workspace.count("/dbfs/read") == 0 and workspace.runs[1000].result == "SUCCESS"


def test_a_job_killed_after_its_work_was_told_has_done_its_work(home: Path, workspace: DatabricksServer, here: SimpleNamespace, spark: Any) -> None:
    def at_the_end(moment: str, task: Any) -> None:
        if moment == "before end":
            task.process.returncode = -9

    workspace.jobs.hold = at_the_end
    result = run_heavy_step(home)
    assert workspace.runs[1000].result == "FAILED"
    assert result.success, failure_of(result)
    assert rows(home, spark) == here.rows


def test_a_job_that_reports_nothing_does_not_pass(home: Path, workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    run_file(workspace, monkeypatch, "print('done, says the job')")
    result = run_heavy_step(home)
    assert not result.success
    assert "succeeded, but its report lacks canonical/conversations" in failure_of(result)
    assert result.get_asset_materialization_events() == []


def test_a_step_that_loses_sight_of_its_job_cancels_it(home: Path, workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    run_file(workspace, monkeypatch, "import time; time.sleep(300)")
    workspace.faults["/runs/get"] = Fault(status=403)
    result = run_heavy_step(home)
    assert not result.success and "You no longer have permission" in failure_of(result)
    assert workspace.wait_for("TERMINATED", 10).result == "CANCELED"


def test_a_run_that_ends_leaves_no_task_behind(home: Path, workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step fails on Dagster's side; the task of the second, which Dagster then skips, is already going on."""
    run_file(workspace, monkeypatch, "import sys, time; time.sleep(300 if 'canonical__shipments' in sys.argv else 0)")
    tomorrow = House(engine=Engine(remote=None), home=str(home), as_of="2026-11-01")  # so that neither is skipped
    with instance_of(home) as instance:
        result = dg.materialize([canonical.orders, canonical.shipments], resources={"house": tomorrow}, instance=instance, raise_on_error=False)
    assert not result.success and "canonical__orders: Databricks job run 1000 succeeded, but its report lacks" in failure_of(result)
    run = workspace.runs[1000]
    assert run.ended.is_set() and [(task.key, task.result) for task in run.tasks] == [("canonical__orders", "SUCCESS"), ("canonical__shipments", "CANCELED")]
    assert workspace.count("/runs/submit") == 1


def test_a_job_that_somebody_cancels_in_the_workspace_fails_the_step(home: Path, workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    run_file(workspace, monkeypatch, "import time; time.sleep(300)")
    workspace.jobs.hold = lambda moment, task: workspace.jobs.cancel(workspace.runs[1000]) if moment == "before start" else None
    result = run_heavy_step(home)
    assert not result.success and f"{STEP} failed as Databricks job run 1000 (CANCELED): Run cancelled." in failure_of(result)


def test_cancelling_the_run_cancels_the_job_and_is_no_success(home: Path, workspace: DatabricksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    run_file(workspace, monkeypatch, "import time; time.sleep(300)")
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
