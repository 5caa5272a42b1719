"""Which records a reviewer sees, and what a review says (R82, R85, R142): a stratified sample with inclusion weights, plus doubt.

Pure functions over small samples; drawing is by hash of the record's id, so the same records give the same sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from insights_assets.labels.evaluation import Judged

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.resources.operations.models import Activation, Correction

#: Records of each stratum (primary topic) that a review round asks for: enough for the gate's n >= 30 where a topic has them.
PER_STRATUM = 40
#: Records added because the classifier was least sure of them; they train, but carry no weight in the figures.
UNCERTAIN = 60
#: Topics that alert nobody need fewer.
QUIET = {"praise": 20, "other": 40}
REVIEW_DAYS = 56


def sample(labelled: DataFrame, seed: int = 0, *, called_for: DataFrame | None = None) -> DataFrame:
    """A review queue from labelled text records (columns of labels.labelled_feedback plus topic_names, model_version).

    Each stratum gives its records with the smallest hash; `inclusion_weight` is how many records each stands for. `called_for`
    (feedback_id, called_for): records that a person should see whatever the draw says, with the reason; a drawn one keeps its weight.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    strata = Window.partitionBy("primary_topic")
    drawn = labelled.withColumns({
        "draw": F.sha2(F.concat_ws("|", F.lit(str(seed)), "feedback_id"), 256), "stratum_size": F.count("*").over(strata),
    }).withColumns({
        "nth": F.row_number().over(strata.orderBy("draw")), "doubt": F.row_number().over(Window.orderBy("confidence", "draw")),
    })
    quota = F.lit(PER_STRATUM)
    for topic, count in QUIET.items():
        quota = F.when(F.col("primary_topic") == topic, F.lit(count)).otherwise(quota)
    picked = drawn.withColumn("quota", quota)
    reason, wanted = F.lit("uncertain"), (F.col("nth") <= F.col("quota")) | (F.col("doubt") <= UNCERTAIN)
    if called_for is not None:
        picked = picked.join(called_for, "feedback_id", "left")
        reason, wanted = F.coalesce("called_for", reason), wanted | F.col("called_for").isNotNull()
    picked = picked.where(wanted)
    is_drawn = F.col("nth") <= F.col("quota")
    return picked.select(
        "feedback_id", F.concat_ws("/", "primary_topic", "source", "language").alias("stratum"),
        F.when(is_drawn, F.round(F.col("stratum_size") / F.least("quota", "stratum_size"), 4)).otherwise(0.0).alias("inclusion_weight"),
        (F.when(is_drawn, "stratified").otherwise(reason) if called_for is None else F.coalesce("called_for", F.when(is_drawn, "stratified").otherwise("uncertain"))).alias("reason"), "source", "language", "text", F.col("topic_names").alias("topics"), "sentiment",
        "urgency", "confidence", "label_set_version", "model_version",
    )


def correction_rows(queue: Iterable[Mapping[str, Any]], answers: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a reviewer's answers are as corrections: per record the right topics, beside what the label said and its weight.

    `answers`: feedback_id -> {"topics": [...]}. A record whose label was right is a correction too: it confirms.
    """
    rows = []
    for item in queue:
        answer = answers.get(item["feedback_id"])
        if answer is None:
            continue
        said = {"topics": sorted(item["topics"] or ()), "weight": item["inclusion_weight"], "model_version": item["model_version"]}
        rows.append({"feedback_id": item["feedback_id"], "field": "topics", "value": sorted(answer["topics"]), "previous_value": said})
    return rows


def judged_labels(rows: Iterable[Correction], promoted: Mapping[str, frozenset[str]], active: Activation | None) -> tuple[list[Judged], set[str | None]]:
    """What label quality is measured by, and the versions that said it: what the label said when it was reviewed, against the reviewer.

    Once a promotion is in force, what older versions said does not count against it: their reviewed records count with what the
    new version says of them (`promoted`: those it was not trained on), or not at all.
    """
    judged: list[Judged] = []
    versions: set[str | None] = set()
    for row in rows:
        if row.field != "topics" or not row.previous_value:
            continue
        before = row.previous_value["value"]
        said, version = frozenset(before["topics"]), before.get("model_version")
        if active is not None and version != active.version:
            if row.feedback_id not in promoted:
                continue
            said, version = promoted[row.feedback_id], active.version
        versions.add(version)
        judged.append(Judged(said, frozenset(row.value["value"]), float(before.get("weight", 1.0))))
    return judged, versions


def corrected_topics(topics: Sequence[Mapping[str, Any]], right: Sequence[str]) -> list[dict[str, Any]]:
    """A label's topics as a person put them right: kept ones keep their quote, new ones have none, all are certain."""
    known = {topic["topic"]: topic for topic in topics}
    out = []
    for name in right:
        if name == "other":
            continue
        kept = known.get(name)
        base = dict(kept) if kept is not None else {"topic": name, "quote": None, "start": None, "end": None, "sentiment": "positive" if name == "praise" else "negative"}
        out.append({**base, "confidence": 1.0})
    return out
