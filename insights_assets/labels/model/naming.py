"""Things a model named: which of them hold, and which are left out and counted.

Belongs here: the guards of one entry: words that stand in the text, no person, no address, no number of an order, nothing active.
Does not belong here: the rest of a reply (`parse`), normal forms (`label_details`).

A topic without its quote voids the reply, because the label rests on it. An entry here is an extra: it goes alone, and is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from insights_assets.labels.entity_words import PRODUCT
from insights_assets.labels.evidence import Span
from insights_assets.labels.model.defence import ACTIVE, LINK, Prepared
from insights_assets.labels.model.injection import instruction_spans

#: A name is short; so many things are read of one reply.
LONGEST_NAME, MOST_NAME_WORDS, MOST_NAMED = 60, 6, 24
_LONG_NUMBER = re.compile(r"\d{5,}|\d[\d /.-]{6,}\d")
_PLACEHOLDER_EDGE = re.compile(r"[\[\]]")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class SaidEntity:
    """One thing of a reply, as it stands in what was sent."""

    kind: str
    quote: str
    band: str


def span_of(one: SaidEntity, text: Prepared) -> Span | None:
    """Where a thing stands in the original; None where it is none of ours to keep."""
    quote = " ".join(one.quote.split())
    if not quote or len(quote) > LONGEST_NAME or len(quote.split()) > MOST_NAME_WORDS or _PLACEHOLDER_EDGE.search(quote):
        return None
    if LINK.search(quote) or ACTIVE.search(quote) or instruction_spans(quote) or _LONG_NUMBER.search(quote):
        return None
    if one.kind != PRODUCT and any(letter.isdigit() for letter in quote):
        return None
    # A product called like a person is found through the shop's own catalogue; here nothing tells "Emma", the mattress, from a customer.
    if names_a_person(quote):
        return None
    return text.find(one.quote)


def names_a_person(quote: str) -> bool:
    """Whether a capital word of it is a given name or surname and nothing else: redaction asks for context, here there is none."""
    from insights_assets.canonical.redaction.lexicon import BRANDS, COMMON_NAMES, NAMES
    from insights_assets.canonical.redaction.view import fold

    if fold(quote) in BRANDS:
        return False
    return any(word[0].isupper() and fold(word) in NAMES and fold(word) not in COMMON_NAMES for word in _WORD.findall(quote))


def kept_of(said: tuple[SaidEntity, ...], text: Prepared) -> tuple[tuple[SaidEntity, ...], int]:
    """The entries that hold, each place once, and how many were left out."""
    kept: list[SaidEntity] = []
    places: set[Span] = set()
    dropped = 0
    for one in said:
        span = span_of(one, text)
        if span is None:
            dropped += 1
        elif span not in places:
            places.add(span)
            kept.append(one)
    return tuple(kept[:MOST_NAMED]), dropped


def rows_of(said: tuple[SaidEntity, ...], text: Prepared, confidence_of_band: Any) -> list[dict[str, Any]]:
    """Entries that hold as rows: the words and their place in the original."""
    rows = []
    for one in said:
        span = span_of(one, text)
        if span is not None:
            rows.append({
                "kind": one.kind, "quote": text.original[span.start : span.end], "start": span.start, "end": span.end, "confidence": confidence_of_band[one.band],
            })
    return rows
