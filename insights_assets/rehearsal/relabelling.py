"""What labels would be under another label set, other rules or another classifier: worked out here, without any model.

Belongs here: the rows that would differ. Does not belong here: prompts and models (`asking_ahead`), what follows from the difference.
What a language model or a person said stays: neither rests on rules or classifier. A label set that retires a topic renames it in every label; one
that drops a topic leaves `other` where nothing else was said; a topic that is new has no label until a classifier was trained on it or a
model is asked, and the preview says so instead of guessing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.labels.build import INPUTS, batch_labeller, corrections_of, label_ddl
from insights_assets.labels.label_set import LabelSet
from insights_assets.labels.models import active_file
from insights_assets.labels.prompt_versions import active_label_set
from insights_assets.labels.relabel import beside, is_same
from insights_assets.labels.renaming import renamed_row, successors
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.rehearsal.change import Change, ChangeError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from insights_assets.labels.cascade import Labeller
    from insights_assets.resources.step import Step


def labeller_under(step: Step, change: Change) -> Labeller:
    """The local labeller with the changed part in its place."""
    from insights_assets.labels.cascade import Labeller
    from insights_assets.labels.classifier import Classifier
    from insights_assets.labels.rules import load_rules

    classifier = change.classifier or Classifier.load(active_file(step.settings.home, step.operations))
    try:
        return Labeller(active_label_set(step.operations), change.rules or load_rules(), classifier, step.read_pandas(PRODUCTS))
    except ValueError as error:
        raise ChangeError(f"{change.version} cannot label: {error}") from error


def changed_labels(step: Step, change: Change, first: date) -> DataFrame:
    """Rows of feedback_labels that would be other ones, of the days from `first` on; kept as the scratch frame `preview_changed`."""
    from pyspark.sql import functions as F

    stored = step.read(FEEDBACK_LABELS).where(F.col("received_day") >= F.lit(first)).select(*FEEDBACK_LABELS.column_names)
    new = _renamed(stored, active_label_set(step.operations), change.label_set) if change.label_set is not None else _labelled(step, stored, labeller_under(step, change))
    new = step.lake.scratch("preview_new", new.withColumns({"run_id": F.lit(step.run_id), "labelled_at": F.lit(step.clock()).cast("timestamp")}))
    differs = beside(new, stored, ["feedback_id"]).where(~is_same()).select("feedback_id")
    return step.lake.scratch("preview_changed", new.join(differs, "feedback_id", "left_semi").select(*FEEDBACK_LABELS.column_names))


def _labelled(step: Step, stored: DataFrame, labeller: Labeller) -> DataFrame:
    local = stored.where("prompt_version = 'none'").select("feedback_id", "input_hash")
    records = step.read(FEEDBACK).select("feedback_id", *INPUTS, "received_day").join(local, "feedback_id")
    narrowed = step.lake.narrow(records.select("feedback_id", *INPUTS, "input_hash", "received_day"))
    return narrowed.mapInArrow(batch_labeller(labeller, corrections_of(step), None), label_ddl()).drop("hits")


# -- another label set ---------------------------------------------------------------------------------------------------


def _renamed(stored: DataFrame, old: LabelSet, new: LabelSet) -> DataFrame:
    from pyspark.sql import functions as F

    names = successors(old, new)
    tags = frozenset(new.risk_tag_ids)
    moved = [topic for topic, name in names.items() if name != topic]
    gone = [tag for tag in old.risk_tag_ids if tag not in tags]
    touched = F.lit(False)
    if moved:
        touched = touched | F.arrays_overlap(F.col("topics.topic"), F.array(*(F.lit(one) for one in moved)))
    if gone:
        touched = touched | F.arrays_overlap(F.col("risk_tags"), F.array(*(F.lit(one) for one in gone)))
    kept = [column.name for column in FEEDBACK_LABELS.columns if not column.volatile]
    ddl = ", ".join(f"`{column.name}` {column.type}" for column in FEEDBACK_LABELS.columns if not column.volatile)
    return stored.where(F.coalesce(touched, F.lit(False))).select(*kept).mapInArrow(_renamer(names, tags), ddl)


def _renamer(names: Mapping[str, str | None], tags: frozenset[str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    kinds = {field.name: field.type for field in FEEDBACK_LABELS.arrow_schema}

    def rename(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            rows = [renamed_row(row, names, tags) for row in batch.to_pylist()]
            yield pa.RecordBatch.from_arrays([pa.array([row[name] for row in rows], kinds[name]) for name in batch.schema.names], names=batch.schema.names)

    return rename
