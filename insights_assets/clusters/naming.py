"""Names for new themes without a model: what many of its texts say and the rest of its topic does not.

Belongs here: scoring words and pairs of words (class-based tf-idf), choosing a name people can read. Does not belong
here: when a theme is named (once, at its birth), and names by a language model (prompts/name_theme).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from insights_assets.clusters.stop_words import STOP_WORDS
from insights_assets.labels.words import fold

TERMS = 8
#: A pair of words says more than either, so it wins at equal strength.
PAIR_BONUS = 1.5
#: Words that say which product it is come last in a name: the theme is what went wrong.
QUIET_FACTOR = 0.4
#: A name should be true of at least this share of the founding texts.
LEAST_SHARE = 0.08
#: A text may say this much; the end of a long letter adds no name.
LONGEST_TEXT = 1_000

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[.!?;:\n\]\[]")


@dataclass(frozen=True)
class Term:
    """A word or a pair of words as it is counted (folded) and as customers write it."""

    words: tuple[str, ...]
    shown: str
    score: float


def top_terms(inside: Sequence[str], outside: Sequence[str], quiet_words: Collection[str] = ()) -> list[Term]:
    """Terms many inside texts share and few outside ones, strongest first; each text counts a term once."""
    shown: dict[tuple[str, ...], Counter[str]] = {}
    within = _counted(inside, shown)
    without = _counted(outside, None)
    scored = []
    for words, count in within.items():
        share = count / len(inside)
        if count < 2 or share < LEAST_SHARE:
            continue
        elsewhere = (without.get(words, 0) + 0.5) / (len(outside) + 1.0)
        score = share * np.log(1.0 + share / elsewhere)
        score *= PAIR_BONUS if len(words) == 2 else 1.0
        score *= QUIET_FACTOR if all(word in quiet_words for word in words) else 1.0
        scored.append(
            Term(words, min(shown[words].items(), key=lambda item: (-item[1], item[0]))[0], round(float(score), 6))
        )
    return sorted(scored, key=lambda term: (-term.score, term.words))[:TERMS]


def name_of(terms: Sequence[Term], topic: str, taken: Collection[str] = ()) -> str:
    """A readable name: the strongest terms that share no word, as "glass cracked / box crushed"; the topic where there
    are none.

    >>> name_of([Term(("glass", "cracked"), "glass cracked", 2.0), Term(("box",), "box", 1.0)], "damaged_on_arrival")
    'glass cracked / box'
    """
    parts: list[str] = []
    used: set[str] = set()
    for term in terms:
        if used.isdisjoint(term.words):
            used.update(term.words)
            parts.append(term.shown)
    plain = topic.replace("_", " ")
    for length in (2, 3, 4):
        name = " / ".join(parts[:length]) or plain
        if name not in taken:
            return name
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"


def _counted(texts: Iterable[str], shown: dict[tuple[str, ...], Counter[str]] | None) -> Counter[tuple[str, ...]]:
    """In how many texts each word and each pair of neighbouring content words stands."""
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        terms = _terms(text)
        counts.update(terms.keys())
        if shown is not None:
            for words, form in terms.items():
                shown.setdefault(words, Counter())[form] += 1
    return counts


@lru_cache(maxsize=20_000)  # a text stands in the topic's window for four weeks
def _terms(text: str) -> dict[tuple[str, ...], str]:
    """Folded words -> how this text writes them. A pair may step over stop words but not over the end of a sentence."""
    found: dict[tuple[str, ...], str] = {}
    before: tuple[str, str] | None = None
    bracketed = False
    for match in _WORD.finditer(text[:LONGEST_TEXT]):
        surface = match.group().lower()
        if not surface[0].isalpha():
            # What redaction put in place of a name, in brackets, is no word of the customer's.
            bracketed = surface == "[" or (bracketed and surface != "]")
            before = None
            continue
        word = fold(surface)
        if bracketed or len(word) < 3 or word in STOP_WORDS:
            continue
        found.setdefault((word,), surface)
        if before is not None and before[0] != word:
            found.setdefault((before[0], word), f"{before[1]} {surface}")
        before = (word, surface)
    return found
