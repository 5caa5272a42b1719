"""What needs Python per record: the pseudonym, redaction, language and the text's hash. One Arrow batch function for every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.identity import pseudonym

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

#: Columns that end here: they are personal, and nothing after this step sees them outside the raw tier.
_CONSUMED = ("text_original", "customer_id", "customer_name", "customer_email", "author_handle", "known_names", "known_emails", "locale", "turns")
_ADDED = (
    ("feedback_id", "string"), ("customer_key", "string"), ("text_original", "string"), ("text", "string"), ("language", "string"), ("language_confidence", "double"),
    ("text_hash", "string"), ("redactions", "map<string,int>"), ("turns_redacted", "array<struct<speaker:string,said_at_text:string,text:string>>"),
)


@dataclass(frozen=True)
class EnrichSettings:
    """What the batch function carries: the pseudonym key, the shop's languages, and product words that redaction never touches."""

    secret: bytes
    languages: tuple[str, ...]
    product_words: frozenset[str]


def enrich(voices: DataFrame, settings: EnrichSettings) -> DataFrame:
    """Voices with known values joined on -> the same rows with `_ADDED` columns and without `_CONSUMED` ones."""
    kept = [field for field in voices.schema.fields if field.name not in _CONSUMED]
    ddl = ", ".join([f"`{f.name}` {f.dataType.simpleString()}" for f in kept] + [f"`{name}` {kind}" for name, kind in _ADDED])
    return voices.mapInArrow(_enricher(settings, [field.name for field in kept]), ddl)


def feedback_id(source: str, record_ref: str) -> str:
    """hash(source, record_ref), 24 hex digits; the unit separator cannot occur in a source's name."""
    import hashlib

    return hashlib.sha256(f"{source}\x1f{record_ref}".encode()).hexdigest()[:24]


#: Who speaks for the shop in a chat; everybody else is the customer.
_SHOP_SPEAKERS = frozenset({"agent", "bot", "admin", "operator"})


def customer_words(turns: list[dict[str, Any]] | None) -> str | None:
    """What the customer wrote in a chat, turn after turn. (Here and not in Spark: the embedded engine loses columns of lambdas.)"""
    mine = [turn["text"] for turn in turns or () if (turn["speaker"] or "customer").lower() not in _SHOP_SPEAKERS and turn["text"]]
    return "\n".join(mine) or None


def _identity(row: dict[str, Any]) -> str | None:
    for name, prefix in (("customer_id", "customer"), ("customer_email", "email"), ("author_handle", "handle")):
        if row[name]:
            return f"{prefix}:{row[name]}"
    return None


def _enricher(settings: EnrichSettings, kept: list[str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def enrich_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from insights_assets.canonical.duplicates import text_hash
        from insights_assets.canonical.language import LanguageDetector
        from insights_assets.canonical.redaction import Known, Redactor
        from insights_assets.lake.types import arrow_type

        redactor = Redactor(product_words=settings.product_words)
        detector = LanguageDetector(settings.languages)
        for batch in batches:
            added: dict[str, list[Any]] = {name: [] for name, _ in _ADDED}
            locales: list[str | None] = []
            for row in batch.to_pylist():
                identity = _identity(row)
                known = Known(
                    names=tuple(n for n in (*(row["known_names"] or ()), row["customer_name"]) if n),
                    emails=tuple(e for e in (*(row["known_emails"] or ()), row["customer_email"]) if e),
                    handles=(row["author_handle"],) if row["author_handle"] else (),
                )
                protected = tuple(value for value in (row["order_id"], row["own_sku"]) if value)
                text, counts, digest = None, None, None
                original = row["text_original"] or customer_words(row["turns"])
                if original:
                    redacted = redactor.redact(original, known, protected)
                    text, counts = redacted.text, redacted.counts
                    digest = text_hash(text)
                turns = None
                if row["turns"] is not None:
                    turns = [
                        {"speaker": turn["speaker"], "said_at_text": turn["at"], "text": redactor.redact(turn["text"] or "", known, protected).text}
                        for turn in row["turns"]
                    ]
                added["feedback_id"].append(feedback_id(row["source"], row["record_ref"]))
                added["customer_key"].append(pseudonym(settings.secret, identity) if identity else None)
                added["text_original"].append(original)
                added["text"].append(text)
                locales.append(row["locale"])
                added["text_hash"].append(digest)
                added["redactions"].append(sorted(counts.items()) if counts else None)
                added["turns_redacted"].append(turns)
            languages = detector.detect_many([text or "" for text in added["text"]], locales)
            added["language"] = [None if text is None else language for text, (language, _) in zip(added["text"], languages, strict=True)]
            added["language_confidence"] = [None if text is None else round(found, 4) for text, (_, found) in zip(added["text"], languages, strict=True)]
            columns = [batch.column(name) for name in kept] + [pa.array(added[name], arrow_type(kind)) for name, kind in _ADDED]
            yield pa.RecordBatch.from_arrays(columns, names=[*kept, *added])

    return enrich_batches
