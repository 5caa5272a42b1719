"""The stage's assets on a lake: from canonical tables and labels to insights; again without work; day by day as at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from insights_assets.anomalies.tables import (
    ANOMALIES,
    DATA_FINDINGS,
    FORECASTS,
    INSIGHTS,
    ISSUE_DAYS,
    ROOT_CAUSES,
    SENTIMENT_SHIFTS,
    TABLES,
    TOPIC_SERIES,
)
from insights_assets.canonical.tables import DUPLICATES, FEEDBACK, ORDERS, PRODUCTS, SESSIONS, SHIPMENTS
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.small_tables import equal_rows
from insights_assets.sources.tables import BRONZE
from insights_assets_tests.anomalies.worlds import LINES, START, Plant, World, make_world
from insights_assets_tests.house import TestHouse

DAYS = 84
LAST = date(1970, 1, 1) + timedelta(days=START + DAYS - 1)
BATCH = Plant("damaged_on_arrival", {"warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07", "product_line": "glass lamps"}, 66, 84, 0.6)


def full(frame: pd.DataFrame, spec: Any, **constants: Any) -> pd.DataFrame:
    """The frame with every column of the spec; what is not given is empty, or a constant where it may not be."""
    values = {column.name: constants.get(column.name) for column in spec.columns if column.name not in frame.columns}
    for column in spec.columns:
        if column.name in values and values[column.name] is None and not column.nullable:
            values[column.name] = {"string": "x", "double": 1.0}.get(column.type)
    return frame.assign(**values)[spec.column_names]


def at(day: Any, hour: int = 10) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def furnish(house: TestHouse, world: World) -> None:
    """Canonical tables, labels and a calendar as the stages before would have written them."""
    said = world.mentions
    ships = world.shipments.set_index("order_id")["shipped_day"]
    feedback = said.assign(
        source="reviews", record_ref=said["feedback_id"], kind="text", occurred_at=[at(d) for d in said["day"]], received_at=[at(d, 12) for d in said["known_day"]],
        known_at=[at(d, 12) for d in said["known_day"]], occurred_day=said["day"], received_day=said["known_day"], order_ref_status="valid", duplicate_weight=1.0,
        shipped_day=[ships.get(o) if isinstance(o, str) else None for o in said["order_id"]],
    )  # fmt: skip
    feedback = feedback.where(feedback.notna(), None).drop(columns=["topic", "day", "person", "confidence", "ordered", "shipped"])
    days = sorted(set(feedback["received_day"]))
    house.lake.write(FEEDBACK, full(feedback, FEEDBACK), days=days)
    labels = pd.DataFrame(
        {
            "feedback_id": said["feedback_id"], "primary_topic": said["topic"], "sentiment": "negative", "sentiment_score": -0.5, "urgency": "normal",
            "topics": [
                [{"topic": t, "confidence": c, "quote": "q", "start": 0, "end": 1, "sentiment": "negative"}]
                for t, c in zip(said["topic"], said["confidence"], strict=True)
            ],
            "label_source": "rule", "received_day": said["known_day"],
        }
    )  # fmt: skip
    house.lake.write(FEEDBACK_LABELS, full(labels, FEEDBACK_LABELS), days=days)
    ordered = world.orders.assign(quantity=1, unit_price=100.0, amount=100.0, currency="USD", received_day=world.orders["ordered_day"], known_day=world.orders["ordered_day"])
    house.lake.write(ORDERS, full(ordered[[c for c in ordered.columns if c in ORDERS.column_names]], ORDERS), days=sorted(set(ordered["ordered_day"])))
    sent = world.shipments.assign(fulfilment_id="P-" + world.shipments["order_id"], quantity=1, status="shipped", received_day=world.shipments["shipped_day"], known_day=world.shipments["shipped_day"])
    house.lake.write(SHIPMENTS, full(sent[[c for c in sent.columns if c in SHIPMENTS.column_names]], SHIPMENTS), days=sorted(set(sent["shipped_day"])))
    skus = sorted({(sku, line) for sku, line in zip(world.orders["sku"], world.orders["product_line"], strict=True)})
    catalogue = pd.DataFrame(skus, columns=["sku", "product_line"]).assign(unit_price=100.0, unit_margin=40.0, is_flagship=False)
    house.lake.write(PRODUCTS, full(catalogue.assign(name="Product " + catalogue["sku"]), PRODUCTS))
    calendar = pd.DataFrame(
        {
            "record_ref": ["E1", "E2"], "event_id": ["E1", "E2"], "kind": ["promotion", "policy"], "name": ["Lamp week", "Card charged at shipping"],
            "happened_day": [LAST - timedelta(days=1), LAST - timedelta(days=30)], "ends_at": [at(LAST + timedelta(days=6)), None],
            "skus": [sorted(sku for sku, line in skus if line == LINES[0]), []], "regions": [[], []],
        }
    )  # fmt: skip
    stamp = datetime(2026, 7, 1, tzinfo=UTC)
    rows = full(calendar, BRONZE["calendar"], received_at=stamp, known_at=stamp, known_day=stamp.date(), received_day=stamp.date())
    house.lake.write(BRONZE["calendar"], rows, days=[stamp.date()])
    for spec in (SESSIONS, DUPLICATES):
        house.lake.ensure(spec)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(4, days=DAYS, lines_a_day=350, complaint_rate=0.05, plants=(BATCH,))


@pytest.fixture(scope="module")
def house(world: World, spark: Any, tmp_path_factory: pytest.TempPathFactory) -> TestHouse:
    done = TestHouse(tmp_path_factory.mktemp("at-once"), spark, as_of=LAST)
    furnish(done, world)
    done.run("anomalies")
    return done


def damaged(house: TestHouse) -> dict[str, Any]:
    since = LAST - timedelta(days=18)
    rows = [row for row in house.rows(INSIGHTS) if row["topic"] == "damaged_on_arrival" and row["opened_day"] >= since]
    assert len(rows) == 1
    return rows[0]


def test_the_planted_batch_becomes_one_insight_with_everything_a_ticket_needs(house: TestHouse) -> None:
    row = damaged(house)
    assert row["title"] == "Arrived damaged: glass lamps from WH-LEJ, packaging batch LEJ-PB07"
    assert dict(row["cause"]) == BATCH.cell and row["cause_status"] == "cause"
    facts = {k: row[k] for k in ("is_rising", "trend_factor", "risk_per_day_p10", "daily_margin", "excess_per_day")}
    assert (row["tier"], row["owner"]) == (1, "quality"), facts
    assert row["recommended_step"] == "Stop batch LEJ-PB07 and inspect 20 units"
    assert row["harm_reason"] == "promotion Lamp week runs until then"
    assert row["provisional"] is True and row["verdict"] is None
    assert row["observed_count"] == row["customers_count"] > 3 * row["expected_count"]
    assert row["onset_day"] <= row["opened_day"] <= row["last_seen_day"] <= LAST
    assert row["detected_at"].astimezone(house.shop.zone).date() == row["opened_day"]
    assert row["risk_per_day"] > row["risk_per_day_p10"] > 0.005 * row["daily_margin"]


def test_evidence_is_real_recent_and_typical_and_one_a_person(house: TestHouse, world: World) -> None:
    row = damaged(house)
    said = world.mentions.set_index("feedback_id")
    assert len(row["evidence_ids"]) == 8
    people = [said.loc[ref, "customer_key"] for ref in row["evidence_ids"]]
    assert len(set(people)) == 8
    assert set(row["evidence_ids"]) <= set(row["record_ids"])
    assert {said.loc[ref, "packaging_batch"] for ref in row["record_ids"]} == {"LEJ-PB07"}
    assert len(row["record_ids"]) == row["observed_count"]
    assert said.loc[row["record_ids"], "day"].min() >= row["window_start"]


def test_the_rates_beside_the_cause_are_stored_in_order(house: TestHouse) -> None:
    mine = [row for row in house.rows(ROOT_CAUSES) if row["insight_id"] == damaged(house)["insight_id"]]
    mine.sort(key=lambda row: row["rank"])
    assert [row["rank"] for row in mine] == list(range(len(mine)))
    assert mine[0]["role"] == "cause" and mine[0]["rate"] > 0.2
    other = next(row for row in mine if row["compared"] == "packaging_batch")
    assert other["text"] == "other packaging batches of glass lamps and WH-LEJ" and other["rate"] < mine[0]["rate"] / 5


def test_forecasts_reach_a_week_ahead_for_running_issues_only(house: TestHouse) -> None:
    running = {row["insight_id"] for row in house.rows(INSIGHTS) if row["state"] != "resolved"}
    rows = house.rows(FORECASTS)
    assert {row["insight_id"] for row in rows} == running
    assert sorted({row["day"] for row in rows}) == [LAST + timedelta(days=i) for i in range(1, 8)]


def test_a_policy_was_looked_at_and_clean_deliveries_have_no_findings(house: TestHouse) -> None:
    assert {row["event_name"] for row in house.rows(SENTIMENT_SHIFTS)} == {"Card charged at shipping"}
    assert not any(row["is_shift"] for row in house.rows(SENTIMENT_SHIFTS))
    assert len(house.rows(DATA_FINDINGS)) <= 1


def test_a_second_run_writes_nothing(house: TestHouse) -> None:
    before = {str(spec): house.lake.version(spec) for spec in TABLES}
    steps = house.run("anomalies", run_id="run-2")
    assert {str(spec): house.lake.version(spec) for spec in TABLES} == before
    assert not any(result.changed for step in steps.values() for result in step.results.values())


def test_day_by_day_equals_at_once(house: TestHouse, world: World, spark: Any, tmp_path: Path) -> None:
    other = TestHouse(tmp_path / "by-day", spark, as_of=LAST - timedelta(days=10))
    furnish(other, world)
    for back in (10, 4, 3, 0):
        other.as_of = LAST - timedelta(days=back)
        other.run("anomalies")
    for spec in (TOPIC_SERIES, ANOMALIES, ISSUE_DAYS, INSIGHTS, ROOT_CAUSES, FORECASTS):
        left, right = house.lake.read_arrow(spec), other.lake.read_arrow(spec)
        assert left.num_rows > 0 and equal_rows(left, right, spec), str(spec)


def test_a_verdict_reaches_the_insight_without_a_new_day(house: TestHouse) -> None:
    mine = damaged(house)["insight_id"]
    house.operations.verdicts.give(mine, "confirmed", by="ana", through="test", reason="broken in the box")
    house.run("anomalies", run_id="run-3")
    row = damaged(house)
    assert (row["verdict"], row["verdict_by"], row["verdict_reason"]) == ("confirmed", "ana", "broken in the box")


def test_more_known_about_the_last_day_is_judged_again(world: World, spark: Any, tmp_path: Path) -> None:
    """Hourly: on the same day a later run knows more; the day is judged once more from the state of the day before."""
    held = world.mentions["known_day"] == LAST
    early = World(world.shipments, world.orders, world.mentions[~held | (np.arange(len(held)) % 2 == 0)].reset_index(drop=True), world.days)
    other = TestHouse(tmp_path / "hourly", spark, as_of=LAST)
    furnish(other, early)
    other.run("anomalies")
    version = other.lake.version(ANOMALIES)
    furnish(other, world)
    step = other.run("anomalies", run_id="run-2")["anomalies__anomalies"]
    assert step.notes[ANOMALIES]["days_judged"] == 1
    assert other.lake.version(ANOMALIES) == (version or 0) + 1
