"""Labelling what needs it: which days differ, and the Arrow batch function that labels them on every engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.labels import relabel
from insights_assets.labels.cascade_tables import DOUBT_COLUMNS, LABEL_CONFLICTS, LABEL_DECISIONS
from insights_assets.labels.detail_tables import MODEL_ENTITIES
from insights_assets.labels.models import SHIPPED as SHIPPED  # noqa: PLC0414 - part of this module's interface
from insights_assets.labels.models import active_file
from insights_assets.labels.prompt_versions import active_label_set, keep_defaults
from insights_assets.labels.tables import FEEDBACK_LABELS, RULE_LABELS
from insights_assets.lake.changes import days_that_differ

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from insights_assets.labels.asking import Asking
    from insights_assets.labels.cascade import Labeller
    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step

#: What a label is made from; a change of any of these makes the record's day be labelled again.
INPUTS = ("source", "kind", "channel", "language", "text", "rating", "nps", "reason_code", "signal", "sku", "sku_source", "order_id")

_HITS = "array<struct<rule_id:string,kind:string,target:string,start:int,end:int,quote:string>>"


@dataclass(frozen=True)
class LabelReport:
    """Days written and records labelled by one step."""

    days: frozenset[date]
    records: int
    #: What the model's step did; nothing where no model is named.
    model: Mapping[str, Any] = field(default_factory=dict)


def labeller_of(step: Step) -> Labeller:
    """The labeller of the active versions: the shipped classifier, or the one a promotion put into the home."""
    from insights_assets.labels.cascade import Labeller
    from insights_assets.labels.classifier import Classifier
    from insights_assets.labels.rules import load_rules

    path = active_file(step.settings.home, step.operations)
    return Labeller(active_label_set(step.operations), load_rules(), Classifier.load(path), step.read_pandas(PRODUCTS))


def corrections_of(step: Step) -> dict[str, dict[str, Any]]:
    """feedback_id -> field -> the corrected value in force, in the words of the label set in force."""
    from insights_assets.labels.review import values_in_force
    from insights_assets.labels.reviewed import corrections_in_words

    return values_in_force(corrections_in_words(step.operations))


def build_labels(step: Step) -> LabelReport:
    """Label the days on which the stored labels are not those that the active versions and corrections would give."""
    from pyspark.sql import functions as F

    keep_defaults(step.operations)
    labeller, corrections = labeller_of(step), corrections_of(step)
    asking = _asking(step, labeller)
    versions, due = labeller.versions, relabel.days_due(step)
    wanted = _with_input_hash(step.read(FEEDBACK), corrections, step)
    labels = step.read(FEEDBACK_LABELS)
    labels, stands = (labels, relabel.stands(step, versions, due)) if asking is None else asking.stored(labels, versions, due)
    stored = labels.where(stands)
    key = ["feedback_id", "input_hash", "received_day"]
    # A label that stands no longer is equal to nothing that is wanted.
    every = labels.withColumn("input_hash", F.when(stands, F.col("input_hash")).otherwise(F.lit("")))
    # Days that are due, and those that wait for a model, are so by more than their tables.
    among = None if due or asking is not None else step.changed_days(FEEDBACK, FEEDBACK_LABELS)
    days = days_that_differ(wanted, every, ["feedback_id", "input_hash"], among)
    if not days:
        relabel.close(step, due)
        return LabelReport(frozenset(), 0, _closed(asking))
    # Whole days are written, but only records whose input or versions changed are labelled again.
    on_days = wanted.where(F.col("received_day").isin(sorted(days)))
    kept = stored.join(on_days.select(*key), key, "left_semi") if step.lake.row_count(FEEDBACK_LABELS) else None
    todo = on_days if kept is None else on_days.join(stored.select("feedback_id", "input_hash"), ["feedback_id", "input_hash"], "left_anti")
    doubt = "".join(f", {name} {kind}" for name, kind in DOUBT_COLUMNS.items()) if asking is not None else ""
    batches = step.lake.narrow(todo.select("feedback_id", *INPUTS, "input_hash", "received_day"))
    doubts = _doubter(asking.severe_skus, step.settings.model_exploration) if asking is not None else None
    labelled = step.lake.scratch("labelled", batches.mapInArrow(batch_labeller(labeller, corrections, doubts), label_ddl() + doubt))
    rules = labelled.select("feedback_id", F.explode("hits").alias("hit"), "rules_version", "received_day").select(
        "feedback_id", "hit.rule_id", "hit.kind", "hit.target", "hit.start", "hit.end", "hit.quote", "rules_version", "received_day"
    )
    answered = asking.answer(labelled, lambda row: corrected_row(row, corrections) if row["feedback_id"] in corrections else row) if asking is not None else None
    rows = answered.rows if answered is not None else labelled.drop("hits")
    rows = rows.withColumns({"run_id": F.lit(step.run_id), "labelled_at": F.lit(step.clock()).cast("timestamp")})
    rows = relabel.settle(step, rows, versions, due)
    ids = kept.select("feedback_id", "received_day") if kept is not None else None
    if kept is not None:
        rows = rows.select(*FEEDBACK_LABELS.column_names).unionByName(kept.select(*FEEDBACK_LABELS.column_names))
    step.write(RULE_LABELS, _beside(step, RULE_LABELS, rules, ids), days=days)
    if answered is not None:
        # Settled before the labels are replaced, written after them: a crash in between asks the store, not the model.
        decisions = step.lake.scratch("decisions", _beside(step, LABEL_DECISIONS, answered.decisions, ids))
        step.write(LABEL_CONFLICTS, _beside(step, LABEL_CONFLICTS, answered.conflicts, ids), days=days)
        step.write(MODEL_ENTITIES, _beside(step, MODEL_ENTITIES, answered.entities, ids), days=days)
    result = step.write(FEEDBACK_LABELS, rows, days=days)
    if answered is not None:
        step.write(LABEL_DECISIONS, decisions, days=days)
    relabel.close(step, due)
    step.lake.clear_scratch("labelled", "decisions")
    return LabelReport(frozenset(days), result.rows, _closed(asking))


def _beside(step: Step, spec: TableSpec, new: DataFrame, kept: DataFrame | None) -> DataFrame:
    """Rows of the records that were labelled again, and the stored ones of those that were not."""
    if kept is None:
        return new
    return new.unionByName(step.read(spec).join(kept, ["feedback_id", "received_day"], "left_semi").select(*new.columns))


def _asking(step: Step, labeller: Labeller) -> Asking | None:
    """The model's step; nothing of it is loaded where no model is named."""
    if step.settings.model == "none":
        return None
    from insights_assets.labels.asking import open_asking

    return open_asking(step, labeller)


def _closed(asking: Asking | None) -> dict[str, Any]:
    if asking is None:
        return {}
    asking.close()
    return asking.notes


def _with_input_hash(feedback: DataFrame, corrections: Mapping[str, Any], step: Step) -> DataFrame:
    from pyspark.sql import functions as F

    parts = [F.coalesce(F.col(name).cast("string"), F.lit("")) for name in INPUTS]
    if corrections:
        rows = [(one, json.dumps(fields, sort_keys=True)) for one, fields in corrections.items()]
        corrected = step.lake.spark.createDataFrame(rows, "feedback_id string, correction string")
        feedback = feedback.join(corrected, "feedback_id", "left")
    # Always one part more, so that the first correction does not change the hash of every other record.
    parts.append(F.coalesce("correction", F.lit("")) if corrections else F.lit(""))
    return feedback.withColumn("input_hash", F.substring(F.sha2(F.concat_ws("\x1f", *parts), 256), 1, 16))


def label_hash() -> Column:
    """What a stored label was made from and by which versions, as a column over feedback_labels."""
    from pyspark.sql import functions as F

    # Labels of a model differ by more than versions: by who won a conflict and by what its word is worth. For others nothing is added.
    said = F.concat_ws("|", "prompt_version", F.concat_ws(",", F.col("topics.topic")), "sentiment", "urgency", F.concat_ws(",", "risk_tags"), F.col("confidence").cast("string"), "label_source")
    by_model = F.when(F.col("prompt_version") != "none", said)
    return F.substring(F.sha2(F.concat_ws("|", "input_hash", "rules_version", "model_version", "label_set_version", by_model), 256), 1, 16)


def label_ddl() -> str:
    """Columns that `batch_labeller` makes of records: those of feedback_labels that do not differ from run to run, and the rules that fired."""
    columns = ", ".join(f"`{c.name}` {c.type}" for c in FEEDBACK_LABELS.columns if not c.volatile)
    return f"{columns}, hits {_HITS}"


Doubter = Callable[["Labeller", list[dict[str, Any]], list[Any]], "list[pa.Array]"]


def _doubter(severe_skus: frozenset[str], exploration: float) -> Doubter:
    """What adds `DOUBT_COLUMNS` to a batch."""

    def columns(labeller: Labeller, records: list[dict[str, Any]], heard: list[Any]) -> list[pa.Array]:
        import pyarrow as pa

        from insights_assets.labels.routing import doubts, is_explored

        found = list(doubts(labeller, records, heard, severe_skus))
        return [
            pa.array([one and one.text_key for one in found], pa.string()), pa.array([one and one.risk for one in found], pa.float64()),
            pa.array([one and one.is_severe for one in found], pa.bool_()),
            pa.array([one and is_explored(one.text_key, exploration) for one in found], pa.bool_()), pa.array([one and one.why for one in found], pa.string()),
        ]

    return columns


def batch_labeller(labeller: Labeller, corrections: Mapping[str, Mapping[str, Any]], doubts: Doubter | None) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What labels Arrow batches on every engine: feedback_id, INPUTS, input_hash and received_day in, columns of `label_ddl` out."""
    names = [column.name for column in FEEDBACK_LABELS.columns if not column.volatile]
    read = ["feedback_id", *INPUTS]
    passed = {"input_hash", "received_day"}  # go through untouched

    def label_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from insights_assets.lake.types import arrow_type

        kinds = {field.name: field.type for field in FEEDBACK_LABELS.arrow_schema}
        hit_type = arrow_type(_HITS)
        for batch in batches:
            records = batch.select(read).to_pylist()
            heard = list(labeller.heard(records))
            labels = [label for label, _, _ in heard]
            rows = [corrected_row(label.row, corrections) if label.row["feedback_id"] in corrections else label.row for label in labels]
            arrays = [batch[name] if name in passed else pa.array([row[name] for row in rows], kinds[name]) for name in names]
            arrays.append(pa.array([list(label.hits) for label in labels], hit_type))
            more = doubts(labeller, records, heard) if doubts is not None else []
            yield pa.RecordBatch.from_arrays([*arrays, *more], names=[*names, "hits", *(DOUBT_COLUMNS if more else ())])

    return label_batches


def corrected_row(label: Mapping[str, Any], corrections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A label as a person put it right: what was corrected is certain, the rest stays (R85)."""
    from insights_assets.labels.review import corrected_topics

    row = dict(label)
    fields = corrections[row["feedback_id"]]
    row["label_source"] = "person"
    if "topics" in fields:
        row["topics"] = corrected_topics(row["topics"], fields["topics"])
        row["primary_topic"] = row["primary_topic"] if row["primary_topic"] in fields["topics"] else (fields["topics"] or ["other"])[0]
        row["confidence"] = 1.0
    for name in ("sentiment", "urgency"):
        if name in fields:
            row[name] = fields[name]
    return row
