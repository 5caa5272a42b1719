"""Tables of the seam between versions of the classifier: the ratio a change made, and the days that are still counted under an earlier one."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

_RUN = (Column("run_id", "string", "Run that wrote the row", volatile=True),)

LABEL_SPLICES = TableSpec(
    stage="anomalies", name="label_splices", key=("activation_id", "topic"), write="upsert_small", medallion="gold",
    grain="one row per classifier that came into force and topic",
    description="How a change of the classifier alone moved a topic: people counted under both versions on the days that both labelled, so that a trend line is spliced and not broken (R87).",
    columns=(
        Column("activation_id", "bigint", "The promotion", nullable=False, tier="aggregate"),
        Column("topic", "string", "Monitored topic", nullable=False, tier="aggregate"),
        Column("from_version", "string", "Classifier before", tier="aggregate"),
        Column("to_version", "string", "Classifier that came into force", tier="aggregate"),
        Column("factor", "double", "People under the new version for one under the old", unit="times", tier="aggregate"),
        Column("factor_low", "double", "Lower 95 % bound", unit="times", tier="aggregate"),
        Column("factor_high", "double", "Upper 95 % bound", unit="times", tier="aggregate"),
        Column("log_variance", "double", "Variance of the factor's logarithm", tier="aggregate"),
        Column("common_count", "bigint", "Complaints under both versions", unit="complaints", tier="aggregate"),
        Column("lost_count", "bigint", "Under the old version only", unit="complaints", tier="aggregate"),
        Column("gained_count", "bigint", "Under the new version only", unit="complaints", tier="aggregate"),
        Column("first_day", "date", "First day that both labelled", tier="aggregate"),
        Column("last_day", "date", "Last of them", tier="aggregate"),
        *_RUN,
    ),
)

SPLICED_DAYS = TableSpec(
    stage="anomalies", name="spliced_days", key=("known_day", "topic"), write="replace_all", public=False,
    grain="one row per day and topic counted under an earlier classifier",
    description="What a count of topic_series is multiplied by so that it speaks in the words of the classifier in force; days without a row stand as they are.",
    columns=(
        Column("known_day", "date", "Day of topic_series", nullable=False, tier="aggregate"),
        Column("topic", "string", nullable=False, tier="aggregate"),
        Column("factor", "double", "Mean factor of the day's complaints", unit="times", tier="aggregate"),
        Column("log_variance", "double", "Variance of the factor's logarithm", tier="aggregate"),
    ),
)

SPLICE_TABLES = (LABEL_SPLICES, SPLICED_DAYS)
