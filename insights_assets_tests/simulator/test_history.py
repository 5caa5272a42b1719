"""What a simulation leaves behind: sources, columns, formats, counts, the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import time
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from insights_assets.simulator import SimulatorError, simulate
from insights_assets_tests.simulator.conftest import IDS, LAST_DAY, Simulated, simulated

COLUMNS = {
    "reviews": (
        "review_id created_at channel rating title body sku order_id customer_id customer_name "
        "customer_email region locale verified_purchase syndicated_from incentivised helpful_count"
    ),
    "support_tickets": (
        "ticket_id created_at updated_at channel subject description status priority tags order_id "
        "sku customer_id customer_name customer_email region first_response_at solved_at team "
        "assignee replies handle_seconds reopened_count csat"
    ),
    "chats": "chat_id started_at turns order_id customer_id customer_name customer_email region",
    "surveys": "response_id responded_at score verbatim order_id customer_id region locale kind sku",
    "returns": (
        "return_id requested_at order_id sku reason_code comment refund_amount currency customer_id "
        "region refunded_at disposition"
    ),
    "clickstream": "event_id occurred_at session_id customer_id event sku page region",
    "social": "post_id posted_at network author_handle text region locale url",
    "orders": ("order_id ordered_at customer_id customer_name customer_email region currency sku quantity unit_price"),
    "fulfilments": (
        "fulfilment_id order_id sku warehouse packaging_batch carrier shipped_at delivered_at promised_at status"
    ),
    "stock": "event_id occurred_at sku warehouse on_hand event",
    "products": "sku name product_line aliases unit_price unit_margin is_flagship launched_on",
    "calendar": "event_id kind name starts_at ends_at skus regions budget channel",
    "fx": "day from_currency to_currency rate",
}


def digest(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


@pytest.mark.parametrize("source", COLUMNS)
def test_every_source_has_exactly_its_columns(shop: Simulated, source: str) -> None:
    for row in shop.rows(source)[:200]:
        assert list(row) == COLUMNS[source].split()


def test_formats_are_mixed(shop: Simulated) -> None:
    endings = {path.name.split(".", 1)[1] for path in shop.landing.rglob("*.*") if path.is_file()}
    assert endings == {"csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"}
    assert not list(shop.landing.rglob(".*")), "a draft was left in the landing folder"


def test_counts_are_those_that_were_asked_for(shop: Simulated) -> None:
    report = shop.report
    assert abs(report.records - 4_000) <= 40
    assert report.counts == shop.truth["counts"]
    for source in IDS:
        assert len(shop.records(source)) == report.counts[source] == len(shop.truth["labels"][source])
    assert 2.0 <= report.order_lines / report.records <= 2.4
    assert len(shop.rows("orders")) == report.order_lines == len(shop.rows("fulfilments"))
    assert len({row["order_id"] for row in shop.rows("orders")}) == report.orders


def test_sessions_that_count_are_those_abandoned_or_in_error(shop: Simulated) -> None:
    events: dict[str, set[str]] = {}
    for row in shop.rows("clickstream"):
        events.setdefault(row["session_id"], set()).add(row["event"])
    troubled = [e for e in events.values() if "error" in e or ("purchase" not in e and e & {"add_to_cart", "checkout"})]
    assert len(troubled) == shop.report.counts["clickstream"]
    assert 0.2 < (len(events) - len(troubled)) / len(troubled) < 0.5, "healthy sessions are there too"


def test_a_usual_share_of_orders_complains(shop: Simulated) -> None:
    assert 0.02 <= shop.report.complaint_rate <= 0.06
    calm = {"praise", "other", "feature_request"}
    named = set()
    for source in ("reviews", "support_tickets", "chats", "surveys", "returns"):
        for ref, row in shop.records(source).items():
            if set(shop.truth["labels"][source][ref]["topics"]) - calm and row["order_id"]:
                named.add(row["order_id"])
    known = {row["order_id"] for row in shop.rows("orders")}
    # Some complaints name no order or a wrong one, so those that can be joined are a little fewer.
    assert 0.7 * shop.report.complaint_rate <= len(named & known) / len(known) <= shop.report.complaint_rate


def test_order_lines_grow_and_have_a_week(shop: Simulated) -> None:
    days = [date.fromisoformat(row["ordered_at"][:10]) for row in shop.rows("orders")]
    assert min(days) == shop.report.first_day and max(days) == LAST_DAY
    ordinal = np.array([day.toordinal() for day in days])
    first, last = np.percentile(ordinal, [0, 100])
    early, late = (ordinal < first + 28).sum(), (ordinal > last - 28).sum()
    assert 1.1 < late / early < 1.6
    weekday = np.bincount([day.weekday() for day in days])
    assert weekday[6] > 1.1 * weekday[4], "Sundays are stronger than Fridays"


def test_an_order_line_is_one_shipment_and_a_sku_stands_once_in_an_order(shop: Simulated) -> None:
    lines = [(row["order_id"], row["sku"]) for row in shop.rows("orders")]
    assert len(set(lines)) == len(lines)
    assert {(row["order_id"], row["sku"]) for row in shop.rows("fulfilments")} == set(lines)
    assert len({row["fulfilment_id"] for row in shop.rows("fulfilments")}) == len(lines)


def test_shipments_know_nothing_of_the_future(shop: Simulated) -> None:
    rows = shop.rows("fulfilments")
    assert {row["status"] for row in rows} == {"pending", "shipped", "delivered"}
    for row in rows:
        assert (row["shipped_at"] is None) == (row["status"] == "pending") == (row["packaging_batch"] is None)
        assert (row["delivered_at"] is None) == (row["status"] != "delivered")
        if row["delivered_at"]:
            assert row["shipped_at"] < row["delivered_at"] < "2026-11-22T23:00:00Z"


def test_times_come_in_several_shapes(shop: Simulated) -> None:
    offsets = {row["created_at"][-6:] for row in shop.records("reviews").values()}
    assert {"+02:00", "+01:00", "-04:00", "-08:00"} <= offsets
    assert all(
        str(row["responded_at"]).isdigit() and len(str(row["responded_at"])) == 10
        for row in shop.records("surveys").values()
    )
    assert all(len(str(row["started_at"])) == 13 for row in shop.records("chats").values())
    assert all(row["created_at"].endswith("Z") for row in shop.records("support_tickets").values())
    for row in list(shop.records("reviews").values())[:50]:
        assert datetime.fromisoformat(row["created_at"]).tzinfo is not None


def test_languages_follow_regions(shop: Simulated) -> None:
    rows = list(shop.records("reviews").values())
    english = sum(row["locale"].startswith("en") for row in rows) / len(rows)
    assert 0.38 < english < 0.53
    german = [row["locale"][:2] for row in rows if row["region"] == "de"]
    assert german.count("de") / len(german) > 0.9 and "en" in german
    assert {row["locale"][:2] for row in rows} == {"en", "de", "fr", "es", "pt"}


def test_products_warehouses_and_carriers(shop: Simulated) -> None:
    products = shop.rows("products")
    assert len(products) == 60 and len({p["product_line"] for p in products}) == 8
    assert len({p["sku"] for p in products}) == 60 and sum(p["is_flagship"] for p in products) >= 8
    aliases = [alias for p in products for alias in p["aliases"]]
    assert len(aliases) == len(set(aliases)), "an alias names one product"
    shipped = [row for row in shop.rows("fulfilments") if row["carrier"]]
    assert len({row["carrier"] for row in shipped}) == 3
    assert "WH-LEJ" in {row["warehouse"] for row in shipped} and len({row["warehouse"] for row in shipped}) == 4
    a_day = {
        row["packaging_batch"]
        for row in shipped
        if row["warehouse"] == "WH-LEJ" and row["shipped_at"][:10] == "2026-09-15"
    }
    assert len(a_day) >= 2, "batches overlap"


def test_money_is_in_the_currency_of_the_region(shop: Simulated) -> None:
    currency = {row["region"]: row["currency"] for row in shop.rows("orders")}
    assert currency["uk"] == "GBP" and currency["us-east"] == "USD" and currency["pt"] == "EUR"
    rates = {(row["day"], row["from_currency"]): float(row["rate"]) for row in shop.rows("fx")}
    assert rates[(str(LAST_DAY), "EUR")] > 0.9 and rates[(str(LAST_DAY), "GBP")] > rates[(str(LAST_DAY), "EUR")]
    assert len(rates) == 2 * 120


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = simulated(tmp_path / "a", records=1_500)
    second = simulated(tmp_path / "b", records=1_500)
    third = simulated(tmp_path / "c", records=1_500, seed=8)
    assert digest(first.out) == digest(second.out)
    assert digest(first.landing) != digest(third.landing)
    assert [i["cause"] for i in first.report.incidents] != [i["cause"] for i in third.report.incidents]


def test_a_full_landing_folder_is_refused(shop: Simulated) -> None:
    with pytest.raises(SimulatorError, match="not empty"):
        simulate(shop.out, records=1_500, last_day=LAST_DAY)


@pytest.mark.parametrize(("settings", "word"), [({"days": 20}, "days"), ({"records": 10}, "records")])
def test_impossible_sizes_are_refused(tmp_path: Path, settings: dict[str, int], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        simulate(tmp_path, last_day=LAST_DAY, **settings)


def test_progress_is_told_and_ends(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    simulated(tmp_path, records=2_500, progress=lambda *step: told.append(step))
    assert {stage for stage, _, _ in told} == {"orders", "shop", "feedback"}
    stage, done, total = told[-1]
    assert stage == "feedback" and done == total > 0


def test_fast_enough(tmp_path: Path) -> None:
    """50,000 records in 30 s are 1,700 a second; processor time, since a test shares its machine."""
    started = time.process_time()
    simulated(tmp_path, records=6_000)
    assert time.process_time() - started < 5
