"""What is clustered: of each complaint its topic and the words that say it. Spark frames in, Spark frame out.

Belongs here: which records are complaints, in which topic, by which words. Does not belong here: vectors and themes.

A customer who praises the shop, complains about the lid and asks about an invoice writes three things in one text. The
quote that the label rests on is the part about the lid, so the quote is what is embedded; the whole text only where the
quote says too little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Mentions of these are news whatever the tone.
ANY_TONE = ("feature_request", "safety")
#: Not a complaint, whatever the tone.
NEVER = ("praise",)
#: Complaints of this topic have no place in the label set; their themes are candidates for new topics.
NO_TOPIC = "other"
#: Shorter quotes ("broken") say no more than the topic does.
LEAST_QUOTE_WORDS = 4

COLUMNS = ("feedback_id", "topic", "words", "text_hash", "counts", "known_day", "received_day")


def complaints(feedback: DataFrame, labels: DataFrame) -> DataFrame:
    """One row per complaint with COLUMNS. Reads canonical.feedback and labels.feedback_labels.

    The topic is the first negative one of the label (or one of ANY_TONE); of a negative record without one, its primary
    topic.
    """
    from pyspark.sql import functions as F

    key = ["feedback_id", "received_day"]  # a label lies on its record's day, so of a window of records only those days' labels are read
    # Exploded, not filter(topics, t -> …): the embedded engine loses a lambda's column when a stored table is read for
    # it.
    mentions = labels.select(*key, F.posexplode("topics").alias("place", "said"))
    counting = (F.col("said.sentiment") == "negative") | F.col("said.topic").isin(*ANY_TONE)
    first = mentions.where(counting & ~F.col("said.topic").isin(*NEVER)).groupBy(*key)
    mention = first.agg(F.min(F.struct("place", "said.topic", "said.quote")).alias("mention"))
    primary = F.when((F.col("sentiment") == "negative") & ~F.col("primary_topic").isin(*NEVER), F.col("primary_topic"))
    said = (
        labels.select(*key, "sentiment", "primary_topic")
        .join(mention, key, "left")
        .select(
            *key, F.coalesce("mention.topic", primary).alias("topic"), F.col("mention.quote").alias("quote")
        )
        .where(F.col("topic").isNotNull())
    )
    enough = F.size(F.split(F.trim("quote"), r"\s+")) >= LEAST_QUOTE_WORDS
    words = F.when(F.col("quote").isNotNull() & enough, F.col("quote")).otherwise(F.col("text"))
    plain = F.lower(F.regexp_replace(F.trim("words"), r"\s+", " "))
    return (
        feedback.where(F.col("text").isNotNull() & (F.length(F.trim("text")) > 0))
        .select("feedback_id", "text", (F.col("duplicate_weight") > 0).alias("counts"), "known_day", "received_day")
        .join(said, key)
        .withColumn("words", words)
        .withColumn("text_hash", F.substring(F.sha2(plain, 256), 1, 32))
        .select(*COLUMNS)
    )
