"""Who makes a table's commits: the engine itself where it speaks Delta, this process where it does not.

Belongs here: what the lake asks of a store, the store of an engine that speaks Delta, and which one a session gets. Does not belong
here: the store that commits what another engine wrote (`committed.py`), casting and checking before a write (`conform.py`), what the
rows mean. Whatever the store, a table is an ordinary Delta table that every other engine reads.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from insights_assets.lake.conform import SchemaMismatch
from insights_assets.lake.delta_log import newest_version, output_rows, rows_by_partition
from insights_assets.lake.frames import SCRATCH_FOLDER
from insights_assets.lake.pinned import make_readable
from insights_assets.lake.spec import TableSpec
from insights_assets.lake.widening import with_nulls

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Store(Protocol):
    """One table's rows in and out. Frames come cast to the spec; each call that writes is one commit or none, and returns the rows written."""

    def read(self, table: Path, version: int | None) -> DataFrame:
        """The table at a version, or as it is now."""

    def append(self, table: Path, spec: TableSpec, frame: DataFrame) -> int:
        """Add rows; writers of other rows do not stand in the way."""

    def replace_days(self, table: Path, spec: TableSpec, frame: DataFrame, days: Sequence[date]) -> int:
        """Put the frame in the place of the days' rows. Raises SchemaMismatch, the table being as it was, for rows of other days."""

    def overwrite(self, table: Path, spec: TableSpec, frame: DataFrame) -> int:
        """Put the frame in the place of all rows."""


class NativeDelta:
    """The engine reads and commits Delta itself: the embedded engine, Databricks, a Spark with the Delta library."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def read(self, table: Path, version: int | None) -> DataFrame:
        reader = self._spark.read.format("delta")
        if version is not None:
            make_readable(table, version)
        return (reader if version is None else reader.option("versionAsOf", version)).load(str(table))

    def append(self, table: Path, spec: TableSpec, frame: DataFrame) -> int:
        _whole(table, spec, frame).write.format("delta").mode("append").save(str(table))
        return output_rows(_open(table))

    def replace_days(self, table: Path, spec: TableSpec, frame: DataFrame, days: Sequence[date]) -> int:
        before = newest_version(table)
        condition = f"`{spec.partition_by}` IN ({', '.join(f'DATE{day.isoformat()!r}' for day in days)})"
        _whole(table, spec, frame).write.format("delta").mode("overwrite").option("replaceWhere", condition).save(str(table))
        written = _open(table)
        if written.version() == before:
            return 0  # no rows where there were none: the engine commits nothing
        inside = sum(count for day, count in rows_by_partition(written, spec).items() if day in days)
        if inside != output_rows(written):
            # The embedded engine does not check replaceWhere itself; rows outside the days would be stored twice at the next run.
            written.restore(before)
            raise SchemaMismatch(f"{spec}: {output_rows(written) - inside} rows lie outside the days that were to be replaced")
        return inside

    def overwrite(self, table: Path, spec: TableSpec, frame: DataFrame) -> int:
        _whole(table, spec, frame).write.format("delta").mode("overwrite").save(str(table))
        return output_rows(_open(table))


def store_for(spark: SparkSession, root: Path) -> Store:
    """The store of a session: what the engine can is asked of it, once."""
    if speaks_delta(spark):
        return NativeDelta(spark)
    from insights_assets.lake.committed import CommittedParquet

    return CommittedParquet(spark, root / SCRATCH_FOLDER)


def speaks_delta(spark: SparkSession) -> bool:
    """Whether the engine knows the format, by its own words about a table that is not there."""
    from pyspark.errors import AnalysisException

    log = logging.getLogger("pyspark.sql.connect.logging")  # would tell people of an error that is the answer
    was_silent, log.disabled = log.disabled, True
    try:
        _ = spark.read.format("delta").load("/no/table/is/here").schema
    except Exception as error:  # a classic session hands this one on as py4j's own
        if "DATA_SOURCE_NOT_FOUND" in str(error):
            return False
        if not isinstance(error, AnalysisException):
            raise
    finally:
        log.disabled = was_silent
    return True


def _whole(table: Path, spec: TableSpec, frame: DataFrame) -> DataFrame:
    """The frame with a null for each column of the table that the spec does not know: the embedded engine misses them."""
    from pyspark.sql.types import StructType

    stored = StructType.fromJson(json.loads(_open(table).schema().to_json()))
    return with_nulls(frame, ((field.name, field.dataType.simpleString()) for field in stored.fields if field.name not in spec.column_names))


def checks_nulls_too_early(spark: SparkSession) -> bool:
    """Whether the engine is Sail, wherever it runs: it makes one condition of NOT NULL and of a filter that removes the nulls, and looks at
    both in every row of a batch of which more than a fifth passes the filter. So a write fails or not by how rows happened to be divided.

    Asked of the engine, once: Sail's `version()` is its own, Spark's begins with what the session says.
    """
    own: str = spark.sql("SELECT version()").toArrow().column(0)[0].as_py()
    return not own.startswith(spark.version)


def _open(table: Path) -> Any:
    from deltalake import DeltaTable

    return DeltaTable(str(table))
