"""Who counts when words repeat: the Spark side of `duplicates.count_repetitions`, asked only of texts that stand there twice.

Belongs here: finding the records whose words repeat, in this run or in history. Does not belong here: the rule itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from insights_assets.engine.bounds import in_few_batches

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

#: Fewer letters than this ("great!", "thanks") repeat by chance and make no group.
MIN_TEXT = 20
#: Texts whose records are looked at as objects at once.
TEXTS_AT_ONCE = 20_000
_COLUMNS = ("feedback_id", "text_hash", "customer_key", "order_id", "occurred_at", "source")


def said(rows: DataFrame) -> DataFrame:
    """What `judge` needs of rows with a text long enough to repeat: a few short columns."""
    from pyspark.sql import functions as F

    return rows.where(F.length("text") >= MIN_TEXT).select(*_COLUMNS, F.col("received_day").alias("new_on"))


def said_before(mine: DataFrame, history: DataFrame) -> DataFrame:
    """Those of the stored rows of other days (columns feedback_id, text_hash, customer_key, order_id, occurred_at, source) that say what new ones do."""
    from pyspark.sql import functions as F

    stored = in_few_batches(history.select(*_COLUMNS, F.lit(None).cast("date").alias("new_on")))
    return stored.join(mine.select("text_hash").distinct(), "text_hash", "left_semi").select(*_COLUMNS, "new_on")


def judge(mine: DataFrame, earlier: DataFrame, meet: Callable[[DataFrame, str], DataFrame]) -> DataFrame:
    """The rows whose words repeat: feedback_id, duplicate_group (the feedback_id that counts for the group), duplicate_reason, weight, received_day.

    `mine`: rows to judge, of `said`. `earlier`: of `said_before`; each is looked at twice. `meet`: how rows with equal values of a column come
    into one partition (`Lake.meet`).
    """
    both = mine.unionByName(earlier)
    repeated = both.groupBy("text_hash").count().where("count > 1").select("text_hash")
    return meet(both.join(repeated, "text_hash", "left_semi"), "text_hash").mapInArrow(
        _judge, "feedback_id string, duplicate_group string, duplicate_reason string, weight double, received_day date"
    )


def weigh(rows: DataFrame, judged: DataFrame) -> DataFrame:
    """Adds duplicate_group, duplicate_reason and duplicate_weight: rows that nobody judged count, and belong to no group."""
    from pyspark.sql import functions as F

    return rows.join(judged.drop("received_day"), "feedback_id", "left").withColumn("duplicate_weight", F.coalesce("weight", F.lit(1.0))).drop("weight")


def _judge(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """One text after the other: what is held of the rest is columns, a tenth of the rows as objects."""
    import pyarrow as pa

    held = list(batches)
    if not held:
        return
    rows = pa.Table.from_batches(held).sort_by("text_hash")
    del held
    hashes = rows.column("text_hash").combine_chunks()
    starts = [0, *_where_it_changes(hashes), len(hashes)] if len(hashes) else []
    for first in range(0, len(starts) - 1, TEXTS_AT_ONCE):
        last = min(first + TEXTS_AT_ONCE, len(starts) - 1)
        yield _judged(rows.slice(starts[first], starts[last] - starts[first]).to_pylist())


def _where_it_changes(values: pa.Array) -> list[int]:
    """Positions at which a sorted column takes a new value."""
    import pyarrow.compute as pc

    changed = pc.not_equal(values.slice(1), values.slice(0, len(values) - 1))
    found: list[int] = pc.add(pc.indices_nonzero(changed), 1).to_pylist()
    return found


def _judged(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Of whole groups: those rows of the days to judge that repeat something."""
    import pyarrow as pa

    from insights_assets.canonical.duplicates import Repetition, count_repetitions

    new_on = {row["feedback_id"]: row["new_on"] for row in rows if row["new_on"] is not None}
    records = [Repetition(row["feedback_id"], row["text_hash"], row["occurred_at"], row["customer_key"], row["order_id"], row["source"] == "social") for row in rows]
    counted = {name: found for name, found in count_repetitions(records).items() if name in new_on and found.group is not None}
    return pa.RecordBatch.from_arrays(
        [
            pa.array(list(counted), pa.string()), pa.array([found.group for found in counted.values()], pa.string()),
            pa.array([found.reason for found in counted.values()], pa.string()), pa.array([float(found.weight) for found in counted.values()], pa.float64()),
            pa.array([new_on[name] for name in counted], pa.date32()),
        ],
        names=["feedback_id", "duplicate_group", "duplicate_reason", "weight", "received_day"],
    )
