"""Tables of the cascade: which step labelled a record and why, where the steps differed, what each step did and cost."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

#: Columns that doubt adds to a batch that was labelled locally, where a model is named.
DOUBT_COLUMNS = {"text_key": "string", "risk": "double", "is_severe": "boolean", "is_exploration": "boolean", "why": "string"}

LABEL_DECISIONS = TableSpec(
    stage="labels", name="label_decisions", key=("feedback_id",), write="replace_days", partition_by="received_day",
    grain="one row per record that was labelled while a language model was named",
    description="How far each record went through the cascade, and why: rule, classifier, model, person. Empty in a home that names no model.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("step", "string", "Step whose label stands: rule, classifier, model or person", nullable=False),
        Column("text_key", "string", "Equal for records with the same words, which are one question"),
        Column("risk", "double", "Expected error of the local label", unit="0 to 1"),
        Column("is_severe", "boolean", "Asked first: danger, fraud, or a flagship product"),
        Column("is_exploration", "boolean", "In the random share, whatever its risk"),
        Column("is_for_model", "boolean", "Chosen for the model", nullable=False),
        Column("why", "string", "What the risk comes from"),
        Column("outcome", "string", "What came of the question; null where none was chosen"),
        Column("detail", "string", "A word on the outcome: categories of a filter, a fault's code"),
        Column("is_suspect", "boolean", "The text spoke to a machine; a person should look"),
        Column("new_topic_candidate", "string", "A topic that the list lacks, in the model's words"),
        Column("confidence_basis", "string", "calibrated by reviewed records, or uncalibrated"),
        Column("basis", "string", "Prompt, label set, model and trust that the model's label rests on"),
        Column("cache_key", "string", "The stored reply"),
        Column("local_version", "string", "Classifier whose risk decided", nullable=False),
        Column("input_hash", "string", nullable=False),
        Column("received_day", "date", nullable=False),
    ),
)

LABEL_CONFLICTS = TableSpec(
    stage="labels", name="label_conflicts", key=("feedback_id", "kind", "target"), write="replace_days", partition_by="received_day",
    grain="one row per topic or risk tag that only one of local path and model named", description="Who said what, and who won.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("kind", "string", "topic or risk_tag", nullable=False),
        Column("target", "string", "The topic or tag", nullable=False),
        Column("local_by", "string", "Rule that named it, or classifier", nullable=False),
        Column("local_says", "boolean", nullable=False),
        Column("model_says", "boolean", nullable=False),
        Column("winner", "string", "rule or model", nullable=False),
        Column("received_day", "date", nullable=False),
    ),
)

CASCADE_STEPS = TableSpec(
    stage="labels", name="cascade_steps", key=("step",), write="replace_all", medallion="gold",
    grain="one row per step of the cascade, and one for all", description="How many records each step labels now, and what that cost since the home began.",
    columns=(
        Column("step", "string", "rule, classifier, model, person or all", nullable=False),
        Column("records", "bigint", unit="records"),
        Column("share", "double", "Of all records", unit="0 to 1"),
        Column("calls", "bigint", "Requests to a model", unit="requests"),
        Column("cost", "double", "In the price table's currency; null for people, whose cost is a setting"),
        Column("cost_per_thousand", "double", "For a thousand records that the step labels"),
        Column("cost_per_thousand_of_all", "double", "For a thousand records of any step"),
        Column("currency", "string"),
        Column("reviewed", "bigint", "Records of the step that people reviewed", unit="records"),
        Column("right_share", "double", "Of these, labels with exactly the right topics when they were reviewed", unit="0 to 1"),
    ),
)

CONFLICT_QUALITY = TableSpec(
    stage="labels", name="conflict_quality", key=("kind", "target", "local_by", "winner"), write="replace_all",
    grain="one row per topic or tag, local step and winner", description="How often each side won a conflict, and how often people who reviewed found it right.",
    columns=(
        Column("kind", "string", nullable=False),
        Column("target", "string", nullable=False),
        Column("local_by", "string", nullable=False),
        Column("winner", "string", nullable=False),
        Column("conflicts", "bigint", unit="records"),
        Column("reviewed", "bigint", unit="records"),
        Column("winner_right", "bigint", "Reviewed conflicts in which the winner was right", unit="records"),
    ),
)

CASCADE_TABLES = (LABEL_DECISIONS, LABEL_CONFLICTS, CASCADE_STEPS, CONFLICT_QUALITY)
