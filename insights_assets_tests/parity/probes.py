"""One small question to an engine for each declared difference of behaviour. Run in this process and in the JVM's own.

A probe gives back plain values, so that the classic session can answer through a line of JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkException

from insights_assets.lake.conform import SchemaMismatch
from insights_assets.lake.lake import Lake
from insights_assets.lake.spec import Column, TableSpec
from insights_assets.lake.stores import speaks_delta

DAY = date(2026, 11, 1)
COUNTS = TableSpec(
    stage="canonical", name="counts", key=("id",), grain="one row", write="replace_days", partition_by="received_day",
    columns=(Column("id", "string", nullable=False), Column("n", "bigint"), Column("received_day", "date", nullable=False)),
)  # fmt: skip


def _lake(spark: Any, folder: Path) -> Lake:
    """A fresh lake below the folder, the table being there and empty."""
    lake = Lake(folder, lambda: spark, is_embedded=False)
    lake.ensure(COUNTS)
    return lake


def _into_bigint(value: str) -> Callable[[Any, Path], str]:
    """Past the house's own checks: the store itself is handed something else for a whole number."""

    def put(spark: Any, folder: Path) -> str:
        lake = _lake(spark, folder)
        try:
            lake.store.append(lake.path(COUNTS), COUNTS, spark.sql(f"SELECT 'a' id, {value} n, DATE'{DAY}' received_day"))
        except Exception:  # noqa: BLE001 - in whatever words: it did not get in
            return "refused"
        return f"stored as {lake.read(COUNTS).toArrow().column('n').to_pylist()[0]}"

    return put


def _words_into_own_table(spark: Any, folder: Path) -> str:
    """A Delta table that the engine made itself, past the lake."""
    path = str(folder / "own")
    try:
        spark.createDataFrame([(1,)], "n bigint").write.format("delta").save(path)
        spark.createDataFrame([("many",)], "n string").write.format("delta").mode("append").save(path)
    except Exception:  # noqa: BLE001 - in whatever words: it did not get in
        return "refused"
    return f"stored as {sorted(spark.read.format('delta').load(path).toArrow().column('n').to_pylist(), key=str)[-1]}"


def _lake_refuses(spark: Any, folder: Path) -> str:
    """The house's own check, on the way that every write takes."""
    try:
        _lake(spark, folder).write(COUNTS, spark.sql(f"SELECT 'a' id, 'many' n, DATE'{DAY}' received_day"), days=[DAY])
    except SchemaMismatch as refused:
        return str(refused)
    return "stored"


def _replace_where(spark: Any, folder: Path) -> str:
    """Past the house's own checks: rows of another day than the one that is replaced."""
    from insights_assets.lake.stores import NativeDelta

    lake = _lake(spark, folder)
    frame = spark.sql("SELECT 'a' id, 1L n, DATE'2026-12-31' received_day")
    try:
        if isinstance(lake.store, NativeDelta):
            frame.write.format("delta").mode("overwrite").option("replaceWhere", f"received_day = DATE'{DAY}'").save(str(lake.path(COUNTS)))
        else:
            lake.store.replace_days(lake.path(COUNTS), COUNTS, frame, [DAY])
    except SchemaMismatch:
        return "refused"
    return "stored" if lake.row_count(COUNTS) == 1 else "dropped"


def _change_feed(spark: Any, folder: Path) -> str:
    lake = _lake(spark, folder)
    try:
        found = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 0).load(str(lake.path(COUNTS))).columns
    except Exception as error:  # noqa: BLE001 - a classic session hands this one on as py4j's own
        return "no such source" if "DATA_SOURCE_NOT_FOUND" in str(error) else str(error)
    return "read" if "_change_type" in found else "ignored"


def _folder_partition(spark: Any, folder: Path) -> str:
    import pyarrow.parquet as pq

    file = folder / "by_folder" / f"received_day={DAY}" / "a.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": ["a"]}), file)
    frame = spark.read.schema("id string, received_day date").option("basePath", str(folder / "by_folder")).parquet(str(file))
    value = frame.toArrow().column("received_day").to_pylist()[0]
    return "null" if value is None else str(value)


def _sql(expression: str) -> Callable[[Any, Path], str]:
    def ask(spark: Any, folder: Path) -> str:
        try:
            return str(spark.sql(f"SELECT {expression}").toArrow().column(0).to_pylist()[0])
        except PySparkException as error:
            text = str(error)
            return text[text.find("[") + 1 : text.find("]")] if "[" in text else text

    return ask


PROBES: dict[str, Callable[[Any, Path], Any]] = {
    "speaks_delta": lambda spark, folder: speaks_delta(spark),
    "digits_into_bigint": _into_bigint("'12'"),
    "words_into_own_bigint": _words_into_own_table,
    "fraction_into_bigint": _into_bigint("1.5D"),
    "replace_where_checks_rows": _replace_where,
    "change_feed": _change_feed,
    "folder_partition": _folder_partition,
    "int_overflow": _sql("CAST(2147483647 AS INT) + CAST(1 AS INT)"),
    "word_of_letters": _sql(r"regexp_extract('Größe 5', '(\\w+)', 1)"),
    "half_even_rounding": _sql("bround(2.5)"),
    "percentile_type": _sql("typeof(percentile_approx(x, 0.5)) FROM VALUES (1) t(x)"),
    "large_double_as_text": _sql("CAST(1e20 AS STRING)"),
    # Asked of all, and answered alike: what the transforms lean on.
    "lake_refuses": _lake_refuses,
    "words_into_bigint": _into_bigint("'many'"),
    "cast_of_text": _sql("try_cast('x' AS BIGINT)"),
    "order_of_nulls": _sql("array_sort(array(3, NULL, 1))"),
    "hash": _sql("xxhash64('a', 1)"),
    "nan_is_greatest": _sql("max(x) FROM VALUES (CAST('nan' AS DOUBLE)), (1.0D) t(x)"),
    "length_of_emoji": _sql("length('a😀b')"),
    "lower_of_dotted_i": _sql("lower('İSTANBUL')"),
    "rounding": _sql("round(-0.5)"),
    "remainder": _sql("pmod(-7, 3)"),
    "shift": _sql("shiftright(-8, 2)"),
    "time_as_text": _sql("CAST(TIMESTAMP'2026-11-01 00:00:00' AS STRING)"),
    "bad_json": _sql("from_json('bad', 'a int')"),
}
