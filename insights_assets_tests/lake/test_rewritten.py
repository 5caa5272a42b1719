"""Days that a Delta log says were rewritten: every write, merge and new start of a table shows, and nothing else does."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from insights_assets.lake.lake import Lake
from insights_assets.lake.rewritten import Seen, days_rewritten, files_added, seen_now
from insights_assets_tests.lake.test_lake import DAILY, DAY, LOG, NEXT, frame, row

pytestmark = pytest.mark.slow

LATE = date(2026, 12, 31)


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
