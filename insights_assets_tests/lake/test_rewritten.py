"""Days that a Delta log says were rewritten: every write, merge and new start of a table shows, and nothing else does."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from insights_assets.lake.lake import Lake
from insights_assets.lake.rewritten import NOTHING, Seen, days_rewritten, earliest_rewritten, files_added, seen_now
from insights_assets.lake.spec import Column, TableSpec
from insights_assets_tests.lake.test_lake import DAILY, DAY, LOG, NEXT, frame, row

pytestmark = pytest.mark.slow

LATE = date(2026, 12, 31)
#: Rows that happened on other days than the one they lie on.
HAPPENED = replace(DAILY, name="happened", columns=(*DAILY.columns, Column("happened_day", "date", stats=True)))


def put(lake: Lake, spec: TableSpec, day: date, *ago: int | None) -> None:
    """The day's rows, one for each so many days ago."""
    rows = [{**row(f"{day}-{place}", day), "happened_day": None if days is None else day - timedelta(days=days)} for place, days in enumerate(ago)]
    lake.write(spec, frame(*rows).reindex(columns=spec.column_names).assign(happened_day=[one["happened_day"] for one in rows]), days=[day])


def test_only_days_that_were_written_after_are_rewritten(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a"), row("b", NEXT)), days=[DAY, NEXT])
    then = seen_now(lake, DAILY)
    assert days_rewritten(lake, DAILY, then, LATE) == set()
    lake.write(DAILY, frame(row("b", NEXT, text="other")), days=[NEXT])
    assert days_rewritten(lake, DAILY, then, LATE) == {NEXT}
    lake.write(DAILY, frame(), days=[DAY])
    assert days_rewritten(lake, DAILY, then, LATE) == {DAY, NEXT}, "a day that lost its rows"


def test_days_after_the_day_of_then_are_always_among_them(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a"), row("b", NEXT)), days=[DAY, NEXT])
    assert days_rewritten(lake, DAILY, seen_now(lake, DAILY), DAY) == {NEXT}


def test_nothing_is_known_of_a_table_that_was_made_anew_or_is_not_there(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a")), days=[DAY])
    then = seen_now(lake, DAILY)
    shutil.rmtree(lake.path(DAILY))
    assert days_rewritten(lake, DAILY, then, LATE) is None
    spark = lake.spark
    lake = Lake(lake.root, lambda: spark)  # as a later run would open it
    lake.write(DAILY, frame(row("a", text="other")), days=[DAY])
    assert seen_now(lake, DAILY).version == then.version, "else the ids would not be what tells them apart"
    assert days_rewritten(lake, DAILY, then, LATE) is None
    assert days_rewritten(lake, DAILY, None, LATE) is None


def test_nothing_is_known_of_a_version_whose_log_is_gone_or_that_is_still_to_come(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a")), days=[DAY])
    then = seen_now(lake, DAILY)
    assert days_rewritten(lake, DAILY, Seen(then.version + 1, then.table_id), LATE) is None
    lake.write(DAILY, frame(row("a", text="other")), days=[DAY])
    from deltalake import DeltaTable

    DeltaTable(str(lake.path(DAILY))).create_checkpoint()
    for version in range(then.version + 1):
        (lake.path(DAILY) / "_delta_log" / f"{version:020}.json").unlink()
    assert days_rewritten(lake, DAILY, then, LATE) is None


def test_files_of_a_table_that_only_grew(lake: Lake) -> None:
    lake.write(LOG, frame(row("a")))
    then = seen_now(lake, LOG)
    assert files_added(lake, LOG, then) == []
    lake.write(LOG, frame(row("b"), row("c", NEXT)))
    added = files_added(lake, LOG, then)
    assert added is not None
    rows = lake.spark.read.schema(LOG.ddl).parquet(*added).select("id").toArrow().column(0).to_pylist()
    assert sorted(rows) == ["b", "c"]


def test_nothing_is_known_of_files_once_some_were_merged_or_taken_out(lake: Lake) -> None:
    for name in "abc":
        lake.write(LOG, frame(row(name)))
    then = seen_now(lake, LOG)
    from deltalake import DeltaTable

    DeltaTable(str(lake.path(LOG))).optimize.compact()
    lake.write(LOG, frame(row("d")))
    assert files_added(lake, LOG, then) is None


def test_the_earliest_day_of_what_was_rewritten_is_that_of_the_files_that_went_and_came(lake: Lake) -> None:
    put(lake, HAPPENED, DAY, 0, 9)
    put(lake, HAPPENED, NEXT, 1)
    then = seen_now(lake, HAPPENED)
    assert earliest_rewritten(lake, HAPPENED, then, "happened_day") == NOTHING
    put(lake, HAPPENED, NEXT, 0, None)
    assert earliest_rewritten(lake, HAPPENED, then, "happened_day") == DAY, "the row that went was of that day"
    now = seen_now(lake, HAPPENED)
    put(lake, HAPPENED, LATE, None)
    assert earliest_rewritten(lake, HAPPENED, now, "happened_day") == NOTHING, "rows of no day"
    put(lake, HAPPENED, NEXT, 20, 3)
    assert earliest_rewritten(lake, HAPPENED, now, "happened_day") == NEXT - timedelta(days=20)


def test_the_earliest_day_is_not_known_of_files_that_do_not_say_it(lake: Lake) -> None:
    silent = replace(HAPPENED, columns=(*DAILY.columns, Column("happened_day", "date")))
    assert earliest_rewritten(lake, silent, None, "happened_day") == NOTHING, "a table that was never there"
    put(lake, silent, DAY, 0)
    then = seen_now(lake, silent)
    put(lake, silent, NEXT, 0)
    assert earliest_rewritten(lake, silent, then, "happened_day") is None
    assert earliest_rewritten(lake, silent, None, "happened_day") is None


def test_a_table_of_an_earlier_version_says_its_days_from_now_on(lake: Lake) -> None:
    put(lake, replace(HAPPENED, columns=(*DAILY.columns, Column("happened_day", "date"))), DAY, 5)
    spark = lake.spark
    opened = Lake(lake.root, lambda: spark, is_embedded=lake.is_embedded)
    opened.fit(HAPPENED)
    then = seen_now(opened, HAPPENED)
    put(opened, HAPPENED, NEXT, 2)
    assert earliest_rewritten(opened, HAPPENED, then, "happened_day") == NEXT - timedelta(days=2)
    since = opened.read(HAPPENED).where(f"happened_day >= DATE'{DAY - timedelta(days=5)}'")
    assert since.count() == 2, "files that say nothing are read whatever is asked"
    version = opened.version(HAPPENED)
    Lake(lake.root, lambda: spark, is_embedded=lake.is_embedded).fit(HAPPENED)
    assert opened.version(HAPPENED) == version, "once is enough"


def test_what_the_log_says_of_a_file_is_so(lake: Lake) -> None:
    put(lake, HAPPENED, DAY, 0, 4, None)
    put(lake, HAPPENED, NEXT, None)
    said = {one["partition.received_day"]: one for one in actions(lake, HAPPENED)}
    assert (said[DAY]["min.happened_day"], said[DAY]["max.happened_day"], said[DAY]["null_count.happened_day"]) == (DAY - timedelta(days=4), DAY, 1)
    assert (said[NEXT]["min.happened_day"], said[NEXT]["null_count.happened_day"], said[NEXT]["num_records"]) == (None, 1, 1)
    assert not [name for name in said[DAY] if name.endswith((".id", ".text"))], "no text and no name of anybody"


def actions(lake: Lake, spec: TableSpec) -> list[dict[str, Any]]:
    import pyarrow as pa
    from deltalake import DeltaTable

    rows: list[dict[str, Any]] = pa.table(DeltaTable(str(lake.path(spec))).get_add_actions(flatten=True)).to_pylist()
    return rows
