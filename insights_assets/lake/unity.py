"""The lake in Unity Catalog: the same contract as `lake.py`, on managed tables `catalog.stage.table` that have a name and no path.

Belongs here: what is different without a folder, in SQL and DataFrame calls that need nothing on this side but Spark. Does not belong here:
making tables and saying who may read them (`insights databricks bootstrap` does, so that a run needs no right to create anything).

An address of a lake is a folder, or `unity:CATALOG`. What has met the embedded engine's catalog in the tests: reading, pinned reading and
the four ways of writing. What only Databricks knows (DESCRIBE HISTORY, RESTORE, OPTIMIZE, VACUUM, DELETE of days) is held as text there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.lake.ddl import days_condition, quoted
from insights_assets.lake.lake import SMALL_TABLE_ROWS, Lake, SchemaMismatch, WriteResult
from insights_assets.lake.small_tables import equal_rows, upserted
from insights_assets.lake.spec import TableSpec
from insights_assets.lake.widening import StoredTable, to_add, with_nulls

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from insights_assets.lake.spec import Column

PREFIX = "unity:"
#: Schema of the volumes, and the volumes in it.
FILES_SCHEMA = "files"
LANDING, SCRATCH, WHEELS = "landing", "scratch", "wheels"
VOLUMES = (LANDING, SCRATCH, WHEELS)


class TableMissing(LookupError):
    """A table of the catalog is not there; runs do not make any."""


def volume_path(catalog: str, volume: str) -> str:
    return f"/Volumes/{catalog}/{FILES_SCHEMA}/{volume}"


def open_lake(
    address: str | Path, session: Callable[[], SparkSession], *, versions: Mapping[str, int] | None = None, crash_at: str | None = None, is_embedded: bool = True,
    scratch_in: str = "",
) -> Lake:  # fmt: skip
    """The lake at an address: a folder, or `unity:CATALOG`."""
    catalog = catalog_of(address)
    if catalog is None:
        return Lake(Path(address), session, versions=versions, crash_at=crash_at, is_embedded=is_embedded, scratch_in=scratch_in)
    return UnityLake(catalog, session, versions=versions, crash_at=crash_at, scratch_in=scratch_in)


def catalog_of(address: str | Path) -> str | None:
    """The catalog an address names; None for a folder."""
    text = str(address)
    return text.removeprefix(PREFIX) or None if text.startswith(PREFIX) else None


def address_of(lake: Lake) -> str:
    """Where a lake's tables are, as `open_lake` takes it."""
    return f"{PREFIX}{lake.catalog}" if isinstance(lake, UnityLake) else str(lake.root)


class UnityLake(Lake):
    """The tables of one catalog. The engine is the workspace's own, never one inside this process."""

    def __init__(
        self, catalog: str, session: Callable[[], SparkSession], *, versions: Mapping[str, int] | None = None, crash_at: str | None = None, scratch_in: str = ""
    ) -> None:
        super().__init__(Path(volume_path(catalog, SCRATCH)), session, versions=versions, crash_at=crash_at, is_embedded=False, scratch_in=scratch_in)
        self.catalog = catalog
        self._found: set[str] = set()
        self._besides: dict[str, list[tuple[str, str]]] = {}

    def name(self, spec: TableSpec) -> str:
        """The table's quoted name of three parts."""
        return quoted(self.catalog, spec.stage, spec.name)

    def path(self, spec: TableSpec) -> Path:
        raise LookupError(f"{self.name(spec)} is a managed table: it is read by its name, and its files are Databricks' own")

    def sql(self, statement: str) -> DataFrame:
        """Run one statement of Databricks' SQL."""
        return self.spark.sql(statement)

    def exists(self, spec: TableSpec) -> bool:
        if self._versions is not None:
            return str(spec) in self._versions
        # A table that was there stays there, so only the missing are asked for again.
        if str(spec) not in self._found and self.spark.catalog.tableExists(self.name(spec)):
            self._found.add(str(spec))
        return str(spec) in self._found

    def version(self, spec: TableSpec) -> int | None:
        if self._versions is not None:
            return self._versions.get(str(spec))
        return int(self._last_commit(spec)["version"]) if self.exists(spec) else None

    def row_count(self, spec: TableSpec) -> int:
        return int(self.read(spec).count()) if self.exists(spec) else 0

    def stored_columns(self, spec: TableSpec) -> dict[str, str]:
        return {field.name: field.dataType.simpleString() for field in self.spark.read.table(self.name(spec)).schema.fields}

    def declared_columns(self, spec: TableSpec) -> dict[str, str]:
        return {column.name: column.type.replace(" ", "") for column in spec.columns}

    def fit(self, spec: TableSpec) -> None:
        """See whether the table has the spec's columns; adding them is for who may alter tables, and a run may not."""
        if str(spec) in self._besides or self._versions is not None or not self.exists(spec):
            return
        if gained := self.gained(spec):
            names = ", ".join(column.name for column in gained)
            raise TableMissing(f"{self.name(spec)} lacks {names}: run `insights databricks bootstrap --catalog {self.catalog} --apply`, which adds them")
        self._besides[str(spec)] = [(name, kind) for name, kind in self.stored_columns(spec).items() if name not in spec.column_names]
        self._fitted.add(str(spec))

    def gained(self, spec: TableSpec) -> tuple[Column, ...]:
        fields = self._stored(spec, None).schema.fields
        # How a catalog's table is divided is `bootstrap`'s own matter.
        stored = StoredTable({f.name: f.dataType.simpleString() for f in fields}, frozenset(f.name for f in fields if not f.nullable), spec.partition_by)
        return to_add(spec, stored, self.declared_columns(spec), self.name(spec))

    def ensure(self, spec: TableSpec) -> None:
        if not self.exists(spec):
            raise TableMissing(f"{self.name(spec)} does not exist: run `insights databricks bootstrap --catalog {self.catalog} --apply` first")
        self.fit(spec)

    def clear_scratch(self, *names: str) -> None:
        for name in names:
            folder = self.scratch_folder / name
            if folder.is_dir():  # on a cluster volumes are folders
                shutil.rmtree(folder)
            elif (left := self._left_behind(str(folder))) is not None:
                # From elsewhere the rows are taken out by writing none over them.
                left.limit(0).write.format("parquet").mode("overwrite").save(str(folder))

    def property(self, spec: TableSpec, name: str) -> str | None:
        """A Delta property as the table has it now."""
        rows = self.sql(f"SHOW TBLPROPERTIES {self.name(spec)}").toArrow().to_pylist()
        return next((str(row["value"]).lower() for row in rows if row["key"] == name), None)

    def overwrite(self, spec: TableSpec, frame: DataFrame) -> None:
        """All rows of a table replaced by others, in one commit."""
        from pyspark.sql import functions as F

        frame.writeTo(self.name(spec)).overwrite(F.lit(True))

    def vacuum(self, spec: TableSpec) -> int:
        """Delete files that left the table longer ago than its deletedFileRetentionDuration; returns how many would go, as it says before."""
        going = self.sql(f"VACUUM {self.name(spec)} DRY RUN").count()
        if going:
            self.sql(f"VACUUM {self.name(spec)}")
        return going

    def restore(self, spec: TableSpec, version: int) -> None:
        self.sql(f"RESTORE TABLE {self.name(spec)} TO VERSION AS OF {version}")

    def _left_behind(self, folder: str) -> DataFrame | None:
        from pyspark.errors import AnalysisException

        try:
            schema = self.spark.read.parquet(folder).schema
        except AnalysisException:  # nothing was kept under that name
            return None
        return self.spark.createDataFrame([], schema)

    def _stored(self, spec: TableSpec, version: int | None) -> DataFrame:
        reader = self.spark.read
        return (reader if version is None else reader.option("versionAsOf", version)).table(self.name(spec))

    def _names(self, spec: TableSpec, version: int | None) -> set[str]:
        return set(self._stored(spec, version).columns)

    def _place(self, spec: TableSpec) -> str:
        return self.name(spec)

    def _as_spark(self, spec: TableSpec, frame: Any) -> DataFrame:
        return with_nulls(super()._as_spark(spec, frame), self._besides.get(str(spec), ()))

    def _append(self, spec: TableSpec, frame: Any) -> WriteResult:
        return self._written(spec, lambda table: self._as_spark(spec, frame).writeTo(table).append())

    def _replace_days(self, spec: TableSpec, frame: Any, days: list[date]) -> WriteResult:
        from pyspark.sql import functions as F

        if not days:
            return WriteResult(0, self._version(spec), False)
        before = self._version(spec)
        done = self._written(spec, lambda table: self._as_spark(spec, frame).writeTo(table).overwrite(F.expr(days_condition(spec, days))))
        # Delta refuses rows outside of what they replace, where that check is left on; looking again costs a count of partitions.
        inside = sum(count for day, count in self._rows_by_partition(spec).items() if day in days)
        if done.changed and inside != done.rows:
            self.restore(spec, before)
            raise SchemaMismatch(f"{spec}: {done.rows - inside} rows lie outside the days that were to be replaced")
        return done

    def _replace_small(self, spec: TableSpec, frame: Any) -> WriteResult:
        from pyspark.sql import functions as F

        new, old = self._as_arrow(spec, frame), self.read_arrow(spec)
        if spec.write == "upsert_small" and old.num_rows:
            new = upserted(old, new, spec)
        if new.num_rows > SMALL_TABLE_ROWS:
            raise SchemaMismatch(f"{spec}: {new.num_rows} rows pass through the driver; at most {SMALL_TABLE_ROWS} may")
        if equal_rows(old, new, spec):
            return WriteResult(0, self._version(spec), False)
        return self._written(spec, lambda table: self._as_spark(spec, new).writeTo(table).overwrite(F.lit(True)))

    def _written(self, spec: TableSpec, write: Callable[[str], None]) -> WriteResult:
        """One write through the catalog. Not `saveAsTable`: its overwrite replaces the table, which takes more than MODIFY and may cost
        comments and constraints."""
        before = self._version(spec)
        self.crash(spec, "before")
        write(self.name(spec))
        self.crash(spec, "after")
        commit = self._last_commit(spec)
        changed = int(commit["version"]) > before
        return WriteResult(int(commit["operationMetrics"].get("numOutputRows", 0)) if changed else 0, int(commit["version"]), changed)

    def _version(self, spec: TableSpec) -> int:
        return int(self._last_commit(spec)["version"])

    def _rows_by_partition(self, spec: TableSpec) -> dict[date | None, int]:
        if spec.partition_by is None:
            return {None: self.row_count(spec)}
        counts = self.read(spec).groupBy(spec.partition_by).count().toArrow().to_pylist()
        return {row[spec.partition_by]: row["count"] for row in counts}

    def _last_commit(self, spec: TableSpec) -> dict[str, Any]:
        rows = self.sql(f"DESCRIBE HISTORY {self.name(spec)} LIMIT 1").select("version", "operationMetrics").toArrow().to_pylist()
        return {**rows[0], "operationMetrics": dict(rows[0]["operationMetrics"] or {})}

    def _delta(self, spec: TableSpec) -> Any:
        raise LookupError(f"{self.name(spec)} is a managed table: deltalake cannot open it")
