"""Sentiment: the tone of a text and of each clause, from words with a tone, the classifier and the rating.

Belongs here: how the three sources become one score between -1 and 1. Does not belong here: words with a tone (`lexicon`);
topics; what a tone means for a series (`anomalies`).
"""

from __future__ import annotations

import numpy as np

from insights_assets.labels.classifier import Scores

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
EDGE = 0.3  # below and above it a score is called negative or positive
_LEXICON_SHARE = 0.4
_WORDS_SHARE, _LEARNT_SHARE = 0.7, 0.5


def tone_of(score: float) -> str:
    """The word for a score."""
    return NEGATIVE if score < -EDGE else POSITIVE if score > EDGE else NEUTRAL


def clause_sentiment(scores: Scores) -> np.ndarray:
    """Tone of each clause: the lexicon and the classifier, half and half."""
    learnt = np.tanh((scores.clause_tone[:, 1] - scores.clause_tone[:, 0]) / 1.5)
    return np.clip(_LEXICON_SHARE * np.tanh(scores.clause_words / 1.5) + (1 - _LEXICON_SHARE) * learnt, -1.0, 1.0)


def text_sentiment(scores: Scores) -> np.ndarray:
    """Tone of each text: its words' tones added up, and the classifier on the whole text, which weighs less.

    The classifier has learnt tone from complaints and praise of shops; what it has not met leans to negative with it.
    """
    total = np.zeros(len(scores.tokens.folded))
    np.add.at(total, scores.clauses.of_text, scores.clause_words)
    return np.clip(_WORDS_SHARE * np.tanh(total / 2.0) + _LEARNT_SHARE * (scores.tone[:, 1] - scores.tone[:, 0]), -1.0, 1.0)


def with_rating(score: float, rating: float | None, nps: float | None) -> float:
    """Draw a text's tone toward the stars the customer gave; words weigh more, stars settle doubtful cases."""
    stars = rating_tone(rating, nps)
    return score if stars is None else max(-1.0, min(1.0, 0.65 * score + 0.45 * stars))


def rating_tone(rating: float | None, nps: float | None) -> float | None:
    """Stars or score as a tone between -1 and 1; None without either."""
    if rating is not None:
        return (rating - 3.0) / 2.0
    if nps is not None:
        return max(-1.0, min(1.0, (nps - 7.5) / 2.5 if nps >= 7.5 else (nps - 7.5) / 5.0))
    return None
