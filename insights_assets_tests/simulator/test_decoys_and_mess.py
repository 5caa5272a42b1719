"""Decoys and the mess of real life: what misleads, what is broken, what comes twice or late, what is personal."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from insights_assets.simulator.people import card_number, iban
from insights_assets_tests.simulator.conftest import IDS, Simulated, read_rows


def decoy(shop: Simulated, kind: str) -> dict[str, str]:
    return next(entry for entry in shop.truth["decoys"] if entry["kind"] == kind)


def test_the_promotion_doubles_orders_and_not_the_rate(shop: Simulated) -> None:
    entry = decoy(shop, "promotion")
    line = {p["sku"]: p["product_line"] for p in shop.rows("products")}
    orders = Counter()
    for row in shop.rows("orders"):
        if line[row["sku"]] == entry["product_line"]:
            orders[entry["first_day"] <= row["ordered_at"][:10] <= entry["last_day"]] += 1
    days = (date.fromisoformat(entry["last_day"]) - date.fromisoformat(entry["first_day"])).days + 1
    assert 1.6 < (orders[True] / days) / (orders[False] / (120 - days)) < 3.0
    planted = {
        i["cause"]["product_line"] for i in shop.truth["incidents"] if i["cause"] and "product_line" in i["cause"]
    }
    assert entry["product_line"] not in planted
    assert any(r["kind"] == "promotion" and r["starts_at"][:10] == entry["first_day"] for r in shop.rows("calendar"))


def test_the_flood_is_many_posts_by_few(shop: Simulated) -> None:
    entry = decoy(shop, "copied_posts")
    posts = [
        row
        for ref, row in shop.records("social").items()
        if shop.truth["labels"]["social"][ref]["incident"] == "decoy-flood"
    ]
    assert len(posts) == entry["posts"] >= 60
    assert {row["author_handle"] for row in posts} <= set(entry["authors"])
    assert len({row["text"][:60] for row in posts}) == 1 and 1 < len({row["text"] for row in posts}) < 10
    assert {row["posted_at"][:10] for row in posts} <= {entry["first_day"], entry["last_day"]}


def test_a_source_falls_silent_and_delivers_late(shop: Simulated) -> None:
    entry = decoy(shop, "silent_source")
    months, late = Counter(), Counter()
    for path in shop.files(entry["source"]):
        counter = late if path.name == entry["file"] else months
        for row in read_rows(path):
            if str(row["responded_at"]).isdigit():
                counter[str((datetime.fromtimestamp(int(row["responded_at"]), UTC) + timedelta(hours=1)).date())] += 1
    silent = {day for day in late if entry["first_day"] <= day <= entry["last_day"]}
    assert set(late) == silent and 4 <= len(silent) <= 5
    assert not silent & set(months)
    assert months[entry["delivered_on"]] > 0, "it speaks again on the day of the late file"


def test_some_records_come_in_a_dated_file(shop: Simulated) -> None:
    late = [path for path in shop.landing.rglob("*-late.*") if decoy(shop, "silent_source")["file"] != path.name]
    assert late and shop.truth["late_files"]
    for path in late:
        delivered = re.search(r"\d{4}-\d\d-\d\d", path.name)
        assert delivered is not None
        for row in read_rows(path):
            moment = row.get("created_at") or row.get("requested_at")
            if moment and moment[:2] == "20" and moment[5:7] != "13":
                assert moment[:10] < delivered[0]


def test_broken_records_are_few_and_listed(shop: Simulated) -> None:
    broken = shop.truth["broken"]
    assert 0.001 < len(broken) / shop.report.records < 0.008
    for entry in broken:
        text = shop.landing / entry["source"] / entry["file"]
        assert text.exists()
        if entry["record_ref"]:
            assert entry["record_ref"] not in shop.truth["labels"][entry["source"]]
    refs = [e["record_ref"] for e in broken if e["record_ref"] and e["problem"] != "truncated"]
    present = {row[IDS[source]] for source in IDS for row in shop.rows(source)}
    assert set(refs) <= present


@pytest.fixture(scope="session")
def problems() -> set[str]:
    """Every kind of fault that the spoiler knows, drawn from many records."""
    from insights_assets.simulator.mess import Faults, Spoiler

    faults = Faults()
    row = {"review_id": "a", "created_at": "t", "rating": 5, "body": "x" * 80}
    survey = {"response_id": "b", "responded_at": 1, "score": 3}
    for source, extra in (("reviews", {}), ("surveys", survey), ("returns", {"refund_amount": "1"})):
        spoiler = Spoiler(source, Random(5), faults)
        for number in range(20_000):
            spoiler.lines(str(number), {**row, **extra}, f"{source}.csv")
    return {entry["problem"] for entry in faults.broken}


def test_every_kind_of_fault_occurs(problems: set[str]) -> None:
    assert problems == {
        "missing_id",
        "missing_time",
        "bad_time",
        "truncated",
        "rating_out_of_range",
        "score_out_of_range",
        "bad_amount",
    }


def test_some_records_are_delivered_twice(shop: Simulated) -> None:
    again = Counter()
    for source, column in IDS.items():
        seen = Counter(row[column] for row in shop.rows(source) if row[column])
        again[source] = sum(count - 1 for count in seen.values())
    assert {source: count for source, count in again.items() if count} == shop.truth["redelivered"]
    assert sum(again.values()) >= 5
    versions = Counter((row["ticket_id"], row["status"]) for row in shop.rows("support_tickets"))
    ids = Counter(ref for ref, _ in versions)
    assert any(count > 1 for count in ids.values()), "a ticket comes once open and once solved"


def test_order_references_are_valid_missing_or_broken(shop: Simulated) -> None:
    known = {row["order_id"] for row in shop.rows("orders")}
    state = Counter()
    for row in shop.records("reviews").values():
        state["missing" if not row["order_id"] else "valid" if row["order_id"] in known else "broken"] += 1
    total = sum(state.values())
    assert 0.82 < state["valid"] / total < 0.94 and 0.05 < state["missing"] / total < 0.15
    assert 0.01 < state["broken"] / total < 0.06


def test_some_customers_use_the_same_words_in_two_places(shop: Simulated) -> None:
    bodies = {row["body"]: row["customer_id"] for row in shop.records("reviews").values() if len(row["body"]) > 60}
    twice = [row for row in shop.records("support_tickets").values() if row["description"] in bodies]
    assert twice
    assert any(bodies[row["description"]] == row["customer_id"] for row in twice)


def test_personal_data_stands_in_texts_and_in_the_truth(shop: Simulated) -> None:
    kinds = Counter()
    for source, entries in shop.truth["personal_data"].items():
        records = shop.records(source)
        for ref, given in entries.items():
            row = records[ref]
            text = " ".join(map(str, (row.get("body"), row.get("description"), row.get("turns"))))
            for kind, value in given:
                assert value in text
                kinds[kind] += 1
    assert {"name", "email", "phone", "address"} <= set(kinds)


def luhn(number: str) -> bool:
    digits = [int(c) for c in number if c.isdigit()][::-1]
    return (sum(digits[::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[1::2])) % 10 == 0


def test_card_numbers_and_ibans_pass_their_checks() -> None:
    for seed in range(200):
        number = card_number(Random(seed))
        assert luhn(number) and len(re.sub(r"\D", "", number)) == 16
        account = iban(("de", "fr", "es", "pt", "us-east")[seed % 5], Random(seed)).replace(" ", "")
        moved = account[4:] + account[:4]
        assert int("".join(str(int(c, 36)) for c in moved)) % 97 == 1
