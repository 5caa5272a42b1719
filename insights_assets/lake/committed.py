"""Delta for an engine that knows Parquet alone: the engine writes files, this process looks at them and commits them in one go.

Belongs here: staging, checking what was staged by its footers, moving it into the table, the commit, and reading the list of files of
a version. Does not belong here: any particular engine, and casting (`conform.py`).

The promises are those of the lake: a commit happened whole or not at all (it is one file of the log, made only if nobody made it
first); what replaces rows is refused if anybody committed since it looked; nothing unfit gets in, since types, nulls and days are
read from the staged files before they count. A process that dies leaves files that no version names: a vacuum takes them.
The engine and this process must see the lake under the same path.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from insights_assets.lake.conform import SchemaMismatch
from insights_assets.lake.delta_log import files_of, newest_version, type_name
from insights_assets.lake.spec import TableSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: As Spark names the partition of rows whose partition column is null.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
#: Session settings: times as the other engines write them; a version's file list is not worth a job of the cluster.
_SETTINGS = {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS", "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000"}
_KEPT_LISTS = 256


class ConcurrentCommit(RuntimeError):
    """Somebody else committed to a table between looking at it and replacing rows of it; nothing was written."""


@dataclass(frozen=True)
class StagedFile:
    """A file of rows that no version names yet: where it is, its partition as folder and value, and what its footer says."""

    path: Path
    folder: str
    day: str | None
    rows: int
    statistics: str


class CommittedParquet:
    """The store of an engine without Delta. `scratch` is a folder on the lake's own filesystem, for files on their way."""

    def __init__(self, spark: SparkSession, scratch: Path) -> None:
        self._spark = spark
        self._scratch = scratch
        self._lists: dict[tuple[Path, int], tuple[list[str], Any]] = {}
        for name, value in _SETTINGS.items():
            spark.conf.set(name, value)

    def read(self, table: Path, version: int | None) -> DataFrame:
        at = newest_version(table) if version is None else version
        if at is None:
            raise LookupError(f"{table} is no Delta table")
        files, schema = self._files(table, at)
        if not files:
            return self._spark.createDataFrame([], schema)
        # The partition column is not in the files: Spark takes it from their folders, in the type that the schema names.
        return self._spark.read.schema(schema).option("basePath", str(table)).parquet(*files)

    def append(self, table: Path, spec: TableSpec, frame: DataFrame) -> int:
        with self._staged(spec, frame) as files:
            if files:
                _commit(table, spec, _place(table, files), (), at=newest_version(table), retries=None)
            return sum(file.rows for file in files)

    def replace_days(self, table: Path, spec: TableSpec, frame: DataFrame, days: Sequence[date]) -> int:
        at, named = newest_version(table), {day.isoformat() for day in days}
        with self._staged(spec, frame) as files:
            outside = sum(file.rows for file in files if file.day not in named)
            if outside:
                raise SchemaMismatch(f"{spec}: {outside} rows lie outside the days that were to be replaced")
            gone = [one for one in _present(table, at) if _day_of(one, spec) in named]
            if files or gone:
                _commit(table, spec, _place(table, files), gone, at=at, retries=0)
            return sum(file.rows for file in files)

    def overwrite(self, table: Path, spec: TableSpec, frame: DataFrame) -> int:
        at = newest_version(table)
        with self._staged(spec, frame) as files:
            _commit(table, spec, _place(table, files), _present(table, at), at=at, retries=0)
            return sum(file.rows for file in files)

    @contextmanager
    def _staged(self, spec: TableSpec, frame: DataFrame) -> Iterator[list[StagedFile]]:
        """The frame as files beside the tables, looked at; what was not moved away by the end is removed."""
        folder = self._scratch / f"commit-{uuid.uuid4().hex}"
        writer = frame.write.mode("error")
        if spec.partition_by:
            writer = frame.repartition(spec.partition_by).write.mode("error").partitionBy(spec.partition_by)
        try:
            writer.parquet(str(folder))
            yield list(_looked_at(folder, spec))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _files(self, table: Path, version: int) -> tuple[list[str], Any]:
        """Paths of a version's files and its Spark schema. A version never changes, so both are kept."""
        from deltalake import DeltaTable
        from pyspark.sql.types import StructType

        kept = self._lists.get((table, version))
        if kept is None:
            opened = DeltaTable(str(table), version=version)
            # Delta writes its schema in Spark's own words.
            kept = ([unquote(uri) for uri in opened.file_uris()], StructType.fromJson(json.loads(opened.schema().to_json())))
            if len(self._lists) >= _KEPT_LISTS:
                self._lists.clear()
            self._lists[table, version] = kept
        return kept


def _looked_at(folder: Path, spec: TableSpec) -> Iterator[StagedFile]:
    """The files that hold rows. Raises SchemaMismatch for types, nulls or days that the spec does not allow."""
    import pyarrow.parquet as pq

    wanted = {field.name: type_name(field.type) for field in spec.arrow_schema if field.name != spec.partition_by}
    required = {field.name for field in spec.arrow_schema if not field.nullable}
    for path in sorted(folder.rglob("*.parquet")):
        footer = pq.read_metadata(path)
        if not footer.num_rows:
            continue
        inside = path.parent.relative_to(folder).as_posix()
        value = unquote(inside.partition("=")[2])
        day = None if not spec.partition_by or value == _NO_VALUE else value
        found = {field.name: type_name(field.type) for field in footer.schema.to_arrow_schema()}
        if found != wanted:
            wrong = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
            raise SchemaMismatch(f"{spec}: the engine wrote {', '.join(f'{name} as {found.get(name)} for {wanted.get(name)}' for name in wrong)}")
        empty = sorted(_holding_nulls(footer, required) | ({str(spec.partition_by)} & required if spec.partition_by and day is None else set()))
        if empty:
            raise SchemaMismatch(f"{spec}: column {', '.join(empty)} holds nulls but may hold none")
        yield StagedFile(path, "" if inside == "." else inside, day, footer.num_rows, json.dumps(_statistics(footer, spec)))


def _statistics(footer: Any, spec: TableSpec) -> dict[str, Any]:
    """What the log says of a file: its rows; smallest, largest and missing values of the columns that may carry statistics, where its footer has them."""
    found: dict[str, Any] = {"numRecords": footer.num_rows, "minValues": {}, "maxValues": {}, "nullCount": {}}
    measured = {column.name for column in spec.columns if column.stats and column.name != spec.partition_by}
    chunks = [footer.row_group(group).column(index) for group in range(footer.num_row_groups) for index in range(footer.num_columns)]
    for name in sorted(measured):
        mine = [chunk for chunk in chunks if chunk.path_in_schema == name]
        said = [chunk.statistics for chunk in mine if chunk.is_stats_set and chunk.statistics.has_null_count]
        valued = [one for one in said if one.has_min_max]
        if len(said) < len(mine) or any(chunk.statistics.null_count < chunk.num_values for chunk in mine if not chunk.statistics.has_min_max):
            continue
        found["nullCount"][name] = sum(one.null_count for one in said)
        if valued:
            found["minValues"][name], found["maxValues"][name] = (_in_json(value) for value in (min(one.min for one in valued), max(one.max for one in valued)))
    return found


def _in_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _holding_nulls(footer: Any, required: set[str]) -> set[str]:
    """Of the columns that may hold no null, those that do. A footer that does not count them is no witness."""
    found = set()
    for group in range(footer.num_row_groups):
        for index in range(footer.num_columns):
            chunk = footer.row_group(group).column(index)
            if chunk.path_in_schema in required:
                if not chunk.is_stats_set or not chunk.statistics.has_null_count:
                    raise SchemaMismatch(f"the engine's file does not say how many nulls {chunk.path_in_schema} holds")
                if chunk.statistics.null_count:
                    found.add(chunk.path_in_schema)
    return found


def _place(table: Path, files: Iterable[StagedFile]) -> list[tuple[str, StagedFile]]:
    """Move staged files to where the table keeps its own; returns their paths as the log names them. Until a commit they are nobody's."""
    placed = []
    for file in files:
        name = f"{file.folder}/{file.path.name}" if file.folder else file.path.name
        target = table / name
        target.parent.mkdir(parents=True, exist_ok=True)
        file.path.replace(target)
        placed.append((name, StagedFile(target, file.folder, file.day, file.rows, file.statistics)))
    return placed


def _commit(table: Path, spec: TableSpec, placed: list[tuple[str, StagedFile]], gone: Iterable[dict[str, Any]], *, at: int | None, retries: int | None) -> None:
    """One entry of the log: these files in, those out. With `retries` 0 it is the entry after the version looked at, or none."""
    from deltalake import DeltaTable
    from deltalake.exceptions import CommitFailedError
    from deltalake.transaction import AddAction, CommitProperties, RemoveAction

    now = int(time.time() * 1000)
    adds = [
        AddAction(
            path=name, size=file.path.stat().st_size, partition_values={spec.partition_by: file.day} if spec.partition_by else {},
            modification_time=now, data_change=True, stats=file.statistics,
        )
        for name, file in placed
    ]  # fmt: skip
    removes = [RemoveAction(one["path"], True, now, one["size_bytes"], _partition(one, spec)) for one in gone]
    opened = DeltaTable(str(table), version=at)
    told = {"operationMetrics": {"numOutputRows": str(sum(file.rows for _, file in placed))}}
    try:
        opened.create_write_transaction(
            [*adds, *removes], "append", opened.schema(), [spec.partition_by] if spec.partition_by else [],
            commit_properties=CommitProperties(custom_metadata=told, max_commit_retries=retries),
        )  # fmt: skip
    except CommitFailedError as error:
        for _, file in placed:
            file.path.unlink(missing_ok=True)
        raise ConcurrentCommit(f"{spec}: not committed on version {at}, nothing was written: {error}") from error


def _present(table: Path, version: int | None) -> list[dict[str, Any]]:
    """The files of a version as its log has them."""
    from deltalake import DeltaTable

    return files_of(DeltaTable(str(table), version=version))


def _day_of(action: dict[str, Any], spec: TableSpec) -> str | None:
    day = action.get(f"partition.{spec.partition_by}")
    return None if day is None else str(day)


def _partition(action: dict[str, Any], spec: TableSpec) -> dict[str, str | None] | None:
    return {spec.partition_by: _day_of(action, spec)} if spec.partition_by else None
