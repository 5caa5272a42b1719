"""Tables of what a label says beyond its topics: the things a record names, and how sure each field is."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

ENTITIES_TYPE = "array<struct<kind:string,name:string,quote:string,start:int,end:int,source:string,confidence:double>>"
MODEL_ENTITIES_TYPE = "array<struct<kind:string,quote:string,start:int,end:int,confidence:double>>"

LABEL_DETAILS = TableSpec(
    stage="labels", name="label_details", key=("feedback_id",), write="replace_days", partition_by="received_day",
    grain="one row per labelled feedback record", description="What each record names (products, parts, carriers, countries, other shops, days, amounts), and how sure each field of its label is.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("entities", ENTITIES_TYPE, "Things named: kind, normal form, the words and their place in feedback.text, what found them (catalogue, lexicon, pattern, model), confidence"),
        Column("entities_dropped", "int", "Things a model named that do not stand in the text or are no such thing", unit="count"),
        Column("sentiment_confidence", "double", "Calibrated on held-out texts by word, distance of the score from where its word would change, and language; stated for labels of a model, 1 where a person chose the word", unit="0 to 1"),
        Column("urgency_confidence", "double", "Calibrated on held-out texts by word and what the urgency follows from (danger, a tag, a pressing word, the topic); stated for labels of a model or person", unit="0 to 1"),
        Column("sku_confidence", "double", "By where the product is known from; none without a product", unit="0 to 1"),
        Column("risk_tags", "array<struct<tag:string,confidence:double>>", "Each risk tag with its confidence"),
        Column("words_version", "string", "Version of the lexicon of things", nullable=False),
        Column("basis", "string", "Hash of the label, the lexicon, the curves and the model's reply that the row was made from", nullable=False),
        Column("received_day", "date", nullable=False),
        Column("run_id", "string", volatile=True),
    ),
)

MODEL_ENTITIES = TableSpec(
    stage="labels", name="model_entities", key=("feedback_id",), write="replace_days", partition_by="received_day", public=False,
    grain="one row per record that a model answered under a prompt that asks for things named", description="Things a model named, each with words that stand in the text; empty in a home that names no model.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("entities", MODEL_ENTITIES_TYPE, "Kind, the words and their place in feedback.text, what the model's word for its confidence stands for"),
        Column("dropped_count", "int", "Entries left out: words that are not in the text, placeholders, names of persons, numbers of orders", unit="count"),
        Column("cache_key", "string", "The stored reply"),
        Column("received_day", "date", nullable=False),
    ),
)

DETAIL_TABLES = (LABEL_DETAILS, MODEL_ENTITIES)
