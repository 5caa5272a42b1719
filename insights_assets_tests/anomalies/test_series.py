"""Counting on the engine: who is a mention, people instead of posts, and agreement with the pandas twin."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from insights_assets.anomalies import series
from insights_assets_tests.anomalies.worlds import make_world, small_tables

CUTS = ("sku", "product_line", "region", "warehouse", "packaging_batch", "carrier", "channel")
FEEDBACK = (
    "feedback_id string, source string, kind string, signal string, channel string, customer_key string, order_id string, sku string, product_line string,"
    " region string, warehouse string, packaging_batch string, carrier string, shipped_day date, duplicate_group string, duplicate_weight double,"
    " occurred_day date, known_day date, occurred_at timestamp, received_day date"
)
LABELS = "feedback_id string, received_day date, sentiment string, topics array<struct<topic:string,confidence:double,sentiment:string>>"


def voice(feedback_id: str, day: int = 1, **changes: Any) -> dict[str, Any]:
    base = {
        "feedback_id": feedback_id, "source": "reviews", "kind": "text", "signal": None, "channel": "storefront", "customer_key": f"c-{feedback_id}",
        "order_id": None, "sku": "A-1", "product_line": "lamps", "region": "de", "warehouse": None, "packaging_batch": None, "carrier": None,
        "shipped_day": None, "duplicate_group": None, "duplicate_weight": 1.0, "occurred_day": date(2026, 11, day), "known_day": date(2026, 11, day),
        "occurred_at": datetime(2026, 11, day, 12, tzinfo=UTC),
    }  # fmt: skip
    return {"received_day": {**base, **changes}["occurred_day"], **base, **changes}


def label(feedback_id: str, *topics: tuple[str, str | None], sentiment: str = "negative") -> dict[str, Any]:
    return {"feedback_id": feedback_id, "sentiment": sentiment, "topics": [{"topic": t, "confidence": 0.9, "sentiment": s} for t, s in topics]}


def said(spark: Any, voices: list[dict[str, Any]], labels: list[dict[str, Any]]) -> Any:
    names = [part.split()[0] for part in FEEDBACK.split(", ")]
    feedback = spark.createDataFrame([tuple(row[name] for name in names) for row in voices], FEEDBACK)
    day_of = {row["feedback_id"]: row["received_day"] for row in voices}
    rows = [(row["feedback_id"], day_of.get(row["feedback_id"]), row["sentiment"], [tuple(t.values()) for t in row["topics"]]) for row in labels]
    return series.mentions(feedback, spark.createDataFrame(rows, LABELS))


def topics_of(frame: Any) -> set[tuple[str, str]]:
    return {(row["feedback_id"], row["topic"]) for row in frame.toArrow().to_pylist()}


def test_negative_topics_count_and_wishes_and_dangers_whatever_the_tone(spark: Any) -> None:
    voices = [voice(name) for name in ("F1", "F2", "F3", "F4", "F5")]
    labels = [
        label("F1", ("damaged_on_arrival", "negative"), ("shipping_delay", "positive")), label("F2", ("feature_request", "neutral")),
        label("F3", ("safety", "positive")), label("F4", ("praise", "positive"), ("other", "negative")), label("F5", ("sizing_issue", None)),
    ]  # fmt: skip
    assert topics_of(said(spark, voices, labels)) == {
        ("F1", "damaged_on_arrival"), ("F2", "feature_request"), ("F3", "safety"), ("F5", "sizing_issue")
    }  # fmt: skip


def test_sessions_speak_by_what_they_show_and_copies_not_at_all(spark: Any) -> None:
    voices = [
        voice("S1", kind="signal", signal="error", source="clickstream"), voice("S2", kind="signal", signal="abandoned", source="clickstream"),
        voice("F1", duplicate_weight=0.0),
    ]  # fmt: skip
    found = said(spark, voices, [label("F1", ("product_quality", "negative")), label("S1", ("app_or_site_problem", "negative"))])
    assert topics_of(found) == {("S1", "app_or_site_problem"), ("S2", "cart_abandonment")}


def counts(frame: Any, topic: str, attribute: str) -> dict[tuple[str, int], int]:
    rows = series.topic_series(frame).where(f"topic = '{topic}' AND attribute = '{attribute}'").toArrow().to_pylist()
    return {(row["value"], row["day"].day): row["observed"] for row in rows}


def test_one_person_counts_once_in_fourteen_days_and_copied_posts_are_one_voice(spark: Any) -> None:
    voices = [
        voice("F1", 1, customer_key="anna"), voice("F2", 9, customer_key="anna"), voice("F3", 25, customer_key="anna"), voice("F4", 9, customer_key="ben"),
        *(voice(f"P{i}", 9, source="social", customer_key=f"handle-{i}", duplicate_group="g1", duplicate_weight=float(i == 0)) for i in range(5)),
        voice("Q1", 10, source="social", customer_key="handle-0", duplicate_group="g2"),
        voice("N1", 9, customer_key=None, order_id="O1"), voice("N2", 10, customer_key=None, order_id="O1"), voice("N3", 9, customer_key=None),
    ]  # fmt: skip
    frame = said(spark, voices, [label(row["feedback_id"], ("product_quality", "negative")) for row in voices])
    # Day 1: Anna. Day 9: Ben, the posts, the order O1, the nameless one. Day 25: Anna again.
    assert counts(frame, "product_quality", "all") == {("all", 1): 1, ("all", 9): 4, ("all", 25): 1}
    assert counts(frame, "product_quality", "sku") == {("A-1", 1): 1, ("A-1", 9): 4, ("A-1", 25): 1}
    assert counts(frame, "product_quality", "warehouse") == {}


def test_a_late_record_does_not_undo_what_was_counted_before(spark: Any) -> None:
    """Known on day 3: Anna's complaint of day 2. Known on day 20: her earlier one of day 1. The first known is the one that counts."""
    voices = [voice("F1", 2, customer_key="anna", known_day=date(2026, 11, 3)), voice("F0", 1, customer_key="anna", known_day=date(2026, 11, 20))]
    frame = said(spark, voices, [label(row["feedback_id"], ("product_quality", "negative")) for row in voices])
    assert counts(frame, "product_quality", "all") == {("all", 2): 1}


def test_sessions_are_cut_by_region_and_channel_only(spark: Any) -> None:
    voices = [voice("S1", kind="signal", signal="error", source="clickstream", channel="web_session")]
    attributes = {row["attribute"] for row in series.topic_series(said(spark, voices, [label("S1", ("other", None))])).toArrow().to_pylist()}
    assert attributes == {"all", "region", "channel"}


@pytest.fixture(scope="module")
def small() -> Any:
    return make_world(2, days=40, lines_a_day=120)


def test_series_exposure_and_lags_agree_with_the_pandas_twin(spark: Any, small: Any) -> None:
    twin_series, twin_exposure, twin_lags = small_tables(small)
    plain = small.mentions.assign(
        occurred_at=pd.to_datetime(small.mentions["day"], utc=True), shipped_day=None, source="reviews",
        confidence=small.mentions["confidence"], order_id=small.mentions["order_id"],
    )  # fmt: skip
    start = pd.to_datetime(plain["day"]).min()
    shipped = small.shipments.set_index("order_id")["shipped_day"]
    plain["shipped_day"] = [shipped.get(order) if order else None for order in plain["order_id"]]
    columns = ["feedback_id", "topic", "confidence", "person", "source", *CUTS, "order_id", "shipped_day", "day", "known_day", "occurred_at"]
    ddl = (
        "feedback_id string, topic string, confidence double, person string, source string, " + ", ".join(f"{c} string" for c in CUTS)
        + ", order_id string, shipped_day date, day date, known_day date, occurred_at timestamp"
    )  # fmt: skip
    rows = [tuple(None if isinstance(v, float) and pd.isna(v) else v for v in row) for row in plain[columns].itertuples(index=False)]
    frame = spark.createDataFrame(rows, ddl)
    key = ["topic", "attribute", "value", "day", "known_day"]
    mine = series.topic_series(frame).toPandas().set_index(key)["observed"].sort_index()
    twin = twin_series.set_index(key)["observed"].sort_index()
    # The twin counts a person once for ever; in 40 days that differs only where somebody speaks again after fourteen.
    assert abs(int(mine.sum()) - int(twin.sum())) <= 0.01 * int(twin.sum())
    assert len(mine) > 500 and start is not None
    lines = spark.createDataFrame(small.shipments[["order_id", "shipped_day", *[c for c in CUTS if c != "channel"]]].astype(object))
    orders = spark.createDataFrame(small.orders[["order_id", "ordered_day", "sku", "product_line", "region"]].astype(object))
    feedback = frame.selectExpr("*", "day AS occurred_day", "1.0D AS duplicate_weight", "'text' AS kind")
    exposure = series.exposure_series(lines, orders, None, feedback).toPandas()
    for basis, attribute in (("shipped", "warehouse"), ("ordered", "product_line"), ("records", "channel")):
        part = ["value", "day"]
        left = exposure[(exposure["basis"] == basis) & (exposure["attribute"] == attribute)].groupby(part)["units"].sum()
        right = twin_exposure[(twin_exposure["basis"] == basis) & (twin_exposure["attribute"] == attribute)].groupby(part)["units"].sum()
        pd.testing.assert_series_equal(left.sort_index(), right.sort_index().astype(float), check_names=False)
    lags = series.complaint_lags(frame, orders).toPandas().groupby(["basis", "lag_days"])["count"].sum()
    wanted = twin_lags.groupby(["basis", "lag_days"])["count"].sum()
    pd.testing.assert_series_equal(lags.sort_index(), wanted.sort_index(), check_names=False, check_index_type=False)


def test_a_sample_of_lines_stands_for_all_of_them(spark: Any, small: Any) -> None:
    lines = spark.createDataFrame(
        small.shipments.assign(fulfilment_id=small.shipments["order_id"])[["fulfilment_id", "shipped_day", *[c for c in CUTS if c != "channel"]]].astype(object)
    )
    total = len(small.shipments)
    whole = series.exposed_lines(lines, 10**9, total).toPandas()["units"].sum()
    part = series.exposed_lines(lines, total // 4, total).toPandas()["units"].sum()
    assert whole == total
    assert part == pytest.approx(total, rel=0.1)
