"""The review queue on the engine: its shares, weights that add up, no record twice, the same draw, and who is kept apart."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from insights_assets.labels.review_sampling import BLIND_SHARE, PER_STRATUM, QUIET, SEVERE_DAYS, SHARES, sample

pytestmark = pytest.mark.slow
DAY = date(2026, 11, 22)
TOPICS = {"shipping_delay": 700, "sizing_issue": 300, "praise": 900, "safety": 25}
SCHEMA = (
    "feedback_id string, source string, channel string, language string, text string, rating double, sku string, primary_topic string, "
    "sentiment string, urgency string, confidence double, received_day date, said array<struct<topic:string,confidence:double>>, "
    "label_set_version string, model_version string, prompt_version string"
)


def records() -> list[dict[str, Any]]:
    rows = []
    for topic, count in TOPICS.items():
        for n in range(count):
            sure = 0.3 + 0.6 * ((n * 37) % 100) / 100
            rows.append({
                "feedback_id": f"{topic}-{n}", "source": "reviews", "channel": "storefront", "language": "en", "text": f"text {n}", "rating": 1.0, "sku": "LMP-1",
                "primary_topic": topic, "sentiment": "negative", "urgency": "high" if n % 9 == 0 else "normal", "confidence": sure,
                "received_day": DAY - timedelta(days=n % 50), "said": [{"topic": topic, "confidence": sure}], "label_set_version": "v1", "model_version": "clf@1",
                "prompt_version": "none",
            })  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def labelled(spark: Any) -> Any:
    return spark.createDataFrame([tuple(row.values()) for row in records()], SCHEMA)


def drawn(labelled: Any, **given: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = sample(labelled, DAY, **given).toArrow().to_pylist()
    return sorted(rows, key=lambda row: row["place"])


@pytest.fixture(scope="module")
def read_before() -> dict[str, int]:
    return {f"shipping_delay-{n}": 1 for n in range(0, 700, 4)} | {"sizing_issue-0": 2}


@pytest.fixture(scope="module")
def queue(labelled: Any, read_before: dict[str, int]) -> list[dict[str, Any]]:
    return drawn(labelled, reviewers=read_before)


def test_every_beginning_of_the_queue_has_the_shares(queue: list[dict[str, Any]]) -> None:
    assert [row["place"] for row in queue] == list(range(1, len(queue) + 1))
    for count in (50, 120, 200, len(queue)):
        parts = Counter(row["reason"] for row in queue[:count])
        for kind, share in SHARES.items():
            supply = sum(row["reason"] == kind for row in queue)
            assert abs(parts[kind] - min(share * count, supply)) <= 0.06 * count, (count, parts)


def test_weights_of_the_random_part_add_up_to_all_records_and_the_rest_has_none(queue: list[dict[str, Any]]) -> None:
    assert all((row["inclusion_weight"] > 0) == (row["reason"] == "stratified") for row in queue)
    for topic, count in TOPICS.items():
        random = [row for row in queue if row["stratum"] == topic and row["reason"] == "stratified"]
        assert len(random) == min(count, QUIET.get(topic, PER_STRATUM))
        assert sum(row["inclusion_weight"] for row in random) == pytest.approx(count, rel=1e-3)
        assert {row["stratum_size"] for row in random} == {count}


def test_no_record_is_asked_twice_and_the_same_day_and_seed_ask_the_same(labelled: Any, queue: list[dict[str, Any]], read_before: dict[str, int]) -> None:
    assert len({row["feedback_id"] for row in queue}) == len(queue)
    assert drawn(labelled.orderBy("confidence"), reviewers=read_before) == queue
    other = drawn(labelled, reviewers=read_before, seed=1)
    assert {row["feedback_id"] for row in other} != {row["feedback_id"] for row in queue}


def test_each_part_is_what_it_says(queue: list[dict[str, Any]], read_before: dict[str, int]) -> None:
    by_id = {row["feedback_id"]: row for row in records()}
    parts = {kind: [row for row in queue if row["reason"] == kind] for kind in SHARES}
    assert all(by_id[row["feedback_id"]]["urgency"] == "high" and DAY - by_id[row["feedback_id"]]["received_day"] < timedelta(days=SEVERE_DAYS) for row in parts["severe"])
    assert all(read_before.get(row["feedback_id"]) == 1 for row in parts["repeat"]), "read by exactly one"
    assert not {row["feedback_id"] for kind in ("stratified", "uncertain", "severe") for row in parts[kind]} & set(read_before)
    sure = [row["confidence"] for row in parts["uncertain"]]
    assert sure == sorted(sure) and sum(sure) / len(sure) < sum(row["confidence"] for row in parts["stratified"]) / len(parts["stratified"])


def test_reading_the_doubtful_ones_does_not_change_what_measures(labelled: Any) -> None:
    """The random part must stay one: what is read for its doubt never was a candidate for it."""
    first = drawn(labelled)
    doubtful = {row["feedback_id"]: 1 for row in first if row["reason"] in ("uncertain", "severe")}
    second = drawn(labelled, reviewers=doubtful)
    random = [[row["feedback_id"] for row in rows if row["reason"] == "stratified"] for rows in (first, second)]
    assert random[0] == random[1]


def test_about_a_fifth_is_blind_and_a_repeat_never_shows_the_first_answer(queue: list[dict[str, Any]]) -> None:
    fresh = [row for row in queue if row["reason"] != "repeat"]
    assert abs(sum(row["is_blind"] for row in fresh) / len(fresh) - BLIND_SHARE) < 0.06
    repeats = [row for row in queue if row["reason"] == "repeat"]
    assert repeats and all(row["is_blind"] and row["topics"] is None and row["sentiment"] is None and row["confidence"] is None for row in repeats)
