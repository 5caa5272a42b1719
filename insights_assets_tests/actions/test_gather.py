"""What the engine leaves out before rows reach the driver is what the driver would not have looked at."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pyarrow as pa
import pytest

from insights_assets.actions import gather
from insights_assets.actions.queues import record_queues
from insights_assets.actions.repeated import find_repeated
from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.conform import arrow_to_spark
from insights_assets.lake.spec import TableSpec
from insights_assets.resources.clock import end_of_day
from insights_assets.shop import Shop, load_shop

pytestmark = pytest.mark.slow

AS_OF = date(2026, 11, 23)
ZONE = "UTC"


def table(spec: TableSpec, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table({f.name: pa.array([row.get(f.name) for row in rows], f.type) for f in spec.arrow_schema})


@pytest.fixture(scope="module")
def shop() -> Shop:
    return load_shop(None)


@pytest.fixture(scope="module")
def frames(spark: Any) -> tuple[Any, Any]:
    """Every mixture of source, topic, tag, urgency and sentiment, on days around both windows."""
    records, labels = [], []
    mixtures = product(
        ("support_tickets", "chats", "reviews"), ("shipping_delay", "safety", "praise", None), ([], ["quality_review"], ["fraud_like"]),
        ("normal", "critical"), ("negative", "positive"), (0, 5, 6, 7, 13, 14, 27),
    )  # fmt: skip
    for number, (source, topic, tags, urgency, sentiment, back) in enumerate(mixtures):
        name, day = f"{number:06d}", AS_OF - timedelta(days=back)
        records.append({
            "feedback_id": name, "source": source, "record_ref": name, "text": "words", "customer_key": f"c{number % 40}", "duplicate_weight": 1.0, "sku": "S-1",
            "occurred_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC), "received_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC), "occurred_day": day, "received_day": day,
        })  # fmt: skip
        said = [] if topic is None else [{"topic": topic, "confidence": 0.9, "sentiment": sentiment, "quote": "words"}]
        labels.append({"feedback_id": name, "received_day": day, "topics": said, "primary_topic": topic, "sentiment": sentiment, "urgency": urgency, "risk_tags": tags})
    return arrow_to_spark(table(FEEDBACK, records), spark), arrow_to_spark(table(FEEDBACK_LABELS, labels), spark)


def test_decisions_are_the_same_from_fewer_rows(frames: tuple[Any, Any], shop: Shop) -> None:
    policy, end = shop.policy, end_of_day(AS_OF, ZONE)
    only = gather.to_decide_on(AS_OF, policy.opens_within_days, end - timedelta(days=policy.thresholds.repeated_window_days))
    every, fewer = (gather.recent_rows(*frames, AS_OF, 28, only=condition) for condition in ("true", only))
    assert 0 < len(fewer) < len(every)
    queues, repeated = [], []
    for rows in (every, fewer):
        queues.append(record_queues(gather.queue_records(rows, AS_OF, policy.opens_within_days), shop))
        repeated.append(find_repeated(gather.support_records(rows, (), ()), shop, end))
    assert queues[0] == queues[1] and queues[0]
    assert repeated[0] == repeated[1] and repeated[0]


def test_complaints_are_the_same_from_fewer_rows(frames: tuple[Any, Any]) -> None:
    every, fewer = (gather.recent_rows(*frames, AS_OF, 28, only=condition) for condition in ("true", gather.DISPLEASED))
    assert 0 < len(fewer) < len(every)
    assert gather.complaints(every) == gather.complaints(fewer)
