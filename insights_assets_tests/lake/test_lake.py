"""Reading and writing Delta: what is refused, what is left alone, what a crash leaves behind."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from insights_assets.lake.conform import SchemaMismatch
from insights_assets.lake.lake import Lake
from insights_assets.lake.spec import Column, TableSpec

pytestmark = pytest.mark.slow

DAILY = TableSpec(
    stage="canonical", name="daily", key=("id",), grain="one row", write="replace_days", partition_by="received_day",
    columns=(
        Column("id", "string", nullable=False), Column("text", "string"), Column("n", "bigint", stats=True),
        Column("tags", "array<struct<topic:string,score:double>>"), Column("scope", "map<string,string>"), Column("run_id", "string", volatile=True), Column("received_day", "date", nullable=False),
    ),
)
SMALL = TableSpec(stage="anomalies", name="small", key=("id",), grain="one row", write="upsert_small", columns=DAILY.columns)
LOG = TableSpec(stage="sources", name="log", key=("id",), grain="one row", write="append", columns=DAILY.columns)
DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)


def row(name: str, day: date = DAY, **changes: Any) -> dict[str, Any]:
    base = {"id": name, "text": "hello", "n": 1, "tags": [{"topic": "safety", "score": 0.5}], "scope": {"sku": "A"}, "run_id": "r1", "received_day": day}
    return {**base, **changes}


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=DAILY.column_names)


def test_a_row_comes_back_as_it_was_written(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a"), row("b", text=None, tags=None, scope=None, n=None)), days=[DAY])
    back = lake.read_pandas(DAILY).set_index("id")
    assert back.loc["a", "scope"] == {"sku": "A"}
    assert back.loc["a", "tags"][0]["topic"] == "safety"
    assert back.loc["b", ["text", "tags", "scope"]].isna().all()
    assert lake.row_count(DAILY) == 2


def test_replacing_a_day_leaves_the_others(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a"), row("b", NEXT)), days=[DAY, NEXT])
    lake.write(DAILY, frame(row("c")), days=[DAY])
    assert sorted(lake.read_pandas(DAILY)["id"]) == ["b", "c"]


def test_python_is_started_once_however_many_days_there_are(lake: Lake) -> None:
    days = [date(2026, 10, n) for n in range(1, 13)]
    lake.write(DAILY, frame(*(row(f"r{day.day}", day) for day in days)), days=days)

    def starts(batches: Any) -> Any:
        import pyarrow as pa

        yield pa.RecordBatch.from_pydict({"rows": pa.array([sum(batch.num_rows for batch in batches)], pa.int64())})

    counted = lake.narrow(lake.read(DAILY).select("id")).mapInArrow(starts, "rows bigint").toArrow().column(0).to_pylist()
    assert counted == [12]


def test_a_row_outside_the_replaced_days_is_refused_and_undone(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a"), row("b", NEXT)), days=[DAY, NEXT])
    with pytest.raises(SchemaMismatch, match="outside the days"):
        lake.write(DAILY, frame(row("x", NEXT)), days=[DAY])
    assert sorted(lake.read_pandas(DAILY)["id"]) == ["a", "b"]


def test_replacing_an_empty_day_with_nothing_changes_nothing(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a")), days=[DAY])
    assert not lake.write(DAILY, frame(row("a"))[:0], days=[NEXT]).changed
    assert [r["id"] for r in lake.read_arrow(DAILY).to_pylist()] == ["a"]


def test_a_null_where_none_may_be_is_refused(lake: Lake) -> None:
    with pytest.raises(SchemaMismatch, match="column id holds 1 nulls"):
        lake.write(SMALL, frame(row("a", id=None)))
    assert lake.row_count(SMALL) == 0


def test_a_string_for_a_number_is_refused_before_the_engine_makes_it_null(lake: Lake, spark: Any) -> None:
    wrong = spark.createDataFrame([("a", "t", "not a number", DAY)], "id string, text string, n string, received_day date").selectExpr(
        "id", "text", "n", "cast(null as array<struct<topic:string,score:double>>) tags", "cast(null as map<string,string>) scope", "'r' run_id", "received_day"
    )
    with pytest.raises(SchemaMismatch, match="n is string, the table wants bigint"):
        lake.write(DAILY, wrong, days=[DAY])


@pytest.mark.parametrize(("change", "message"), [({"extra": 1}, "extra is not a column"), ({}, "n is missing")])
def test_missing_and_extra_columns_are_named(lake: Lake, change: dict[str, Any], message: str) -> None:
    data = pd.DataFrame([{**row("a"), **change}])
    if not change:
        data = data.drop(columns="n")
    with pytest.raises(SchemaMismatch, match=message):
        lake.write(SMALL, data)


def test_an_upsert_replaces_by_key_and_writes_nothing_when_nothing_changed(lake: Lake) -> None:
    lake.write(SMALL, frame(row("a"), row("b")))
    assert lake.write(SMALL, frame(row("b", text="new"))).changed
    again = lake.write(SMALL, frame(row("b", text="new", run_id="another run")))
    assert not again.changed and again.version == lake.version(SMALL)
    assert dict(zip(*lake.read_pandas(SMALL)[["id", "text"]].to_numpy().T, strict=True)) == {"a": "hello", "b": "new"}


def test_raw_cannot_be_edited(lake: Lake, spark: Any) -> None:
    lake.write(LOG, frame(row("a")))
    with pytest.raises(Exception, match="append-only"):
        spark.read.format("delta").load(str(lake.path(LOG))).where("id = 'b'").write.format("delta").mode("overwrite").save(str(lake.path(LOG)))
    assert lake.row_count(LOG) == 1


def test_text_leaves_no_statistics_in_the_log(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a", text="a-secret-value")), days=[DAY])
    log = "".join(path.read_text() for path in (lake.path(DAILY) / "_delta_log").glob("*.json"))
    assert "minValues" in log, "numbers keep their statistics"
    assert "a-secret-value" not in log


def test_a_pinned_lake_reads_its_version_and_refuses_writes(lake: Lake, spark: Any) -> None:
    first = lake.write(SMALL, frame(row("a")))
    lake.write(SMALL, frame(row("b")))
    pinned = Lake(lake.root, lambda: spark, versions={str(SMALL): first.version})
    assert list(pinned.read_pandas(SMALL)["id"]) == ["a"]
    with pytest.raises(PermissionError):
        pinned.write(SMALL, frame(row("c")))


@pytest.mark.parametrize(("moment", "rows"), [("before", 1), ("after", 2)])
def test_a_kill_at_a_commit_leaves_the_table_whole(tmp_path: Path, moment: str, rows: int, lake: Lake) -> None:
    code = (
        "from pathlib import Path; import pandas as pd\n"
        "from insights_assets_tests.lake.test_lake import LOG, row, frame\n"
        "from insights_assets.engine.session import session\nfrom insights_assets.lake.lake import Lake\n"
        f"Lake(Path({str(tmp_path / 'lake')!r}), lambda: session(None)).write(LOG, frame(row('a')))\n"
        f"Lake(Path({str(tmp_path / 'lake')!r}), lambda: session(None), crash_at='sources.log:{moment}').write(LOG, frame(row('b')))\n"
        "print('not killed')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -9, done.stdout + done.stderr
    assert lake.row_count(LOG) == rows


def test_two_starts_of_one_task_keep_their_frames_apart(tmp_path: Path, spark: Any) -> None:
    first, second = (Lake(tmp_path, lambda: spark, is_embedded=False, scratch_in=f"token/step-{number}") for number in (1, 2))
    one, two = first.scratch("rows", spark.range(3)), second.scratch("rows", spark.range(5))
    assert (one.count(), two.count()) == (3, 5), "the later one is not read by the earlier one"
    first.clear_scratch("rows")
    assert two.count() == 5


def half_without_an_id(spark: Any) -> Any:
    """One batch whose rows alternate between having an id and having none."""
    from pyspark.sql import functions as F

    some = F.when(F.col("id") % 2 == 0, F.col("id").cast("string"))
    return spark.range(0, 2_000, 1, 1).select(some.alias("id"), F.lit("hello").alias("text"), F.lit(1).cast("bigint").alias("n"), F.lit(DAY).alias("received_day"))


@pytest.mark.parametrize("spec", [LOG, DAILY], ids=["append", "replace_days"])
@pytest.mark.parametrize("is_embedded", [True, False], ids=["in this process", "over Connect"])
def test_a_filter_takes_the_nulls_out_before_they_are_looked_for(spec: TableSpec, is_embedded: bool, tmp_path: Path, spark: Any) -> None:
    from pyspark.sql import functions as F

    lake = Lake(tmp_path, lambda: spark, is_embedded=is_embedded)
    kept = lake.scratch("rows", half_without_an_id(spark)).where("id IS NOT NULL")
    rest = {name: F.lit(None).cast(kind) for name, kind in (("tags", "array<struct<topic:string,score:double>>"), ("scope", "map<string,string>"), ("run_id", "string"))}
    lake.write(spec, kept.withColumns(rest), days=[DAY])
    assert lake.row_count(spec) == 1_000


def test_the_engine_still_looks_for_nulls_too_early(tmp_path: Path, spark: Any) -> None:
    """When this fails, the engine was mended: the barrier in `Lake._as_spark` can go."""
    spec = TableSpec(
        stage="canonical", name="bare", key=("id",), grain="one row", write="append",
        columns=(Column("id", "string", nullable=False), Column("text", "string"), Column("n", "bigint"), Column("received_day", "date")),
    )  # fmt: skip
    lake = Lake(tmp_path, lambda: spark)
    lake.ensure(spec)
    kept = lake.scratch("rows", half_without_an_id(spark)).where("id IS NOT NULL")
    with pytest.raises(Exception, match="NOT NULL constraint violated"):
        kept.write.format("delta").mode("append").save(str(lake.path(spec)))
