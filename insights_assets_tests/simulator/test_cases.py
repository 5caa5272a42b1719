"""Who complains when: lags behind order and delivery, usual rates, promotions that bring complaints in proportion."""

from __future__ import annotations

import numpy as np
import pytest

from insights_assets.simulator.cases import LAGS, TOPIC
from insights_assets.simulator.plan import DAY_SECONDS, SimulationPlan
from insights_assets.simulator.world import World, build_world
from insights_assets_tests.simulator.conftest import LAST_DAY, Simulated


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(SimulationPlan(120, 30_000, 7, LAST_DAY))


def lag_days(world: World, topic: str, instants: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero((world.cases.topic == TOPIC[topic]) & (world.cases.line >= 0) & (world.cases.incident < 0))
    return (world.cases.at[rows] - instants[world.cases.line[rows]]) / DAY_SECONDS


@pytest.mark.parametrize(
    "topic", ["damaged_on_arrival", "wrong_item", "sizing_issue", "product_quality", "returns_and_refunds"]
)
def test_complaints_follow_the_delivery(world: World, topic: str) -> None:
    lags = lag_days(world, topic, world.lines.delivered_at)
    _, low, high = LAGS[topic]
    assert len(lags) > 20
    assert low <= lags.min() and lags.max() <= high
    assert low < np.median(lags) < high


def test_people_ask_for_a_parcel_before_it_comes(world: World) -> None:
    late = world.lines.delivered_at > world.lines.promised_at
    rows = np.flatnonzero((world.cases.topic == TOPIC["shipping_delay"]) & late[world.cases.line])
    before = world.cases.at[rows] < world.lines.delivered_at[world.cases.line[rows]]
    assert len(rows) > 100 and before.mean() > 0.5
    assert (world.cases.at[rows] > world.lines.promised_at[world.cases.line[rows]]).all()


def test_breakage_is_a_matter_of_fragile_things(world: World) -> None:
    lines = world.shop.catalogue.line_of[world.lines.product]
    rows = np.flatnonzero((world.cases.topic == TOPIC["damaged_on_arrival"]) & (world.cases.incident < 0))
    hit = np.bincount(lines[world.cases.line[rows]], minlength=8) / np.bincount(lines, minlength=8)
    names = world.shop.catalogue.line_names
    assert hit[names.index("ceramic kitchenware")] > 3 * hit[names.index("knitwear")]


def test_nobody_complains_twice_about_one_order_line(world: World) -> None:
    lines = world.cases.line[world.cases.has_order & (world.cases.incident < 100)]
    assert len(np.unique(lines)) > 0.99 * len(lines)


def test_complaints_come_from_the_customers_of_the_orders(world: World) -> None:
    rows = np.flatnonzero(world.cases.line >= 0)
    assert (world.cases.customer[rows] == world.lines.customer[world.cases.line[rows]]).all()
    assert (world.cases.product[rows] == world.lines.product[world.cases.line[rows]]).all()


def test_records_are_written_by_day_more_than_by_night(shop: Simulated) -> None:
    hours = [int(row["created_at"][11:13]) for row in shop.records("reviews").values()]
    assert sum(hour < 6 for hour in hours) / len(hours) < 0.1


def test_most_reviews_are_kind(shop: Simulated) -> None:
    ratings = [int(row["rating"]) for row in shop.records("reviews").values()]
    assert sum(rating >= 3 for rating in ratings) / len(ratings) > 0.8
