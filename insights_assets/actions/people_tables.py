"""Tables about what people answered: the loop summed up, and how often alerts were right. The others are in `tables.py`."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

LOOP_SUMMARY = TableSpec(
    stage="actions",
    name="loop_summary",
    grain="one row per grouping, name and stage",
    key=("grouping", "name", "stage"),
    write="replace_all",
    medallion="gold",
    description="Hours of the loop by stage, for all actions, each team and each tier (R2, R152).",
    columns=(
        Column("grouping", "string", "all, team or tier", nullable=False),
        Column("name", "string", "Which of them", nullable=False),
        Column("stage", "string", "A stage of loop_time, or whole: the hours that the promise counts", nullable=False),
        Column("clock", "string", "shop, wall or both"),
        Column("action_count", "int", "Actions that went through it"),
        Column("late_count", "int", "Of the last ones that the promise counts; only of the whole"),
        Column("p50_hours", "double", unit="hours", volatile=True),
        Column("p90_hours", "double", unit="hours", volatile=True),
    ),
)

ALERT_PRECISION = TableSpec(
    stage="actions",
    name="alert_precision",
    grain="one row per grouping and name",
    key=("grouping", "name"),
    write="replace_all",
    medallion="gold",
    description="How often what was alerted was right, for all, each owner and each detector; silence is unknown (R144).",
    columns=(
        Column("grouping", "string", "all, owner or detector", nullable=False),
        Column("name", "string", "Which of them", nullable=False),
        Column("insight_count", "int", "Insights that something was done about"),
        Column("confirmed_count", "int"),
        Column("dismissed_count", "int"),
        Column("judged_count", "int", "n of the precision: confirmed and dismissed"),
        Column("duplicate_count", "int", "Repeat another insight; judge nothing"),
        Column("unknown_count", "int", "Over, and nobody said in time whether it was right"),
        Column("waiting_count", "int", "Over, with time left to say so"),
        Column("open_count", "int", "Still running and not judged"),
        Column("precision", "double", "Confirmed among judged", unit="0 to 1"),
        Column("precision_low", "double", "95 % interval (Wilson)", unit="0 to 1"),
        Column("precision_high", "double", "95 % interval (Wilson)", unit="0 to 1"),
        Column("unknown_share", "double", "Unknown among judged and unknown", unit="0 to 1"),
        Column("answer", "string", "pass, fail or too_few, by the policy's acceptance"),
    ),
)
