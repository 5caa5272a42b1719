"""Tables of the stage: what was learned from, which versions there are, how right they are, what to look at, and why it was done."""

from __future__ import annotations

from insights_assets.labels.tables import REVIEW_QUEUE
from insights_assets.lake.spec import Column, TableSpec

_RUN = (Column("run_id", "string", "Run that wrote the row", volatile=True),)

TRAINING_SET = TableSpec(
    stage="learning", name="training_set", key=("feedback_id",), write="replace_all", grain="one row per reviewed record of the present data set",
    description="What people reviewed, as a candidate learns it or is judged by it; a customer is on one side only (golden judges). Corrections first (R85, R105).",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("dataset_version", "string", "Content hash of all rows", nullable=False),
        Column("place", "int", "Order of learning: what a reviewer put right comes first", nullable=False),
        Column("side", "string", "train, calibration or golden", nullable=False),
        Column("group_key", "string", "Hash of what ties records together: customer, words, copies", nullable=False),
        Column("language", "string"),
        Column("text", "string", "Personal data replaced"),
        Column("topics", "array<string>", "Topics as the reviewer said"),
        Column("sentiment", "string", "negative, neutral or positive"),
        Column("is_correction", "boolean", "The reviewer put the label right instead of confirming it", nullable=False),
        Column("weight", "double", "How much it counts in learning", unit="times"),
        Column("last_correction_id", "bigint", "Corrections up to this one are in"),
    ),
)

CLASSIFIER = TableSpec(
    stage="learning", name="classifier", key=("model_version",), write="upsert_small", grain="one row per trained version",
    description="The registry of classifiers trained here: from which data, on which grounds, where the file is (R105).",
    columns=(
        Column("model_version", "string", "Content hash of the weights", nullable=False),
        Column("parent_version", "string", "Version in force when it was trained"),
        Column("dataset_version", "string", "Content hash of the training set"),
        Column("data_sha256", "string", "Hash of every text it was fitted on, the shipped corpus included"),
        Column("train_count", "bigint", "Reviewed records it learned from", unit="records"),
        Column("test_count", "bigint", "Reviewed records kept to judge it", unit="records"),
        Column("last_correction_id", "bigint", "Corrections up to this one were known"),
        Column("label_set_version", "string"),
        Column("path", "string", "File below the home"),
        Column("card", "string", "JSON: purpose, data, limits, thresholds"),
        Column("reason", "string", "What led to it"),
        Column("trained_day", "date", "The shop's day"),
        *_RUN,
    ),
)

EVALUATIONS = TableSpec(
    stage="learning", name="evaluations", key=("model_version", "last_correction_id", "topic"), write="upsert_small", medallion="gold",
    grain="one row per version, state of the reviews and topic", description="Precision and recall of the active version and of a candidate on reviewed records none of them was trained on here.",
    columns=(
        Column("model_version", "string", nullable=False),
        Column("last_correction_id", "bigint", "Corrections up to this one are the sample", nullable=False),
        Column("topic", "string", "Topic, or micro", nullable=False),
        Column("role", "string", "active or candidate"),
        Column("records", "bigint", "Reviewed records that have the topic or were given it", unit="records"),
        Column("precision", "double", unit="0 to 1"),
        Column("precision_low", "double", "Wilson lower bound", unit="0 to 1"),
        Column("precision_high", "double", unit="0 to 1"),
        Column("recall", "double", unit="0 to 1"),
        Column("recall_low", "double", "Wilson lower bound", unit="0 to 1"),
        Column("recall_high", "double", unit="0 to 1"),
        Column("f1", "double", unit="0 to 1"),
        Column("gate", "string", "pass, fail or too_few"),
        Column("reason", "string"),
        Column("evaluated_day", "date", "The shop's day"),
        *_RUN,
    ),
)

REVIEW_SAMPLE = TableSpec(
    stage="learning", name="review_sample", key=("feedback_id",), write="replace_all", grain="one row per record that a model review should read",
    description="After drift: the records of the window that look least like those before, for a person. `insights review export --drift` writes them.",
    columns=REVIEW_QUEUE.columns,  # one sheet for reviewers, wherever its rows were picked
)

RETRAINING_EVENTS = TableSpec(
    stage="learning", name="retraining_events", key=("event_id",), write="replace_all", medallion="gold", grain="one row per decision of a trigger, gate or person",
    description="Why models were reviewed, trained, promoted, relabelled or taken back, in words. From the operational database.",
    columns=(
        Column("event_id", "string", nullable=False),
        Column("kind", "string", "drift_sensor, retraining_sensor, retraining_schedule, candidate_gate, model_review or activation"),
        Column("is_fired", "boolean", "Something was started, passed or brought into force"),
        Column("reason", "string", "In words"),
        Column("job", "string", "Job that was asked for"),
        Column("model_version", "string"),
        Column("happened_at", "timestamp", unit="UTC", volatile=True),
    ),
)

TABLES = (TRAINING_SET, CLASSIFIER, EVALUATIONS, REVIEW_SAMPLE, RETRAINING_EVENTS)
