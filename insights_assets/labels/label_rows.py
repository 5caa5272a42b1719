"""Rows of labels: how a chosen topic, a summary and a fired rule are written down.

Belongs here: the columns of a label and of a fired rule, places and quotes in the text. Does not belong here: which topics a record gets
(`topic_choice`), sentiment and urgency of the whole (`cascade`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insights_assets.labels.evidence import Span, quote_span
from insights_assets.labels.fields import number_of, text_of
from insights_assets.labels.reading import Reading
from insights_assets.labels.rules import Hit
from insights_assets.labels.sentiment import tone_of
from insights_assets.labels.summary import summarise
from insights_assets.labels.topic_choice import ChosenTopic

LABEL_COLUMNS = (
    "feedback_id", "topics", "primary_topic", "sentiment", "sentiment_score", "urgency", "sku", "sku_source",
    "risk_tags", "summary", "label_source", "confidence", "prompt_version", "label_set_version", "schema_version",
    "rules_version", "model_version",
)
RULE_COLUMNS = ("feedback_id", "rule_id", "kind", "target", "start", "end", "quote")
NO_PLACE = -1  # start and end of a rule that fired on a code, a signal or stars


def topic_row(one: ChosenTopic, text: str | None) -> dict[str, Any]:
    """A topic as `feedback_labels.topics` holds it."""
    start, end, quote = _place(one.span, text)
    if one.topic == "praise":
        sentiment = "positive"
    elif one.topic == "other":
        sentiment = tone_of(one.tone)
    else:
        # Naming a trouble is negative unless the clause says the contrary; a wish is neutral until it is angry.
        sentiment = tone_of(one.tone if one.topic == "feature_request" else one.tone - 0.5)
    return {
        "topic": one.topic, "confidence": round(one.confidence, 4), "quote": quote, "start": start, "end": end,
        "sentiment": sentiment,
    }


def fired_row(hit: Hit, text: str | None) -> dict[str, Any]:
    """A hit as a row of `rule_labels`: the very words that fired it, unshortened."""
    span = hit.span
    if span is None or text is None:
        start, end, quote = NO_PLACE, NO_PLACE, None
    else:
        start, end, quote = span.start, span.end, text[span.start : span.end]
    return {
        "rule_id": hit.rule_id, "kind": hit.kind, "target": hit.target, "start": start, "end": end, "quote": quote
    }


def summary_of(text: str | None, reading: Reading | None, topics: Sequence[ChosenTopic], record: Mapping[str, Any]) -> str:
    """One sentence in the customer's words; without words, what the record is."""
    if text is not None and reading is not None:
        return summarise(text, [one.span for one in topics if one.span is not None])
    code, signal = text_of(record.get("reason_code")), text_of(record.get("signal"))
    if code is not None:
        return f"Return reason: {code}"[:160]
    if signal is not None:
        return "Session met an error" if signal == "error" else "Session left a basket behind"
    rating, nps = number_of(record.get("rating")), number_of(record.get("nps"))
    if rating is not None:
        return f"Rating {rating:g} of 5 without words"
    return f"Score {nps:g} of 10 without words" if nps is not None else "Nothing said"


def _place(span: Span | None, text: Any) -> tuple[Any, ...]:
    """(start, end, quote) of a span; the quote is cut from the text itself, so it cannot be anything else."""
    if span is None or not isinstance(text, str):
        return None, None, None
    shown = quote_span(text, span.start, span.end)
    return shown.start, shown.end, text[shown.start : shown.end]
