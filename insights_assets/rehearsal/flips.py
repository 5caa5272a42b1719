"""Which records flip: how many, what becomes what, with a few records of each and the words that show it.

Belongs here: setting changed labels beside stored ones and counting. Does not belong here: making the changed labels. A record flips by the rule
that a promotion goes by (`labels/relabel.py`): topics, sentiment, urgency, product or risk tags differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insights_assets.actions import wording
from insights_assets.labels.evaluation import wilson
from insights_assets.labels.relabel import beside
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.rehearsal.findings import Finding, between

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.resources.step import Step

#: Records shown of each kind of flip.
SHOWN = 5
#: Stands where a topic comes from nothing, or goes to nothing.
NOTHING = "(none)"
#: Other fields of a label that may flip without any topic.
FIELDS = ("sentiment", "urgency", "sku", "risk_tags")


@dataclass(frozen=True)
class Looked:
    """What was looked at: records in all, and for a sampled preview how many distinct texts stand for how many."""

    records: int
    sampled_texts: int | None = None
    population_texts: int | None = None

    @property
    def is_sample(self) -> bool:
        return self.sampled_texts is not None and self.sampled_texts < (self.population_texts or 0)

    @property
    def is_nothing(self) -> bool:
        """A sample of which nothing was answered: what it says of the rest is unknown, not zero."""
        return self.is_sample and not self.sampled_texts

    def interval(self, share: float) -> tuple[float | None, float | None]:
        """Of a share; records with the same words flip together, so the texts are what was drawn."""
        return wilson(share, self.sampled_texts or 0) if self.is_sample else (None, None)


def flip_findings(step: Step, changed: DataFrame, looked: Looked) -> list[Finding]:
    """The whole, each pair of topics from -> to, and fields that change by themselves; most frequent first."""
    from pyspark.sql import functions as F

    both = step.lake.scratch("preview_both", beside(changed, step.read(FEEDBACK_LABELS), ["feedback_id"]))
    flips = both.count()
    found = [_finding("records", flips, looked, "label another label would take the place of")]
    lost, gained = F.array_except("old_names", "names"), F.array_except("names", "old_names")
    moves = both.select("feedback_id", lost.alias("lost"), gained.alias("gained")).where((F.size("lost") > 0) | (F.size("gained") > 0))
    # In two steps, each of its own frame: a text may lose one topic and gain two.
    moves = moves.select("feedback_id", F.explode_outer("lost").alias("source"), "gained").select("feedback_id", "source", F.explode_outer("gained").alias("target"))
    moves = step.lake.scratch("preview_moves", moves.fillna(NOTHING, ["source", "target"]))
    counted = moves.groupBy("source", "target").agg(F.count("*").alias("count")).toArrow().to_pylist()
    shown = _shown(step, moves, changed)
    for row in sorted(counted, key=lambda one: (-one["count"], one["source"], one["target"])):
        pair = (row["source"], row["target"])
        some = shown.get(pair, [])
        found.append(_finding(
            f"{pair[0]} -> {pair[1]}", row["count"], looked, f"would go from {pair[0]} to {pair[1]}",
            ids=[one["feedback_id"] for one in some], quotes=[one["quote"] for one in some if one["quote"]],
        ))  # fmt: skip
    for name in FIELDS:
        count = both.where(~F.col(name).eqNullSafe(F.col(f"old_{name}"))).count()
        if count:
            found.append(_finding(name, count, looked, f"would have another {name.replace('_', ' ')}"))
    return found


def _finding(subject: str, count: int, looked: Looked, what: str, ids: Sequence[str] = (), quotes: Sequence[str] = ()) -> Finding:
    if looked.is_nothing:
        words = f"nothing is known: none of {looked.population_texts:,} texts was answered"
        return Finding("flip", subject, "unknown", words, low=0.0, high=1.0, sampled_count=0, population_count=looked.population_texts)
    share = round(count / looked.records, 6) if looked.records else 0.0
    low, high = looked.interval(share)
    base = f"{count:,} of {looked.records:,} records ({wording.share(share)}{between(low, high)})"
    sampled = f", by {looked.sampled_texts:,} of {looked.population_texts:,} texts" if looked.is_sample else ""
    words = f"{base}{sampled} would get another label" if subject == "records" else f"{base}{sampled} {what}"
    answer = "flips" if count else "stays"
    return Finding(
        "flip", subject, answer, words, count=count, share=share, low=low, high=high, sampled_count=looked.sampled_texts, population_count=looked.population_texts,
        sample_ids=tuple(ids), quotes=tuple(quotes),
    )


def _shown(step: Step, moves: DataFrame, changed: DataFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(from, to) -> a few records by the hash of their id, each with the quote of the new topic, or of the old one where there is no new."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    draw = Window.partitionBy("source", "target").orderBy("drawn", "feedback_id")
    some = moves.withColumn("drawn", F.crc32(F.col("feedback_id").cast("binary"))).withColumn("place", F.row_number().over(draw)).where(f"place <= {SHOWN}")
    rows = some.select("feedback_id", "source", "target", "place").toArrow().to_pylist()
    if not rows:
        return {}
    ids = step.lake.spark.createDataFrame([(one,) for one in sorted({row["feedback_id"] for row in rows})], "feedback_id string")
    new, old = (_quotes(frame.join(ids, "feedback_id", "left_semi")) for frame in (changed, step.read(FEEDBACK_LABELS)))
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda one: one["place"]):
        key = row["feedback_id"]
        quote = new.get((key, row["target"])) or old.get((key, row["source"]))
        found.setdefault((row["source"], row["target"]), []).append({"feedback_id": key, "quote": quote})
    return found


def _quotes(labels: DataFrame) -> Mapping[tuple[str, str], str | None]:
    rows = labels.select("feedback_id", "topics").toArrow().to_pylist()
    return {(row["feedback_id"], one["topic"]): one["quote"] for row in rows for one in row["topics"] or ()}
