"""No leak on real tables: what one customer wrote, and what was copied, lands on one side of training, calibration and judging."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.review import correction_rows
from insights_assets.labels.reviewed import last_correction, reviewed_records
from insights_assets.labels.tables import FEEDBACK_LABELS, REVIEW_QUEUE
from insights_assets.resources.table_assets import BODIES
from insights_assets_tests.house import PRODUCTS, TestHouse, order, review

pytestmark = pytest.mark.slow
COPIED = "Absolutely terrible, the glass lamp was shattered in the box and nobody at the shop ever answered my many letters about it."


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> TestHouse:
    made = TestHouse(tmp_path / "home", spark, as_of=date(2026, 11, 20))
    made.put("products", "products.jsonl", PRODUCTS)
    made.put("orders", "orders-2026-11.jsonl", [order(f"O{n}", "LMP-1", f"C{n}") for n in range(12)])
    said = [f"Number {n}: the lamp came {word} and I am not pleased." for n, word in enumerate(("cracked", "late", "scratched", "without its plug", "in green", "bent", "dusty", "cold"))]
    rows = [review(f"R{n}-{k}", f"O{n}", f"C{n}", day=f"2026-11-{5 + n:02}", title=None, body=f"{text} {'Again.' * k}") for n, text in enumerate(said) for k in range(2)]
    rows += [review("X1", "O10", "C10", title=None, body=COPIED), review("X2", "O11", "C11", day="2026-11-06", title=None, body=COPIED)]
    rows += [review("Y1", "O10", "C10", day="2026-11-07", title=None, body="The second lamp of mine hums at night, quite loudly.")]
    made.put("reviews", "r-2026-11.jsonl", rows)
    made.run("sources", "canonical", "labels")
    return made


def test_a_customer_and_a_copied_text_are_on_one_side(house: TestHouse) -> None:
    stored = {row["feedback_id"]: row for row in house.rows(FEEDBACK_LABELS)}
    records = {row["feedback_id"]: row for row in house.rows(FEEDBACK)}
    queue = [{"feedback_id": one, "topics": [t["topic"] for t in row["topics"]], "inclusion_weight": 1.0, "model_version": row["model_version"]} for one, row in stored.items()]
    house.operations.corrections.add_many(correction_rows(queue, {one: {"topics": ["product_quality"]} for one in stored}), by="ana", through="test")
    name = next(name for name, (_, reads, _) in BODIES.items() if FEEDBACK in reads and FEEDBACK_LABELS in reads)
    found = reviewed_records(house.step(name), last_correction(house.operations))
    assert len(found) == len(records) == 19
    sides: dict[Any, set[str]] = {}
    for one in found:
        row = records[one.feedback_id]
        for key in (("customer", row["customer_key"]), ("text", row["text_hash"]), ("copies", row["duplicate_group"])):
            if key[1]:
                sides.setdefault(key, set()).add(one.side)
    assert all(len(side) == 1 for side in sides.values())
    by_ref = {records[one.feedback_id]["record_ref"]: one for one in found}
    assert by_ref["X1"].group == by_ref["X2"].group == by_ref["Y1"].group, "two customers are tied by a copied text, and so is all else that they wrote"
    assert len({one.side for one in found}) > 1, "yet not everything is on one side"
    assert {row["feedback_id"] for row in house.rows(REVIEW_QUEUE)} <= set(records)
