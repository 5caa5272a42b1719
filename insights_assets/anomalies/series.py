"""Counting, on the engine: mentions, topic series, exposure and lags. Spark frames in, Spark frames out.

Belongs here: who counts as a mention, people instead of posts, and the three small tables the detector lives on. Not here:
judging any of it.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from insights_assets.anomalies import topics
from insights_assets.anomalies.lags import MAX_LAG

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

#: The same person speaking again within so many days is not counted again.
PERSON_DAYS = 14
#: A mention that was known so long before cannot silence a later one; what makes counting by known day possible.
KNOWN_GAP_DAYS = 45
_CUT = ("product_line", "sku", "region", "warehouse", "packaging_batch", "carrier", "channel")


def mentions(feedback: DataFrame, labels: DataFrame) -> DataFrame:
    """One row per record and topic that counts: negative ones, wishes and dangers whatever the tone, sessions by what they show.

    `feedback`: canonical.feedback. `labels`: labels.feedback_labels with `topics` (structs of topic, confidence, sentiment) and
    `sentiment`; a record's label lies on the record's day, so of a window of records only those days' labels are read. Copies
    (duplicate_weight 0) are left out. Adds `person`, `topic`, `confidence`, `day`.
    """
    from pyspark.sql import functions as F

    spoken = labels.select("feedback_id", "received_day", F.col("sentiment").alias("record_sentiment"), F.explode("topics").alias("said")).select(
        "feedback_id", "received_day", F.col("said.topic").alias("topic"), F.col("said.confidence").cast("double").alias("confidence"),
        F.coalesce(F.col("said.sentiment"), F.col("record_sentiment")).alias("tone"),
    )
    counts = (F.col("tone") == "negative") | F.col("topic").isin(sorted(topics.ANY_TONE))
    spoken = spoken.where(counts & ~F.col("topic").isin(sorted(topics.NEVER_MONITORED))).drop("tone")
    kept = feedback.where(F.col("duplicate_weight") > 0).select(
        "feedback_id", "source", "kind", "signal", *_CUT, person().alias("person"), "order_id", "shipped_day",
        F.col("occurred_day").alias("day"), "known_day", "occurred_at", "received_day",
    )
    voiced = kept.where("kind <> 'signal'").join(spoken, ["feedback_id", "received_day"])
    shown = kept.where("kind = 'signal'").withColumns(
        {
            "topic": F.when(F.col("signal") == "error", topics.SESSION_ERROR_TOPIC).otherwise(topics.CART_ABANDONMENT),
            "confidence": F.lit(1.0),
        }
    )
    columns = ["feedback_id", "topic", "confidence", "person", "source", *_CUT, "order_id", "shipped_day", "day", "known_day", "occurred_at", "received_day"]
    one = voiced.select(*columns).unionByName(shown.select(*columns))
    return one.groupBy([c for c in columns if c != "confidence"]).agg(F.max("confidence").alias("confidence")).where("known_day >= day")


def person() -> Column:
    """Who speaks: the customer (on social the author); without one the group of copies, the order, at last the record itself.

    Copies weigh 0 and are gone before; what an author varies from post to post still is one author.
    """
    from pyspark.sql import functions as F

    return F.coalesce(
        F.col("customer_key"), F.concat(F.lit("posts:"), F.col("duplicate_group")),
        F.concat(F.lit("order:"), F.col("order_id")), F.concat(F.lit("record:"), F.col("feedback_id")),
    )


def topic_series(said: DataFrame) -> DataFrame:
    """topic, attribute, value, day, known_day, observed: people, each counted once in PERSON_DAYS per topic and value.

    Whether a mention counts depends only on mentions known before it, so a count never changes once its day is over. To count
    the known days from D on, `said` must hold the known days from D - KNOWN_GAP_DAYS on.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    cut = _cut_by(said.select("topic", "person", "day", "known_day", "occurred_at", "feedback_id", *_CUT), topics.SERIES_ATTRIBUTES)
    of_session = F.col("topic").isin(sorted(topics.SESSION_TOPICS))
    cut = cut.where(~of_session | F.col("attribute").isin(*topics.SESSION_ATTRIBUTES))
    before = Window.partitionBy("topic", "attribute", "value", "person").orderBy("known_day", "occurred_at", "feedback_id")
    again = (F.datediff("known_day", F.lag("known_day").over(before)) <= KNOWN_GAP_DAYS) & (
        F.abs(F.datediff("day", F.lag("day").over(before))) < PERSON_DAYS
    )
    counted = cut.withColumn("again", F.coalesce(again, F.lit(False))).where("NOT again")
    return counted.groupBy("topic", "attribute", "value", "day", "known_day").agg(F.count("*").alias("observed"))


def exposure_series(shipments: DataFrame | None, orders: DataFrame | None, sessions: DataFrame | None, feedback: DataFrame) -> DataFrame:
    """basis, attribute, value, day, known_day, units. Frames that the shop has not are None."""
    from pyspark.sql import functions as F

    parts: list[DataFrame] = []
    if shipments is not None:
        dated = shipments.where("shipped_day IS NOT NULL").withColumn("day", F.col("shipped_day"))
        parts.append(_units(dated, "shipped", ("all", "product_line", "warehouse", "carrier", "region", "sku")))
    if orders is not None:
        dated = orders.where("ordered_day IS NOT NULL").withColumn("day", F.col("ordered_day"))
        parts.append(_units(dated, "ordered", ("all", "product_line", "region", "sku")))
    if sessions is not None:
        dated = sessions.where("occurred_day IS NOT NULL").withColumn("day", F.col("occurred_day"))
        parts.append(_units(dated, "sessions", ("all", "region")))
    # Where orders exist, records only stand for channels.
    wanted = ("channel",) if parts else topics.SERIES_ATTRIBUTES
    spoken = feedback.where("duplicate_weight > 0").withColumn("day", F.col("occurred_day"))
    cut = _cut_by(spoken.select("day", "known_day", *_CUT), wanted)
    parts.append(
        cut.groupBy("attribute", "value", "day", "known_day").agg(F.count("*").cast("double").alias("units")).withColumn("basis", F.lit("records"))
    )
    return reduce(lambda left, right: left.unionByName(right), parts).select("basis", "attribute", "value", "day", "known_day", "units")


def complaint_lags(said: DataFrame, orders: DataFrame | None) -> DataFrame:
    """topic, basis, lag_days, known_day, count: mentions of a known parcel or order, by days since it left or was placed."""
    from pyspark.sql import functions as F

    parts = [said.where("shipped_day IS NOT NULL").select("topic", F.lit("shipped").alias("basis"), "day", "known_day", F.col("shipped_day").alias("start"))]
    if orders is not None:
        placed = orders.where("ordered_day IS NOT NULL").groupBy("order_id").agg(F.min("ordered_day").alias("start"))
        dated = said.where("order_id IS NOT NULL").join(placed, "order_id")
        parts.append(dated.select("topic", F.lit("ordered").alias("basis"), "day", "known_day", "start"))
    both = reduce(lambda left, right: left.unionByName(right), parts)
    lag = F.least(F.greatest(F.datediff("day", "start"), F.lit(0)), F.lit(MAX_LAG)).cast("int")
    return both.groupBy("topic", "basis", lag.alias("lag_days"), "known_day").agg(F.count("*").alias("count"))


def exposed_lines(shipments: DataFrame, at_most: int, rows: int) -> DataFrame:
    """Shipped lines for the cause search: attributes, day, units.

    Beyond `at_most` of `rows` lines a sample by hash of the parcel stands for all, weighted up; rates of small cells stay unbiased.
    """
    from pyspark.sql import functions as F

    chosen, weight = _sampled(shipments.where("shipped_day IS NOT NULL"), "fulfilment_id", at_most, rows)
    keys = ["product_line", "sku", "region", "warehouse", "packaging_batch", "carrier"]
    return chosen.groupBy(*keys, F.col("shipped_day").alias("day")).agg((F.count("*") * weight).alias("units"))


def exposed_orders(orders: DataFrame, at_most: int, rows: int) -> DataFrame:
    """Ordered lines for the causes of what happens at the order: product, region, day, units. Not yet shipped ones are among them."""
    from pyspark.sql import functions as F

    chosen, weight = _sampled(orders.where("ordered_day IS NOT NULL"), "order_id", at_most, rows)
    return chosen.groupBy("product_line", "sku", "region", F.col("ordered_day").alias("day")).agg((F.count("*") * weight).alias("units"))


def _sampled(lines: DataFrame, key: str, at_most: int, rows: int) -> tuple[DataFrame, float]:
    from pyspark.sql import functions as F

    buckets = max(1, round(min(1.0, at_most / max(rows, 1)) * 1000))
    chosen = lines if buckets == 1000 else lines.where(F.pmod(F.crc32(F.col(key).cast("binary")), F.lit(1000)) < buckets)
    return chosen, 1000.0 / buckets


def exposed_sessions(sessions: DataFrame) -> DataFrame:
    """Sessions for the cause search of what sessions bring about: region, day, units."""
    from pyspark.sql import functions as F

    dated = sessions.where("occurred_day IS NOT NULL").withColumn("day", F.col("occurred_day"))
    return dated.groupBy("region", "day").agg(F.count("*").cast("double").alias("units"))


def exposed_records(feedback: DataFrame) -> DataFrame:
    """The share model's stand-in for lines: records by their attributes and day."""
    from pyspark.sql import functions as F

    spoken = feedback.where("duplicate_weight > 0 AND kind <> 'signal'").withColumn("day", F.col("occurred_day"))
    return spoken.groupBy(*_CUT, "day").agg(F.count("*").cast("double").alias("units"))


def _units(dated: DataFrame, basis: str, attributes: tuple[str, ...]) -> DataFrame:
    from pyspark.sql import functions as F

    cut = _cut_by(dated, attributes)
    counted = cut.groupBy("attribute", "value", "day").agg(F.count("*").cast("double").alias("units"))
    return counted.withColumns({"basis": F.lit(basis), "known_day": F.col("day")})


def _cut_by(frame: DataFrame, attributes: tuple[str, ...]) -> DataFrame:
    """The frame once for every attribute: adds `attribute` and `value`; rows that do not name it are left out."""
    from pyspark.sql import functions as F

    pairs = [
        F.struct(F.lit(name).alias("attribute"), (F.lit("all") if name == "all" else F.col(name)).cast("string").alias("value"))
        for name in attributes
        if name == "all" or name in frame.columns
    ]
    exploded = frame.withColumn("cut", F.explode(F.array(*pairs)))
    return exploded.withColumns({"attribute": F.col("cut.attribute"), "value": F.col("cut.value")}).drop("cut").where("value IS NOT NULL")
