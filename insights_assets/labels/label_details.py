"""Details of labels: what each record names, and how sure each field of its label is. A function of tables; touches the lake alone.

Belongs here: which days want it, joining what was found here and what a model named, confidences by field. Does not belong here: finding
(`entities`), asking (`asking`), how sure sentiment and urgency are (`field_curves`), topics and their calibrated confidence (`cascade`).

A thing found here stands; the model adds what nothing here knows, under its own words. Where both found the same place, the surer says how sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS, SHIPMENTS
from insights_assets.labels.build import label_hash
from insights_assets.labels.detail_tables import LABEL_DETAILS, MODEL_ENTITIES, MODEL_ENTITIES_TYPE
from insights_assets.labels.entities import MODEL, MOST_ENTITIES, EntityFinder
from insights_assets.labels.entity_words import MOST_NAMES, PLACE, load_entity_words
from insights_assets.labels.field_curves import FieldCurves, load_field_curves, sentiment_sure, urgency_sure
from insights_assets.labels.fields import text_of
from insights_assets.labels.model.label import CONFIDENCE_OF_BAND
from insights_assets.labels.rules import RULE_CONFIDENCE
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.changes import days_that_differ

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from insights_assets.resources.step import Step

#: How sure the product is by where it is known from.
_SKU_SURE = {"both": 0.98, "order": 0.95, "text": 0.85, "conflict": 0.5}
_LABEL = ("topics", "sentiment", "sentiment_score", "urgency", "sku_source", "risk_tags", "label_source", "confidence")
_READ = ("feedback_id", "text", "language", *_LABEL, "said", "dropped")


def build_details(step: Step) -> list[date]:
    """Rebuild the days whose stored details do not rest on the labels, words, curves and replies there are; which days that were."""
    from pyspark.sql import functions as F

    words, curves = load_entity_words(), load_field_curves()
    labels = step.read(FEEDBACK_LABELS)
    if step.lake.row_count(MODEL_ENTITIES):
        said = step.read(MODEL_ENTITIES).select("feedback_id", "received_day", F.col("entities").alias("said"), F.col("dropped_count").alias("dropped"), "cache_key")
        labels = labels.join(said, ["feedback_id", "received_day"], "left")
    else:
        nothing = {"said": MODEL_ENTITIES_TYPE, "dropped": "int", "cache_key": "string"}
        labels = labels.withColumns({name: F.lit(None).cast(kind) for name, kind in nothing.items()})
    basis = F.substring(F.sha2(F.concat_ws("|", label_hash(), F.lit(words.version), F.lit(curves.version), "cache_key"), 256), 1, 16)
    wanted = labels.withColumn("basis", basis)
    among = step.changed_days(FEEDBACK_LABELS, MODEL_ENTITIES, LABEL_DETAILS)
    days = sorted(days_that_differ(wanted, step.read(LABEL_DETAILS), ["feedback_id", "basis"], among))
    if not days:
        return []
    on_days = F.col("received_day").isin(days)
    texts = step.read(FEEDBACK).where(on_days).select("feedback_id", "text", "language")
    rows = wanted.where(on_days).join(texts, "feedback_id").select(*_READ, "basis", "received_day")
    finder = EntityFinder(
        words, step.read_pandas(PRODUCTS).to_dict("records"), carriers=_carriers(step), places=step.shop.region_names.values(), competitors=step.shop.competitors
    )
    made = step.lake.narrow(rows).mapInArrow(batch_details(finder, curves), details_ddl())
    step.write(LABEL_DETAILS, made.withColumn("run_id", F.lit(step.run_id)), days=days)
    return days


def _carriers(step: Step) -> list[str]:
    """Names of the carriers that brought the shop's parcels."""
    names: DataFrame = step.read(SHIPMENTS).where("carrier IS NOT NULL").select("carrier").distinct().orderBy("carrier").limit(MOST_NAMES)
    return [str(name) for name in names.toArrow().column(0).to_pylist()]


def details_ddl() -> str:
    """Columns that `batch_details` makes."""
    return ", ".join(f"`{column.name}` {column.type}" for column in LABEL_DETAILS.columns if not column.volatile)


def batch_details(finder: EntityFinder, curves: FieldCurves) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What makes details of Arrow batches on every engine: columns of `_READ`, basis and received_day in, columns of `details_ddl` out."""
    names = [column.name for column in LABEL_DETAILS.columns if not column.volatile]
    passed = {"basis", "received_day"}

    def details(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        kinds = {field.name: field.type for field in LABEL_DETAILS.arrow_schema}
        for batch in batches:
            known: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
            rows = [details_of(row, finder, curves, known) for row in batch.select(list(_READ)).to_pylist()]
            arrays = [batch[name] if name in passed else pa.array([row[name] for row in rows], kinds[name]) for name in names]
            yield pa.RecordBatch.from_arrays(arrays, names=names)

    return details


def details_of(
    row: Mapping[str, Any], finder: EntityFinder, curves: FieldCurves, known: dict[tuple[str, str | None], list[dict[str, Any]]] | None = None
) -> dict[str, Any]:
    """The details of one labelled record. `known` keeps what distinct texts name."""
    text, language = text_of(row["text"]), text_of(row["language"])
    key = (text or "", language)
    found = (known or {}).get(key)
    if found is None:
        found = named_in(text, language, finder) if text is not None else []
        if known is not None:
            known[key] = found
    entities, dropped = joined(found, row["said"], finder, language) if row["said"] else (found, 0)
    return {
        "feedback_id": row["feedback_id"],
        "entities": entities,
        "entities_dropped": int(row["dropped"] or 0) + dropped,
        "sentiment_confidence": sentiment_sure(row, language, curves),
        "urgency_confidence": urgency_sure(row, language, curves),
        "sku_confidence": _SKU_SURE.get(str(row["sku_source"])),
        "risk_tags": [{"tag": tag, "confidence": CONFIDENCE_OF_BAND["medium"] if row["label_source"] == MODEL else RULE_CONFIDENCE} for tag in row["risk_tags"] or ()],
        "words_version": finder.version,
    }


def named_in(text: str, language: str | None, finder: EntityFinder) -> list[dict[str, Any]]:
    """What a text names, as rows; each quote is cut from the text itself."""
    return [
        {
            "kind": one.kind, "name": one.name, "quote": text[one.span.start : one.span.end], "start": one.span.start, "end": one.span.end,
            "source": one.source, "confidence": one.confidence,
        }
        for one in finder.find(text, language)
    ]


def joined(found: Iterable[Mapping[str, Any]], said: Iterable[Mapping[str, Any]], finder: EntityFinder, language: str | None) -> tuple[list[dict[str, Any]], int]:
    """What was found here, and what a model named at places that nothing found here touches, in the order of the text; how many were left out.

    A place that the lexicon does not know is left out: it may be a town, and a town may be somebody's address.
    """
    dropped, rows = 0, [dict(one) for one in found]
    for one in sorted(said, key=lambda each: (each["start"], -each["end"])):
        touched = [row for row in rows if row["start"] < one["end"] and one["start"] < row["end"]]
        for row in touched:
            if row["kind"] == one["kind"]:
                row["confidence"] = max(row["confidence"], one["confidence"])
        if not touched:
            known = finder.name_of(one["kind"], one["quote"], language)
            if known is None and one["kind"] == PLACE:
                dropped += 1
                continue
            name = known or plain_name(one["quote"])
            rows.append({"kind": one["kind"], "name": name, "quote": one["quote"], "start": one["start"], "end": one["end"], "source": MODEL, "confidence": one["confidence"]})
    return sorted(rows, key=lambda row: (row["start"], row["end"]))[:MOST_ENTITIES], dropped


ARTICLES = frozenset((
    "the", "a", "an", "my", "your", "our", "der", "die", "das", "den", "dem", "ein", "eine", "mein", "meine", "le", "la", "les", "un", "une", "mon", "ma",
    "el", "los", "las", "una", "mi", "o", "os", "as", "um", "uma", "meu", "minha",
))  # fmt: skip


def plain_name(quote: str) -> str:
    """The normal form of words that no lexicon knows: themselves, small, without the article before them.

    >>> plain_name("The  Shade Ring"), plain_name("Die Zierblende")
    ('shade ring', 'zierblende')
    """
    words = quote.lower().split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in ARTICLES else words)
