"""Which record sits in which theme: what is stored put beside what is said now, records placed by the engine, days rewritten.

Belongs here: the members table. Not here: which themes there are (`build.py`, `walk.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from insights_assets.clusters.embeddings import unpack
from insights_assets.clusters.tables import THEME_MEMBERS
from insights_assets.clusters.themes import Book
from insights_assets.clusters.walk import BUFFER_DAYS, Timeline

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from insights_assets.resources.step import Step

_PLACED = "feedback_id string, placed_theme string, placed_similarity double, placed_day date"


def stored_members(step: Step, days: list[date] | None) -> DataFrame:
    from pyspark.sql import functions as F

    members = step.read(THEME_MEMBERS)
    return members if days is None else members.where(F.col("received_day").isin(days))


def compare(step: Step, said: DataFrame, vectors: DataFrame, timeline: Timeline, stands: tuple[Book, DataFrame]) -> DataFrame:
    """Complaints beside what they were (kept_*) and what they newly are (placed_*). `stands`: the themes there are, and the stored members.

    Placed are records never compared under these words and this topic, and themeless ones that a birth of these days
    looks back on.
    """
    from pyspark.sql import functions as F

    book, members = stands
    kept = members.where(F.col("theme_id").isNull() | F.col("theme_id").isin(sorted(book.themes))).select(
        "feedback_id",
        "topic",
        "text_hash",
        "received_day",
        F.lit(True).alias("is_kept"),
        *(F.col(name).alias(f"kept_{name}") for name in ("theme_id", "similarity", "since_day", "counts")),
    )
    both = said.join(kept, ["feedback_id", "topic", "text_hash", "received_day"], "left")
    themeless = F.col("is_kept").isNotNull() & F.col("kept_theme_id").isNull()
    looked_back = F.lit(False)
    for day, _ in timeline.births:
        looked_back |= F.col("known_day").between(_day(day - BUFFER_DAYS + 1), _day(day))
    to_place = (
        both.where(F.col("is_kept").isNull() | (themeless & looked_back))
        .join(vectors, "text_hash", "left")
        .select("feedback_id", "topic", "known_day", F.col("is_kept").isNotNull().alias("retry_only"), "vector")
    )
    to_place = step.lake.narrow(to_place)
    placed = step.lake.scratch("clusters_placed", to_place.mapInArrow(_place_batches(timeline), _PLACED))
    return both.join(placed, "feedback_id", "left").withColumn("theme_id", F.coalesce("kept_theme_id", "placed_theme"))


def write_members(step: Step, said: DataFrame, compared: DataFrame, looked_at: list[date] | None) -> list[date]:
    """Rewrite the days (of those looked at) on which a record is new, gone, or got another theme; the days rewritten."""
    from pyspark.sql import functions as F

    differs = ~F.col("theme_id").eqNullSafe(F.col("kept_theme_id")) | (F.col("counts") != F.col("kept_counts"))
    changed = compared.where(F.col("is_kept").isNull() | differs).select("received_day")
    gone = stored_members(step, looked_at).join(said, ["feedback_id", "received_day"], "left_anti").select("received_day")
    days = sorted(changed.union(gone).distinct().toArrow().column(0).to_pylist())
    if days:
        is_new = F.col("is_kept").isNull() | F.col("placed_theme").isNotNull()

        def newest(new: str, kept: str) -> Any:
            return F.when(is_new, F.col(new)).otherwise(F.col(kept))

        rows = compared.where(F.col("received_day").isin(days)).withColumns(
            {
                "similarity": newest("placed_similarity", "kept_similarity"),
                "since_day": newest("placed_day", "kept_since_day"),
                "run_id": F.lit(step.run_id),
            }
        )
        step.write(THEME_MEMBERS, rows.select(*THEME_MEMBERS.column_names), days=days)
    return days


def _day(ordinal: int) -> Any:
    from pyspark.sql import functions as F

    return F.lit(date.fromordinal(ordinal))


def _place_batches(timeline: Timeline) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For mapInArrow: (feedback_id, topic, known_day, retry_only, vector) to _PLACED."""

    def place(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            columns = batch.to_pydict()
            together: dict[tuple[str, date, bool], list[int]] = {}
            for row, key in enumerate(zip(columns["topic"], columns["known_day"], columns["retry_only"], strict=True)):
                together.setdefault(key, []).append(row)
            themes: list[str | None] = [None] * batch.num_rows
            scores: list[float | None] = [None] * batch.num_rows
            days: list[date] = list(columns["known_day"])
            for (topic, day, retry_only), rows in together.items():
                known = [row for row in rows if columns["vector"][row] is not None]
                if not known:
                    continue
                packed = [columns["vector"][row] for row in known]
                found = timeline.place(
                    topic, day.toordinal(), unpack(packed, len(packed[0]) // 2), retry_only=retry_only
                )
                for row, theme, score, since in zip(
                    known, found.theme_ids, found.similarities, found.since_days, strict=True
                ):
                    themes[row] = theme
                    scores[row] = float(score) if score > -1.0 else None
                    days[row] = date.fromordinal(int(since))
            arrays = [
                pa.array(columns["feedback_id"], pa.string()),
                pa.array(themes, pa.string()),
                pa.array(scores, pa.float64()),
                pa.array(days, pa.date32()),
            ]
            yield pa.RecordBatch.from_arrays(
                arrays, names=["feedback_id", "placed_theme", "placed_similarity", "placed_day"]
            )

    return place
