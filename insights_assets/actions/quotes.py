"""Which words of customers a ticket shows: few, typical, recent, from different people, and safe to show.

Belongs here: choosing and cutting quotes. Does not belong here: redaction (done in `canonical`; here is only a second
look that leaves a doubtful quote out) and escaping (`escaping.py`, at the moment of rendering).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from insights_assets.actions.escaping import plain
from insights_assets.actions.model import Evidence

QUOTES_SHOWN = 3
QUOTE_CHARACTERS = 140
#: Only so many of the latest records are looked at: what is typical shows in them.
CANDIDATES = 100
_WORD = re.compile(r"\w{3,}")
_SENTENCE_END = re.compile(r"[.!?…](?=\s)")
_DOUBTFUL = (
    re.compile(r"[\w.+-]+\s*@\s*[\w-]+\s*\.\s*\w{2,}"),  # an e-mail address
    re.compile(r"(?:\+|00)\s?\d[\d\s()/.-]{7,}\d"),  # a telephone number with its country
    re.compile(r"\b(?:\d[ -]?){13,19}\b"),  # a card number
    re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,}"),  # an IBAN
)


@dataclass(frozen=True)
class Quote:
    """A customer's words, unescaped, with the record they stand in."""

    text: str
    source: str
    record_ref: str
    feedback_id: str
    occurred_at: datetime
    language: str


def choose_quotes(topic: str, evidence: Sequence[Evidence], shown: int = QUOTES_SHOWN) -> tuple[Quote, ...]:
    """At most `shown` quotes, one a customer, in different words where there are any: typical first, newer before
    older.

    Typical: shares most words with the other quotes of the issue in its language. Quotes in which personal data may be
    left are passed over.
    """
    latest = sorted(evidence, key=lambda record: (-record.occurred_at.timestamp(), record.feedback_id))[:CANDIDATES]
    candidates = [quote for record in latest if (quote := _quote(topic, record)) is not None]
    words = {quote.feedback_id: set(_WORD.findall(quote.text.lower())) for quote in candidates}
    common: Counter[tuple[str, str]] = Counter()
    for quote in candidates:
        common.update((quote.language, word) for word in words[quote.feedback_id])
    voices = {record.feedback_id: record.customer_key or record.feedback_id for record in evidence}

    def typical(quote: Quote) -> float:
        own = words[quote.feedback_id]
        # words that nobody else uses say nothing; very short quotes say little, so the mean is over at least six words
        return sum(common[(quote.language, word)] - 1 for word in own) / max(6, len(own))

    ranked = sorted(candidates, key=lambda q: (-round(typical(q), 6), -q.occurred_at.timestamp(), q.feedback_id))
    chosen: list[Quote] = []
    for alike in (0.7, 0.999):  # different words first; the same thing said by others only where there is nothing else
        for quote in ranked:
            if len(chosen) == shown:
                return tuple(chosen)
            same_voice = any(voices[quote.feedback_id] == voices[other.feedback_id] for other in chosen)
            same_words = any(_overlap(words[quote.feedback_id], words[other.feedback_id]) > alike for other in chosen)
            if not same_voice and not same_words:
                chosen.append(quote)
    return tuple(chosen)


def _quote(topic: str, record: Evidence) -> Quote | None:
    text = in_context(record.quotes.get(topic, ""), record.text)
    if len(text) < 8 or any(pattern.search(text) for pattern in _DOUBTFUL):
        return None
    return Quote(text, record.source, record.record_ref, record.feedback_id, record.occurred_at, record.language)


def in_context(span: str, text: str) -> str:
    """The sentence of a record that holds its evidence span, as one line; a span that stands nowhere is shown as it is.

    A label's span is as short as it can be ("choque elétrico"); a reader wants the sentence. Longer ones are cut around
    the span.
    """
    whole, part = plain(text), plain(span)
    at = whole.find(part) if part else 0
    if at < 0 or not whole:
        return plain(part or whole, QUOTE_CHARACTERS)
    begin = max((m.end() for m in _SENTENCE_END.finditer(whole, 0, at)), default=0)
    end = next((m.start() + 1 for m in _SENTENCE_END.finditer(whole, max(at + len(part) - 1, at))), len(whole))
    sentence = whole[begin:end].strip()
    if len(sentence) <= QUOTE_CHARACTERS:
        return sentence
    lead = max(0, at - begin - (QUOTE_CHARACTERS - len(part)) // 2)
    cut = sentence[lead:]
    opened = "…" + cut.partition(" ")[2] if lead and " " in cut else cut
    return plain(opened, QUOTE_CHARACTERS)


def _overlap(left: set[str], right: set[str]) -> float:
    return len(left & right) / len(left | right) if left and right else 0.0
