"""A promotion on real tables: labels stand until they are made again, only those that would change do, both are kept, going back restores."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels import models
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.relabel import activation_to_follow, left_fact, next_days
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_VERSIONS, RULE_LABELS
from insights_assets.labels.version_tables import LABEL_PROMOTION, RELABEL_PLAN, RELABELLED
from insights_assets.resources.table_assets import BODIES
from insights_assets_tests.house import PRODUCTS, TestHouse, filled_home, order, review

DAY = date(2026, 11, 10)


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> TestHouse:
    return TestHouse(filled_home("relabel", tmp_path, lambda home: fill(home, spark)), spark, as_of=DAY, previous_as_of=DAY)


def fill(home: Path, spark: Any) -> TestHouse:
    made = TestHouse(home, spark, as_of=DAY)
    made.put("products", "products.jsonl", PRODUCTS)
    made.put("orders", "orders-2026-11.jsonl", [order("O1", "LMP-1", "C1"), order("O2", "KNT-2", "C2")])
    made.put("reviews", "r-2026-11.jsonl", [
        review("R1", "O1", "C1"), review("R2", "O2", "C2", title=None, body="Far too small, the jumper squeezes my shoulders."),
        review("R3", "O1", "C1", day="2026-11-06", title=None, body="Smoke came out of the plug!"), review("R4", "O2", "C2", day="2026-11-07", rating=5, title=None, body="Love it, perfect."),
        review("R5", "O2", "C2", day="2026-11-07", title=None, body="The jumper runs small, size up."),
    ])
    made.run("sources", "canonical", "labels")
    return made


def deaf_to_sizing(house: TestHouse) -> str:
    """A version that hears no sizing issue, put among the home's models."""
    shipped = Classifier.load(models.SHIPPED)
    thresholds = shipped.thresholds.copy()
    thresholds[shipped.topics.index("sizing_issue")] = 2.0
    changed = dataclasses.replace(shipped, thresholds=thresholds)
    changed.save(models.model_file(house.settings.home, changed.model_version))
    return changed.model_version


def body(house: TestHouse, name: str, run_id: str) -> Any:
    step = house.step(name, run_id)
    BODIES[name][0](step)
    return step


def labels(house: TestHouse) -> dict[str, dict[str, Any]]:
    refs = {row["feedback_id"]: row["record_ref"] for row in house.rows(FEEDBACK)}
    return {refs[row["feedback_id"]]: row for row in house.rows(FEEDBACK_LABELS)}


def relabel(house: TestHouse, run_id: str) -> None:
    body(house, "labels__relabel_plan", run_id)
    body(house, "labels__feedback_labels", run_id)


@pytest.mark.slow
def test_from_promotion_to_new_labels_and_back(house: TestHouse) -> None:
    home, operations = house.settings.home, house.operations
    before, rules = labels(house), house.rows(RULE_LABELS)
    assert before["R2"]["primary_topic"] == before["R5"]["primary_topic"] == "sizing_issue"
    version = deaf_to_sizing(house)
    models.promote(home, operations, version, by="test", reason="a test")

    house.put("reviews", "r-later.jsonl", [review("R6", "O2", "C2", day="2026-11-09", title=None, body="Much too tight, order a size larger.")])
    house.run("sources", "canonical")
    body(house, "labels__feedback_labels", "run-2")
    promoted = labels(house)
    assert {ref: promoted[ref] for ref in before} == before, "until they are made again labels stand"
    assert (promoted["R6"]["model_version"], promoted["R6"]["primary_topic"]) == (version, "other"), "new records get the version in force"
    follow = activation_to_follow(operations)
    assert follow is not None and operations.facts.get(left_fact(follow[0])) == "3"

    relabel(house, "run-3")
    after = labels(house)
    assert {ref for ref in before if after[ref] != before[ref]} == {"R2", "R5"}, "only labels that would change are made again"
    assert {after[ref]["model_version"] for ref in ("R2", "R5")} == {version}
    assert after["R4"] == before["R4"], "a record of the same day keeps its row, version included"
    kept = {row["feedback_id"]: row for row in house.rows(LABEL_VERSIONS)}
    assert set(kept) == {before[ref]["feedback_id"] for ref in ("R2", "R5")}, "the earlier version is kept"
    assert house.rows(RULE_LABELS) and {tuple(sorted(r.items(), key=str)) for r in rules} <= {tuple(sorted(r.items(), key=str)) for r in house.rows(RULE_LABELS)}
    bridge = {(row["received_day"], row["topic"]): row for row in house.rows(RELABELLED)}
    moved = bridge[(date(2026, 11, 7), "sizing_issue")]
    assert (moved["records_before"], moved["records_after"]) == (1, 0)
    assert bridge[(date(2026, 11, 7), "all")]["changed_count"] == 1 and bridge[(date(2026, 11, 7), "praise")]["records_after"] == 1
    assert operations.facts.get(left_fact(follow[0])) == "0"
    again = body(house, "labels__feedback_labels", "run-4")
    assert not any(result.changed for result in again.results.values())

    models.rollback(home, operations, by="ana", reason="it no longer hears sizes")
    relabel(house, "run-5")
    back = labels(house)
    assert {ref: back[ref] for ref in before} == before, "going back restores exactly the earlier rows"
    assert back["R6"]["primary_topic"] == "sizing_issue", "what came in between is heard again"
    versions = {(row["feedback_id"], row["model_version"]) for row in house.rows(LABEL_VERSIONS)}
    assert (before["R2"]["feedback_id"], version) in versions, "the newer one is kept too"
    body(house, "labels__label_promotion", "run-5")
    history = house.rows(LABEL_PROMOTION)
    assert [row["is_active"] for row in sorted(history, key=lambda row: row["activation_id"])] == [False, False, True]

    models.promote(home, operations, version, by="ana", reason="again")
    relabel(house, "run-6")
    assert {ref: row for ref, row in labels(house).items() if ref != "R6"} == {ref: row for ref, row in after.items() if ref != "R6"}, "and forward again"


@pytest.mark.slow
def test_a_relabelling_that_died_ends_as_if_it_had_not(house: TestHouse) -> None:
    models.promote(house.settings.home, house.operations, deaf_to_sizing(house), by="test", reason="a test")
    body(house, "labels__relabel_plan", "run-2")
    step = house.step("labels__feedback_labels", "run-2")
    stop = RuntimeError("died before the last write")
    original = step.write

    def write(spec: Any, frame: Any, **options: Any) -> Any:
        if spec == RELABELLED:
            raise stop
        return original(spec, frame, **options)

    step.write = write  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        BODIES["labels__feedback_labels"][0](step)
    assert not house.rows(RELABELLED)
    body(house, "labels__feedback_labels", "run-3")
    assert sum(row["changed_count"] or 0 for row in house.rows(RELABELLED)) == 2
    assert len(house.rows(LABEL_VERSIONS)) == 2
    assert {row["activation_id"] for row in house.rows(RELABEL_PLAN)} == {row["activation_id"] for row in house.rows(RELABELLED)}


def test_days_are_taken_newest_first_within_days_and_budget() -> None:
    records = {DAY - timedelta(days=n): 100 for n in range(200)}
    first = next_days(records, set(), 1_000_000, DAY)
    assert first[0] == DAY and len(first) == 90 and first == sorted(first, reverse=True)
    assert next_days(records, set(first), 1_000_000, DAY)[0] == DAY - timedelta(days=90)
    assert len(next_days(records, set(), 450, DAY)) == 4
    assert len(next_days({DAY: 9_000}, set(), 450, DAY)) == 1, "one day is always taken"


def test_the_first_classifier_has_none_before_it(tmp_path: Path, clock: Any) -> None:
    from insights_assets.resources.operations import open_operations

    operations = open_operations(tmp_path / "operations.db", clock=clock)
    operations.migrate()
    assert models.active_version(tmp_path, operations) == models.shipped_version()
    with pytest.raises(models.NothingToGoBackTo):
        models.rollback(tmp_path, operations, by="ana", reason="no")
    with pytest.raises(FileNotFoundError, match="train it first"):
        models.promote(tmp_path, operations, "local@0", by="ana", reason="no file")
