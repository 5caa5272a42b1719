"""Both ends of a heavy step's job without a workspace: what is asked, what is refused, what the entry point reports."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster_pipes import PipesContext, PipesDbfsMessageWriter, PipesUnityCatalogVolumesMessageWriter, encode_param
from pydantic import ValidationError

from insights_assets import job
from insights_assets.canonical import assets as canonical
from insights_assets.resources import heavy, job_tasks, receipts, table_assets
from insights_assets.resources.house import LakeOnly
from insights_assets.resources.job_request import KEY_VARIABLE, JobRequest, key_check
from insights_assets.settings import Settings
from insights_assets_tests.contract.feedback_run import AS_OF, SECRET, STEP, TABLES, rows

REQUEST = JobRequest(STEP, "run-1", "/lake", None, AS_OF, None, key_check(SECRET), {"cpu_threads": 1})
CLUSTER = {"spark_version": "17.3.x-scala2.13", "node_type_id": "m5d.large", "num_workers": 1}


def job_settings(home: Path, **more: Any) -> Settings:
    given = {"home": home, "heavy_steps": "job", "databricks_wheel": "dbfs:/it.whl", "databricks_cluster": CLUSTER, "customer_key_secret": SECRET}
    return Settings(**{**given, **more})


def step_of(settings: Settings, previous_as_of: date | None = None) -> Any:
    return SimpleNamespace(settings=settings, run_id="r", as_of=AS_OF, previous_as_of=previous_as_of)


def request_for(settings: Settings, previous_as_of: date | None = None) -> JobRequest:
    return heavy.request_for(STEP, step_of(settings, previous_as_of), lake=settings.job_lake or str(settings.lake_path))


def test_a_request_survives_the_way_through_arguments_and_leaves_others_alone() -> None:
    for request in (REQUEST, request_for(job_settings(Path("/h")), date(2026, 10, 1)), replace(REQUEST, shop="/a shop", channel="volume", token="t")):
        assert JobRequest.from_arguments([*request.to_arguments(), "--dagster-pipes-context", "x"]) == request


def test_people_read_step_and_days_in_the_arguments() -> None:
    assert REQUEST.to_arguments()[:6] == ["--step", STEP, "--from-day", "start", "--to-day", "2026-10-31"]
    assert replace(REQUEST, previous_as_of=date(2026, 10, 1)).to_arguments()[3] == "2026-10-01"


def test_a_request_carries_paths_as_the_job_sees_them_and_no_secret(tmp_path: Path) -> None:
    secrets = {"databricks_token": "tok-1", "operations_url": "postgresql://u:pass-1@db/x"}
    request = request_for(job_settings(tmp_path, **secrets, job_lake="/Volumes/a/b/lake"))
    assert request.lake == "/Volumes/a/b/lake"
    said = json.dumps(request.to_arguments())
    assert not [word for word in (SECRET, "tok-1", "pass-1") if word in said]
    assert request.key_check == key_check(SECRET) != key_check(SECRET + "x")


def test_the_key_of_a_home_is_checked_where_no_secret_is_set_and_missing_is_said(tmp_path: Path) -> None:
    settings = job_settings(tmp_path, customer_key_secret=None)
    with pytest.raises(job_tasks.JobNotPossible, match="needs the customer key in the job too"):
        request_for(settings)
    settings.customer_key_path.parent.mkdir(parents=True)
    settings.customer_key_path.write_text("of-this-home\n")
    assert request_for(settings).key_check == key_check("of-this-home")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"heavy_steps": "connect"}, "needs spark_remote"), ({"heavy_steps": "job"}, "needs databricks_wheel"),
        ({"heavy_steps": "job", "databricks_wheel": "w"}, "exactly one of"), ({"heavy_steps": "there"}, "'here', 'connect' or 'job'"),
        ({"heavy_steps": "job", "databricks_wheel": "w", "databricks_cluster_id": "c", "databricks_serverless": "3"}, "exactly one of"),
        ({"heavy_steps": "job", "databricks_wheel": "w", "databricks_serverless": "3"}, "needs databricks_volume"),
    ],
)
def test_a_way_that_cannot_run_is_refused_when_settings_are_read(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**given)


def tasks_of(settings: Settings) -> list[Any]:
    channel = SimpleNamespace(parameters=lambda token, step: {"path": f"/{step}"})
    first = replace(REQUEST, step="canonical__orders")
    return job_tasks.tasks([first, REQUEST], {STEP: {"canonical__orders", "canonical__products"}, "canonical__orders": set()}, {STEP: ["b"], "canonical__orders": ["a"]}, channel, settings)


def test_tasks_stand_behind_those_whose_tables_they_read() -> None:
    first, second = tasks_of(job_settings(Path("/h")))
    assert first.depends_on is None and [one.task_key for one in second.depends_on] == ["canonical__orders"], "products is no task of this job"


def test_a_cluster_field_that_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(job_tasks.JobNotPossible, match=r"num_worker$"):
        tasks_of(job_settings(tmp_path, databricks_cluster={**CLUSTER, "num_worker": 1}))
    assert tasks_of(job_settings(tmp_path))[0].new_cluster.num_workers == 1


def test_the_key_is_named_in_the_environment_and_never_given(tmp_path: Path) -> None:
    task = tasks_of(job_settings(tmp_path, databricks_secret_scope="shop", databricks_cluster={**CLUSTER, "spark_env_vars": {"A": "b"}}))[0]
    assert task.new_cluster.spark_env_vars == {KEY_VARIABLE: "{{secrets/shop/customer_key}}", "A": "b"}


@pytest.mark.parametrize(
    ("key", "said"), [(None, "not in the job's environment"), ("{{secrets/insights/customer_key}}", "did not resolve"), ("another", "two pseudonyms")]
)
def test_a_job_without_the_right_key_refuses(key: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABRICKS_HOST", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(job.JobRefusedError, match=said):
        job.settings_of(REQUEST, Settings(customer_key_secret=key), tmp_path)


def test_a_job_sees_what_was_sent_and_an_empty_home(tmp_path: Path) -> None:
    settings = job.settings_of(REQUEST, Settings(customer_key_secret=SECRET, home="/elsewhere"), tmp_path)
    assert (settings.home, settings.as_of, settings.cpu_threads, settings.heavy_steps) == (tmp_path, AS_OF, 1, "here")


def test_only_heavy_steps_run_as_jobs(tmp_path: Path) -> None:
    assert canonical.feedback and STEP in table_assets.HEAVY
    with pytest.raises(job.JobRefusedError, match=f"canonical__products is not a heavy step; there are .*{STEP}"):
        job.run_step(JobRequest("canonical__products", "r", str(tmp_path), None, AS_OF, None, "", {}), Settings(), None, None)  # type: ignore[arg-type]


def test_a_heavy_step_that_asks_the_operational_database_is_told_so() -> None:
    with pytest.raises(LookupError, match="asked the operational database for 'facts'"):
        LakeOnly().facts  # noqa: B018


def test_messages_go_by_pipes_own_writers() -> None:
    assert type(job.message_writer("dbfs")) is PipesDbfsMessageWriter
    assert type(job.message_writer("volume")) is PipesUnityCatalogVolumesMessageWriter


def test_outside_dagster_the_entry_point_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["insights-step", *REQUEST.to_arguments()])
    with pytest.raises(job.JobRefusedError, match="only Dagster launches this"):
        job.open_pipes("dbfs")


def test_a_blocking_check_that_does_not_hold_fails_the_task() -> None:
    def answer(name: str, passed: bool) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(check_name=name, passed=passed, asset_key=dg.AssetKey(["canonical", "feedback"]))

    job.stop_at_blocking(STEP, [answer("feedback_ids_unique", True), answer("slice_holds_records", False)])
    for name in ("feedback_ids_unique", table_assets.SCHEMA_CHECK):
        with pytest.raises(job.CheckFailedError, match=f"{STEP}: {name} did not hold"):
            job.stop_at_blocking(STEP, [answer(name, False)])


def test_a_receipt_says_what_was_told_and_a_torn_one_nothing(tmp_path: Path) -> None:
    key = dg.AssetKey(["canonical", "feedback"])
    given = [
        dg.MaterializeResult(asset_key=key, metadata={"rows": 3, "link": dg.MetadataValue.url("https://x.test"), "shares": {"a": 1}}, data_version=dg.DataVersion("delta-4")),
        dg.AssetCheckResult(check_name="c", asset_key=key, passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"found": [1, 2]}),
    ]
    receipts.write_receipt(tmp_path, "t", STEP, given)
    read = receipts.read_receipt(tmp_path, "t", STEP)
    assert read is not None and [receipts.told(one) for one in read] == [receipts.told(dg_result) for dg_result in [receipts.heard(receipts.told(one)) for one in given]]
    assert receipts.versions_of(read) == {"canonical.feedback": "delta-4"}
    made, checked = read
    assert made.metadata["link"] == dg.MetadataValue.url("https://x.test") and made.metadata["rows"].value == 3
    assert (checked.passed, checked.severity, checked.metadata["found"].value) == (False, dg.AssetCheckSeverity.WARN, [1, 2])
    path = receipts.receipt_path(tmp_path, "t", STEP)
    path.write_text(path.read_text()[:-5])
    assert receipts.read_receipt(tmp_path, "t", STEP) is None is receipts.read_receipt(tmp_path, "t", "other")


@pytest.mark.parametrize(
    ("value", "carried"),
    [
        (3, 3), ("words", "words"), ([1], [1]), ({"a": 1}, {"type": "json", "raw_value": {"a": 1}}),
        (dg.MetadataValue.md("**x**"), {"type": "md", "raw_value": "**x**"}), (dg.MetadataValue.null(), {"type": "null", "raw_value": None}),
        (dg.MetadataValue.url("https://x.test"), {"type": "url", "raw_value": "https://x.test"}),
    ],
)
def test_metadata_keeps_its_type_on_the_way(value: Any, carried: Any) -> None:
    assert receipts.external(value) == carried


def test_metadata_that_pipes_cannot_carry_is_refused() -> None:
    with pytest.raises(TypeError, match="TableMetadataValue"):
        receipts.external(dg.MetadataValue.table([dg.TableRecord({"a": 1})]))


@pytest.mark.slow
@pytest.mark.parametrize("is_heard", [True, False])
def test_the_entry_point_runs_the_step_tells_it_and_leaves_a_receipt(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: Any, is_heard: bool
) -> None:
    """`main` in this process, as a task calls it; with nowhere to write its messages it does and leaves the same."""
    monkeypatch.setattr(PipesContext, "_instance", None)
    monkeypatch.setattr(job, "spark_session", lambda: spark)
    messages = tmp_path / "messages"
    if is_heard:
        messages.mkdir()
    names = [f"canonical/{spec.name}" for spec in TABLES]
    request = replace(REQUEST, lake=str(home / "lake"), channel="volume", token="tok", settings={})
    context = {"asset_keys": names, "code_version_by_asset_key": {}, "provenance_by_asset_key": {}, "run_id": "run-1", "job_name": "j", "retry_number": 0, "extras": {}}
    pipes = ["--dagster-pipes-context", encode_param({"data": context}), "--dagster-pipes-messages", encode_param({"path": str(messages)})]
    monkeypatch.setattr(sys, "argv", ["insights-step", *request.to_arguments(), *pipes])
    job.main()
    assert len(rows(home, spark)["canonical.feedback"]) == 42
    assert not (home / "keys" / "customer_key").exists(), "the job takes the key it was given and makes none"
    kept = receipts.read_receipt(home / "lake", "tok", STEP)
    assert kept is not None and {"/".join(one.asset_key.path) for one in kept if isinstance(one, dg.MaterializeResult)} == set(names)
    assert not [path for path in (home / "lake" / "_scratch").rglob("*.parquet") if "tok" in path.parts], "frames do not outlive their step"
    if is_heard:
        chunks = sorted(messages.iterdir(), key=lambda path: int(path.stem))
        heard = [json.loads(line) for path in chunks for line in path.read_text().splitlines()]
        assert [m["method"] for m in heard][:1] + [m["method"] for m in heard][-1:] == ["opened", "closed"]
        made = {m["params"]["asset_key"]: m["params"] for m in heard if m["method"] == "report_asset_materialization"}
        assert set(made) == set(names) and made["canonical/feedback"]["metadata"]["dagster/row_count"] == {"raw_value": 42, "type": "__infer__"}
        checked = {m["params"]["check_name"]: m["params"]["passed"] for m in heard if m["method"] == "report_asset_check"}
        assert checked == {"schema_matches_spec": True, "feedback_ids_unique": True, "source_tags_present": True, "slice_holds_records": True}
        assert any(STEP in m["params"]["message"] for m in heard if m["method"] == "log")
