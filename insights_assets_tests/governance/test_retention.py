"""Retention removes what has expired and nothing else, from every file; what follows from it follows; nothing brings it back (R35, R115)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import FEEDBACK, FEEDBACK_TEXT, ORDERS, QUARANTINE, SOURCE_COMPLETENESS
from insights_assets.governance import retention
from insights_assets.governance.assets import _KEPT
from insights_assets.governance.retention import leave_receipts, run_retention, vacuum_unpublished
from insights_assets.governance.tables import RETENTION_RUNS
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.removal import APPEND_ONLY, RemovalMismatch, is_append_only, keep_only, set_append_only
from insights_assets.lake.spec import TableSpec
from insights_assets.resources import table_assets
from insights_assets.resources.step import Step
from insights_assets.sources.tables import BRONZE, RAW, REMOVED_ROWS
from insights_assets.tables import all_tables
from insights_assets_tests.house import NOW, PRODUCTS, TestHouse, filled_home, order, review
from insights_assets_tests.scanning import hits

AS_OF = date(2026, 11, 22)
#: 730 days before: reviews and tickets received before this day go.
FIRST_KEPT = date(2024, 11, 22)
OLD, NEW = "2024-11-05", "2026-11-05"
STAGES = ("sources", "canonical", "labels")
#: In old records alone: names, addresses and words that must be nowhere afterwards.
GONE = ("Wilhelmina COldson", "cold@mail.test", "Quenby Thistlewaite", "thistlewaite@mail.test", "zzzgarbageline", "an old sentence about glass")


def fill(home: Path, spark: Any) -> TestHouse:
    house = TestHouse(home, spark, as_of=AS_OF)
    house.put("products", "products.jsonl", PRODUCTS)
    house.put("orders", "orders.jsonl", [order(f"O{n}", "LMP-1", f"C{n}", "2026-11-01") for n in range(6)])
    old = [review(f"OLD{n}", None, "COld", OLD, customer_name="Wilhelmina COldson", customer_email="cold@mail.test", body=f"an old sentence about glass {n}") for n in range(4)]
    house.put("reviews", "reviews-2024-11-05.jsonl", old)
    mixed = [review("MIX", None, "CMix", "2024-11-21", customer_name="Quenby Thistlewaite", customer_email="thistlewaite@mail.test"), review("KEPT", "O1", "C1", "2024-11-22")]
    house.put("reviews", "mixed.jsonl", mixed)
    house.put("reviews", "reviews-2026-11-05.jsonl", [review(f"NEW{n}", f"O{n}", f"C{n}", NEW) for n in range(5)])
    broken = house.landing / "reviews" / "reviews-2024-11-06.jsonl"
    broken.write_text('{"review_id": "B1", zzzgarbageline\n', encoding="utf-8")
    house.run(*STAGES)
    publish(house, "run-1")
    return house


def publish(house: TestHouse, run_id: str) -> None:
    house.operations.record_publication(run_id, AS_OF, {str(spec): v for spec in all_tables() if (v := house.lake.version(spec)) is not None})


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> Iterator[TestHouse]:
    made = TestHouse(filled_home("retention", tmp_path, lambda home: fill(home, spark)), spark, as_of=AS_OF, previous_as_of=AS_OF)
    yield made
    made.operations.close()


def step_of(house: TestHouse, run_id: str = "retention-1") -> Step:
    return Step(
        lake=house.lake, settings=house.settings, shop=house.shop, operations=house.operations, as_of=AS_OF, run_id=run_id, clock=lambda: NOW,
        reads=frozenset(_KEPT), writes=frozenset({RETENTION_RUNS}),
    )  # fmt: skip


def refs(house: TestHouse, spec: TableSpec) -> list[str]:
    return sorted(row["record_ref"] for row in house.rows(spec))


def kept_rows(house: TestHouse) -> dict[str, list[dict[str, Any]]]:
    """Whole rows, volatile columns too, of what must stay."""
    def of(row: dict[str, Any]) -> bool:
        return not str(row.get("record_ref", "")).startswith(("OLD", "MIX", "line:"))

    specs = (RAW["reviews"], BRONZE["reviews"], RAW["orders"], BRONZE["orders"], ORDERS, FEEDBACK)
    return {str(spec): sorted((row for row in house.rows(spec) if of(row)), key=str) for spec in specs}


def test_a_dry_run_says_what_would_go_and_touches_nothing(house: TestHouse) -> None:
    before = {str(spec): house.lake.version(spec) for spec in all_tables() if house.lake.exists(spec)}
    found = {row.table: row for row in run_retention(step_of(house), apply=False, by="test")}
    assert {name: row.row_count for name, row in found.items()} == {"sources.reviews_raw": 6, "sources.reviews": 5, "canonical.quarantine/reviews": 1}
    assert found["sources.reviews_raw"].first_kept_day == FIRST_KEPT and found["sources.reviews_raw"].oldest_day == date(2024, 11, 5)
    assert {str(spec): house.lake.version(spec) for spec in all_tables() if house.lake.exists(spec)} == before
    assert house.operations.audit.count() == 0


def test_what_expired_goes_the_rest_stays_and_later_tables_follow(house: TestHouse) -> None:
    kept = kept_rows(house)
    run_retention(step_of(house), apply=True, by="test")
    assert refs(house, RAW["reviews"]) == ["KEPT", *(f"NEW{n}" for n in range(5))]
    assert house.rows(QUARANTINE) == []
    house.run(*STAGES, run_id="run-2")
    assert kept_rows(house) == kept
    assert refs(house, FEEDBACK) == ["KEPT", *(f"NEW{n}" for n in range(5))]
    assert len(house.rows(FEEDBACK_TEXT)) == len(house.rows(FEEDBACK_LABELS)) == 6
    completeness = next(row for row in house.rows(SOURCE_COMPLETENESS) if row["source"] == "reviews")
    assert (completeness["raw_count"], completeness["unexplained_count"], completeness["quarantined_count"]) == (6, 0, 0)


def test_it_leaves_hashes_an_audit_entry_and_append_only_tables(house: TestHouse) -> None:
    gone = {row["payload_sha256"] for row in house.rows(RAW["reviews"]) if row["record_ref"].startswith(("OLD", "MIX", "line:"))}
    run_retention(step_of(house), apply=True, by="ana")
    assert {row["payload_sha256"] for row in house.rows(REMOVED_ROWS)} == gone and len(gone) == 6
    (entry,) = house.operations.audit.rows()
    assert (entry.actor, entry.action, entry.subject, entry.details["rows"]) == ("ana", "retention_removes", "sources.reviews_raw", 6)
    assert house.operations.audit.verify_chain().holds
    assert all(is_append_only(house.lake, spec) for spec in (*RAW.values(), QUARANTINE, REMOVED_ROWS) if house.lake.exists(spec))
    with pytest.raises(Exception, match="append-only"):
        keep_only(house.lake, RAW["reviews"], house.lake.read(RAW["reviews"]).limit(1), 0)


def test_neither_the_same_files_nor_the_same_words_in_a_new_file_bring_it_back(house: TestHouse) -> None:
    run_retention(step_of(house), apply=True, by="test")
    for run_id in ("run-2", "run-3"):
        steps = house.run(*STAGES, run_id=run_id)
    assert refs(house, RAW["reviews"]) == ["KEPT", *(f"NEW{n}" for n in range(5))]
    assert steps["sources__reviews"].notes[RAW["reviews"]]["files_read"] == 0, "a file whose rows are gone is not read at every run"
    again = review("OLD1", None, "COld", OLD, customer_name="Wilhelmina COldson", customer_email="cold@mail.test", body="an old sentence about glass 1")
    house.put("reviews", "resent.jsonl", [again, review("NEW9", "O1", "C1", NEW)])
    house.run(*STAGES, run_id="run-4")
    assert refs(house, RAW["reviews"]) == ["KEPT", *(f"NEW{n}" for n in range(5)), "NEW9"]


def test_no_byte_of_it_is_left_once_no_kept_publication_needs_it(house: TestHouse) -> None:
    home = house.settings.home
    assert {value for _, value in hits([home / "lake"], GONE)} == set(GONE), "the scan must find what is there"
    run_retention(step_of(house), apply=True, by="test")
    house.run(*STAGES, run_id="run-2")
    publish(house, "run-2")
    vacuum_unpublished(step_of(house), all_tables(), kept_days=30)
    first = house.operations.publications.first()
    assert first is not None
    old = house.lake.read(RAW["reviews"], version=first.table_versions["sources.reviews_raw"])
    assert old.count() == 12, "what was published in the last 30 days stays readable"
    house.operations.clock = lambda: NOW + timedelta(days=31)
    assert vacuum_unpublished(step_of(house), all_tables(), kept_days=30) > 0
    assert hits([home / "lake", home / "operations.db"], GONE) == set()
    assert refs(house, FEEDBACK) == ["KEPT", *(f"NEW{n}" for n in range(5))]
    assert vacuum_unpublished(step_of(house), all_tables(), kept_days=30) == 0


def test_a_run_that_dies_halfway_is_finished_by_the_next(house: TestHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: Any) -> None:
        raise OSError("the power went")

    monkeypatch.setattr(retention, "_rewrite", dies)
    with pytest.raises(OSError, match="power"):
        run_retention(step_of(house), apply=True, by="test")
    assert len(house.rows(REMOVED_ROWS)) == 6 and len(house.rows(RAW["reviews"])) == 12
    monkeypatch.undo()
    monkeypatch.setattr(retention, "clear_all_scratch", dies)
    with pytest.raises(OSError, match="power"):
        run_retention(step_of(house, "retention-2"), apply=True, by="test")
    assert len(house.rows(REMOVED_ROWS)) == 6 and len(house.rows(RAW["reviews"])) == 6
    monkeypatch.undo()
    assert run_retention(step_of(house, "retention-3"), apply=True, by="test") == []
    receipts = {(row["retention_run_id"], row["table_name"]): row["row_count"] for row in house.rows(RETENTION_RUNS) if row["is_applied"]}
    assert receipts["retention-1", "sources.reviews_raw"] == receipts["retention-2", "sources.reviews_raw"] == 6, "no removal without a receipt, wherever it died"


def test_a_lifted_property_is_restored_and_told_before_anything_is_taken_in(house: TestHouse) -> None:
    set_append_only(house.lake, RAW["reviews"], False)
    body, _, _ = table_assets.BODIES["sources__removed_rows"]
    step = house.step("sources__removed_rows")
    body(step)
    assert is_append_only(house.lake, RAW["reviews"])
    assert [(outcome.name, outcome.passed) for outcome in step.outcomes] == [("raw_is_append_only", False)]
    (entry,) = house.operations.audit.rows()
    assert (entry.action, entry.subject, entry.details["property"]) == ("append_only_restored", "sources.reviews_raw", APPEND_ONLY)
    again = house.step("sources__removed_rows")
    body(again)
    assert [outcome.passed for outcome in again.outcomes] == [True]


def test_a_removal_that_would_take_too_much_takes_nothing(house: TestHouse) -> None:
    set_append_only(house.lake, RAW["reviews"], False)
    with pytest.raises(RemovalMismatch, match="12 rows would have gone where 3 should"):
        keep_only(house.lake, RAW["reviews"], house.lake.read(RAW["reviews"]).limit(0), 3)
    assert len(house.rows(RAW["reviews"])) == 12


def test_receipts_fit_their_table(house: TestHouse) -> None:
    step = step_of(house)
    leave_receipts(step, run_retention(step, apply=False, by="test", days={"reviews": 10}), is_applied=False, by="test")
    stored = {row["table_name"]: row for row in house.rows(RETENTION_RUNS)}
    assert stored["sources.reviews_raw"]["retention_days"] == 10 and stored["sources.reviews_raw"]["row_count"] == 12
    assert stored["sources.reviews_raw"]["fingerprint"] > 0


def test_tables_without_retention_are_never_looked_at(house: TestHouse) -> None:
    assert not {row.table for row in run_retention(step_of(house), apply=False, by="test")} & {"sources.products_raw", "sources.calendar_raw", "sources.fx_raw", "sources.stock_raw"}
    assert RAW["products"].retention_days is None and RAW["orders"].retention_days == 1_095
