"""Canonical feedback from landing files: lineage to the batch, one person across sources, nothing lost, reruns free, late data."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import CONVERSATIONS, DUPLICATES, FEEDBACK, FEEDBACK_TEXT, ORDERS, QUARANTINE, SESSIONS, SHIPMENTS, SOURCE_COMPLETENESS
from insights_assets.sources.tables import BRONZE, RAW
from insights_assets_tests.house import PRODUCTS, TestHouse, order, parcel, review

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> TestHouse:
    made = TestHouse(tmp_path / "home", spark, as_of=date(2026, 11, 10))
    made.put("products", "products.jsonl", PRODUCTS)
    made.put("orders", "orders-2026-11.jsonl", [
        order("O1", "LMP-1", "C1"), order("O2", "LMP-1", "C2"), order("O2", "KNT-2", "C2", currency="EUR", quantity=2), order("O3", "KNT-2", "C3", currency="XTS"),
    ])
    made.put("fx", "fx.jsonl", [{"day": "2026-10-01", "from_currency": "EUR", "to_currency": "USD", "rate": 1.1}])
    made.put("fulfilments", "parcels-2026-11.jsonl", [parcel("F1", "O1", "LMP-1"), parcel("F2", "O2", "LMP-1"), parcel("F3", "O2", "KNT-2", packaging_batch="LEJ-PB08")])
    return made


def by_ref(house: TestHouse) -> dict[str, dict[str, Any]]:
    return {row["record_ref"]: row for row in house.rows(FEEDBACK)}


def test_a_complaint_is_traced_to_its_batch(house: TestHouse) -> None:
    house.put("reviews", "reviews-2026-11.jsonl", [
        review("R1", "O1", "C1"), review("R2", "O2", "C2", sku="knt-2"), review("R3", "O9", "C3"), review("R4", None, "C4", sku="LMP-1"), review("R5", "O1", "C1", sku="KNT-2"),
        review("R6", "O2", "C2"),
    ])
    house.run("sources", "canonical")
    rows = by_ref(house)
    assert {name: rows["R1"][name] for name in ("sku", "sku_source", "order_ref_status", "fulfilment_id", "warehouse", "packaging_batch", "product_line")} == {
        "sku": "LMP-1", "sku_source": "order", "order_ref_status": "valid", "fulfilment_id": "F1", "warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07", "product_line": "glass lamps",
    }
    assert (rows["R2"]["sku"], rows["R2"]["sku_source"], rows["R2"]["packaging_batch"]) == ("KNT-2", "both", "LEJ-PB08")
    assert (rows["R3"]["order_ref_status"], rows["R3"]["sku"]) == ("broken", None)
    assert (rows["R4"]["order_ref_status"], rows["R4"]["sku_source"]) == ("missing", "text")
    assert rows["R5"]["sku_source"] == "conflict"
    assert rows["R6"]["sku"] is None, "an order of two lines does not say which one it is about"


def test_one_person_is_one_pseudonym_across_sources(house: TestHouse) -> None:
    house.put("reviews", "r.jsonl", [review("R1", "O1", None, customer_email="C1@mail.test")])
    house.put("surveys", "s.jsonl", [{"response_id": "S1", "responded_at": "2026-11-06T00:00:00Z", "score": 2, "verbatim": "bad", "customer_id": "C1", "region": "de"}])
    house.put("social", "p.jsonl", [{"post_id": "P1", "posted_at": 1793952000, "network": "x", "author_handle": "@c1", "text": "what a lamp"}])
    house.run("sources", "canonical")
    rows = by_ref(house)
    assert rows["R1"]["customer_key"] == rows["S1"]["customer_key"]
    assert rows["P1"]["customer_key"] not in (None, rows["R1"]["customer_key"])
    assert "C1" not in {row["customer_key"] for row in rows.values()}


def test_known_personal_values_leave_the_text_but_not_the_raw_tier(house: TestHouse) -> None:
    house.put("reviews", "r.jsonl", [review("R1", "O1", "C1", body="I am Wilhelmina C1son, write to c1@mail.test about order O1 of the Aurora glass lamp.")])
    house.run("sources", "canonical")
    text = by_ref(house)["R1"]["text"]
    assert "Wilhelmina" not in text and "c1@mail.test" not in text
    assert "O1" in text and "Aurora glass lamp" in text
    assert "Wilhelmina C1son" in house.rows(FEEDBACK_TEXT)[0]["text"]


def test_amounts_are_in_the_reporting_currency_or_empty(house: TestHouse) -> None:
    house.run("sources", "canonical")
    amounts = {(row["order_id"], row["sku"]): row["amount"] for row in house.rows(ORDERS)}
    assert amounts == {("O1", "LMP-1"): 80.0, ("O2", "LMP-1"): 80.0, ("O2", "KNT-2"): 176.0, ("O3", "KNT-2"): None}


def test_a_second_run_writes_nothing(house: TestHouse) -> None:
    house.put("reviews", "r.jsonl", [review("R1", "O1", "C1"), review("R2", "O2", "C2", rating=11)])
    house.run("sources", "canonical")
    versions = {str(spec): house.lake.version(spec) for spec in (RAW["reviews"], BRONZE["reviews"], FEEDBACK, SHIPMENTS, ORDERS, QUARANTINE, SOURCE_COMPLETENESS)}
    steps = house.run("sources", "canonical", run_id="run-2")
    assert {name: step.results for name, step in steps.items() if any(result.changed for result in step.results.values())} == {}
    assert versions == {str(spec): house.lake.version(spec) for spec in (RAW["reviews"], BRONZE["reviews"], FEEDBACK, SHIPMENTS, ORDERS, QUARANTINE, SOURCE_COMPLETENESS)}


def test_an_order_that_comes_late_mends_the_complaint(house: TestHouse) -> None:
    house.put("reviews", "r.jsonl", [review("R1", "O7", "C7")])
    house.run("sources", "canonical")
    assert by_ref(house)["R1"]["order_ref_status"] == "broken"
    house.put("orders", "orders-2026-11-09.jsonl", [order("O7", "LMP-1", "C7")])
    house.put("fulfilments", "parcels-2026-11-09.jsonl", [parcel("F7", "O7", "LMP-1")])
    house.run("sources", "canonical", run_id="run-2")
    row = by_ref(house)["R1"]
    assert (row["order_ref_status"], row["fulfilment_id"], row["packaging_batch"]) == ("valid", "F7", "LEJ-PB07")


def test_the_last_version_of_a_record_wins_and_keeps_its_first_day(house: TestHouse) -> None:
    ticket = {"ticket_id": "T1", "created_at": "2026-11-03T10:00:00Z", "updated_at": "2026-11-03T10:00:00Z", "channel": "email", "subject": "Lamp", "description": "Where is it?",
              "status": "open", "order_id": "O1", "customer_id": "C1", "region": "de"}
    house.put("support_tickets", "t-2026-11.jsonl", [ticket, {**ticket, "status": "solved", "updated_at": "2026-11-04T10:00:00Z"}])
    house.run("sources", "canonical")
    house.put("support_tickets", "t-2026-11-08.jsonl", [{**ticket, "description": "Where is my lamp?", "status": "closed", "updated_at": "2026-11-07T10:00:00Z"}, ticket])
    house.run("sources", "canonical", run_id="run-2")
    bronze = house.rows(BRONZE["support_tickets"])
    assert [(row["status"], row["received_day"]) for row in bronze] == [("closed", date(2026, 11, 3))]
    assert by_ref(house)["T1"]["text"].endswith("Where is my lamp?")
    done = {row["source"]: row for row in house.rows(SOURCE_COMPLETENESS)}["support_tickets"]
    assert (done["raw_count"], done["bronze_count"], done["superseded_count"], done["unexplained_count"]) == (3, 1, 2, 0)


def test_late_delivery_is_known_late(house: TestHouse) -> None:
    house.put("surveys", "surveys-2026-11-09-late.jsonl", [{"response_id": "S1", "responded_at": "2026-11-04T12:00:00Z", "score": 3, "customer_id": "C1", "region": "de"}])
    house.run("sources", "canonical")
    row = by_ref(house)["S1"]
    assert (row["occurred_day"], row["known_day"], row["received_day"]) == (date(2026, 11, 4), date(2026, 11, 9), date(2026, 11, 9))


def test_what_was_not_known_by_the_as_of_day_waits(house: TestHouse) -> None:
    house.put("reviews", "r.jsonl", [review("R1", "O1", "C1"), review("R2", "O2", "C2", day="2026-11-11"), review("R3", "O3", "C1", day="2026-12-24")])
    house.run("sources", "canonical")
    assert set(by_ref(house)) == {"R1"}
    for run, day, known in (("run-2", date(2026, 11, 11), {"R1", "R2"}), ("run-3", date(2026, 12, 24), {"R1", "R2", "R3"})):
        house.as_of = day
        house.run("sources", "canonical", run_id=run)
        assert set(by_ref(house)) == known
        # What was set aside as lying in the future and is taken in since counts once.
        done = {row["source"]: row for row in house.rows(SOURCE_COMPLETENESS)}["reviews"]
        assert (done["raw_count"], done["bronze_count"] + done["quarantined_count"], done["unexplained_count"]) == (3, 3, 0)


def test_same_words_count_by_person(house: TestHouse) -> None:
    words = "The lamp arrived with a crack right through the glass shade."
    house.put("reviews", "r.jsonl", [review("R1", "O1", "C1", title=None, body=words), review("R2", "O2", "C2", title=None, body=words), review("R3", "O1", "C1", day="2026-11-06", title=None, body=words)])
    house.put("social", "p.jsonl", [
        {"post_id": f"P{i}", "posted_at": f"2026-11-07T10:{i:02}:00Z", "network": "x", "author_handle": f"@bot{i % 2}", "text": "Avoid this shop, they sell broken lamps to everyone!"} for i in range(8)
    ])
    house.run("sources", "canonical")
    weights = {ref: row["duplicate_weight"] for ref, row in by_ref(house).items()}
    assert (weights["R1"], weights["R2"], weights["R3"]) == (1.0, 1.0, 0.0)
    assert sum(weights[f"P{i}"] for i in range(8)) == 1.0
    assert {row["reason"] for row in house.rows(DUPLICATES)} == {"same_customer", "copied_post"}


def test_chats_keep_turns_and_only_the_customers_words_are_the_text(house: TestHouse) -> None:
    turns = [{"speaker": "customer", "at": "1", "text": "My lamp came broken"}, {"speaker": "agent", "at": "2", "text": "Sorry to hear that"}, {"speaker": "customer", "at": "3", "text": "I want my money back"}]
    house.put("chats", "c.jsonl", [{"chat_id": "CH1", "started_at": "2026-11-05T10:00:00Z", "turns": turns, "order_id": "O1", "customer_id": "C1"}])
    house.run("sources", "canonical")
    assert by_ref(house)["CH1"]["text"] == "My lamp came broken\nI want my money back"
    assert [(row["turn"], row["speaker"]) for row in sorted(house.rows(CONVERSATIONS), key=lambda r: r["turn"])] == [(0, "customer"), (1, "agent"), (2, "customer")]


def test_only_sessions_that_failed_are_voices(house: TestHouse) -> None:
    events = [("A", "add_to_cart"), ("A", "purchase"), ("B", "add_to_cart"), ("B", "view"), ("C", "checkout"), ("C", "error"), ("D", "view")]
    house.put("clickstream", "e.jsonl", [
        {"event_id": f"E{i}", "occurred_at": f"2026-11-05T10:{i:02}:00Z", "session_id": session, "customer_id": "C1", "event": event, "sku": "LMP-1", "page": "checkout", "region": "de"}
        for i, (session, event) in enumerate(events)
    ])
    house.run("sources", "canonical")
    assert {ref: row["signal"] for ref, row in by_ref(house).items()} == {"B": "abandoned", "C": "error"}
    assert len(house.rows(SESSIONS)) == 4


def test_nothing_is_lost_on_garbage(house: TestHouse) -> None:
    folder = house.landing / "reviews"
    folder.mkdir(parents=True)
    (folder / "empty.csv").write_bytes(b"")
    (folder / "columns.csv").write_text("colour,weight\nred,1\n")
    (folder / "half.jsonl").write_text('{"review_id": "R1", "created_at": "2026-11-05T10:00:00Z", "rating": 2, "body": "ok", "sku": "LMP-1", "region": "de", "customer_id": "C1"}\n{"review_id": "R2"\n')
    (folder / "huge.jsonl").write_text('{"review_id": "R3", "created_at": "2026-11-05T10:00:00Z", "body": "' + "x" * 5_000_000 + '"}\n')
    (folder / "dates.jsonl").write_text('{"review_id": "R4", "created_at": "2026-02-30", "body": "x"}\n')
    (folder / "nothing.jsonl").write_text('{"review_id": "R5", "created_at": "2026-11-05T10:00:00Z"}\n')
    (house.landing / "telegrams").mkdir()
    house.run("sources", "canonical")
    reasons = {(row["source_file"], row["record_ref"].partition(":")[0]): row["reason"] for row in house.rows(QUARANTINE)}
    assert set(by_ref(house)) == {"R1"}
    assert reasons["reviews/empty.csv", "line"] == "the file is empty"
    assert "review_id is empty" in reasons["reviews/columns.csv", "line"]
    assert "not valid JSON" in reasons["reviews/half.jsonl", "line"]
    assert "at most 100000" in reasons["reviews/huge.jsonl", "R3"]
    assert "is not a time" in reasons["reviews/dates.jsonl", "R4"]
    assert "no usable text" in reasons[None, "R5"]
    assert "unknown folder" in reasons["telegrams/", "file"]
    assert all(row["unexplained_count"] == 0 for row in house.rows(SOURCE_COMPLETENESS))
