"""Tables of the stage. One current label per feedback record; every row carries the versions that made it (R81, R105, R159)."""

from __future__ import annotations

from insights_assets.labels.cascade_tables import CASCADE_TABLES
from insights_assets.labels.detail_tables import DETAIL_TABLES
from insights_assets.labels.version_tables import VERSION_TABLES
from insights_assets.lake.spec import Column, TableSpec

TOPICS_TYPE = "array<struct<topic:string,confidence:double,quote:string,start:int,end:int,sentiment:string>>"

_VERSIONS = (
    Column("label_set_version", "string", "Label set the labels are from", nullable=False),
    Column("rules_version", "string", "Version of the rules", nullable=False),
    Column("model_version", "string", "Content hash of the classifier, or the model's snapshot"),
    Column("prompt_version", "string", "Prompt that asked the model; none where no model was asked"),
    Column("schema_version", "string", "Shape of the reply or of the classifier's output"),
)

RULE_LABELS = TableSpec(
    stage="labels", name="rule_labels", key=("feedback_id", "rule_id", "target", "start"), write="replace_days", partition_by="received_day",
    grain="one row per rule that fired on a record", description="What the deterministic rules said, with the words that made them fire.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("rule_id", "string", nullable=False),
        Column("kind", "string", "topic, risk_tag or urgency", nullable=False),
        Column("target", "string", "The topic, tag or urgency it sets", nullable=False),
        Column("start", "int", "First character of the span in feedback.text; -1 for a code, rating or signal", nullable=False),
        Column("end", "int", "Character after the span"),
        Column("quote", "string", "The span"),
        Column("rules_version", "string", nullable=False),
        Column("received_day", "date", nullable=False),
    ),
)

FEEDBACK_LABELS = TableSpec(
    stage="labels", name="feedback_labels", key=("feedback_id",), write="replace_days", partition_by="received_day",
    grain="one row per feedback record: its current label", description="Topics with a quote each, sentiment, urgency, product and risk tags of every record.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("topics", TOPICS_TYPE, "Topics with calibrated confidence, the quote that shows each, and the feeling towards it"),
        Column("primary_topic", "string", "The topic the record is mostly about", nullable=False),
        Column("sentiment", "string", "negative, neutral or positive", nullable=False),
        Column("sentiment_score", "double", unit="-1 to 1"),
        Column("urgency", "string", "low, normal, high or critical", nullable=False),
        Column("sku", "string", "Product it is about, by order and text together"),
        Column("sku_source", "string", "order, text, both or conflict"),
        Column("risk_tags", "array<string>"),
        Column("summary", "string", "One sentence, in the customer's own words"),
        Column("label_source", "string", "rule, classifier, model or person", nullable=False),
        Column("confidence", "double", "Calibrated confidence of the primary topic", unit="0 to 1"),
        *_VERSIONS,
        Column("input_hash", "string", "Hash of everything the label was made from, corrections included", nullable=False),
        Column("received_day", "date", nullable=False),
        Column("run_id", "string", volatile=True),
        Column("labelled_at", "timestamp", unit="UTC", volatile=True),
    ),
)

LABELLED_FEEDBACK = TableSpec(
    stage="labels", name="labelled_feedback", key=("feedback_id",), write="replace_days", partition_by="received_day",
    grain="one row per feedback record", description="Redacted text beside labels and confidence: what people query (R159).", medallion="gold",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("source", "string", nullable=False),
        Column("channel", "string"),
        Column("occurred_at", "timestamp", unit="UTC"),
        Column("language", "string"),
        Column("text", "string", "Personal data replaced"),
        Column("rating", "double"),
        Column("order_id", "string"),
        Column("sku", "string"),
        Column("product_line", "string"),
        Column("region", "string"),
        Column("primary_topic", "string"),
        Column("topic_names", "array<string>"),
        Column("sentiment", "string"),
        Column("sentiment_score", "double", unit="-1 to 1"),
        Column("urgency", "string"),
        Column("risk_tags", "array<string>"),
        Column("summary", "string"),
        Column("confidence", "double", unit="0 to 1"),
        Column("label_source", "string"),
        Column("label_hash", "string", "What the label was made from and by which versions"),
        Column("received_day", "date", nullable=False),
    ),
)

REVIEW_QUEUE = TableSpec(
    stage="labels", name="review_queue", key=("feedback_id",), write="replace_all",
    grain="one row per record waiting for a reviewer", description="What reviewers read next: a random part that measures, with the weight of each record, and doubtful, severe and repeated ones.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("place", "int", "Order of asking; every beginning of it has the shares of the whole"),
        Column("stratum", "string", "Topic the record was drawn from", nullable=False),
        Column("stratum_size", "bigint", "Records of that topic in the weeks that are looked at", unit="records"),
        Column("inclusion_weight", "double", "Records each one stands for; 0 for those not picked at random", nullable=False),
        Column("reason", "string", "stratified, uncertain, severe or repeat; content filter, speaks to a machine or conflict, where the cascade calls a person; or the model review that picked it"),
        Column("is_blind", "boolean", "Asked without showing the label"),
        Column("source", "string"),
        Column("channel", "string"),
        Column("language", "string"),
        Column("text", "string", "Personal data replaced"),
        Column("rating", "double"),
        Column("sku", "string"),
        Column("topics", "array<string>", "Topics as labelled; none for a record that is asked about again"),
        Column("confidences", "array<double>", "How sure the label is of each of them", unit="0 to 1"),
        Column("sentiment", "string"),
        Column("urgency", "string"),
        Column("confidence", "double", unit="0 to 1"),
        Column("label_set_version", "string"),
        Column("model_version", "string"),
        Column("prompt_version", "string"),
    ),
)

LABEL_CORRECTIONS = TableSpec(
    stage="labels", name="label_corrections", key=("correction_id",), write="replace_all",
    grain="one row per correction of a field of a label", description="What reviewers said, append-only in the operational database (R85, R143).",
    columns=(
        Column("correction_id", "bigint", nullable=False),
        Column("feedback_id", "string", nullable=False),
        Column("field", "string", nullable=False),
        Column("value", "string", "JSON of the corrected value"),
        Column("previous_value", "string", "JSON of what the label said"),
        Column("reason", "string"),
        Column("corrected_by", "string"),
        Column("corrected_through", "string"),
        Column("corrected_at", "timestamp", unit="UTC", volatile=True),
    ),
)

LABEL_QUALITY = TableSpec(
    stage="labels", name="label_quality", key=("topic",), write="replace_all", medallion="gold",
    grain="one row per topic, and one for all (micro)", description="Precision and recall against reviewed records, with intervals and the gate's answer (R82, R144).",
    columns=(
        Column("topic", "string", nullable=False),
        Column("reviewed_count", "bigint", "Reviewed records that have the topic or were given it", unit="records"),
        Column("precision", "double", unit="0 to 1"),
        Column("precision_low", "double", "Wilson lower bound", unit="0 to 1"),
        Column("precision_high", "double", unit="0 to 1"),
        Column("recall", "double", unit="0 to 1"),
        Column("recall_low", "double", "Wilson lower bound", unit="0 to 1"),
        Column("recall_high", "double", unit="0 to 1"),
        Column("f1", "double", unit="0 to 1"),
        Column("predicted_count", "bigint", unit="records"),
        Column("actual_count", "bigint", unit="records"),
        Column("gate", "string", "pass, fail or too_few"),
        Column("reason", "string", "Why the gate says so, and what it wants"),
        Column("label_set_version", "string"),
        Column("model_version", "string"),
    ),
)

LABEL_VERSIONS = TableSpec(
    stage="labels", name="label_versions", key=("feedback_id", "model_version", "input_hash"), write="replace_days", partition_by="received_day", public=False,
    grain="one row per label that another version replaced", description="Labels as they were before a promotion changed them: going back restores exactly these rows.",
    columns=(*FEEDBACK_LABELS.columns, Column("replaced_by_activation", "bigint", "Activation that led to the new label")),
)

TABLES = (
    RULE_LABELS, FEEDBACK_LABELS, LABEL_VERSIONS, LABELLED_FEEDBACK, REVIEW_QUEUE, LABEL_CORRECTIONS, LABEL_QUALITY, *VERSION_TABLES, *CASCADE_TABLES,
    *DETAIL_TABLES,
)  # fmt: skip
