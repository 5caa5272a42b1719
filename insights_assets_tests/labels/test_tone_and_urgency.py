"""Sentiment, urgency and summary: small judgements that people read first."""

from __future__ import annotations

import pytest

from insights_assets.labels.evidence import Span
from insights_assets.labels.lexicon import load_tone_words
from insights_assets.labels.sentiment import rating_tone, tone_of, with_rating
from insights_assets.labels.summary import GAP, summarise
from insights_assets.labels.tone_table import load_tone_table
from insights_assets.labels.urgency import is_pressing, urgency_of
from insights_assets.labels.words import fold


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt"])
def test_the_lexicon_knows_both_directions_in_every_language(language: str) -> None:
    words = load_tone_words()[language]
    assert words.value("perfect" if language == "en" else {"de": "perfekt", "fr": "parfait", "es": "perfecto", "pt": "perfeito"}[language]) > 1
    assert words.value({"en": "broken", "de": "kaputt", "fr": "casse", "es": "roto", "pt": "quebrado"}[language]) < 0
    assert words.value("👍") > 0 and words.value("😡") < 0
    assert words.value("table") == 0 or language == "fr"


def test_scores_become_words_at_the_edges() -> None:
    assert (tone_of(-0.31), tone_of(-0.3), tone_of(0.0), tone_of(0.3), tone_of(0.31)) == ("negative", "neutral", "neutral", "neutral", "positive")


def test_stars_settle_doubt_but_do_not_silence_words() -> None:
    assert tone_of(with_rating(0.0, 5, None)) == "positive"
    assert tone_of(with_rating(0.0, 1, None)) == "negative"
    assert with_rating(-0.9, 5, None) < 0
    assert with_rating(0.4, None, None) == 0.4
    assert rating_tone(3, None) == 0 and rating_tone(None, 10) == 1 and rating_tone(None, None) is None
    assert rating_tone(None, 0) == -1.0


@pytest.mark.parametrize(("text", "language"), [
    ("I need it by Friday", "en"), ("This is my third email", "en"), ("You will hear from my lawyer", "en"), ("Bitte dringend antworten", "de"),
    ("sinon je saisis la justice", "fr"), ("es urgente", "es"), ("vou ao Procon", "pt"),
])
def test_pressing_texts(text: str, language: str) -> None:
    assert is_pressing(fold(text), language)


@pytest.mark.parametrize(("text", "language"), [("lovely lamp", "en"), ("schöne Lampe", "de"), ("jolie lampe", "fr"), ("bonita", "es"), ("bonita", "pt")])
def test_calm_texts(text: str, language: str) -> None:
    assert not is_pressing(fold(text), language)


def test_urgency_levels() -> None:
    assert urgency_of(["praise"], [], False, "positive") == "low"
    assert urgency_of(["feature_request"], [], False, "neutral") == "low"
    assert urgency_of(["shipping_delay"], [], False, "negative") == "normal"
    assert urgency_of(["shipping_delay"], [], True, "negative") == "high"
    assert urgency_of(["praise"], [], True, "positive") == "low"
    assert urgency_of(["other"], ["churn_risk"], False, "negative") == "high"
    assert urgency_of(["safety"], [], False, "negative", ["critical"]) == "critical"
    assert urgency_of(["billing_confusion"], ["fraud_like"], False, "negative") == "critical"


def test_a_summary_is_the_quotes_in_order_and_fits() -> None:
    text = "The box was torn. I like it. No reply from support."
    assert summarise(text, [Span(29, 51), Span(0, 17)]) == f"The box was torn.{GAP}No reply from support."
    assert summarise(text, []) == text
    long = "word " * 100
    assert len(summarise(long, [Span(0, len(long))])) <= 160
    assert summarise(long, []).endswith("…")
    assert summarise("two\n lines", [Span(0, 10)]) == "two lines"


@pytest.mark.parametrize(("word", "good"), [
    ("splendid", True), ("magnifico", True), ("lindo", True), ("nasty", False), ("worthless", False), ("stupid", False),
])
def test_words_the_lexicon_lacks_have_a_tone_from_the_table(word: str, good: bool) -> None:
    assert load_tone_words()["en"].value(word) == 0
    value = load_tone_table()[word]
    assert (value > 0) is good and -2 <= value <= 2
