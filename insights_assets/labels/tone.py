"""How a record feels and how urgent it is (R47, R48): the classifier's tone, the stars, and what rules found.

Stars weigh more than words where both are clear; words decide where there are no stars.
"""

from __future__ import annotations

SENTIMENTS = ("negative", "neutral", "positive")
URGENCIES = ("low", "normal", "high", "critical")
#: Beyond this score a record counts as negative or positive.
CLEAR = 0.2
_STARS_WEIGHT = 0.6


def overall_score(tone_negative: float | None, tone_positive: float | None, rating: float | None, nps: float | None) -> float:
    """-1 to 1 from the classifier's probabilities and the customer's own stars or NPS score."""
    stars = star_score(rating, nps)
    if tone_negative is None or tone_positive is None:
        return stars if stars is not None else 0.0
    words = tone_positive - tone_negative
    return words if stars is None else _STARS_WEIGHT * stars + (1 - _STARS_WEIGHT) * words


def star_score(rating: float | None, nps: float | None) -> float | None:
    """-1 to 1: one star is -1, three 0, five 1; NPS 0 to 6 are detractors, 9 and 10 promoters."""
    if rating is not None:
        return (rating - 3) / 2
    if nps is not None:
        return max(-1.0, min(1.0, (nps - 7.5) / 2.5 if nps > 6 else (nps - 7) / 6))
    return None


def sentiment_of(score: float) -> str:
    return "negative" if score < -CLEAR else "positive" if score > CLEAR else "neutral"


def urgency_of(topics: frozenset[str], sentiment: str, ruled_high: bool, risk_tags: frozenset[str]) -> str:
    """Critical for safety; high for urgent words, fraud and fresh defects of angry customers; low for praise and wishes."""
    if "safety" in topics:
        return "critical"
    if (ruled_high and sentiment == "negative") or "fraud_like" in risk_tags:
        return "high"
    if sentiment == "positive" or topics <= {"feature_request", "praise", "other"}:
        return "low"
    return "normal"
