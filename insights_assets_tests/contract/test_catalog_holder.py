"""One installation a catalog: a second home is refused before it writes, is told whose it is, and takes it over only by the command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from insights_assets.canonical import assets as canonical
from insights_assets.cli import main
from insights_assets.engine.embedded import embedded_url
from insights_assets.lake import holding
from insights_assets.lake.holding import HOLDER, CatalogHeld, Installation, hold, holder_of
from insights_assets.lake.unity import TableMissing, UnityLake
from insights_assets.resources.installation import installation_of
from insights_assets.resources.operations import open_operations
from insights_assets.settings import Settings
from insights_assets.sources import assets as sources
from insights_assets.tables import catalog_tables
from insights_assets_tests.contract.feedback_run import environment, house, instance_of, write_landing
from insights_assets_tests.contract.sail_catalog import OF_THE_ENGINE, Catalog

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 1, 5, tzinfo=UTC)
MINE, OTHER = Installation("a1", "one:/srv/a", "sqlite:////srv/a/operations.db"), Installation("b2", "two:/srv/b", "postgresql+psycopg://ops@db/insights")
GRAPH = [*sources.ASSETS, canonical.products]
READ = {HOLDER, *(spec for spec in catalog_tables() if spec.stage == "sources" or str(spec) == "canonical.products")}


@pytest.fixture
def catalog(tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    made = Catalog(OF_THE_ENGINE, str(tmp_path / "tables"), str(tmp_path / "volumes"))
    made.install(monkeypatch.setattr)
    with environment(DATABRICKS_CATALOG=made.name, SPARK_REMOTE=embedded_url()):
        yield made
    for spec in READ:
        spark.sql(f"DROP TABLE IF EXISTS `{made.name}`.`{spec.stage}`.`{spec.name}`")


@pytest.fixture
def lake(catalog: Catalog, spark: Any) -> UnityLake:
    catalog.bootstrap(spark, [HOLDER])
    return UnityLake(catalog.name, lambda: spark)


def home(folder: Path) -> Path:
    write_landing(folder / "landing")
    return folder


def run(where: Path) -> str | None:
    """One run of a home; what refused it, or None."""
    with instance_of(where) as instance:
        try:
            result = dg.materialize(GRAPH, resources={"house": house(where)}, instance=instance, raise_on_error=True)
        except dg.DagsterError as error:
            return f"{type(error.__cause__).__name__}: {error.__cause__}"
    assert result.success
    return None


def insights(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["databricks", *arguments])


def test_the_second_home_is_refused_before_it_writes_and_takes_over_by_the_command_alone(tmp_path: Path, catalog: Catalog, spark: Any) -> None:
    catalog.bootstrap(spark, READ)
    lake, first, second = UnityLake(catalog.name, lambda: spark), home(tmp_path / "first"), home(tmp_path / "second")
    assert run(first) is None and run(first) is None, "whose it is may go on"
    held, versions = holder_of(lake), {str(spec): lake.version(spec) for spec in READ}
    assert held is not None and held["home"].endswith(":" + str(first)) and held["taken_by"] is None

    said = run(second)
    assert said is not None and said.startswith("CatalogHeld") and held["installation_id"] in said and str(first) in said, said
    assert "INSIGHTS_DATABRICKS_CATALOG" in said and "INSIGHTS_OPERATIONS_URL" in said and f"take-over --catalog {catalog.name} --reason" in said
    assert {str(spec): lake.version(spec) for spec in READ} == versions, "nothing was written"
    listed = json.loads(insights("holder", "--home", str(second), "--json").stdout)
    assert listed["installation_id"] == held["installation_id"]

    taken = insights("take-over", "--home", str(second), "--reason", "the first machine burned", "--json")
    assert taken.exit_code == 0 and json.loads(taken.stdout)["taken_from"] == held["installation_id"], taken.output
    operations = open_operations(f"sqlite:///{second / 'operations.db'}")
    entry = operations.audit.rows()[-1]
    operations.close()
    assert (entry.action, entry.subject) == ("catalog_taken_over", catalog.name) and "the first machine burned" in str(entry.details)
    assert run(second) is None
    refused = run(first)
    assert refused is not None and str(second) in refused, "and now the first one is"
    words = insights("holder").output
    assert str(second) in words and f"taken over from {held['installation_id']}" in words and "the first machine burned" in words
    again = insights("take-over", "--home", str(second), "--reason", "once more")
    assert "already" in again.output and (holder_of(lake) or {})["reason"] == "the first machine burned"


def test_the_command_that_runs_the_loop_says_whose_it_is_and_ends_with_one(tmp_path: Path, lake: UnityLake) -> None:
    hold(lake, OTHER, NOW)
    result = CliRunner().invoke(main, ["run", "--landing", str(home(tmp_path / "mine") / "landing"), "--home", str(tmp_path / "mine"), "--as-of", "2026-10-31"])
    assert result.exit_code == 1 and "belongs to the installation b2 (two:/srv/b" in result.output, result.output[-1500:]
    assert "Traceback" not in result.output


def test_a_home_that_moves_with_its_database_is_the_same_installation(tmp_path: Path, lake: UnityLake) -> None:
    (tmp_path / "old").mkdir()
    before = open_operations(f"sqlite:///{tmp_path / 'old' / 'operations.db'}")
    before.migrate()
    hold(lake, installation_of(before, Settings(home=tmp_path / "old")), NOW)
    before.close()
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    moved = open_operations(f"sqlite:///{tmp_path / 'new' / 'operations.db'}")
    hold(lake, installation_of(moved, Settings(home=tmp_path / "new")), NOW)
    moved.close()


def test_homes_that_share_an_operational_database_are_one_and_no_password_is_told(tmp_path: Path, lake: UnityLake) -> None:
    shared = open_operations(f"sqlite:///{tmp_path / 'shared.db'}")
    shared.migrate()
    settings = [Settings(home=tmp_path / name, operations_url="postgresql+psycopg://ops:hunter2@db/insights") for name in ("one", "two")]
    for one in settings:
        hold(lake, installation_of(shared, one), NOW)
    held = holder_of(lake)
    assert held is not None and held["home"].endswith("/one") and "db/insights" in held["operations"] and "hunter2" not in str(held)
    with pytest.raises(CatalogHeld) as refused:
        hold(lake, OTHER, NOW)
    assert "hunter2" not in str(refused.value) and "since 2026-11-01 05:00 UTC" in str(refused.value)
    shared.close()


def test_of_two_that_begin_at_once_only_the_one_whose_row_stands_goes_on(lake: UnityLake, monkeypatch: pytest.MonkeyPatch) -> None:
    write = holding._write

    def both(lake: UnityLake, mine: Installation, now: datetime, **more: str | None) -> None:
        write(lake, mine, now, **more)
        write(lake, OTHER, now)

    monkeypatch.setattr(holding, "_write", both)
    with pytest.raises(CatalogHeld, match="belongs to the installation b2"):
        hold(lake, MINE, NOW)
    monkeypatch.undo()


def test_holding_again_writes_nothing(lake: UnityLake) -> None:
    hold(lake, MINE, NOW)
    version = lake.version(HOLDER)
    hold(lake, MINE, datetime(2026, 12, 1, tzinfo=UTC))
    assert lake.version(HOLDER) == version


def test_a_catalog_of_an_earlier_release_is_told_how_to_get_the_table(catalog: Catalog, spark: Any) -> None:
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{catalog.name}`.`governance`")
    spark.sql(f"DROP TABLE IF EXISTS `{catalog.name}`.`governance`.`{HOLDER.name}`")
    with pytest.raises(TableMissing, match="bootstrap --catalog sail --apply"):
        hold(UnityLake(catalog.name, lambda: spark), MINE, NOW)
    result = insights("holder")
    assert result.exit_code == 1 and "bootstrap --catalog sail --apply" in result.output


@pytest.mark.parametrize(("given", "said"), [
    (("take-over",), "Missing option '--reason'"), (("take-over", "--reason", " "), "say why"), (("holder",), "give --catalog or set INSIGHTS_DATABRICKS_CATALOG"),
])  # fmt: skip
def test_wrong_use_is_told(given: tuple[str, ...], said: str) -> None:
    with environment():
        result = insights(*given)
    assert result.exit_code == 2 and said in result.output
