"""A name or an address that is told after a record was written: the record is identified and redacted as if both had come together."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import CONVERSATIONS, FEEDBACK, FEEDBACK_TEXT
from insights_assets_tests.house import TestHouse

pytestmark = pytest.mark.slow
FORM = {"channel": "email", "subject": "My order", "status": "open", "priority": "normal", "sku": "GLA-101", "region": "uk", "team": "care", "replies": 0}
TICKETS = [
    {**FORM, "ticket_id": "T1", "created_at": "2026-11-10T09:00:00Z", "customer_email": "Jana.K@example.org", "description": "please tell kowalczyk when a new glass comes"},
    {**FORM, "ticket_id": "T2", "created_at": "2026-11-11T09:00:00Z", "customer_id": "C7", "description": "the parcel is addressed to kowalczyk and never came"},
    {**FORM, "ticket_id": "T3", "created_at": "2026-11-12T09:00:00Z", "customer_id": "C7", "description": "the lamp flickers all the time"},
    {**FORM, "ticket_id": "T4", "created_at": "2026-11-13T09:00:00Z", "customer_id": "C8", "description": "kowalczyk street is where it should have gone"},
]
CHAT = {"chat_id": "H1", "started_at": "2026-11-14T09:00:00Z", "customer_id": "C7", "turns": [
    {"speaker": "customer", "at": "2026-11-14T09:00:00Z", "text": "the shade is dented"}, {"speaker": "agent", "at": "2026-11-14T09:01:00Z", "text": "one moment, kowalczyk"},
]}  # fmt: skip
ORDER = {
    "order_id": "O1", "ordered_at": "2026-11-09T09:00:00Z", "customer_id": "C7", "customer_name": "Jana Kowalczyk", "customer_email": "jana.k@example.org",
    "sku": "GLA-101", "quantity": 1, "unit_price": 10.0, "currency": "USD",
}  # fmt: skip


def house_of(folder: Path, spark: Any, *deliveries: str) -> TestHouse:
    house = TestHouse(folder, spark, as_of=date(2026, 11, 22))
    for number, delivery in enumerate(deliveries):
        if "voices" in delivery:
            house.put("support_tickets", "tickets.jsonl", TICKETS)
            house.put("chats", "chats.jsonl", [CHAT])
        if "order" in delivery:
            house.put("orders", "orders.jsonl", [ORDER])
        house.run("sources", "canonical", run_id=f"run-{number + 1}")
    return house


def told(house: TestHouse) -> dict[str, list[dict[str, Any]]]:
    return {str(spec): sorted(({name: row[name] for name in spec.stable_columns} for row in house.rows(spec)), key=repr) for spec in (FEEDBACK, FEEDBACK_TEXT, CONVERSATIONS)}


def test_what_is_known_later_is_redacted_as_if_it_had_been_known(tmp_path: Path, spark: Any) -> None:
    later, together = house_of(tmp_path / "later", spark, "voices", "order"), house_of(tmp_path / "together", spark, "voices and order")
    assert told(later) == told(together)
    rows = {row["record_ref"]: row for row in later.rows(FEEDBACK)}
    assert [ref for ref, row in rows.items() if "kowalczyk" in (row["text"] or "")] == ["T4"], "somebody else's word"
    assert rows["T1"]["customer_key"] == rows["T2"]["customer_key"]
    assert not any("kowalczyk" in row["text"] for row in later.rows(CONVERSATIONS))
    assert {ref for ref, row in rows.items() if row["run_id"] == "run-2"} == {"T1", "T2", "H1"}, "no other day is built anew"


def test_before_it_is_known_it_stays(tmp_path: Path, spark: Any) -> None:
    rows = {row["record_ref"]: row for row in house_of(tmp_path / "early", spark, "voices").rows(FEEDBACK)}
    assert [ref for ref in ("T1", "T2", "T4") if "kowalczyk" in rows[ref]["text"]] == ["T1", "T2", "T4"]
    assert rows["T1"]["customer_key"] != rows["T2"]["customer_key"]
