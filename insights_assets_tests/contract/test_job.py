"""Both ends of a heavy step's job without a workspace: what is asked, what is refused, what the entry point reports."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_pipes import (
    DAGSTER_PIPES_CONTEXT_ENV_VAR,
    DAGSTER_PIPES_MESSAGES_ENV_VAR,
    PipesContext,
    PipesDbfsContextLoader,
    PipesDbfsMessageWriter,
    encode_param,
)
from pydantic import ValidationError

from insights_assets import job
from insights_assets.canonical import assets as canonical
from insights_assets.resources import jobs, table_assets
from insights_assets.resources.house import LakeOnly
from insights_assets.resources.job_request import KEY_VARIABLE, JobRequest, key_check
from insights_assets.settings import Settings
from insights_assets_tests.contract.feedback_run import AS_OF, SECRET, STEP, TABLES, rows

REQUEST = JobRequest(STEP, "run-1", "/lake", None, AS_OF, None, key_check(SECRET), {"cpu_threads": 1})
CLUSTER = {"spark_version": "17.3.x-scala2.13", "node_type_id": "m5d.large", "num_workers": 1}


def job_settings(home: Path, **more: Any) -> Settings:
    given = {"home": home, "heavy_steps": "job", "databricks_job_file": "dbfs:/job.py", "databricks_cluster": CLUSTER, "customer_key_secret": SECRET}
    return Settings(**{**given, **more})


def test_a_request_survives_the_way_through_json() -> None:
    for request in (REQUEST, jobs.request_for(STEP, job_settings(Path("/h")), run_id="r", as_of=AS_OF, previous_as_of=date(2026, 10, 1))):
        assert JobRequest.from_extras(json.loads(json.dumps(request.to_extras()))) == request


def test_a_request_carries_paths_as_the_job_sees_them_and_no_secret(tmp_path: Path) -> None:
    secrets = {"databricks_token": "tok-1", "operations_url": "postgresql://u:pass-1@db/x"}
    request = jobs.request_for(STEP, job_settings(tmp_path, **secrets, job_lake="/Volumes/a/b/lake"), run_id="r", as_of=AS_OF, previous_as_of=None)
    assert request.lake == "/Volumes/a/b/lake"
    said = json.dumps(request.to_extras())
    assert not [word for word in (SECRET, "tok-1", "pass-1") if word in said]
    assert request.key_check == key_check(SECRET) != key_check(SECRET + "x")


def test_the_key_of_a_home_is_checked_where_no_secret_is_set_and_missing_is_said(tmp_path: Path) -> None:
    settings = job_settings(tmp_path, customer_key_secret=None)
    with pytest.raises(jobs.JobNotPossible, match="needs the customer key in the job too"):
        jobs.request_for(STEP, settings, run_id="r", as_of=AS_OF, previous_as_of=None)
    settings.customer_key_path.parent.mkdir(parents=True)
    settings.customer_key_path.write_text("of-this-home\n")
    assert jobs.request_for(STEP, settings, run_id="r", as_of=AS_OF, previous_as_of=None).key_check == key_check("of-this-home")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"heavy_steps": "connect"}, "needs spark_remote"), ({"heavy_steps": "job"}, "needs databricks_job_file"),
        ({"heavy_steps": "job", "databricks_job_file": "dbfs:/job.py"}, "either databricks_cluster"), ({"heavy_steps": "there"}, "'here', 'connect' or 'job'"),
    ],
)
def test_a_way_that_cannot_run_is_refused_when_settings_are_read(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**given)


def test_a_cluster_field_that_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(jobs.JobNotPossible, match=r"num_worker$"):
        jobs.step_task(STEP, job_settings(tmp_path, databricks_cluster={**CLUSTER, "num_worker": 1}))
    assert jobs.step_task(STEP, job_settings(tmp_path)).new_cluster.num_workers == 1


def test_the_key_is_named_in_the_environment_and_never_given(tmp_path: Path) -> None:
    assert jobs.job_environment(job_settings(tmp_path, databricks_secret_scope="shop")) == {KEY_VARIABLE: "{{secrets/shop/customer_key}}"}


@pytest.mark.parametrize(
    ("key", "said"), [(None, "not in the job's environment"), ("{{secrets/insights/customer_key}}", "did not resolve"), ("another", "two pseudonyms")]
)
def test_a_job_without_the_right_key_refuses(key: str | None, said: str, tmp_path: Path) -> None:
    with pytest.raises(job.JobRefusedError, match=said):
        job.settings_of(REQUEST, Settings(customer_key_secret=key), tmp_path)


def test_a_job_sees_what_was_sent_and_an_empty_home(tmp_path: Path) -> None:
    settings = job.settings_of(REQUEST, Settings(customer_key_secret=SECRET, home="/elsewhere"), tmp_path)
    assert (settings.home, settings.as_of, settings.cpu_threads, settings.heavy_steps) == (tmp_path, AS_OF, 1, "here")


def test_only_heavy_steps_run_as_jobs(tmp_path: Path) -> None:
    assert canonical.feedback and STEP in table_assets.HEAVY
    with pytest.raises(job.JobRefusedError, match=f"canonical__orders is not a heavy step; there are .*{STEP}"):
        list(job.run_step(JobRequest("canonical__orders", "r", str(tmp_path), None, AS_OF, None, "", {}), Settings(), None, None))  # type: ignore[arg-type]


def test_a_heavy_step_that_asks_the_operational_database_is_told_so() -> None:
    with pytest.raises(LookupError, match="asked the operational database for 'facts'"):
        LakeOnly().facts  # noqa: B018


def test_on_a_cluster_the_loader_and_writer_are_those_of_pipes() -> None:
    assert type(job.context_loader(job.MOUNT)) is PipesDbfsContextLoader
    assert type(job.message_writer(job.MOUNT)) is PipesDbfsMessageWriter


def test_outside_dagster_the_entry_point_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DAGSTER_PIPES_CONTEXT_ENV_VAR, raising=False)
    with pytest.raises(job.JobRefusedError, match="only Dagster launches this"):
        job.params_loader(["job.py"])


@pytest.mark.parametrize(
    ("value", "carried"),
    [
        (3, 3), ("words", "words"), ([1], [1]), ({"a": 1}, {"type": "json", "raw_value": {"a": 1}}),
        (dg.MetadataValue.md("**x**"), {"type": "md", "raw_value": "**x**"}), (dg.MetadataValue.null(), {"type": "null", "raw_value": None}),
        (dg.MetadataValue.url("https://x.test"), {"type": "url", "raw_value": "https://x.test"}),
    ],
)
def test_metadata_keeps_its_type_on_the_way(value: Any, carried: Any) -> None:
    assert job.external(value) == carried


def test_metadata_that_pipes_cannot_carry_is_refused() -> None:
    with pytest.raises(TypeError, match="TableMetadataValue"):
        job.external(dg.MetadataValue.table([dg.TableRecord({"a": 1})]))


@pytest.mark.slow
def test_the_entry_point_runs_the_step_and_writes_its_messages(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: Any) -> None:
    """`main` in this process, as a cluster calls it: parameters in the environment, context and messages below a folder."""
    monkeypatch.setattr(PipesContext, "_instance", None)
    root = tmp_path / "dbfs"
    (root / "messages").mkdir(parents=True)
    names = [f"canonical/{spec.name}" for spec in TABLES]
    request = JobRequest(STEP, "run-1", str(home / "lake"), None, AS_OF, None, key_check(SECRET), {})
    context = {"asset_keys": names, "code_version_by_asset_key": {}, "provenance_by_asset_key": {}, "run_id": "run-1", "job_name": "j", "retry_number": 0}
    (root / "context.json").write_text(json.dumps({**context, "extras": request.to_extras()}))
    monkeypatch.setenv("INSIGHTS_DBFS_ROOT", str(root))
    monkeypatch.setenv(DAGSTER_PIPES_CONTEXT_ENV_VAR, encode_param({"path": "/context.json"}))
    monkeypatch.setenv(DAGSTER_PIPES_MESSAGES_ENV_VAR, encode_param({"path": "/messages"}))
    job.main()
    chunks = sorted((root / "messages").iterdir(), key=lambda path: int(path.stem))
    messages = [json.loads(line) for path in chunks for line in path.read_text().splitlines()]
    assert [m["method"] for m in messages][:1] + [m["method"] for m in messages][-1:] == ["opened", "closed"]
    made = {m["params"]["asset_key"]: m["params"] for m in messages if m["method"] == "report_asset_materialization"}
    assert set(made) == set(names) and made["canonical/feedback"]["metadata"]["dagster/row_count"] == {"raw_value": 42, "type": "__infer__"}
    checked = {m["params"]["check_name"]: m["params"]["passed"] for m in messages if m["method"] == "report_asset_check"}
    assert checked == {"schema_matches_spec": True, "feedback_ids_unique": True, "source_tags_present": True, "slice_holds_records": True}
    assert len(rows(home, spark)["canonical.feedback"]) == 42
    assert not (home / "keys" / "customer_key").exists(), "the job takes the key it was given and makes none"
