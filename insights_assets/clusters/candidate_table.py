"""Table of topics that the label set lacks."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

TOPIC_CANDIDATES = TableSpec(
    stage="clusters",
    name="topic_candidates",
    key=("candidate_id",),
    write="replace_all",
    grain="one row per thing people speak of that no topic names, by at least 3 records of 2 customers",
    medallion="gold",
    description="Candidates for new topics: what a language model called them, and themes of complaints without a topic; with figures and quotes.",
    columns=(
        Column("candidate_id", "string", "NT- and 8 hex digits of its theme or normal name", nullable=False),
        Column("name", "string", "The most used of the model's names, else the theme's; words of a machine, shown as text only", nullable=False),
        Column("other_names", "array<string>", "Other names the model gave the same thing, most used first, at most 5"),
        Column("found_by", "string", "model, theme or both", nullable=False),
        Column("theme_id", "string", "Theme of complaints without a topic that holds its records"),
        Column("theme_name", "string", "That theme's name"),
        Column("known_as", "string", "Topic that one of its names is already a word for: by its id, a retired id or the shop's title"),
        Column("records_count", "bigint", "Records that speak of it, copies left out", unit="records", nullable=False),
        Column("customers_count", "bigint", "Distinct known customers among them", unit="customers", nullable=False),
        Column("named_count", "bigint", "Records for which the model named it", unit="records"),
        Column("share", "double", "Of all labelled records", unit="0 to 1"),
        Column("first_seen_day", "date"),
        Column("last_seen_day", "date"),
        Column("languages", "array<string>"),
        Column("channels", "array<string>"),
        Column("quotes", "array<string>", "At most 3 parts of redacted texts, newest first, each of another customer"),
        Column("evidence_ids", "array<string>", "feedback_id of each quote"),
        Column("label_set_version", "string", "Label set that lacks it", nullable=False),
    ),
)
