"""Who counts when words repeat: the Spark side of `duplicates.count_repetitions`, asked only of texts that stand there twice.

Belongs here: finding the records whose words repeat, in this run or in history. Does not belong here: the rule itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

#: Fewer letters than this ("great!", "thanks") repeat by chance and make no group.
MIN_TEXT = 20
_COLUMNS = ("feedback_id", "text_hash", "customer_key", "order_id", "occurred_at", "source")


def judge(rows: DataFrame, history: DataFrame) -> DataFrame:
    """The rows whose words repeat: feedback_id, duplicate_group (the feedback_id that counts for the group), duplicate_reason, weight, received_day.

    `history` are stored rows of other days, columns feedback_id, text_hash, customer_key, order_id, occurred_at, source.
    """
    from pyspark.sql import functions as F

    mine = rows.where(F.length("text") >= MIN_TEXT).select(*_COLUMNS, F.col("received_day").alias("new_on"))
    earlier = history.select(*_COLUMNS, F.lit(None).cast("date").alias("new_on")).join(mine.select("text_hash").distinct(), "text_hash", "left_semi")
    both = mine.unionByName(earlier)
    repeated = both.groupBy("text_hash").count().where("count > 1").select("text_hash")
    # One partition: the rows of a text must meet, and texts that repeat are few beside those that do not.
    return both.join(repeated, "text_hash", "left_semi").coalesce(1).mapInArrow(
        _judge, "feedback_id string, duplicate_group string, duplicate_reason string, weight double, received_day date"
    )


def weigh(rows: DataFrame, judged: DataFrame) -> DataFrame:
    """Adds duplicate_group, duplicate_reason and duplicate_weight: rows that nobody judged count, and belong to no group."""
    from pyspark.sql import functions as F

    return rows.join(judged.drop("received_day"), "feedback_id", "left").withColumn("duplicate_weight", F.coalesce("weight", F.lit(1.0))).drop("weight")


def _judge(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    from insights_assets.canonical.duplicates import Repetition, count_repetitions

    records: list[Repetition] = []
    new_on: dict[str, Any] = {}
    for batch in batches:
        for row in batch.to_pylist():
            records.append(Repetition(row["feedback_id"], row["text_hash"], row["occurred_at"], row["customer_key"], row["order_id"], row["source"] == "social"))
            if row["new_on"] is not None:
                new_on[row["feedback_id"]] = row["new_on"]
    counted = {name: found for name, found in count_repetitions(records).items() if name in new_on and found.group is not None}
    yield pa.RecordBatch.from_arrays(
        [
            pa.array(list(counted), pa.string()), pa.array([found.group for found in counted.values()], pa.string()),
            pa.array([found.reason for found in counted.values()], pa.string()), pa.array([float(found.weight) for found in counted.values()], pa.float64()),
            pa.array([new_on[name] for name in counted], pa.date32()),
        ],
        names=["feedback_id", "duplicate_group", "duplicate_reason", "weight", "received_day"],
    )
