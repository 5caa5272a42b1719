"""The lake on a Spark that knows no Delta: the promises of the lake's own tests, and those that two parties to a commit need besides.

The cases of `lake/test_lake.py` and of other versions' tables run here once more on JVM Spark over Connect; what is left out there asks the engine for Delta itself.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from deltalake.exceptions import DeltaError

from insights_assets.engine.jvm import JvmServer
from insights_assets.lake import committed
from insights_assets.lake.committed import CommittedParquet, ConcurrentCommit
from insights_assets.lake.conform import SchemaMismatch
from insights_assets.lake.lake import Lake
from insights_assets.lake.removal import vacuum
from insights_assets_tests.lake.test_lake import (  # noqa: F401 - collected here as cases of this store
    DAILY,
    DAY,
    LOG,
    NEXT,
    SMALL,
    frame,
    row,
    test_a_null_where_none_may_be_is_refused,
    test_a_pinned_lake_reads_its_version_and_refuses_writes,
    test_a_row_comes_back_as_it_was_written,
    test_a_row_outside_the_replaced_days_is_refused_and_undone,
    test_a_string_for_a_number_is_refused_before_the_engine_makes_it_null,
    test_an_upsert_replaces_by_key_and_writes_nothing_when_nothing_changed,
    test_missing_and_extra_columns_are_named,
    test_replacing_a_day_leaves_the_others,
    test_replacing_an_empty_day_with_nothing_changes_nothing,
)
from insights_assets_tests.lake.test_rewritten import (  # noqa: F401 - and these
    test_a_table_of_an_earlier_version_says_its_days_from_now_on,
    test_the_earliest_day_of_what_was_rewritten_is_that_of_the_files_that_went_and_came,
    test_what_the_log_says_of_a_file_is_so,
)
from insights_assets_tests.lake.test_widening import (  # noqa: F401 - so are these
    test_after_a_rollback_the_earlier_version_writes_beside_columns_it_does_not_know,
    test_columns_that_a_spec_gained_are_null_in_old_rows_and_written_in_new_ones,
    test_what_was_published_before_is_read_with_nulls_and_nothing_is_written_for_it,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def spark(connect: Any) -> Any:
    return connect


@pytest.fixture
def lake(tmp_path: Path, connect: Any) -> Lake:
    made = Lake(tmp_path / "lake", lambda: connect, is_embedded=False)
    assert isinstance(made.store, CommittedParquet), "this Spark has no Delta"
    return made


def ids(lake: Lake, spec: Any = DAILY) -> list[str]:
    return sorted(lake.read_arrow(spec).column("id").to_pylist())


def files(lake: Lake, spec: Any = DAILY) -> set[str]:
    return {path.name for path in lake.path(spec).rglob("*.parquet")}


def of_names(spark: Any, *names: str | None) -> Any:
    """A frame of the engine, in the columns of the spec."""
    listed = ", ".join("(CAST(NULL AS STRING))" if name is None else f"('{name}')" for name in names)
    return spark.sql(
        f"SELECT id, 't' text, 1L n, CAST(NULL AS array<struct<topic:string,score:double>>) tags, CAST(NULL AS map<string,string>) scope, 'r' run_id, "
        f"DATE'{DAY}' received_day FROM VALUES {listed} AS v(id)"
    )


@pytest.mark.parametrize("writer", ["embedded", "connect"])
def test_each_engine_reads_what_the_other_wrote(tmp_path: Path, connect: Any, writer: str) -> None:
    from insights_assets.engine.session import session

    lakes = {"embedded": Lake(tmp_path / "lake", lambda: session(None)), "connect": Lake(tmp_path / "lake", lambda: connect, is_embedded=False)}
    lakes[writer].write(DAILY, frame(row("a"), row("b", NEXT, text=None, tags=None, scope=None)), days=[DAY, NEXT])
    lakes[writer].write(DAILY, frame(row("c")), days=[DAY])
    read = {name: one.read_arrow(DAILY).sort_by("id").to_pylist() for name, one in lakes.items()}
    assert read["embedded"] == read["connect"] and [one["id"] for one in read["connect"]] == ["b", "c"]
    other = lakes["connect" if writer == "embedded" else "embedded"]
    other.write(DAILY, frame(row("d")), days=[DAY])
    assert ids(lakes[writer]) == ["b", "d"], "both may write the same table, one after the other"
    assert lakes["connect"].row_count(DAILY) == 2


def test_a_null_from_the_engine_is_seen_in_the_staged_files(lake: Lake, connect: Any) -> None:
    with pytest.raises(SchemaMismatch, match="column id holds nulls"):
        lake.write(DAILY, of_names(connect, "a", None), days=[DAY])
    assert lake.row_count(DAILY) == 0 and not files(lake)


def test_nothing_is_left_on_its_way(lake: Lake) -> None:
    lake.write(DAILY, frame(row("a"), row("b", NEXT)), days=[DAY, NEXT])
    assert not list((lake.root / "_scratch").iterdir())
    assert len(files(lake)) == 2, "one file a day"


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Do something once between staging a write and committing it."""
    real, done = committed._place, []

    def place(*arguments: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return real(*arguments)

    monkeypatch.setattr(committed, "_place", place)


def test_a_replacement_that_somebody_overtook_is_refused(lake: Lake, connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.write(DAILY, frame(row("a")), days=[DAY])
    other = Lake(lake.root, lambda: connect, is_embedded=False)
    meanwhile(monkeypatch, lambda: other.write(DAILY, frame(row("theirs")), days=[DAY]))
    with pytest.raises(ConcurrentCommit, match="not committed on version 1"):
        lake.write(DAILY, frame(row("mine")), days=[DAY])
    assert ids(lake) == ["theirs"]
    assert len(files(lake)) == 2, "theirs and the one that theirs replaced; mine is gone"
    lake.write(DAILY, frame(row("mine")), days=[DAY])
    assert ids(lake) == ["mine"]


def test_appends_do_not_stand_in_each_others_way(lake: Lake, connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.ensure(LOG)
    other = Lake(lake.root, lambda: connect, is_embedded=False)
    meanwhile(monkeypatch, lambda: other.write(LOG, frame(row("theirs"))))
    assert lake.write(LOG, frame(row("mine"))).rows == 1
    assert ids(lake, LOG) == ["mine", "theirs"]


def test_a_raw_table_refuses_edits_here_too(lake: Lake, connect: Any) -> None:
    lake.write(LOG, frame(row("a")))
    with pytest.raises((DeltaError, ConcurrentCommit)):
        lake.store.overwrite(lake.path(LOG), LOG, of_names(connect, "b"))
    assert ids(lake, LOG) == ["a"]


@pytest.mark.parametrize(("moment", "expected"), [("placed", ["a"]), ("after", ["a", "b"])])
def test_a_kill_at_a_commit_leaves_the_table_whole(lake: Lake, jvm: JvmServer, moment: str, expected: list[str]) -> None:
    lake.write(LOG, frame(row("a")))
    code = (
        "import os, signal; from pathlib import Path; from pyspark.sql import SparkSession\n"
        "from insights_assets.lake import committed; from insights_assets.lake.lake import Lake\n"
        "from insights_assets_tests.lake.test_lake import LOG, row, frame\n"
        + ("committed._commit = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n" if moment == "placed" else "")
        + f"spark = SparkSession.builder.remote({jvm.url!r}).create()\n"
        f"Lake(Path({str(lake.root)!r}), lambda: spark, is_embedded=False, crash_at='sources.log:after').write(LOG, frame(row('b')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -9, done.stdout + done.stderr
    assert ids(lake, LOG) == expected and lake.row_count(LOG) == len(expected)
    orphans = len(files(lake, LOG)) - len(expected)
    assert orphans == (1 if moment == "placed" else 0)
    assert vacuum(lake, LOG, []) == orphans and len(files(lake, LOG)) == len(expected), "a vacuum takes what no version names"
    lake.write(LOG, frame(row("c")))
    assert ids(lake, LOG) == [*expected, "c"]
