"""Which topics a record gets: what the classifier reaches, moved by stars and place, and what rules and codes add.

Belongs here: probabilities by record, bars, joining rule and classifier for one record's topics. Does not belong here: reading a text (`reading`),
which rules fire on a record and the rest of its label (`cascade`), how topics are written down (`label_rows`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from insights_assets.labels.classifier import Classifier, sigmoid
from insights_assets.labels.evidence import Span
from insights_assets.labels.fields import stars_of
from insights_assets.labels.label_set import topic_rank
from insights_assets.labels.reading import Reading
from insights_assets.labels.rules import TOPIC, Hit, RuleBook
from insights_assets.labels.words import fold

SAFETY_BAR = 0.9  # at 0.8 one record in seven thousand of a sample shop was raised wrongly; rules alone hear half as much
CODE_SUPPORT = 0.15  # a return code joins a text's topics when the text gives it at least this much
# What stars say about topics, in logits a star away from 3.2. Praise in a two-star review is rare, not impossible.
_PRAISE_A_STAR, _COMPLAINT_A_STAR, _MIDDLE = 0.7, -0.25, 3.2
# People seldom open a ticket or a return to praise.
_PRAISE_BY_SOURCE = {"support_tickets": -0.5, "chats": -0.5, "returns": -0.8}


@dataclass(frozen=True, slots=True)
class ChosenTopic:
    """A topic on its way into a label."""

    topic: str
    confidence: float
    span: Span | None
    tone: float
    by_rule: bool


class TopicChoice:
    """Chooses topics by one classifier, one book of rules and the names that topics have in the label set in force."""

    def __init__(self, classifier: Classifier, rules: RuleBook, names: Collection[str]) -> None:
        self._names = names
        self._rules = rules
        self._topics = classifier.topics
        self._column = {topic: number for number, topic in enumerate(classifier.topics)}
        self._bars = classifier.thresholds.copy()
        if "safety" in self._column:
            # One safety record alone reaches a person at once: where no rule, which says why, has raised it, the classifier must be sure.
            self._bars[self._column["safety"]] = max(SAFETY_BAR, self._bars[self._column["safety"]])
        self._slope = np.full(len(classifier.topics), _COMPLAINT_A_STAR)
        self._slope[self._column["praise"]] = _PRAISE_A_STAR
        if "feature_request" in self._column:
            self._slope[self._column["feature_request"]] = 0.0

    def chances(self, records: Sequence[Mapping[str, Any]], readings: Sequence[Reading], row_text: Sequence[int]) -> np.ndarray:
        """Probabilities a record and topic: the text's, moved by the stars and by where it was said."""
        count = len(self._topics)
        stored = np.vstack([*(reading.probability for reading in readings), np.zeros(count)])
        chance = np.clip(stored[np.asarray(row_text, dtype=np.int64)], 1e-6, 1 - 1e-6)
        stars = np.array([stars_of(record) for record in records], dtype=np.float64).reshape(-1, 1)
        shift = np.where(np.isnan(stars), 0.0, stars - _MIDDLE) * self._slope
        praise = self._column["praise"]
        shift[:, praise] += [_PRAISE_BY_SOURCE.get(str(record.get("source")), 0.0) for record in records]
        return sigmoid(np.log(chance / (1 - chance)) + shift)

    def reached(self, chances: np.ndarray) -> list[list[int]]:
        """Which topics reach their bar, for all records at once: most have one or two of sixteen."""
        found: list[list[int]] = [[] for _ in chances]
        rows, columns = np.nonzero(chances >= self._bars)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            found[row].append(column)
        return found

    def choose(
        self, reading: Reading | None, chance: np.ndarray, reached: Sequence[int], hits: Sequence[Hit], text: str | None, language: str | None
    ) -> list[ChosenTopic]:
        """Topics in order of what should be looked at first."""
        found: dict[str, ChosenTopic] = {}
        if reading is not None and reading.read:
            for column in reached:
                span, tone = _evidence(reading, int(reading.evidence[column]))
                name = self._topics[column]
                if name == "safety" and self._is_harmless(span, text, language):
                    continue
                found[name] = ChosenTopic(name, float(chance[column]), span, tone, by_rule=False)
        coded = None
        for hit in hits:
            if hit.kind != TOPIC or hit.target not in self._names:
                continue
            if hit.span is None:
                coded = hit
                continue
            span, tone = _clause_around(reading, hit.span)
            earlier = found.get(hit.target)
            confidence = max(hit.confidence, earlier.confidence if earlier else 0.0)
            found[hit.target] = ChosenTopic(hit.target, confidence, span, tone, by_rule=True)
        if coded is not None:
            self._add_code(found, coded, reading, chance)
        if not found:
            doubt = float(chance.max(initial=0.0)) if reading is not None and reading.read else 1.0
            span, tone = _evidence(reading, 0) if reading is not None else (None, 0.0)
            found["other"] = ChosenTopic("other", 1.0 - doubt, span, tone, by_rule=False)
        if len(found) == 1:
            return list(found.values())
        return sorted(found.values(), key=lambda one: (topic_rank(one.topic), -one.confidence, one.topic))

    def _is_harmless(self, span: Span | None, text: str | None, language: str | None) -> bool:
        """Whether the clause the classifier takes for danger is one that the safety rules are told to leave."""
        if span is None or text is None or language is None:
            return False
        return self._rules.is_vetoed("safety", fold(text[span.start : span.end]), language)

    def _add_code(self, found: dict[str, ChosenTopic], coded: Hit, reading: Reading | None, chance: np.ndarray) -> None:
        """A code or bare rating speaks when the text does not, and confirms what the text half says."""
        column = self._column.get(coded.target)
        support = float(chance[column]) if column is not None and reading is not None else 0.0
        if not found or (coded.target not in found and support >= CODE_SUPPORT):
            span, tone = (None, 0.0)
            if reading is not None:
                span, tone = _evidence(reading, int(reading.evidence[column]) if column is not None else 0)
            found[coded.target] = ChosenTopic(coded.target, coded.confidence, span, tone, by_rule=True)


def _evidence(reading: Reading, number: int) -> tuple[Span | None, float]:
    if not reading.spans:
        return None, 0.0
    number = min(number, len(reading.spans) - 1)
    return reading.spans[number], reading.tones[number]


def _clause_around(reading: Reading | None, span: Span) -> tuple[Span, float]:
    """The clause a rule fired in, stretched to hold the whole match."""
    if reading is None:
        return span, 0.0
    touched = [n for n, clause in enumerate(reading.spans) if clause.start < span.end and span.start < clause.end]
    if not touched:
        return span, 0.0
    start, end = reading.spans[touched[0]].start, reading.spans[touched[-1]].end
    return Span(min(start, span.start), max(end, span.end)), min(reading.tones[n] for n in touched)
