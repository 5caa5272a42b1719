"""The doctor looks and leaves no trace: each thing that would stop or endanger a run is named, and no secret is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from insights_assets.commands import examinations
from insights_assets.lake.widening import MadeByAnotherVersion
from insights_assets.resources.operations import open_operations
from insights_assets.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    operations = open_operations(made / "operations.db")
    operations.migrate()
    operations.audit.append("ana", "raw_read", "sources.reviews_raw", reason="asked")
    operations.close()
    return made


def test_a_new_home_is_not_made_by_looking(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "none")
    for name, look in examinations.EXAMINATIONS:
        assert look(settings), name
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_of_a_server_is_none_that_is_broken(tmp_path: Path, target: str) -> None:
    """As after the first start of deploy/: the databases are made, the product's tables by its first run."""
    if target.startswith("sqlite"):
        (tmp_path / "operations.db").touch()
    settings = Settings(home=tmp_path, operations_url=target)  # type: ignore[arg-type]
    assert "its tables are made by the first run" in examinations.operational_database(settings)
    assert examinations.audit_chain(settings) == "begins with the first run"
    operations = open_operations(target)
    assert not operations.is_made, "and looking makes none"
    operations.migrate()
    assert operations.is_made
    operations.close()
    assert "answers; schema " in examinations.operational_database(settings)


def test_a_sound_home_is_told_and_left_as_it_is(home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))}
    said = {name: look(Settings(home=home)) for name, look in examinations.EXAMINATIONS}
    assert said["operations"].startswith("sqlite answers; schema ") and "brings" not in said["operations"]
    assert said["audit"] == "1 entries hold"
    assert "nothing is removed before" in said["retention"] and "730 days" in said["retention"]
    assert {path: path.read_bytes() for path in before} == before


def test_a_misspelt_setting_and_a_forgotten_crash_point_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_LANDIGN", "/tmp")
    with pytest.raises(ValueError, match="INSIGHTS_LANDIGN"):
        examinations.settings_set(Settings(home=home))
    monkeypatch.delenv("INSIGHTS_LANDIGN")
    with pytest.raises(ValueError, match="kills itself at canonical"):
        examinations.settings_set(Settings(home=home, crash_at="canonical.feedback:before"))
    said = examinations.settings_set(Settings(home=home, customer_key_secret="do-not-show-me"))  # type: ignore[arg-type]
    assert "customer_key_secret" in said and "do-not-show-me" not in said


def test_a_damaged_database_a_broken_chain_and_an_open_key_are_named(home: Path) -> None:
    from sqlalchemy import update

    from insights_assets.resources.operations.models import AuditRow

    operations = open_operations(home / "operations.db")
    with operations.writing() as session:
        session.execute(update(AuditRow).values(actor="somebody else"))
    operations.close()
    with pytest.raises(RuntimeError, match="broken at entry 1"):
        examinations.audit_chain(Settings(home=home))
    key = home / "keys" / "customer_key"
    key.parent.mkdir()
    key.write_text("k")
    key.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        examinations.customer_key(Settings(home=home))
    key.chmod(0o600)
    assert "owner alone" in examinations.customer_key(Settings(home=home))


def test_jobs_without_workspace_or_wheel_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    given = {"home": home, "heavy_steps": "job", "databricks_job_file": "dbfs:/job.py", "databricks_cluster_id": "c"}
    with pytest.raises(LookupError, match="no workspace is named"):
        examinations.heavy_steps(Settings(**given))  # type: ignore[arg-type]
    with pytest.raises(LookupError, match="names no wheel"):
        examinations.heavy_steps(Settings(**given, databricks_host="https://example.invalid"))  # type: ignore[arg-type]
    assert "was not contacted" in examinations.heavy_steps(Settings(**given, databricks_host="https://example.invalid", databricks_wheel="dbfs:/w.whl"))  # type: ignore[arg-type]


def test_tables_of_an_earlier_version_are_named_with_what_the_next_run_does(tmp_path: Path) -> None:
    """And those that it cannot bring forward, with what to do; looking adds nothing."""
    from deltalake import DeltaTable, Schema

    from insights_assets.anomalies.tables import INSIGHTS

    place = tmp_path / "home" / "lake" / INSIGHTS.stage / INSIGHTS.name
    before = replace(INSIGHTS, columns=tuple(column for column in INSIGHTS.columns if column.name != "title"))
    DeltaTable.create(str(place), schema=Schema.from_arrow(before.arrow_schema))
    settings = Settings(home=tmp_path / "home")
    assert examinations.lake_tables(settings) == "1 tables; the next run adds columns, null in old rows: anomalies.insights (title)"
    assert DeltaTable(str(place)).version() == 0
    other = replace(INSIGHTS, columns=tuple(replace(column, type="bigint") if column.name == "title" else column for column in INSIGHTS.columns))
    DeltaTable.create(str(place), schema=Schema.from_arrow(other.arrow_schema), mode="overwrite")
    with pytest.raises(MadeByAnotherVersion, match="title is int64 there and string in this version"):
        examinations.lake_tables(settings)


def test_a_catalog_without_an_engine_that_opens_it_is_named(tmp_path: Path) -> None:
    told = Settings(home=tmp_path, databricks_catalog="insights_dev").missing_engine
    assert told is not None and "INSIGHTS_SPARK_REMOTE" in told and "insights_dev" in told
    assert Settings(home=tmp_path, databricks_catalog="insights_dev", spark_remote="sc://host").missing_engine is None and Settings(home=tmp_path).missing_engine is None
    assert "`insights doctor --profile databricks` looks" in examinations.lake_tables(Settings(home=tmp_path, databricks_catalog="insights_dev"))
