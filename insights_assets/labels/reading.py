"""Reading: everything that can be said of a text alone, once per distinct text, before records are looked at.

Belongs here: running classifier, rules, sentiment, urgency and attribution over distinct texts of one batch.
Does not belong here: stars, orders and return codes (`cascade`), which differ between records of one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from insights_assets.labels.attribution import NOTHING, Mention, ProductIndex
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.concepts import LANGUAGES, load_function_words
from insights_assets.labels.evidence import Span, clauses
from insights_assets.labels.rules import Hit, RuleBook
from insights_assets.labels.sentiment import clause_sentiment, text_sentiment
from insights_assets.labels.urgency import is_pressing
from insights_assets.labels.words import fold


@dataclass(slots=True)
class Reading:
    """What one text says by itself. `evidence[topic column]` is a number into `spans`."""

    spans: list[Span]
    tones: list[float]
    probability: np.ndarray
    evidence: np.ndarray
    score: float
    hits: list[Hit]
    pressing: bool
    mention: Mention
    read: bool  # False when the language is not one the model knows: counted, never guessed


class Reader:
    """Reads texts; keeps what it has learnt about words between batches."""

    def __init__(self, classifier: Classifier, rules: RuleBook, products: ProductIndex) -> None:
        self._classifier = classifier
        self._rules = rules
        self._products = products

    def read(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Reading]:
        """One reading a text, in order."""
        folded = [fold(text) for text in texts]
        spoken = [language_of(text, language) for text, language in zip(folded, languages, strict=True)]
        readings: list[Reading | None] = [None] * len(texts)
        for language in LANGUAGES:
            rows = [row for row, one in enumerate(spoken) if one == language]
            if rows:
                for row, reading in zip(rows, self._read_one_language([folded[r] for r in rows], language), strict=True):
                    readings[row] = reading
        return [
            reading if reading is not None else self._unread(folded[row]) for row, reading in enumerate(readings)
        ]

    def _read_one_language(self, folded: list[str], language: str) -> list[Reading]:
        scores = self._classifier.score(folded, language)
        vocabulary = self._classifier.vocabulary(language)
        tones = clause_sentiment(scores)
        overall = text_sentiment(scores)
        masks = self._rules.candidates(scores.tokens, vocabulary.words, language)
        first = np.searchsorted(scores.clauses.of_text, np.arange(len(folded) + 1)).tolist()
        starts, ends = scores.clauses.starts.tolist(), scores.clauses.ends.tolist()
        tone_list = tones.tolist()
        readings = []
        for row, text in enumerate(folded):
            begin, end = first[row], first[row + 1]
            mask = int(masks[row])
            readings.append(Reading(
                spans=[Span(starts[n], ends[n]) for n in range(begin, end)],
                tones=tone_list[begin:end],
                probability=scores.probability[row],
                evidence=np.maximum(scores.evidence[row] - begin, 0),
                score=float(overall[row]),
                hits=self._rules.text_hits(text, language, mask) if mask else [],
                pressing=is_pressing(text, language),
                mention=self._products.mention(text),
                read=True,
            ))
        return readings

    def _unread(self, folded: str) -> Reading:
        count = len(self._classifier.topics)
        spans = clauses(folded)
        return Reading(
            spans, [0.0] * len(spans), np.zeros(count), np.zeros(count, dtype=np.int64), 0.0, [], False,
            self._products.mention(folded) if folded else NOTHING, False,
        )


def language_of(folded: str, language: str | None) -> str | None:
    """The language to read a text in; short texts that canonical left undecided are decided by their small words."""
    if language in LANGUAGES:
        return language
    if language not in (None, "und", ""):
        return None
    words = set(folded.replace("'", " ").split())
    best = max(LANGUAGES, key=lambda one: len(words & load_function_words()[one]))
    return best if words & load_function_words()[best] else "en"
