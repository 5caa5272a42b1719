"""Building what stands beside the insights: findings about the data, and sentiment after policies. Called with a `Step`.

Belongs here: reading for `data_findings.py` and `sentiment_shifts.py` and writing their tables.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from insights_assets.anomalies import data_findings, sentiment_shifts
from insights_assets.anomalies.build import day_number, read_events
from insights_assets.anomalies.panel import day_numbers
from insights_assets.anomalies.tables import DATA_FINDINGS, SENTIMENT_SHIFTS
from insights_assets.canonical.tables import DUPLICATES, FEEDBACK
from insights_assets.labels.tables import FEEDBACK_LABELS

if TYPE_CHECKING:
    from insights_assets.resources.step import Step


def build_data_findings(step: Step) -> int:
    """Findings about deliveries up to the as-of day; returns how many there are."""
    import pandas as pd
    from pyspark.sql import functions as F

    copied = step.read(DUPLICATES).where("reason = 'copied_post' AND NOT counts").select("feedback_id", "received_day", F.lit(1).alias("is_copy"))
    feedback = step.read(FEEDBACK).where(F.col("known_day") <= step.as_of)
    came = feedback.select("feedback_id", "received_day", "source", F.col("occurred_day").alias("day"), "known_day").join(copied, ["feedback_id", "received_day"], "left")
    arrivals = came.groupBy("source", "day", "known_day").agg(F.count("*").alias("records"), F.sum(F.coalesce("is_copy", F.lit(0))).alias("copies"))
    frame = arrivals.toPandas()
    if frame.empty:
        return 0
    rows = data_findings.find(frame, int(day_numbers(frame["known_day"]).min()), day_number(step.as_of))
    if rows:
        step.write(DATA_FINDINGS, pd.DataFrame([{**row, "run_id": step.run_id} for row in rows], columns=DATA_FINDINGS.column_names))
    return len(rows)


def build_sentiment_shifts(step: Step) -> int:
    """The contrast of every policy whose fourteen days have passed; returns how many parts shifted."""
    import pandas as pd
    from pyspark.sql import functions as F

    policies = [event for event in read_events(step) if event.kind == "policy"]
    if not policies:
        return 0
    start = min(event.starts for event in policies) - sentiment_shifts.ShiftRules().before
    from_day = step.as_of - timedelta(days=day_number(step.as_of) - start)
    feedback = step.read(FEEDBACK).where((F.col("known_day") <= step.as_of) & (F.col("occurred_day") >= from_day) & (F.col("kind") != "signal"))
    labels = step.read(FEEDBACK_LABELS).where("sentiment_score IS NOT NULL").select("feedback_id", "received_day", "primary_topic", "sentiment_score")
    scored = feedback.where("duplicate_weight > 0").select("feedback_id", "received_day", "channel", F.col("occurred_day").alias("day")).join(labels, ["feedback_id", "received_day"])
    parts = F.array(
        F.struct(F.lit("all").alias("attribute"), F.lit("all").alias("value")),
        F.struct(F.lit("channel").alias("attribute"), F.col("channel").alias("value")),
        F.struct(F.lit("topic").alias("attribute"), F.col("primary_topic").alias("value")),
    )
    cut = scored.withColumn("part", F.explode(parts)).groupBy("part.attribute", "part.value", "day")
    # Whole numbers: a sum of floats would end in what the order of the rows happened to be.
    score = F.round(F.col("sentiment_score") * 10_000).cast("bigint")
    daily = cut.agg(F.count("*").alias("records"), F.sum(score).alias("total"), F.sum(score * score).alias("squares")).toPandas()
    daily = daily.assign(total=daily["total"] / 1e4, squares=daily["squares"] / 1e8)
    rows = sentiment_shifts.shifts(daily, policies, day_number(step.as_of))
    if rows:
        step.write(SENTIMENT_SHIFTS, pd.DataFrame([{**row, "run_id": step.run_id} for row in rows], columns=SENTIMENT_SHIFTS.column_names))
    return sum(bool(row["is_shift"]) for row in rows)
