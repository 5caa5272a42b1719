"""Tables of versions: what a candidate says of the evaluation sample, what came into force, what was labelled again, earlier labels."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

_RUN = (Column("run_id", "string", "Run that wrote the row", volatile=True),)

LABEL_CANDIDATES = TableSpec(
    stage="labels", name="label_candidates", key=("feedback_id", "model_version"), write="upsert_small",
    grain="one row per record of the evaluation sample and candidate", description="What a candidate says of reviewed records it was not trained on, beside the active version and the reviewer.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("model_version", "string", "The candidate", nullable=False),
        Column("active_version", "string", "The version it is compared with", nullable=False),
        Column("topics", "array<string>", "What the candidate says"),
        Column("active_topics", "array<string>", "What the active version says"),
        Column("right_topics", "array<string>", "What the reviewer said"),
        Column("is_right", "boolean", "The candidate says exactly what the reviewer said", nullable=False),
        Column("is_active_right", "boolean", "The active version does", nullable=False),
        Column("last_correction_id", "bigint", "Corrections up to this one were looked at"),
        *_RUN,
    ),
)

LABEL_PROMOTION = TableSpec(
    stage="labels", name="label_promotion", key=("activation_id",), write="replace_all", medallion="gold",
    grain="one row per activation of a classifier", description="Which classifier came into force when, by whom and why; going back is one more row. From the operational database.",
    columns=(
        Column("activation_id", "bigint", nullable=False),
        Column("model_version", "string", nullable=False),
        Column("previous_version", "string"),
        Column("reason", "string"),
        Column("activated_by", "string"),
        Column("activated_at", "timestamp", unit="UTC", volatile=True),
        Column("is_active", "boolean", "In force now", nullable=False),
    ),
)

RELABEL_PLAN = TableSpec(
    stage="labels", name="relabel_plan", key=("activation_id", "received_day"), write="upsert_small", public=False,
    grain="one row per activation and day that is to be looked at again", description="Days on which labels of the version before are made again: newest first, within the budget of a run.",
    columns=(
        Column("activation_id", "bigint", nullable=False),
        Column("received_day", "date", nullable=False),
        Column("model_version", "string", "The version that came into force"),
        Column("records", "bigint", "Records of the day", unit="records"),
        *_RUN,
    ),
)

RELABELLED = TableSpec(
    stage="labels", name="relabelled", key=("activation_id", "received_day", "topic"), write="upsert_small",
    grain="one row per activation, day and topic, and one for all",
    description="Each topic's records on a day under the version before and after: the bridge that tells a change of version from a change of the world (R87).",
    columns=(
        Column("activation_id", "bigint", nullable=False),
        Column("received_day", "date", nullable=False),
        Column("topic", "string", "Topic, or all", nullable=False),
        Column("model_version", "string", "The version that came into force"),
        Column("records_before", "bigint", "Records with the topic under the labels before", unit="records"),
        Column("records_after", "bigint", "Records with the topic now", unit="records"),
        Column("changed_count", "bigint", "For all: records whose label changed", unit="records"),
        *_RUN,
    ),
)

VERSION_TABLES = (LABEL_CANDIDATES, LABEL_PROMOTION, RELABEL_PLAN, RELABELLED)
