"""Who counts when words repeat: people, not posts. The Spark side of `duplicates.py`.

The same words from different customers about different orders are different complaints; a group counts once within one customer,
and a flood of copied posts counts once in all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Fewer letters than this ("great!", "thanks") repeat by chance and make no group.
MIN_TEXT = 20
#: This many equal posts without an order within the days below are a copied flood, not independent voices.
COPIES, COPY_DAYS = 5, 7


def weigh(rows: DataFrame, history: DataFrame) -> DataFrame:
    """Adds duplicate_group and duplicate_weight. `history` are stored rows of other days; columns feedback_id, text_hash,
    customer_key, order_id, occurred_at, occurred_day, source. The first by (occurred_at, feedback_id) counts."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    columns = ["feedback_id", "text_hash", "customer_key", "order_id", "occurred_at", "occurred_day", "source"]
    eligible = rows.where(F.length("text") >= MIN_TEXT)
    mine = eligible.select(*columns, F.lit(True).alias("is_new"))
    other = history.select(*columns, F.lit(False).alias("is_new")).join(mine.select("text_hash").distinct(), "text_hash", "left_semi")
    both = mine.unionByName(other)
    person = F.coalesce(F.col("customer_key"), F.concat(F.lit("row:"), F.col("feedback_id")))
    same_person = Window.partitionBy("text_hash", "person").orderBy("occurred_at", "feedback_id")
    posts = Window.partitionBy("text_hash", "is_post").orderBy("occurred_at", "feedback_id")
    span = Window.partitionBy("text_hash", "is_post").orderBy(F.unix_date("occurred_day")).rangeBetween(-COPY_DAYS, COPY_DAYS)
    ranked = both.withColumns({"person": person, "is_post": F.col("order_id").isNull() & (F.col("source") == "social")}).withColumns({
        "nth": F.row_number().over(same_person), "group_size": F.count("*").over(Window.partitionBy("text_hash", "person")),
        "nth_post": F.row_number().over(posts), "near_posts": F.count("*").over(span),
    })
    copied = F.col("is_post") & (F.col("near_posts") >= COPIES)
    judged = ranked.where("is_new").select(
        "feedback_id",
        F.when(copied, F.concat(F.lit("post:"), "text_hash")).when(F.col("group_size") > 1, F.concat("text_hash", F.lit(":"), F.substring("person", 1, 24))).alias("duplicate_group"),
        F.when(F.col("nth") > 1, 0.0).when(copied & (F.col("nth_post") > 1), 0.0).otherwise(1.0).alias("weight"),
        F.when(copied, "copied_post").otherwise("same_customer").alias("duplicate_reason"),
    )
    return rows.join(judged, "feedback_id", "left").withColumn("duplicate_weight", F.coalesce("weight", F.lit(1.0))).drop("weight")
