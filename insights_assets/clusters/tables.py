"""Tables of the stage: one vector per distinct text, the themes, and which record belongs to which theme."""

from __future__ import annotations

from insights_assets.clusters.candidate_table import TOPIC_CANDIDATES
from insights_assets.lake.spec import Column, TableSpec

EMBEDDINGS = TableSpec(
    stage="clusters",
    name="embeddings",
    key=("text_hash", "model_id"),
    write="append",
    grain="one row per distinct complaint text and embedding model",
    description="Where each distinct complaint lies in the space of an embedding model; embedded once per model.",
    columns=(
        Column(
            "text_hash",
            "string",
            "Hash of the complaint's words: the quote of its topic, or the whole text",
            nullable=False,
        ),
        Column(
            "model_id",
            "string",
            "Embedding model that made the vector; vectors of two models cannot be compared",
            nullable=False,
        ),
        Column("dimensions", "int", "Length of the vector", unit="count", nullable=False),
        Column(
            "vector",
            "binary",
            "The vector, length 1, float16 little-endian; all zeros where no word of the text is known",
            nullable=False,
        ),
        Column("run_id", "string", "Run that wrote the row", volatile=True),
    ),
)

THEMES = TableSpec(
    stage="clusters",
    name="themes",
    key=("theme_id",),
    write="upsert_small",
    grain="one row per theme",
    medallion="gold",
    description="What customers complain about in other words, finer than a topic. Never renumbered, named once.",
    columns=(
        Column("theme_id", "string", "TH- and 8 hex digits of topic, born day and founding texts", nullable=False),
        Column("name", "string", "What is frequent in it and rare elsewhere in its topic, in words", nullable=False),
        Column("topic", "string", "Topic of the label set it lies in", nullable=False),
        Column(
            "is_topic_candidate",
            "boolean",
            "Complaints the label set has no topic for: a candidate for a new one",
            nullable=False,
        ),
        Column(
            "size",
            "bigint",
            "Feedback records that count (copies left out) in the theme so far",
            unit="records",
            nullable=False,
        ),
        Column("born_day", "date", "Last day of the texts it was found in", nullable=False),
        Column("last_seen_day", "date", "Day its latest record became known"),
        Column("parent", "string", "Theme of the same topic it grew next to"),
        Column("merged_into", "string", "Theme that takes its records since somebody merged the two"),
        Column("founding_texts", "bigint", "Distinct texts it was found in", unit="texts", nullable=False),
        Column("top_terms", "array<string>", "Words and pairs of words that tell it from its topic, strongest first"),
        Column("exemplar_ids", "array<string>", "feedback_id of the founding texts nearest to its centre"),
        Column("centroid", "binary", "Its centre, in the form of embeddings.vector", nullable=False),
        Column(
            "threshold",
            "double",
            "Least cosine similarity to the centre of a text that belongs to it",
            unit="-1 to 1",
            nullable=False,
        ),
        Column("model_id", "string", "Embedding model of the centre", nullable=False),
        Column("judged_through", "date", "Last whole day that was searched for new themes", nullable=False),
        Column("run_id", "string", "Run that wrote the row", volatile=True),
    ),
)

THEME_MEMBERS = TableSpec(
    stage="clusters",
    name="theme_members",
    key=("feedback_id",),
    write="replace_days",
    partition_by="received_day",
    grain="one row per complaint that was compared with the themes",
    description="The theme of each complaint, kept unless its words or topic change; empty where it is like none.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("theme_id", "string", "Theme it belongs to; empty while it resembles none"),
        Column(
            "similarity",
            "double",
            "Cosine similarity to the centre of that theme, or of the nearest one of its topic",
            unit="-1 to 1",
        ),
        Column("topic", "string", "Topic the complaint was compared within", nullable=False),
        Column("text_hash", "string", "Words it was compared by, as in clusters.embeddings", nullable=False),
        Column(
            "since_day",
            "date",
            "Day whose judging gave it its theme: its own, or that of a birth that looked back",
            nullable=False,
        ),
        Column("counts", "boolean", "False for copies of another record", nullable=False),
        Column("known_day", "date", "Day the record became known", nullable=False),
        Column("received_day", "date", nullable=False),
        Column("run_id", "string", "Run that wrote the row", volatile=True),
    ),
)

THEME_NAMES = TableSpec(
    stage="clusters",
    name="theme_names",
    key=("theme_id",),
    write="upsert_small",
    grain="one row per theme that a language model was asked to name",
    description="What the model called a theme and how it explains it, or why its answer was left. Asked once a theme; empty in a home that names no model.",
    columns=(
        Column("theme_id", "string", nullable=False),
        Column("name", "string", "The model's name, made of words of the theme's texts; none where the local one stays"),
        Column("description", "string", "One sentence on what the texts have in common; none where it said more than they do"),
        Column("evidence_ids", "array<string>", "feedback_id of the quotes that show it best, by the model"),
        Column("local_name", "string", "The name it had before", nullable=False),
        Column("outcome", "string", "What came of the question; quote_mismatch: a title that the texts do not bear out", nullable=False),
        Column("detail", "string", "A word on the outcome"),
        Column("prompt_version", "string", "Prompt that asked"),
        Column("model_version", "string", "The model's snapshot"),
        Column("cache_key", "string", "The stored reply"),
        Column("run_id", "string", "Run that wrote the row", volatile=True),
    ),
)

TABLES = (EMBEDDINGS, THEMES, THEME_MEMBERS, THEME_NAMES, TOPIC_CANDIDATES)
