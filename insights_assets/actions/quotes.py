"""Which words of customers a ticket shows: few, typical, recent, from different people, and safe to show.

Belongs here: choosing and cutting quotes. Does not belong here: redaction (done in `canonical`; here is only a second
look that leaves a doubtful quote out) and escaping (`escaping.py`, at the moment of rendering).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from insights_assets.actions.escaping import plain
from insights_assets.actions.model import Evidence
from insights_assets.clusters.stop_words import STOP_WORDS
from insights_assets.labels.words import fold

QUOTES_SHOWN = 3
QUOTE_CHARACTERS = 140
#: Only so many of the latest records are looked at: what is typical shows in them.
CANDIDATES = 100
#: What a quote in another language than the reader's is worth beside one in it.
FOREIGN = 0.3
#: What a quote of a record with several topics is worth beside one of a record that has only this topic.
SHARED = 0.3
#: Silent voices that each language is counted with, so that few speakers who agree by chance do not seem typical.
UNLIKE = 8
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


def choose_quotes(
    topic: str, evidence: Sequence[Evidence], shown: int = QUOTES_SHOWN, *, language: str = "", dull: Collection[str] = ()
) -> tuple[Quote, ...]:
    """At most `shown` quotes, one a customer, in different words where there are any: the best first, newer before
    older.

    Best: the label is sure, the words are typical (shared with the other quotes of the issue in their language), and
    they are in `language`, that of the ticket's reader. Stop words and `dull` words (the product's own name, which all
    records share whatever they complain of) make nothing typical. Quotes in which personal data may be left are passed
    over.
    """
    latest = sorted(evidence, key=lambda record: (-record.occurred_at.timestamp(), record.feedback_id))[:CANDIDATES]
    candidates = [quote for record in latest if (quote := _quote(topic, record)) is not None]
    quiet = {word.lower() for word in dull}
    words = {quote.feedback_id: _telling_words(quote.text) - quiet for quote in candidates}
    common: Counter[tuple[str, str]] = Counter()
    for quote in candidates:
        common.update((quote.language, word) for word in words[quote.feedback_id])
    spoken = Counter(quote.language for quote in candidates)
    voices = {record.feedback_id: record.customer_key or record.feedback_id for record in evidence}
    sure = {record.feedback_id: _sureness(topic, record) for record in evidence}

    def worth(quote: Quote) -> float:
        own = words[quote.feedback_id]
        # words that nobody else uses say nothing; very short quotes say little, so the mean is over at least four words
        shared = sum(common[(quote.language, word)] - 1 for word in own) / max(4, len(own))
        # As if some more had said nothing alike: two of three in a rare language are no stronger sign than twenty of sixty.
        typical = (shared + 0.1) / (spoken[quote.language] + UNLIKE)
        foreign = language and quote.language != language
        return typical * sure[quote.feedback_id] * (FOREIGN if foreign else 1.0)

    ranked = sorted(candidates, key=lambda q: (-round(worth(q), 6), -q.occurred_at.timestamp(), q.feedback_id))
    chosen: list[Quote] = []
    for alike in (0.5, 0.999):  # different words first; the same thing said by others only where there is nothing else
        for quote in ranked:
            if len(chosen) == shown:
                return tuple(chosen)
            same_voice = any(voices[quote.feedback_id] == voices[other.feedback_id] for other in chosen)
            same_words = any(_overlap(words[quote.feedback_id], words[other.feedback_id]) > alike for other in chosen)
            if not same_voice and not same_words:
                chosen.append(quote)
    return tuple(chosen)


def _sureness(topic: str, record: Evidence) -> float:
    """How much a record's label is worth as a quote. One of several topics may be there because it was denied."""
    sure = max(0.1, 2 * record.confidences.get(topic, 1.0) - 1) ** 2
    return sure * (1.0 if len(record.confidences) <= 1 else SHARED)


def _telling_words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.lower()) if fold(word) not in STOP_WORDS}


def _quote(topic: str, record: Evidence) -> Quote | None:
    text = in_context(record.quotes.get(topic, ""), record.text)
    if len(text) < 8 or any(pattern.search(text) for pattern in _DOUBTFUL):
        return None
    return Quote(text, record.source, record.record_ref, record.feedback_id, record.occurred_at, record.language)


def in_context(span: str, text: str) -> str:
    """The sentence of a record that holds its evidence span, as one line; a span that stands nowhere is shown as it is.

    A label's span is as short as it can be ("choque elétrico"); a reader wants the sentence. A line of the record ends
    one (a subject is no part of the sentence below it). Longer ones are cut around the span.
    """
    part = max((plain(line) for line in span.splitlines()), key=len, default="")
    if not part:
        return plain(text, QUOTE_CHARACTERS)  # which sentence it was is not known
    whole = next((line for raw in text.splitlines() if part in (line := plain(raw))), plain(text))
    at = whole.find(part)
    if at < 0:
        return plain(part, QUOTE_CHARACTERS)
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
