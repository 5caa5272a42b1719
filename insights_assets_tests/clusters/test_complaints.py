"""What is clustered: the negative topic's own words, whatever else the customer praised."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from insights_assets.clusters.complaints import COLUMNS, complaints

pytestmark = pytest.mark.slow

DAY = date(2026, 11, 1)
TOPICS = "array<struct<topic:string,confidence:double,quote:string,start:int,end:int,sentiment:string>>"


def mention(topic: str, sentiment: str, quote: str | None = "the lid does not close") -> dict[str, Any]:
    return {"topic": topic, "confidence": 0.9, "quote": quote, "start": 0, "end": 1, "sentiment": sentiment}


CASES: dict[str, tuple[list[dict[str, Any]] | None, str, str, str | None, tuple[str, str] | None]] = {
    # id: (topics, primary topic, sentiment, text, expected (topic, words))
    "second_topic": (
        [mention("praise", "positive"), mention("product_quality", "negative")],
        "praise",
        "positive",
        "Lovely. But the lid does not close",
        ("product_quality", "the lid does not close"),
    ),
    "short_quote": (
        [mention("product_quality", "negative", "lid broken")],
        "product_quality",
        "negative",
        "The lid broke at once",
        ("product_quality", "The lid broke at once"),
    ),
    "no_quote": (
        [mention("sizing_issue", "negative", None)],
        "sizing_issue",
        "negative",
        "Too small by far",
        ("sizing_issue", "Too small by far"),
    ),
    "wish": (
        [mention("feature_request", "neutral", "please add a dark mode")],
        "feature_request",
        "neutral",
        "please add a dark mode",
        ("feature_request", "please add a dark mode"),
    ),
    "danger": (
        [mention("safety", "positive", "it gave me a shock")],
        "safety",
        "positive",
        "haha it gave me a shock",
        ("safety", "it gave me a shock"),
    ),
    "only_the_tone": ([], "other", "negative", "Never again", ("other", "Never again")),
    "no_topics": (None, "other", "negative", "Never again with you", ("other", "Never again with you")),
    "praise": ([mention("praise", "positive")], "praise", "positive", "Lovely", None),
    "sour_praise": ([mention("praise", "negative")], "praise", "negative", "Lovely, not", None),
    "neutral": ([mention("shipping_delay", "neutral")], "shipping_delay", "neutral", "Where is it?", None),
    "no_text": ([mention("shipping_delay", "negative")], "shipping_delay", "negative", None, None),
    "blank": ([mention("shipping_delay", "negative")], "shipping_delay", "negative", "   ", None),
}


@pytest.fixture(scope="module")
def found(spark: Any) -> dict[str, dict[str, Any]]:
    feedback = [(name, case[3], 0.0 if name == "danger" else 1.0, DAY, DAY) for name, case in CASES.items()]
    feedback.append(("twin", "The  LID broke at once ", 1.0, DAY, DAY))
    labels = [(name, DAY, case[0], case[1], case[2]) for name, case in CASES.items()]
    labels.append(("twin", DAY, [mention("product_quality", "negative", "broke")], "product_quality", "negative"))
    frame = complaints(
        spark.createDataFrame(
            feedback, "feedback_id string, text string, duplicate_weight double, known_day date, received_day date"
        ),
        spark.createDataFrame(labels, f"feedback_id string, received_day date, topics {TOPICS}, primary_topic string, sentiment string"),
    )
    assert tuple(frame.columns) == COLUMNS
    return {row["feedback_id"]: row for row in frame.toArrow().to_pylist()}


@pytest.mark.parametrize("name", CASES)
def test_topic_and_words(found: dict[str, dict[str, Any]], name: str) -> None:
    row = found.get(name)
    assert (row and (row["topic"], row["words"])) == CASES[name][4]


def test_equal_words_are_one_text_and_copies_are_marked(found: dict[str, dict[str, Any]]) -> None:
    assert found["twin"]["text_hash"] == found["short_quote"]["text_hash"]
    assert len({row["text_hash"] for row in found.values()}) == len(found) - 1
    assert {name for name, row in found.items() if not row["counts"]} == {"danger"}
