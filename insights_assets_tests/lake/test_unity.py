"""The lake in a catalog: the contract of `test_lake.py` on tables that have a name and no path.

The stand-in of `contract/sail_catalog.py` is the catalog: tables are made by the SQL of `bootstrap`, read and written by name. What the engine does
not know (DESCRIBE HISTORY, RESTORE) is answered from the tables' own Delta logs; that SQL itself has met no Databricks.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from insights_assets.lake.conform import SchemaMismatch
from insights_assets.lake.ddl import create_table, quoted
from insights_assets.lake.lake import Lake
from insights_assets.lake.spec import Column, TableSpec
from insights_assets.lake.unity import TableMissing, UnityLake, address_of, catalog_of, open_lake
from insights_assets_tests.contract.sail_catalog import OF_THE_ENGINE, Catalog

pytestmark = pytest.mark.slow
DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)


def _spec(name: str, write: Any, partition_by: str | None = None) -> TableSpec:
    return TableSpec(
        stage="unity_test", name=name, key=("id",), grain="one row a test", write=write, partition_by=partition_by,
        columns=(Column("id", "string", "It's the key", nullable=False), Column("n", "bigint", unit="rows"), Column("received_day", "date")),
    )  # fmt: skip


LOG, DAILY, SMALL = _spec("log", "append"), _spec("daily", "replace_days", "received_day"), _spec("small", "upsert_small")


@pytest.fixture
def catalog(tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    made = Catalog(OF_THE_ENGINE, str(tmp_path / "tables"), str(tmp_path / "volumes"))
    for spec in (LOG, DAILY, SMALL):
        made.take(create_table(spec, quoted(made.name, spec.stage, spec.name)), spark)
    made.install(monkeypatch.setattr)
    return made


@pytest.fixture
def lake(catalog: Catalog, spark: Any) -> UnityLake:
    return UnityLake(catalog.name, lambda: spark)


def rows(*given: tuple[str, int, date]) -> pd.DataFrame:
    return pd.DataFrame(given, columns=["id", "n", "received_day"])


def stored(lake: UnityLake, spec: TableSpec) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in lake.read_arrow(spec).to_pylist())


def test_append_adds_and_says_what_it_did(lake: UnityLake) -> None:
    assert lake.write(LOG, rows(("a", 1, DAY))).rows == 1
    again = lake.write(LOG, rows(("b", 2, DAY), ("c", 3, NEXT)))
    assert (again.rows, again.version, again.changed) == (2, lake.version(LOG), True)
    assert [row[0] for row in stored(lake, LOG)] == ["a", "b", "c"] and lake.row_count(LOG) == 3


def test_days_are_replaced_whole_and_only_they(lake: UnityLake) -> None:
    lake.write(DAILY, rows(("a", 1, DAY), ("b", 2, DAY), ("c", 3, NEXT)), days=[DAY, NEXT])
    assert lake.write(DAILY, rows(("d", 4, DAY)), days=[DAY]).rows == 1
    assert stored(lake, DAILY) == [("c", 3, NEXT), ("d", 4, DAY)] and lake.last_partition(DAILY) == NEXT
    lake.write(DAILY, rows(), days=[NEXT])
    assert stored(lake, DAILY) == [("d", 4, DAY)]


def test_rows_outside_the_days_are_refused_and_the_table_is_as_it_was(lake: UnityLake, catalog: Catalog) -> None:
    lake.write(DAILY, rows(("a", 1, DAY)), days=[DAY])
    with pytest.raises(SchemaMismatch, match="1 rows lie outside"):
        lake.write(DAILY, rows(("a", 2, DAY), ("x", 9, NEXT)), days=[DAY])
    assert stored(lake, DAILY) == [("a", 1, DAY)]
    assert any(statement.startswith("RESTORE TABLE `sail`.`unity_test`.`daily` TO VERSION AS OF") for statement in catalog.sent)


def test_an_upsert_replaces_by_key_and_an_equal_one_writes_nothing(lake: UnityLake) -> None:
    lake.write(SMALL, rows(("a", 1, DAY), ("b", 2, DAY)))
    assert lake.write(SMALL, rows(("b", 5, DAY))).changed
    before = lake.version(SMALL)
    assert not lake.write(SMALL, rows(("b", 5, DAY))).changed and lake.version(SMALL) == before
    assert stored(lake, SMALL) == [("a", 1, DAY), ("b", 5, DAY)]


def test_a_published_version_is_read_as_it_was_and_cannot_be_written(lake: UnityLake, spark: Any) -> None:
    first = lake.write(SMALL, rows(("a", 1, DAY)))
    lake.write(SMALL, rows(("a", 2, DAY)))
    pinned = UnityLake(lake.catalog, lambda: spark, versions={str(SMALL): first.version})
    assert stored(pinned, SMALL) == [("a", 1, DAY)] and pinned.version(SMALL) == first.version and not pinned.exists(LOG)
    with pytest.raises(PermissionError):
        pinned.write(SMALL, rows())


def test_the_schema_check_compares_in_one_language(lake: UnityLake) -> None:
    assert lake.stored_columns(DAILY) == lake.declared_columns(DAILY) == {"id": "string", "n": "bigint", "received_day": "date"}


def test_nulls_where_none_may_be_are_refused(lake: UnityLake, spark: Any) -> None:
    with pytest.raises(Exception, match=r"(?i)not.?null"):
        lake.write(LOG, spark.createDataFrame([(None, 1, DAY)], LOG.ddl))


def test_a_run_makes_no_table_and_says_who_does(lake: UnityLake) -> None:
    missing = _spec("missing", "append")
    assert not lake.exists(missing) and lake.version(missing) is None
    with pytest.raises(TableMissing, match="bootstrap --catalog sail --apply"):
        lake.write(missing, rows(("a", 1, DAY)))


def test_scratch_frames_leave_no_rows_behind(lake: UnityLake, spark: Any) -> None:
    kept = lake.scratch("step", spark.createDataFrame([("words",)], "text string"))
    assert kept.count() == 1
    lake.clear_scratch("step", "never_there")
    assert not (lake.root / "_scratch" / "step").exists()


def test_scratch_that_lies_elsewhere_is_emptied(lake: UnityLake, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over Connect a volume is no folder here: the rows are overwritten by none."""
    folder = lake.root / "_scratch" / "step"
    lake.scratch("step", spark.createDataFrame([("words of a customer",)], "text string"))
    monkeypatch.setattr(Path, "is_dir", lambda self: False if self == folder else Path(self).exists())
    lake.clear_scratch("step")
    assert not [file for file in folder.rglob("*") if file.is_file() and b"words of a customer" in file.read_bytes()]


@pytest.mark.parametrize(("address", "catalog"), [("unity:insights_prod", "insights_prod"), (Path("unity:insights_dev"), "insights_dev"), ("/homes/a/lake", None), ("unity:", None)])
def test_an_address_names_a_catalog_or_a_folder(address: Any, catalog: str | None) -> None:
    assert catalog_of(address) == catalog
    opened = open_lake(address, lambda: pytest.fail("opening asks no engine"))
    assert isinstance(opened, UnityLake) == (catalog is not None) and type(opened) in (Lake, UnityLake)
    assert catalog_of(address_of(opened)) == catalog


@pytest.mark.parametrize("spec", [LOG, DAILY, SMALL], ids=str)
def test_columns_that_a_release_added_are_bootstraps_to_add_and_read_as_null_until_then(lake: UnityLake, spec: TableSpec) -> None:
    lake.write(spec, rows(("a", 1, DAY)), days=[DAY])
    later, opened = replace(spec, columns=(Column("fresh", "array<string>"), *spec.columns)), UnityLake(lake.catalog, lambda: lake.spark)
    assert stored(opened, later) == [(None, "a", 1, DAY)]
    with pytest.raises(TableMissing, match="lacks fresh: run `insights databricks bootstrap --catalog sail --apply`, which adds them"):
        opened.write(later, rows(("b", 2, DAY)).assign(fresh=pd.Series([["x"]])), days=[DAY])
    assert stored(lake, spec) == [("a", 1, DAY)]


@pytest.mark.parametrize("spec", [LOG, DAILY, SMALL], ids=str)
def test_after_a_rollback_the_earlier_version_writes_beside_columns_it_does_not_know(lake: UnityLake, spec: TableSpec) -> None:
    earlier, opened = replace(spec, columns=(spec.columns[0], spec.columns[2])), UnityLake(lake.catalog, lambda: lake.spark)
    opened.write(earlier, rows(("a", 1, DAY))[["id", "received_day"]], days=[DAY])
    assert stored(opened, earlier) == [("a", DAY)] and stored(lake, spec) == [("a", None, DAY)]
