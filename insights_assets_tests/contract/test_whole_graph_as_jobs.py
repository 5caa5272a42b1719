"""The whole graph by way of jobs against the stand-in, in processes of their own: the same insights, tickets and tables as the embedded run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from insights_assets.resources.job_gate import NAME
from insights_assets_tests import commanding
from insights_assets_tests.contract.databricks_server import DatabricksServer
from insights_assets_tests.contract.databricks_workspace import workspace_in
from insights_assets_tests.shared_homes import LAST_DAY, published_rows, sample_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(home: Path, landing: Path, seconds: int = 800) -> dict[str, Any]:
    """`insights run` with the settings of the environment."""
    words = ["run", "--landing", str(landing), "--home", str(home), "--as-of", LAST_DAY.isoformat(), "--json"]
    done = commanding.insights(*words, timeout=seconds)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """One shop, embedded and as jobs; and the home of jobs run once more."""
    sample, folder = sample_run(tmp_path_factory), tmp_path_factory.mktemp("both")
    landing, embedded = sample / "landing", json.loads((sample / "report.json").read_text(encoding="utf-8"))
    with workspace_in(folder / "workspace", "serverless") as server:
        as_jobs = run(folder / "jobs", landing)
        submitted = server.count("/runs/submit")
        again = run(folder / "jobs", landing)
    yield SimpleNamespace(jobs_home=folder / "jobs", embedded_home=sample / "home", server=server, embedded=embedded, as_jobs=as_jobs, again=again, submitted=submitted)


def test_insights_tickets_and_every_table_are_those_of_the_embedded_run(both: SimpleNamespace, spark: Any) -> None:
    assert both.embedded["insights"] and both.embedded["actions"]
    for found in ("insights", "actions"):
        assert len(both.as_jobs[found]) == len(both.embedded[found])
    mine, theirs = published_rows(both.jobs_home, spark), published_rows(both.embedded_home, spark)
    assert mine.keys() == theirs.keys()
    assert [name for name in theirs if mine[name] != theirs[name]] == [], "insights and tickets are among them"
    assert mine["anomalies.insights"] and mine["actions.action_tickets"]


def test_one_run_is_one_job_with_all_heavy_steps_as_tasks(both: SimpleNamespace) -> None:
    server: DatabricksServer = both.server
    assert both.submitted == 1
    job = server.runs[1000]
    first = {"canonical__sessions", "canonical__orders", "canonical__shipments", "canonical__feedback", "anomalies__data_findings"}
    later = {"canonical__source_completeness", "labels__labelled_feedback", "anomalies__topic_series", "anomalies__sentiment_shifts"}
    assert {task.key for task in job.tasks} == first | later | {NAME} and job.result == "SUCCESS" and server.count("/runs/cancel") == 0
    before = {task.key: {one["task_key"] for one in task.settings.get("depends_on", ())} for task in job.tasks}
    assert before["canonical__feedback"] == {"canonical__sessions", "canonical__orders", "canonical__shipments"} and before["canonical__orders"] == set()
    assert "canonical__feedback" in before[NAME] and all(NAME in before[step] for step in later) and not any(NAME in before[step] for step in first)
    gate = job.task(NAME)
    assert job.task("canonical__feedback").ended_at < gate.started_at and all(job.task(step).started_at > gate.ended_at for step in later)
    assert not (both.jobs_home / "lake" / "_scratch" / job.payload["idempotency_token"]).exists(), "no task leaves its frames behind"


def test_a_second_run_submits_nothing_and_changes_nothing(both: SimpleNamespace) -> None:
    assert both.again["succeeded"] and both.again["insights"] == both.as_jobs["insights"] and both.again["actions"] == both.as_jobs["actions"]
    assert both.server.count("/runs/submit") == both.submitted
