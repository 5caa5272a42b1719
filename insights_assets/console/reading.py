"""What the pages read: rows of published tables, through the reader that enforces tiers, in the default tier.

Belongs here: which tables and rows a page needs, as plain values. Does not belong here: what is made of them (`cards.py`,
`overview.py`, `details.py`), Streamlit, and any read beside the reader. A table that no run has written yet reads as no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.actions.model import OPEN_STATES
from insights_assets.tables import table

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import Column

    from insights_assets.governance.reader import Reader
    from insights_assets.lake.spec import TableSpec

Row = dict[str, Any]
#: Days before the first onset that a plot may show.
DAYS_BEFORE_ONSET = 28
#: Records are sought by id in at most so many at a time.
IDS_AT_ONCE = 2_000


@dataclass(frozen=True)
class TodayRows:
    """Everything *Today* shows of one publication. `evidence` and `labels` by feedback_id; `mentions` may be None."""

    insights: list[Row]
    root_causes: list[Row] = field(default_factory=list)
    actions: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    products: list[Row] = field(default_factory=list)
    judged_topics: list[Row] = field(default_factory=list)
    issue_days: list[Row] = field(default_factory=list)
    evidence: dict[str, Row] = field(default_factory=dict)
    mentions: pd.DataFrame | None = None


@dataclass(frozen=True)
class ActionRows:
    """What *Approvals*, *Tickets* and *Loop time* show of one publication. `drafts` by action_id, a row a language; `names` of products by SKU."""

    tickets: list[Row]
    insights: list[Row]
    drafts: dict[str, list[Row]]
    loop: list[Row]
    summary: list[Row]
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HealthRows:
    """Everything *Health* shows of one publication."""

    pipeline: list[Row]
    model: list[Row]
    business: list[Row]
    layers: list[Row]
    alarms: list[Row]
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InsightRows:
    """Everything *Insight* shows of one insight beside what *Today* has of it. `rules`: those that fired on its evidence; `details`: what its records name."""

    records: list[Row]
    series: list[Row]
    counts: list[Row]
    deliveries: list[Row]
    rules: list[Row]
    details: list[Row] = field(default_factory=list)


def published(reader: Reader, name: str) -> TableSpec | None:
    """The spec of a table that this publication pins; None where there is no such table (yet)."""
    try:
        spec = table(name)
    except LookupError:
        return None
    return spec if reader.lake.exists(spec) else None


def rows(reader: Reader, name: str, where: Column | None = None) -> list[Row]:
    """Rows of a published table as plain dicts, with the columns the default tier allows."""
    from insights_assets.governance.reader import plain_rows

    spec = published(reader, name)
    if spec is None:
        return []
    view = reader.view(spec)
    return plain_rows((view.frame if where is None else view.frame.where(where)).toArrow(), view.columns)


def read_health(reader: Reader) -> HealthRows:
    """All rows of *Health*: small tables, one row a day or run and metric."""
    return HealthRows(*(rows(reader, f"health.{name}") for name in ("pipeline_health", "model_health", "business_health", "layers", "alarms")), names=product_names(reader))


def read_roi(reader: Reader) -> list[Row]:
    """All rows of *ROI*."""
    return rows(reader, "health.roi")


def read_actions(reader: Reader) -> ActionRows:
    """All rows about actions: small tables, one row an action, insight, draft or stage."""
    drafts: dict[str, list[Row]] = {}
    for row in [*rows(reader, "actions.macros"), *rows(reader, "actions.articles")]:
        drafts.setdefault(row["action_id"], []).append(row)
    return ActionRows(
        tickets=rows(reader, "actions.action_tickets"), insights=rows(reader, "anomalies.insights"), drafts=drafts,
        loop=rows(reader, "actions.loop_time"), summary=rows(reader, "actions.loop_summary"), names=product_names(reader),
    )  # fmt: skip


def product_names(reader: Reader) -> dict[str, str]:
    """SKU -> name, for products that have one."""
    return {str(row["sku"]): str(row["name"]) for row in rows(reader, "canonical.products") if row["name"]}


def read_today(reader: Reader) -> TodayRows:
    """All rows of *Today*; records and mentions only of insights that are open."""
    from pyspark.sql import functions as F

    insights = rows(reader, "anomalies.insights")
    open_ids = [row["insight_id"] for row in insights if row["state"] in OPEN_STATES]
    wanted = [feedback_id for row in insights if row["insight_id"] in set(open_ids) for feedback_id in row["evidence_ids"] or ()]
    days = rows(reader, "anomalies.issue_days", F.col("insight_id").isin(open_ids)) if open_ids else []
    return TodayRows(
        insights=insights,
        root_causes=rows(reader, "anomalies.root_causes"),
        actions=rows(reader, "actions.action_tickets"),
        findings=rows(reader, "anomalies.data_findings"),
        products=rows(reader, "canonical.products"),
        judged_topics=last_judged(reader),
        issue_days=days,
        evidence={row["feedback_id"]: row for row in read_records(reader, wanted)},
        mentions=mentions_of(reader, [row for row in insights if row["insight_id"] in set(open_ids)], days),
    )


def last_judged(reader: Reader) -> list[Row]:
    """The series of whole topics as judged on the last judged day."""
    from pyspark.sql import functions as F

    spec = published(reader, "anomalies.anomalies")
    if spec is None:
        return []
    last = reader.view(spec).frame.agg(F.max("as_of_day").alias("day")).toArrow().column(0)[0].as_py()
    return rows(reader, "anomalies.anomalies", (F.col("as_of_day") == last) & (F.col("attribute") == "all")) if last else []


def read_records(reader: Reader, feedback_ids: Iterable[str]) -> list[Row]:
    """Feedback records by id, each with its label under `label`; in the order of the ids, unknown ids left out."""
    from pyspark.sql import functions as F

    ids = list(dict.fromkeys(feedback_ids))
    found: dict[str, Row] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        chosen = F.col("feedback_id").isin(ids[start : start + IDS_AT_ONCE])
        labels = {row["feedback_id"]: row for row in rows(reader, "labels.feedback_labels", chosen)}
        for row in rows(reader, "canonical.feedback", chosen):
            found[row["feedback_id"]] = {**row, "label": labels.get(row["feedback_id"])}
    return [found[feedback_id] for feedback_id in ids if feedback_id in found]


def mentions_of(reader: Reader, insights: Sequence[Row], issue_days: Sequence[Row]) -> pd.DataFrame | None:
    """Mentions of the topics of these insights, counted as the detector counts them, from some weeks before the first onset.

    None where feedback or labels are not published: nothing is drawn then, rather than something else.
    """
    from pyspark.sql import functions as F

    from insights_assets.anomalies.leaves import PERSON_DAYS
    from insights_assets.anomalies.series import mentions

    feedback, labels = published(reader, "canonical.feedback"), published(reader, "labels.feedback_labels")
    onsets = [row["onset_day"] for row in insights if row["onset_day"]]
    if feedback is None or labels is None or not onsets:
        return None
    since = first_plotted_day(min(onsets), reader.publication.as_of_day) - timedelta(days=PERSON_DAYS)
    wanted = sorted({row["topic"] for row in insights} | {row["signal_topic"] for row in issue_days if row["signal_topic"]})
    said = mentions(reader.view(feedback).frame.where(F.col("received_day") >= F.lit(since)), reader.view(labels).frame)
    frame: pd.DataFrame = said.where(F.col("topic").isin(wanted) & (F.col("day") >= F.lit(since))).toPandas()
    return frame


def first_plotted_day(onset: date, as_of: date) -> date:
    """Where a plot of an issue begins: six weeks back, or some weeks before an onset that is older."""
    return min(as_of - timedelta(days=41), onset - timedelta(days=DAYS_BEFORE_ONSET))


def read_insight(reader: Reader, insight: Row, topics: Iterable[str], places: Iterable[tuple[str, str]]) -> InsightRows:
    """Records, judged series and deliveries of one insight. `places`: (attribute, value) of the series that may have rung."""
    from pyspark.sql import functions as F

    insight_id = insight["insight_id"]
    chosen = F.lit(False)
    for attribute, value in places:
        chosen = chosen | ((F.col("attribute") == attribute) & (F.col("value") == value))
    chosen = chosen & F.col("topic").isin(sorted(set(topics)))
    ids = list(dict.fromkeys([*(insight["evidence_ids"] or ()), *(insight["record_ids"] or ())]))
    return InsightRows(
        records=read_records(reader, ids),
        series=rows(reader, "anomalies.anomalies", chosen),
        counts=_daily_counts(reader, chosen),
        deliveries=rows(reader, "actions.deliveries", F.col("insight_id") == insight_id),
        rules=rows(reader, "labels.rule_labels", F.col("feedback_id").isin(list(insight["evidence_ids"] or ()))),
        details=rows(reader, "labels.label_details", F.col("feedback_id").isin(ids)),
    )


def _daily_counts(reader: Reader, chosen: Column) -> list[Row]:
    """topic, attribute, value, day, observed: people by the day it happened, whenever it became known."""
    from pyspark.sql import functions as F

    spec = published(reader, "anomalies.topic_series")
    if spec is None:
        return []
    keys = ("topic", "attribute", "value", "day")
    found = reader.view(spec).frame.where(chosen).groupBy(*keys).agg(F.sum("observed").alias("observed"))
    counted: list[Row] = found.orderBy(*keys).toArrow().to_pylist()
    return counted
