"""Which days differ: the sums of hashes against a comparison row by row."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights_assets.lake.changes import days_that_differ, rows_without
from insights_assets.lake.lake import Lake

pytestmark = pytest.mark.slow

FIRST = date(2026, 11, 1)
KEY = ["source", "record_ref", "payload_sha256"]
DDL = "source string, record_ref string, payload_sha256 string, received_day date"
ROWS = st.lists(
    st.tuples(st.sampled_from(["reviews", "chats"]), st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 3).map(lambda n: FIRST + timedelta(days=n))),
    max_size=12,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=ROWS, stored=ROWS, common=ROWS)
def test_days_are_those_of_rows_that_one_side_lacks(spark: Any, wanted: list[Any], stored: list[Any], common: list[Any]) -> None:
    want, have = [*common, *wanted], [*common, *stored]
    found = days_that_differ(spark.createDataFrame(want, DDL), spark.createDataFrame(have, DDL), KEY)
    assert found == {row[3] for row in set(want) ^ set(have)}


def test_a_row_that_a_side_holds_twice_is_no_difference(spark: Any) -> None:
    row = ("reviews", "a", "x", FIRST)
    assert days_that_differ(spark.createDataFrame([row, row], DDL), spark.createDataFrame([row], DDL), KEY) == set()


def test_values_that_change_columns_are_a_difference(spark: Any) -> None:
    one, other = ("reviews", "a", "x", FIRST), ("reviews", "x", "a", FIRST)
    assert days_that_differ(spark.createDataFrame([one], DDL), spark.createDataFrame([other], DDL), KEY) == {FIRST}


def test_other_days_than_those_that_may_differ_are_not_looked_at(spark: Any) -> None:
    later = FIRST + timedelta(days=1)
    one, other = [("reviews", "a", "x", FIRST), ("reviews", "b", "x", later)], [("reviews", "a", "y", FIRST), ("reviews", "b", "y", later)]
    frames = spark.createDataFrame(one, DDL), spark.createDataFrame(other, DDL)
    assert days_that_differ(*frames, KEY, {later}) == {later}
    assert days_that_differ(*frames, KEY, set()) == set()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy")), unique=True, max_size=8), known=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy")), max_size=8))
def test_rows_without_known_ones_come_whole(lake: Lake, rows: list[tuple[str, str]], known: list[tuple[str, str]]) -> None:
    spark = lake.spark
    held = spark.createDataFrame([(*one, "payload " * 3) for one in rows], "record_ref string, payload_sha256 string, payload string")
    found = rows_without(lake, held, spark.createDataFrame(known, "record_ref string, payload_sha256 string"), ["record_ref", "payload_sha256"], "left")
    assert sorted((row["record_ref"], row["payload_sha256"]) for row in found.toArrow().to_pylist()) == sorted(set(rows) - set(known))
    assert found.columns == held.columns
