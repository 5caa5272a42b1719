"""Which version of a record wins: of two deliveries the later one, whatever their files are called, on homes of earlier versions of the product too."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import SHIPMENTS, SOURCE_COMPLETENESS
from insights_assets.sources import ingest
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


def parcels(house: TestHouse, name: str, **moves: dict[str, str]) -> None:
    folder = house.landing / "fulfilments"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"fulfilment_id": ref, "order_id": f"O-{ref}", "sku": "GLA-100", "warehouse": "WH-LEJ", "promised_at": "2026-11-30T12:00:00Z", **moved} for ref, moved in moves.items()]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


PENDING: dict[str, str] = {"status": "pending"}
SHIPPED = {"status": "shipped", "shipped_at": "2026-11-20T09:00:00Z", "packaging_batch": "PB-1"}
DELIVERED = {**SHIPPED, "status": "delivered", "delivered_at": "2026-11-22T09:00:00Z"}


def statuses(house: TestHouse) -> dict[str, str]:
    return {row["record_ref"]: row["status"] for row in house.rows(BRONZE["fulfilments"])}


@pytest.mark.parametrize("first", ["all-of-november.jsonl", "fulfilments-2026-11-19.jsonl"])
def test_a_parcel_that_left_replaces_the_one_that_was_promised_for_later(house: TestHouse, first: str) -> None:
    parcels(house, first, F1=PENDING, F2=PENDING, F3=PENDING)
    house.run("sources", "canonical", run_id="run-2")
    parcels(house, "fulfilments-2026-11-20.jsonl", F1=SHIPPED, F2=SHIPPED)
    house.run("sources", "canonical", run_id="run-3")
    assert statuses(house) == {"F1": "shipped", "F2": "shipped", "F3": "pending"}
    parcels(house, "fulfilments-2026-11-22.jsonl", F2=DELIVERED)
    parcels(house, "zz-undated.jsonl", F1=PENDING, F2=SHIPPED)
    house.run("sources", "canonical", run_id="run-4")
    assert statuses(house) == {"F1": "shipped", "F2": "delivered", "F3": "pending"}
    assert {row["fulfilment_id"]: row["packaging_batch"] for row in house.rows(SHIPMENTS)} == {"F1": "PB-1", "F2": "PB-1"}, "a promise is not known before its day"


def test_a_parcel_that_lost_to_its_promise_in_an_earlier_version_of_the_product_wins_at_the_next_run(house: TestHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored as that version left it: the promised day at the head of the order, the shipped version in raw and not in bronze."""
    from pyspark.sql import functions as F

    monkeypatch.setattr(ingest, "ORDERING", 1)
    parcels(house, "all-of-november.jsonl", F1=PENDING, F2=PENDING)
    house.run("sources", "canonical", run_id="run-2")
    spec = BRONZE["fulfilments"]
    pending = house.lake.scratch("as_it_was", house.lake.read(spec).withColumn("version_order", F.regexp_replace("version_order", "^[^|]*", "2026-11-30T12:00:00+00:00")))
    parcels(house, "fulfilments-2026-11-20.jsonl", F1=SHIPPED)
    house.run("sources", "canonical", run_id="run-3")
    house.lake.write(spec, pending, days=list(house.lake.rows_by_day(spec)))
    house.lake.clear_scratch("as_it_was")
    assert statuses(house) == {"F1": "pending", "F2": "pending"}
    monkeypatch.undo()
    house.run("sources", "canonical", run_id="run-4")
    assert statuses(house) == {"F1": "shipped", "F2": "pending"}


def test_a_promotion_that_is_brought_forward_is_taken_over(house: TestHouse) -> None:
    folder = house.landing / "calendar"
    folder.mkdir(parents=True, exist_ok=True)
    for day, starts in (("2026-11-10", "2026-12-05"), ("2026-11-12", "2026-12-01")):
        (folder / f"calendar-{day}.jsonl").write_text(json.dumps({"event_id": "P1", "kind": "promotion", "starts_at": f"{starts}T00:00:00Z"}) + "\n", encoding="utf-8")
        house.run("sources", "canonical", run_id=f"run-{day}")
    assert [row["starts_at"].date() for row in house.rows(BRONZE["calendar"])] == [date(2026, 12, 1)]
