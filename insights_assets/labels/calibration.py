"""Calibration: what is weighed together to say how likely a text speaks of a topic.

Belongs here: the signals of a text per topic, and how a curve turns them into a logit. Does not belong here: the scores the signals
are made of (`classifier`), fitting the curves (`training`).

The score of a topic alone is a poor witness on wording that training never met. What helps is whether the clause says another topic
more clearly, and whether its tone, learnt and by the lexicon, is one in which the topic is spoken of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights_assets.labels.features import Clauses

#: Signals of a topic: score of its best clause and of the whole text, lead over the other topics, tone of the best clause.
OF_TOPIC = ("best", "whole", "lead", "clause_negative", "clause_positive")
#: Signals of a text, the same for every topic: learnt tone of the whole, lexicon tone of all, the worst and the best clause.
OF_TEXT = ("negative", "positive", "words", "worst_words", "best_words")
#: Columns of a curve: a weight a signal, and the bias.
CURVE = (*OF_TOPIC, *OF_TEXT, "bias")
UNSAID = -9.0  # score of a topic in a text without a clause


@dataclass(frozen=True)
class Signals:
    """Signals of a batch, and the clause that says each topic most clearly."""

    of_topic: np.ndarray  # texts x topics x OF_TOPIC
    of_text: np.ndarray  # texts x OF_TEXT
    evidence: np.ndarray  # texts x topics

    def logits(self, curves: np.ndarray) -> np.ndarray:
        """Texts x topics: each topic's curve (`CURVE`) applied to its signals."""
        own = len(OF_TOPIC)
        weighed = np.einsum("ntk,tk->nt", self.of_topic, curves[:, :own])
        return weighed + self.of_text @ curves[:, own:-1].T + curves[:, -1]

    def inputs(self, topic: int) -> np.ndarray:
        """What the curve of one topic is fitted on."""
        return np.hstack([self.of_topic[:, topic], self.of_text])


def signals_of(
    clause_logits: np.ndarray, text_logits: np.ndarray, clause_words: np.ndarray, units: Clauses, topics: int
) -> Signals:
    """Signals from scores (topics first, then the two tones) of clauses and of whole texts, and lexicon tones of clauses."""
    count = len(text_logits)
    of_topic = np.zeros((count, topics, len(OF_TOPIC)))
    of_topic[:, :, 0] = of_topic[:, :, 2] = UNSAID
    of_topic[:, :, 1] = text_logits[:, :topics]
    of_text = np.zeros((count, len(OF_TEXT)))
    of_text[:, :2] = text_logits[:, topics:]
    evidence = np.zeros((count, topics), dtype=np.int64)
    if len(units.of_text):
        texts, begin = np.unique(units.of_text, return_index=True)
        scores = clause_logits[:, :topics]
        best = np.maximum.reduceat(scores, begin, axis=0)
        said = _first_best(scores, begin, best)
        of_topic[texts, :, 0] = best
        of_topic[texts, :, 2] = np.maximum.reduceat(_lead(scores), begin, axis=0)
        of_topic[texts, :, 3:] = clause_logits[said, topics:]
        evidence[texts] = said
        of_text[texts, 2] = np.tanh(np.add.reduceat(clause_words, begin) / 2.0)
        of_text[texts, 3] = np.tanh(np.minimum(np.minimum.reduceat(clause_words, begin), 0.0) / 1.5)
        of_text[texts, 4] = np.tanh(np.maximum(np.maximum.reduceat(clause_words, begin), 0.0) / 1.5)
    return Signals(of_topic, of_text, evidence)


def _lead(scores: np.ndarray) -> np.ndarray:
    """How far each topic is ahead of the best other topic in a clause (below zero: behind)."""
    if scores.shape[1] < 2:
        return scores.copy()
    ordered = np.partition(scores, -2, axis=1)
    first, second = ordered[:, -1:], ordered[:, -2:-1]
    return np.where(scores >= first, scores - second, scores - first)


def _first_best(values: np.ndarray, begin: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Row number of the first row that reaches the best value, per group and column."""
    sizes = np.diff([*begin, len(values)])
    is_best = values >= np.repeat(best, sizes, axis=0)
    numbers = np.where(is_best, np.arange(len(values))[:, None], len(values))
    return np.minimum.reduceat(numbers, begin, axis=0)
