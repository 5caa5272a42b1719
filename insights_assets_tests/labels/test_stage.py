"""The stage on real tables: a correction changes its label at once and nothing else; the review queue and the gate follow it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.labels.review import correction_rows
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY, LABELLED_FEEDBACK, REVIEW_QUEUE, RULE_LABELS
from insights_assets_tests.house import PRODUCTS, TestHouse, filled_home, order, review

pytestmark = pytest.mark.slow
DAY = date(2026, 11, 10)


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> TestHouse:
    return TestHouse(filled_home("labels-stage", tmp_path, lambda home: fill(home, spark)), spark, as_of=DAY, previous_as_of=DAY)


def fill(home: Path, spark: Any) -> TestHouse:
    made = TestHouse(home, spark, as_of=DAY)
    made.put("products", "products.jsonl", PRODUCTS)
    made.put("orders", "orders-2026-11.jsonl", [order("O1", "LMP-1", "C1"), order("O2", "KNT-2", "C2")])
    made.put("reviews", "r-2026-11.jsonl", [
        review("R1", "O1", "C1"), review("R2", "O2", "C2", title=None, body="Far too small, the jumper squeezes my shoulders."),
        review("R3", "O1", "C1", day="2026-11-06", title=None, body="Smoke came out of the plug!"), review("R4", "O2", "C2", day="2026-11-07", rating=5, title=None, body="Love it, perfect."),
    ])
    made.run("sources", "canonical", "labels")
    return made


def labels(house: TestHouse) -> dict[str, dict[str, Any]]:
    refs = {row["feedback_id"]: row["record_ref"] for row in house.rows(_feedback())}
    return {refs[row["feedback_id"]]: row for row in house.rows(FEEDBACK_LABELS)}


def _feedback() -> Any:
    from insights_assets.canonical.tables import FEEDBACK

    return FEEDBACK


def test_records_are_labelled_with_their_versions(house: TestHouse) -> None:
    found = labels(house)
    assert {ref: row["primary_topic"] for ref, row in found.items()} == {"R1": "damaged_on_arrival", "R2": "sizing_issue", "R3": "safety", "R4": "praise"}
    assert all(row["model_version"] and row["rules_version"] and row["label_set_version"] for row in found.values())
    assert any(row["target"] == "safety" for row in house.rows(RULE_LABELS))
    assert len(house.rows(LABELLED_FEEDBACK)) == 4


def test_a_correction_changes_its_record_and_no_other(house: TestHouse) -> None:
    before = labels(house)
    queue = house.rows(REVIEW_QUEUE)
    answers = {before["R2"]["feedback_id"]: {"topics": ["product_quality"]}}
    house.operations.corrections.add_many(correction_rows(queue, answers), by="ana", through="test")
    steps = house.run("labels", run_id="run-2")
    after = labels(house)
    assert (after["R2"]["primary_topic"], after["R2"]["label_source"]) == ("product_quality", "person")
    stable = [column.name for column in FEEDBACK_LABELS.columns if not column.volatile]
    for ref in ("R1", "R3", "R4"):
        assert {name: after[ref][name] for name in stable} == {name: before[ref][name] for name in stable}
    assert any(row["target"] == "safety" for row in house.rows(RULE_LABELS)), "rules of the records that were kept are kept"
    again = {row["feedback_id"]: row for row in house.rows(REVIEW_QUEUE)}[before["R2"]["feedback_id"]]
    assert (again["reason"], again["is_blind"], again["topics"], again["inclusion_weight"]) == ("repeat", True, None, 0.0), "another person may read it, without the answer"
    quality = {row["topic"]: row for row in house.rows(LABEL_QUALITY)}
    assert (quality["sizing_issue"]["predicted_count"], quality["sizing_issue"]["precision"], quality["sizing_issue"]["gate"]) == (1, 0.0, "too_few")
    assert steps["labels__feedback_labels"].results[FEEDBACK_LABELS].rows == 2, "only the corrected record's day is written"


def test_a_second_run_writes_nothing(house: TestHouse) -> None:
    steps = house.run("labels", run_id="run-2")
    assert not any(result.changed for step in steps.values() for result in step.results.values())
