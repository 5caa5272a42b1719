"""A table that an earlier version of the product made, opened by a later one, and the other way about."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest

from insights_assets.lake.lake import Lake
from insights_assets.lake.removal import is_append_only, keep_only
from insights_assets.lake.spec import Column, TableSpec
from insights_assets.lake.widening import MadeByAnotherVersion

pytestmark = pytest.mark.slow
DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)
BEFORE = (Column("id", "string", nullable=False), Column("n", "bigint", stats=True), Column("received_day", "date", nullable=False))
#: In the middle, at the front, nested: where a column stands in the spec says nothing of where it stands in the table.
GAINED = (Column("scope", "map<string,string>"), Column("tags", "array<struct<topic:string,score:double>>"), Column("wrote_at", "timestamp", volatile=True))
AFTER = (GAINED[0], BEFORE[0], GAINED[1], BEFORE[1], GAINED[2], BEFORE[2])
KINDS = (("append", None), ("replace_days", "received_day"), ("replace_all", None), ("upsert_small", None))


def both(write: Any, partition_by: str | None) -> tuple[TableSpec, TableSpec]:
    """One table as two versions of the product declare it."""
    before = TableSpec(stage="canonical", name=str(write), key=("id",), grain="one row", write=write, partition_by=partition_by, columns=BEFORE)
    return before, replace(before, columns=AFTER)


def put(lake: Lake, spec: TableSpec, *names: str, day: date = DAY) -> None:
    whole = {
        "n": 1, "received_day": day, "scope": {"sku": "A"}, "tags": [{"topic": "safety", "score": 0.5}], "wrote_at": pd.Timestamp("2026-11-01T10:00", tz="UTC"),
    }  # fmt: skip
    rows = [{"id": name, **whole} for name in names]
    lake.write(spec, pd.DataFrame(rows)[spec.column_names], days=[day] if spec.write == "replace_days" else None)


def again(lake: Lake, **given: Any) -> Lake:
    """The same folder, opened by another process."""
    return Lake(lake.root, lambda: lake.spark, is_embedded=lake.is_embedded, **given)


def kept(lake: Lake, spec: TableSpec) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in lake.read_arrow(spec).to_pylist()}


def commits(lake: Lake, spec: TableSpec) -> list[dict[str, Any]]:
    """What each commit of the log holds, by kind of action."""
    return [{key: value for line in path.read_text().splitlines() for key, value in json.loads(line).items()} for path in sorted((lake.path(spec) / "_delta_log").glob("*.json"))]


@pytest.mark.parametrize(("write", "partition_by"), KINDS)
def test_columns_that_a_spec_gained_are_null_in_old_rows_and_written_in_new_ones(lake: Lake, write: str, partition_by: str | None) -> None:
    before, after = both(write, partition_by)
    put(lake, before, "old")
    put(again(lake), after, "new", day=NEXT)
    rows = kept(again(lake), after)
    assert rows["new"]["scope"] == [("sku", "A")] and rows["new"]["tags"] == [{"topic": "safety", "score": 0.5}] and rows["new"]["n"] == 1
    if write != "replace_all":
        assert rows["old"] == {"scope": None, "id": "old", "tags": None, "n": 1, "wrote_at": None, "received_day": DAY}
    assert again(lake).stored_columns(after) == again(lake).declared_columns(after)


def test_adding_columns_touches_no_row_and_is_done_once(lake: Lake) -> None:
    before, after = both("append", None)
    put(lake, before, "old")
    made = again(lake)
    made.fit(after)
    made.fit(after)
    again(lake).ensure(after)
    *_, last = found = commits(lake, before)
    assert len(found) == 3, "made, written, widened"
    assert "metaData" in last and not {"add", "remove"} & set(last) and is_append_only(lake, after)


def test_what_was_published_before_is_read_with_nulls_and_nothing_is_written_for_it(lake: Lake) -> None:
    before, after = both("replace_days", "received_day")
    put(lake, before, "old")
    version = lake.version(before)
    pinned = again(lake, versions={str(after): version})
    assert kept(pinned, after)["old"]["tags"] is None and lake.version(before) == version
    put(again(lake), after, "new", day=NEXT)
    pinned = again(lake, versions={str(after): version})
    pinned.fit(after)
    assert set(kept(pinned, after)) == {"old"} and pinned.read(after).where("scope IS NULL AND size(tags) IS NULL OR tags IS NULL").count() == 1
    assert again(lake).read(after, version=version).select("wrote_at", "n").toArrow().to_pylist() == [{"wrote_at": None, "n": 1}]


def test_a_reader_that_saw_the_narrow_table_sees_what_another_process_added(lake: Lake) -> None:
    """Nulls for a column that is there by now would hide what it holds."""
    before, after = both("upsert_small", None)
    put(lake, before, "old")
    reader = again(lake)
    assert kept(reader, after)["old"]["scope"] is None
    put(again(lake), after, "old")
    assert kept(reader, after)["old"]["scope"] == [("sku", "A")]


@pytest.mark.parametrize(("write", "partition_by"), KINDS)
def test_after_a_rollback_the_earlier_version_writes_beside_columns_it_does_not_know(lake: Lake, write: str, partition_by: str | None) -> None:
    before, after = both(write, partition_by)
    put(lake, after, "new")
    put(again(lake), before, "back", day=NEXT)
    rows = kept(again(lake), after)
    assert rows["back"] == {"scope": None, "id": "back", "tags": None, "n": 1, "wrote_at": None, "received_day": NEXT}
    if write in ("append", "replace_days"):
        assert rows["new"]["scope"] == [("sku", "A")]
    assert set(kept(again(lake), before)["back"]) == {"id", "n", "received_day"}


def test_after_a_rollback_rows_are_taken_out_as_before(lake: Lake) -> None:
    before, after = both("replace_all", None)
    put(lake, after, "a", "b")
    keep_only(lake, before, lake.read(before).where("id = 'a'"), removed=1)
    assert set(kept(again(lake), after)) == {"a"}


WRONG = [
    pytest.param((BEFORE[0], Column("n", "string"), BEFORE[2]), "n is int64 there and string in this version", id="another type"),
    pytest.param((*BEFORE, Column("must", "string", nullable=False)), "it lacks must, which may hold no null", id="a column without nulls"),
    pytest.param((BEFORE[0], BEFORE[2]), None, id="a column that went"),
]


@pytest.mark.parametrize(("columns", "message"), WRONG)
@pytest.mark.parametrize(("write", "way"), [("replace_all", "take .* away"), ("append", "start a new home from the same landing folder")])
def test_what_cannot_be_brought_together_is_refused_before_anything_is_written(lake: Lake, columns: tuple[Column, ...], message: str | None, write: str, way: str) -> None:
    before, _ = both(write, None)
    put(lake, before, "old")
    version, later, opened = lake.version(before), replace(before, columns=columns), again(lake)
    if message is None:
        opened.fit(later)  # it may hold nulls, so it stays: an earlier version, come back, finds its own rows
    else:
        for attempt in (opened.fit, opened.ensure, lambda spec: opened.write(spec, pd.DataFrame([{c.name: None for c in columns}]))):
            with pytest.raises(MadeByAnotherVersion, match=message) as refused:
                attempt(later)
            assert str(lake.path(before)) in str(refused.value)
        with pytest.raises(MadeByAnotherVersion, match=way):
            opened.fit(later)
    assert lake.version(before) == version and set(kept(again(lake), before)) == {"old"}


def test_a_table_divided_otherwise_is_refused(lake: Lake) -> None:
    before, _ = both("replace_all", None)
    put(lake, before, "old")
    with pytest.raises(MadeByAnotherVersion, match="partitioned by nothing, in this version by received_day"):
        again(lake).fit(replace(before, partition_by="received_day"))


def test_an_unknown_column_that_may_hold_no_null_is_refused(lake: Lake) -> None:
    before, _ = both("replace_all", None)
    later = replace(before, columns=(*BEFORE, Column("must", "string", nullable=False)))
    lake.write(later, pd.DataFrame([{"id": "a", "n": 1, "received_day": DAY, "must": "x"}]))
    with pytest.raises(MadeByAnotherVersion, match="must, which this version does not know, may hold no null"):
        again(lake).fit(before)
