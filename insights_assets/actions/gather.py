"""From the lake's rows to what the actions are made of.

Belongs here: joining and cutting Spark frames to what one run needs, and turning rows into model objects. Does not
belong here: any decision. Frames come in, plain objects go out; only records of issues and of the last weeks reach the
driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.actions.model import Evidence, Issue, Product, list_of, text_of
from insights_assets.actions.ranking import Complaint
from insights_assets.actions.repeated import ANSWERABLE, SUPPORT_SOURCES, SupportRecord
from insights_assets.anomalies.topics import ANY_TONE
from insights_assets.engine.bounds import arrow_on_driver, in_few_batches

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Columns of feedback an issue may name; a complaint belongs to an issue only where they agree.
ATTRIBUTES = ("product_line", "sku", "warehouse", "packaging_batch", "carrier", "region", "channel")
_RECORD = (
    "feedback_id",
    "source",
    "record_ref",
    "text",
    "occurred_at",
    "received_at",
    "customer_key",
    "sku",
    "language",
)
_LABEL = ("feedback_id", "topics", "primary_topic", "sentiment", "urgency", "risk_tags", "labelled_at")
REVENUE_DAYS = 28


def evidence_rows(feedback: DataFrame, labels: DataFrame, insights: DataFrame) -> list[dict[str, Any]]:
    """Feedback with labels for every record that an insight names."""
    # Records of any day: put together from many files first, since each answer that goes through a join costs of its own.
    records = in_few_batches(feedback.select(*_RECORD, "received_day")).join(_ids_of(insights), "feedback_id", "left_semi")
    labelled = in_few_batches(labels.select(*_LABEL, "received_day"))
    return _rows(records.join(labelled, ["feedback_id", "received_day"], "left").drop("received_day"))


def detail_rows(details: DataFrame, insights: DataFrame) -> list[dict[str, Any]]:
    """feedback_id and the things named, of every record that an insight names."""
    return _rows(in_few_batches(details.select("feedback_id", "entities")).join(_ids_of(insights), "feedback_id", "left_semi"))


def _ids_of(insights: DataFrame) -> DataFrame:
    return insights.selectExpr("explode(concat(coalesce(record_ids, array()), coalesce(evidence_ids, array()))) feedback_id").distinct()


def evidence_by_issue(issues: Iterable[Issue], rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Evidence]]:
    """insight id -> its records, in the order of their ids."""
    records = {str(row["feedback_id"]): Evidence.from_row(row) for row in rows}
    return {
        issue.insight_id: [records[key] for key in sorted(issue.records | set(issue.evidence_ids)) if key in records]
        for issue in issues
    }


def recent_rows(
    feedback: DataFrame, labels: DataFrame, as_of: date, days: int, sources: Iterable[str] = (), *, only: str = "true"
) -> list[dict[str, Any]]:
    """Feedback with labels of the last `days` days of the shop up to `as_of`, copies left out; of `sources` where
    named, and those for which the condition `only` holds: the engine leaves out what the driver would not look at.
    """
    columns = dict.fromkeys((*_RECORD, *ATTRIBUTES, "occurred_day", "rating"))
    first = as_of - timedelta(days=days - 1)
    condition = f"duplicate_weight > 0 AND occurred_day BETWEEN DATE'{first.isoformat()}' AND DATE'{as_of.isoformat()}'"
    window = feedback.where(condition)
    if named := list(sources):
        window = window.where(window["source"].isin(named))
    # A record's label lies on the record's day: by the day too, only the window's labels are read.
    both = window.select(*columns, "received_day").join(labels.select(*_LABEL, "received_day"), ["feedback_id", "received_day"])
    return _rows(both.where(only).drop("received_day"))


#: What `complaints` looks at: what is said with displeasure, and topics that count in any tone (a wish is mostly said politely).
DISPLEASED = f"sentiment = 'negative' OR primary_topic IN ({', '.join(repr(topic) for topic in sorted(ANY_TONE))})"


def to_decide_on(as_of: date, queue_days: int, repeated_since: datetime) -> str:
    """The records that `queue_records` and `support_records` with `find_repeated` look at, as a condition."""
    sources, topics = (", ".join(f"'{name}'" for name in sorted(names)) for names in (SUPPORT_SOURCES, ANSWERABLE))
    queued = as_of - timedelta(days=queue_days)
    return (
        f"(source IN ({sources}) AND primary_topic IN ({topics}) AND occurred_at > TIMESTAMP'{repeated_since.isoformat()}')"
        f" OR (occurred_day > DATE'{queued.isoformat()}'"
        " AND (size(risk_tags) > 0 OR primary_topic = 'safety' OR urgency = 'critical'))"
    )


def life_rows(issue_days: DataFrame) -> list[dict[str, Any]]:
    """insight_id with the days on which it closed first and last, how often it came back and when last; for issues that closed at all."""
    from pyspark.sql import functions as F

    back = F.expr("CASE WHEN state = 'open' AND reopened_count > 0 THEN as_of_day END")
    lived = issue_days.where("closed_day IS NOT NULL OR reopened_count > 0").groupBy("insight_id").agg(
        F.min("closed_day").alias("first_closed_day"), F.max("closed_day").alias("closed_day"), F.max("reopened_count").alias("reopened_count"),
        F.max(back).alias("reopened_day"),
    )  # fmt: skip
    return [dict(row) for row in lived.toArrow().to_pylist()]


def complaints(rows: Iterable[Mapping[str, Any]]) -> list[Complaint]:
    """The records said with displeasure, or of a topic that counts in any tone, as far as counting needs them; in the order of their ids."""
    found = [Complaint.from_row(row, ATTRIBUTES) for row in rows if text_of(row.get("sentiment")) == "negative" or text_of(row.get("primary_topic")) in ANY_TONE]
    return sorted((c for c in found if c is not None), key=lambda c: c.feedback_id)


def support_records(
    rows: Iterable[Mapping[str, Any]],
    themes: Iterable[Mapping[str, Any]],
    members: Iterable[Mapping[str, Any]],
    answered: Iterable[str] = (),
) -> list[SupportRecord]:
    """Support records with their theme. While the shop has no themes at all, the topic stands in for one.

    `themes`: rows of theme_id, name. `members`: rows of feedback_id, theme_id. `answered`: feedback ids answered by a
    macro. """  # fmt: skip
    themes = list(themes)
    names = {str(row["theme_id"]): text_of(row["name"]) for row in themes}
    theme_of = {str(row["feedback_id"]): text_of(row["theme_id"]) for row in members}
    with_macro = set(answered)
    found = []
    for row in rows:
        topic = text_of(row.get("primary_topic"))
        if text_of(row.get("source")) not in SUPPORT_SOURCES or not topic:
            continue
        evidence = Evidence.from_row(row)
        theme = theme_of.get(evidence.feedback_id) or ""
        if names and not theme:
            continue  # it resembles nothing: not the same question as another one that resembles nothing
        found.append(
            SupportRecord(
                evidence=evidence,
                topic=topic,
                theme_id=theme or f"topic:{topic}",
                theme_name=names.get(theme, "") or topic.replace("_", " "),
                has_macro=evidence.feedback_id in with_macro,
            )
        )
    return found


def products_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Product]:
    """SKU -> what a ticket says of it."""
    return {
        str(row["sku"]): Product(
            sku=str(row["sku"]),
            name=text_of(row.get("name")),
            product_line=text_of(row.get("product_line")),
            is_flagship=bool(row.get("is_flagship") or False),
        )
        for row in rows
    }


def revenue_by_sku(orders: DataFrame, first: date, last: date) -> dict[str, float]:
    """SKU -> amount in the reporting currency over the shop's days [first, last]; lines without a rate are left out."""
    frame = orders.where(
        f"ordered_day BETWEEN DATE'{first.isoformat()}' AND DATE'{last.isoformat()}' AND amount IS NOT NULL"
    )
    rows = _rows(frame.groupBy("sku").agg({"amount": "sum"}).withColumnRenamed("sum(amount)", "amount"))
    return {str(row["sku"]): round(float(row["amount"]), 2) for row in sorted(rows, key=lambda row: str(row["sku"]))}


def queue_records(rows: Iterable[Mapping[str, Any]], as_of: date, days: int) -> list[Mapping[str, Any]]:
    """The records of the last days that may stand in a queue."""
    since = as_of - timedelta(days=days)
    return [
        row for row in rows if row["occurred_day"] > since and (list_of(row.get("risk_tags")) or _may_escalate(row))
    ]


def _may_escalate(row: Mapping[str, Any]) -> bool:
    return text_of(row.get("primary_topic")) == "safety" or text_of(row.get("urgency")) == "critical"


def _rows(frame: DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = arrow_on_driver(frame, "records that an open issue may speak of").to_pylist()
    return sorted(rows, key=lambda row: str(row.get("feedback_id", "")))
