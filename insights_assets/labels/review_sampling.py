"""Which records a reviewer sees next (R82, R142): a random part that measures, and parts that teach.

Belongs here: drawing the queue on the engine. Does not belong here: answers (`review.py`), sheets, pages. The draw is the hash of
seed and record id, so the same records, answers and day give the same queue, and a record keeps its number for ever. That number
also keeps the parts apart: the lower half of a topic by it is measured only, the upper half is where doubtful and severe records
are looked for. Otherwise the hard ones, once read, would leave the random part and make the labels look better than they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

#: What each part of the queue is of the whole. Only `stratified` measures; the others have weight 0.
SHARES: Mapping[str, float] = {"uncertain": 0.5, "stratified": 0.3, "severe": 0.1, "repeat": 0.1}
#: Records of each topic in the random part: enough for the gate's n >= 30 where a topic has them.
PER_STRATUM = 40
#: Topics that alert nobody need fewer.
QUIET = {"praise": 20}
REVIEW_DAYS = 56
#: A severe record is asked about while somebody can still act on it.
SEVERE_DAYS = 7
#: Records that the cascade calls a person for, at most.
CALLED_AT_MOST = 600
_CALLED = "called"
#: Shown without the label, to see how much the label sways the reader. Repeats always are: it would show the first reader's answer.
BLIND_SHARE = 0.2


def sample(labelled: DataFrame, day: date, *, reviewers: Mapping[str, int] | None = None, seed: int = 0, called_for: DataFrame | None = None) -> DataFrame:
    """The queue (columns of labels.review_queue), in an order of which every beginning has the shares, as far as records go.

    `labelled`: columns of labels.labelled_feedback with label_set_version, model_version, prompt_version and `said`, the label's
    topics with confidence. `reviewers`: how many people have read a record. `called_for` (feedback_id,
    called_for): records that come before all others, with the reason; those of the random part stay in it, where they measure.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    spark = labelled.sparkSession
    read = spark.createDataFrame(sorted((reviewers or {}).items()), "feedback_id string, readers int")
    strata = Window.partitionBy("primary_topic")
    quota = F.lit(PER_STRATUM)
    for topic, count in QUIET.items():
        quota = F.when(F.col("primary_topic") == topic, F.lit(count)).otherwise(quota)
    ranked = labelled.join(read, "feedback_id", "left").withColumns({
        "draw": F.sha2(F.concat_ws("|", F.lit(str(seed)), "feedback_id"), 256), "stratum_size": F.count("*").over(strata), "quota": quota,
    })  # fmt: skip
    ranked = ranked.withColumn("nth", F.row_number().over(strata.orderBy("draw")))
    ranked = ranked.withColumn("kind", _kind(day))
    why: Column = F.col("kind")
    if called_for is not None:
        is_called = F.col("called_for").isNotNull() & F.col("kind").isin("severe", "uncertain")
        ranked = ranked.join(called_for, "feedback_id", "left").withColumn("kind", F.when(is_called, _CALLED).otherwise(F.col("kind")))
        why = F.when(F.col("kind") == _CALLED, F.col("called_for")).otherwise(F.col("kind"))
    ranked = ranked.where("kind IS NOT NULL").withColumn("of_stratum", F.row_number().over(Window.partitionBy("kind", "primary_topic").orderBy("draw")))
    ranked = ranked.where((F.col("kind") != "stratified") | (F.col("of_stratum") <= F.col("quota")))
    drawn = ranked.withColumn("turn", F.row_number().over(Window.partitionBy("kind").orderBy(_urge(day), "draw")))
    measured = drawn.where("kind = 'stratified'").count()
    limits, positions = F.when(F.col("kind") == _CALLED, F.lit(CALLED_AT_MOST)).otherwise(F.lit(measured)), F.lit(0.0)
    for kind, share in SHARES.items():
        limits = F.when(F.col("kind") == kind, F.lit(round(measured * share / SHARES["stratified"]))).otherwise(limits)
        positions = F.when(F.col("kind") == kind, (F.col("turn") - 0.5) / share).otherwise(positions)
    chosen = drawn.where(F.col("turn") <= limits).withColumn("position", positions)
    is_drawn, is_repeat = F.col("kind") == "stratified", F.col("kind") == "repeat"
    in_stratum = F.count("*").over(Window.partitionBy("kind", "primary_topic"))
    blind = F.substring(F.sha2(F.concat_ws("|", F.lit(f"blind {seed}"), "feedback_id"), 256), 1, 8) < f"{int(BLIND_SHARE * 0x100000000):08x}"
    return chosen.select(
        "feedback_id", F.row_number().over(Window.orderBy("position", "kind", "draw")).alias("place"), F.col("primary_topic").alias("stratum"), "stratum_size",
        F.when(is_drawn, F.round(F.col("stratum_size") / in_stratum, 4)).otherwise(0.0).alias("inclusion_weight"), why.alias("reason"),
        (is_repeat | blind).alias("is_blind"), "source", "channel", "language", "text", "rating", "sku",
        F.when(~is_repeat, F.transform("said", lambda topic: topic["topic"])).alias("topics"),
        F.when(~is_repeat, F.transform("said", lambda topic: topic["confidence"])).alias("confidences"),
        F.when(~is_repeat, F.col("sentiment")).alias("sentiment"), F.when(~is_repeat, F.col("urgency")).alias("urgency"),
        F.when(~is_repeat, F.col("confidence")).alias("confidence"), "label_set_version", "model_version", "prompt_version",
    )  # fmt: skip


def _kind(day: date) -> Column:
    """The part of the queue a record belongs to; null for one that two people have read."""
    from pyspark.sql import functions as F

    is_severe = F.col("urgency").isin("high", "critical") & (F.col("received_day") > F.lit(day - timedelta(days=SEVERE_DAYS)))
    # A topic with few records is measured whole.
    is_measured = F.col("nth") <= F.greatest(F.col("quota").cast("double"), F.col("stratum_size") / 2)
    fresh = F.when(is_measured, "stratified").when(is_severe, "severe").otherwise("uncertain")
    return F.when(F.col("readers").isNull(), fresh).when(F.col("readers") == 1, "repeat")


def _urge(day: date) -> Column:
    """Who comes first within a part: a record of each topic in turn; the least certain; the most urgent and newest."""
    from pyspark.sql import functions as F

    age = F.datediff(F.lit(day), "received_day").cast("double") - F.when(F.col("urgency") == "critical", 1000.0).otherwise(0.0)
    return (
        F.when(F.col("kind") == "stratified", F.col("of_stratum").cast("double")).when(F.col("kind") == "uncertain", F.coalesce("confidence", F.lit(0.0)))
        .when(F.col("kind") == "severe", age).otherwise(0.0)
    )  # fmt: skip
