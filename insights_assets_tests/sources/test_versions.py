"""Which version of a record wins: of two deliveries the later one, whatever their files are called, on homes of earlier versions of the product too."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import SOURCE_COMPLETENESS
from insights_assets.sources.tables import BRONZE
from insights_assets_tests.house import TestHouse

pytestmark = pytest.mark.slow
REVIEW = '{{"review_id": "R{n}", "created_at": "2026-11-01T10:00:00Z", "channel": "web", "rating": 1, "body": "{body}"}}\n'


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> TestHouse:
    house = TestHouse(tmp_path / "home", spark, as_of=date(2026, 11, 22))
    deliver(house, "all-of-november.jsonl", R1="as it first was", R2="as it first was")
    house.run("sources", "canonical")
    return house


def deliver(house: TestHouse, name: str, **bodies: str) -> None:
    folder = house.landing / "reviews"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(REVIEW.format(n=ref[1:], body=body) for ref, body in bodies.items()), encoding="utf-8")


def said(house: TestHouse) -> dict[str, str]:
    return {row["record_ref"]: row["body"] for row in house.rows(BRONZE["reviews"])}


def test_a_dated_delivery_replaces_an_undated_one_and_a_later_one_replaces_it(house: TestHouse) -> None:
    deliver(house, "reviews-2026-11-20.jsonl", R1="corrected")
    house.run("sources", "canonical", run_id="run-2")
    assert said(house) == {"R1": "corrected", "R2": "as it first was"}
    deliver(house, "reviews-2026-11-21.jsonl", R1="corrected twice")
    deliver(house, "reviews-2026-11-19.jsonl", R1="found late", R2="found late")
    deliver(house, "zz-undated.jsonl", R1="of no day")
    house.run("sources", "canonical", run_id="run-3")
    assert said(house) == {"R1": "corrected twice", "R2": "found late"}
    row = next(row for row in house.rows(SOURCE_COMPLETENESS) if row["source"] == "reviews")
    assert (row["raw_count"], row["bronze_count"], row["superseded_count"], row["unexplained_count"]) == (7, 2, 5, 0)


def test_so_it_does_where_the_stored_one_was_ordered_by_an_earlier_version_of_the_product(house: TestHouse) -> None:
    from pyspark.sql import functions as F

    spec = BRONZE["reviews"]
    as_it_was = house.lake.read(spec).withColumn("version_order", F.regexp_replace("version_order", "0000-00-00", ""))
    house.lake.write(spec, house.lake.scratch("as_it_was", as_it_was), days=list(house.lake.rows_by_day(spec)))
    assert all("||" in row["version_order"] for row in house.rows(spec))
    deliver(house, "reviews-2026-11-20.jsonl", R1="corrected")
    house.run("sources", "canonical", run_id="run-2")
    assert said(house) == {"R1": "corrected", "R2": "as it first was"}
