"""Delta in and out: the one place that touches a table's files.

Belongs here: reading a table (latest or at a pinned version), the four ways of writing, and what a write did. Does not belong
here: what the rows mean, and who makes the commit (`stores.py`: the engine, or this process for an engine without Delta). Every write
is one Delta commit: it happened whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from insights_assets.lake.conform import SchemaMismatch, arrow_to_spark, conform_pandas, conform_spark
from insights_assets.lake.crash import crash_here
from insights_assets.lake.delta_log import newest_version, rows_by_partition, type_name
from insights_assets.lake.frames import Frames
from insights_assets.lake.small_tables import equal_rows, upserted
from insights_assets.lake.spec import TableSpec
from insights_assets.lake.stores import Store, checks_nulls_too_early, store_for
from insights_assets.lake.widening import StoredTable, lacking, to_add, with_nulls

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from insights_assets.lake.spec import Column

#: Tables of the modes replace_all and upsert_small pass through the driver; above this many rows a table must be partitioned by day.
SMALL_TABLE_ROWS = 2_000_000


@dataclass(frozen=True)
class WriteResult:
    """What a write did: rows written by it, the table's version afterwards, and whether anything changed."""

    rows: int
    version: int
    changed: bool


class Lake(Frames):
    """The tables below one folder. `versions` pins tables for reading (a publication); writing a pinned lake is refused."""

    def __init__(
        self,
        root: Path,
        session: Callable[[], SparkSession],
        *,
        versions: Mapping[str, int] | None = None,
        crash_at: str | None = None,
        is_embedded: bool = True,
        scratch_in: str = "",
    ) -> None:
        super().__init__(root, session, scratch_in, is_embedded=is_embedded)
        self._versions = versions
        self._crash_at = crash_at
        self._opened: dict[str, tuple[int | None, Any]] = {}
        self._store: tuple[SparkSession, Store] | None = None
        self._fitted: set[str] = set()
        self._whole: set[tuple[str, int | None]] = set()
        self._needs_barrier: tuple[SparkSession, bool] | None = None

    @property
    def store(self) -> Store:
        """Who commits for the session's engine."""
        spark = self.spark
        if self._store is None or self._store[0] is not spark:
            self._store = (spark, store_for(spark, self.root))
        return self._store[1]

    def path(self, spec: TableSpec) -> Path:
        return self.root / spec.stage / spec.name

    def exists(self, spec: TableSpec) -> bool:
        if self._versions is not None:
            return str(spec) in self._versions
        log = self.path(spec) / "_delta_log"
        return log.is_dir() and any(log.glob("*.json"))

    def version(self, spec: TableSpec) -> int | None:
        """The table's current (or pinned) Delta version; None where it does not exist."""
        if not self.exists(spec):
            return None
        if self._versions is not None:
            return self._versions[str(spec)]
        return newest_version(self.path(spec))

    def read(self, spec: TableSpec, *, version: int | None = None) -> DataFrame:
        """The table as a Spark frame; an empty frame of its schema where nothing was written yet. Columns that it lacks are null."""
        if not self.exists(spec):
            return self.empty(spec)
        at = version if version is not None else (self._versions or {}).get(str(spec))
        return with_nulls(self._stored(spec, at), ((column.name, column.type) for column in self._lacking(spec, at)))

    def read_arrow(self, spec: TableSpec) -> pa.Table:
        """A small table on the driver, in the spec's types."""
        if not self.exists(spec):
            return self._bare(spec).empty_table()
        return self.read(spec).select(*spec.column_names).toArrow().cast(self._bare(spec))

    def read_pandas(self, spec: TableSpec) -> pd.DataFrame:
        """A small table as pandas; maps become dicts, structs stay dicts, timestamps are UTC."""
        import pandas as pd

        table = self.read_arrow(spec)
        frame = table.to_pandas(maps_as_pydicts="strict", date_as_object=True)
        return frame if isinstance(frame, pd.DataFrame) else pd.DataFrame(frame)

    def empty(self, spec: TableSpec) -> DataFrame:
        return arrow_to_spark(self._bare(spec).empty_table(), self.spark)

    def row_count(self, spec: TableSpec) -> int:
        """Rows by the Delta log, without reading data."""
        return sum(self._rows_by_partition(spec).values()) if self.exists(spec) else 0

    def rows_by_day(self, spec: TableSpec) -> dict[date, int]:
        """Day -> rows of a table partitioned by day, by the Delta log."""
        counts = self._rows_by_partition(spec) if self.exists(spec) else {}
        return {day: rows for day, rows in counts.items() if day is not None}

    def last_partition(self, spec: TableSpec) -> date | None:
        """The latest day that a table partitioned by day holds rows of, by the Delta log."""
        return max((day for day, rows in self.rows_by_day(spec).items() if rows), default=None)

    def stored_columns(self, spec: TableSpec) -> dict[str, str]:
        """Column name -> type as the Delta log has it."""
        fields = pa.schema(self._delta(spec).schema().to_arrow())
        return {field.name: type_name(field.type) for field in fields}

    def declared_columns(self, spec: TableSpec) -> dict[str, str]:
        """Column name -> type as the spec declares it, in the words of `stored_columns`."""
        from deltalake import Schema

        return {field.name: type_name(field.type) for field in pa.schema(Schema.from_arrow(spec.arrow_schema).to_arrow())}

    # -- writing ------------------------------------------------------------------------------------------------------------

    def write(self, spec: TableSpec, frame: DataFrame | pd.DataFrame | pa.Table, *, days: Iterable[date] | None = None) -> WriteResult:
        """Write one frame in the spec's way. A write that would change nothing writes nothing.

        `days` (mode replace_days) are the partitions the frame replaces as a whole; rows of other days are an error.
        Raises SchemaMismatch before anything is written.
        """
        if self._versions is not None:
            raise PermissionError(f"{spec}: this lake is pinned to a publication and can only be read")
        self.ensure(spec)
        if spec.write == "append":
            return self._append(spec, frame)
        if spec.write == "replace_days":
            if days is None:
                raise ValueError(f"{spec}: replace_days needs the days that the frame replaces")
            return self._replace_days(spec, frame, sorted(set(days)))
        return self._replace_small(spec, frame)

    def fit(self, spec: TableSpec) -> None:
        """Bring a table that is there up to its spec: columns it lacks are added, and what its log is to say of files, by commits that touch no row.

        Raises MadeByAnotherVersion where that would not do. Looked at once a lake object: nothing takes columns away.
        """
        if str(spec) in self._fitted or self._versions is not None or not self.exists(spec):
            return
        gained = {column.name for column in self.gained(spec)}
        if gained:
            from deltalake import Schema

            self._delta(spec).alter.add_columns([field for field in Schema.from_arrow(spec.arrow_schema).fields if field.name in gained])
        skipping = {name: value for name, value in spec.delta_configuration.items() if name == "delta.dataSkippingStatsColumns"}
        if skipping.items() - self._delta(spec).metadata().configuration.items():
            self._delta(spec).alter.set_table_properties(skipping)  # files from now on say their days; those without are read whatever is asked
        self._fitted.add(str(spec))

    def gained(self, spec: TableSpec) -> tuple[Column, ...]:
        """The columns that the spec has and the table lacks. Raises MadeByAnotherVersion where adding them would not do."""
        table = self._delta(spec)
        required = frozenset(field.name for field in pa.schema(table.schema().to_arrow()) if not field.nullable)
        partitions = table.metadata().partition_columns
        stored = StoredTable(self.stored_columns(spec), required, partitions[0] if partitions else None)
        return to_add(spec, stored, self.declared_columns(spec), str(self.path(spec)))

    def ensure(self, spec: TableSpec) -> None:
        """Create the table with its types, comments and properties where it is not there yet; bring one that is there up to its spec."""
        if self.exists(spec):
            self.fit(spec)
            return
        from deltalake import DeltaTable, Schema

        DeltaTable.create(
            str(self.path(spec)),
            schema=Schema.from_arrow(spec.arrow_schema),
            partition_by=[spec.partition_by] if spec.partition_by else None,
            name=str(spec),
            description=spec.description or spec.grain,
            configuration=spec.delta_configuration,
        )

    def _append(self, spec: TableSpec, frame: Any) -> WriteResult:
        prepared = self._as_spark(spec, frame)
        return self._commit(spec, lambda: self.store.append(self.path(spec), spec, prepared))

    def _replace_days(self, spec: TableSpec, frame: Any, days: list[date]) -> WriteResult:
        if not days:
            return WriteResult(0, self._delta(spec).version(), False)
        prepared = self._as_spark(spec, frame)
        return self._commit(spec, lambda: self.store.replace_days(self.path(spec), spec, prepared, days))

    def _replace_small(self, spec: TableSpec, frame: Any) -> WriteResult:
        new = self._as_arrow(spec, frame)
        old = self.read_arrow(spec)
        if spec.write == "upsert_small" and old.num_rows:
            new = upserted(old, new, spec)
        if new.num_rows > SMALL_TABLE_ROWS:
            raise SchemaMismatch(f"{spec}: {new.num_rows} rows pass through the driver; at most {SMALL_TABLE_ROWS} may")
        if equal_rows(old, new, spec):
            return WriteResult(0, self._delta(spec).version(), False)
        return self._commit(spec, lambda: self.store.overwrite(self.path(spec), spec, arrow_to_spark(new, self.spark)))

    def _commit(self, spec: TableSpec, write: Callable[[], int]) -> WriteResult:
        before = newest_version(self.path(spec)) or 0
        self.crash(spec, "before")
        rows = write()
        after = newest_version(self.path(spec)) or 0
        self.crash(spec, "after")
        return WriteResult(rows if after > before else 0, after, after > before)

    # -- small print --------------------------------------------------------------------------------------------------------

    def _as_spark(self, spec: TableSpec, frame: Any) -> DataFrame:
        import pandas as pd

        if isinstance(frame, pd.DataFrame):
            return arrow_to_spark(conform_pandas(frame, spec), self.spark)
        if isinstance(frame, pa.Table):
            return arrow_to_spark(frame.select(spec.column_names).cast(self._bare(spec)), self.spark)
        fitting = conform_spark(frame, spec)
        # Sail checks NOT NULL below a filter that removes the nulls, in this process and behind Connect alike. What moves rows between the
        # two keeps their order: one stream here, which makes one file a partition; elsewhere days may be written side by side.
        if self._is_embedded or (self._checks_nulls_too_early and spec.partition_by is None):
            return fitting.coalesce(1)
        return fitting.repartition(spec.partition_by or "") if self._checks_nulls_too_early else fitting

    @property
    def _checks_nulls_too_early(self) -> bool:
        spark = self.spark
        if self._needs_barrier is None or self._needs_barrier[0] is not spark:
            self._needs_barrier = (spark, checks_nulls_too_early(spark))
        return self._needs_barrier[1]

    def _as_arrow(self, spec: TableSpec, frame: Any) -> pa.Table:
        import pandas as pd

        if isinstance(frame, pd.DataFrame):
            table = conform_pandas(frame, spec)
        elif isinstance(frame, pa.Table):
            table = frame.select(spec.column_names)
        else:
            table = conform_spark(frame, spec).toArrow()
        return table.cast(self._bare(spec))

    def _stored(self, spec: TableSpec, version: int | None) -> DataFrame:
        """The table's own columns, at a version or as it is now."""
        return self.store.read(self.path(spec), version)

    def _lacking(self, spec: TableSpec, version: int | None) -> tuple[Column, ...]:
        """The spec's columns that the table does not have at a version. Only that it has all is kept: another process may add some."""
        key = (str(spec), version)
        if key in self._whole or (version is None and str(spec) in self._fitted):
            return ()
        found = lacking(spec, self._names(spec, version), str(self._place(spec)))
        if not found:
            self._whole.add(key)
        return found

    def _names(self, spec: TableSpec, version: int | None) -> set[str]:
        from deltalake import DeltaTable

        is_open = version is None or (self._versions or {}).get(str(spec)) == version
        table = self._delta(spec) if is_open else DeltaTable(str(self.path(spec)), version=version)
        return {field.name for field in table.schema().fields}

    def _place(self, spec: TableSpec) -> Path | str:
        """Where the table is, in an error's words."""
        return self.path(spec)

    def _bare(self, spec: TableSpec) -> pa.Schema:
        return pa.schema([pa.field(field.name, field.type) for field in spec.arrow_schema])

    def _delta(self, spec: TableSpec) -> Any:
        """The table as it is now. Opening reads the whole log, so it is kept for as long as no commit was added to it."""
        from deltalake import DeltaTable

        version = self.version(spec)
        kept = self._opened.get(str(spec))
        if kept is None or kept[0] != version:
            kept = (version, DeltaTable(str(self.path(spec)), version=None if self._versions is None else version))
            self._opened[str(spec)] = kept
        return kept[1]

    def _rows_by_partition(self, spec: TableSpec) -> dict[date | None, int]:
        return rows_by_partition(self._delta(spec), spec)

    def crash(self, spec: TableSpec, moment: str) -> None:
        """Where a process may die before or after it commits to a table; it does where the setting says so."""
        crash_here(self._crash_at, f"{spec}:{moment}")
