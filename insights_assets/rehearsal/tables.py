"""Tables of the stage: what a change would do before it is made."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

_WEEK = "struct<week_day:date,before:double,low:double,high:double,after:double,after_low:double,after_high:double>"

CHANGE_PREVIEWS = TableSpec(
    stage="rehearsal", name="change_previews", key=("preview_id", "finding", "subject"), write="replace_all", medallion="gold",
    grain="one row per preview and thing that would be other than it is",
    description="Before a prompt, label set, rules or classifier changes: records that flip, trend lines that leave their interval, insights that appear or vanish, "
    "open tickets that lose evidence, and the cost. Worked out on copies; the newest previews are kept.",
    columns=(
        Column("preview_id", "string", "Change, state of the home and size of the sample", nullable=False),
        Column("finding", "string", "summary, flip, trend, insight, ticket or cost", nullable=False),
        Column("subject", "string", "from -> to, a topic, an insight, a ticket", nullable=False),
        Column("place", "int", "Order of telling"),
        Column("change_kind", "string", "prompt, label_set, rules or classifier", nullable=False),
        Column("version", "string", "What would come into force", nullable=False),
        Column("against_version", "string", "What is in force", nullable=False),
        Column("answer", "string", "changes, nothing_changes, nothing_seen or unknown; flips or stays; leaves, may_leave or holds; appears, vanishes, moves or stays; keeps, loses or loses_most; costs or free", nullable=False),
        Column("words", "string", "One sentence"),
        Column("count", "bigint", "Records that flip, weeks outside, records a ticket loses, calls this preview made"),
        Column("share", "double", "Of the records looked at; for a trend new over old people; for a ticket the evidence that stays"),
        Column("low", "double", "Lower 95 % bound; null where everything was looked at"),
        Column("high", "double", "Upper 95 % bound"),
        Column("before", "double", "Under what is in force: people, evidence records; money spent by the preview"),
        Column("after", "double", "Under the change"),
        Column("sampled_count", "bigint", "Distinct texts looked at; null where everything was"),
        Column("population_count", "bigint", "Distinct texts they stand for"),
        Column("calls_count", "bigint", "Model calls that bringing it into force would make; stored replies are free", unit="calls"),
        Column("tokens", "bigint", "Tokens of those calls", unit="tokens"),
        Column("cost", "double", "Money for those calls, by the price table", unit="currency"),
        Column("currency", "string"),
        Column("sample_ids", "array<string>", "feedback_id of a few records, by the hash of their id"),
        Column("quotes", "array<string>", "The words that show it, personal data replaced"),
        Column("weeks", f"array<{_WEEK}>", "Of a trend: people a week under both, with the interval of the first"),
        Column("as_of_day", "date", "The shop's day up to which was replayed"),
        Column("previewed_at", "timestamp", unit="UTC", volatile=True),
        Column("run_id", "string", "Run that wrote the row", volatile=True),
    ),
)

TABLES = (CHANGE_PREVIEWS,)
