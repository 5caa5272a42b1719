"""Confidence of sentiment and urgency: calibrated by word and language, stated for a model's label, certain for a person's; what ships holds what its card says."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.field_confidence import of_shop
from insights_assets.labels.build import SHIPPED
from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.corpus import Row
from insights_assets.labels.field_calibration import (
    ENOUGH_OF_A_LANGUAGE,
    FIELDS,
    Seen,
    errors,
    fit_curve,
    fit_fields,
    load_urgency_sentences,
    true_urgency,
    with_urgency,
)
from insights_assets.labels.field_curves import (
    LOWEST,
    SUREST,
    Curve,
    FieldCurves,
    load_field_curves,
    sentiment_sure,
    stated_sentiment,
    stated_urgency,
    urgency_sure,
)
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.rules import load_rules
from insights_assets.labels.urgency import is_pressing
from insights_assets.labels.words import fold

CURVES = load_field_curves()
ROW: dict[str, Any] = {
    "sentiment": "negative", "sentiment_score": -0.8, "urgency": "normal", "topics": [{"topic": "sizing_issue", "confidence": 0.8}], "risk_tags": [], "confidence": 0.8,
    "label_source": "classifier",
}  # fmt: skip


def sample(share_of: Any, count: int = 4_000, seed: int = 3) -> list[Seen]:
    """Labels that are right with the chance that `share_of` gives for (word, signal, language)."""
    draw, found = random.Random(seed), []
    for _ in range(count):
        word, language, signal = draw.choice(["negative", "neutral", "positive"]), draw.choice(["en", "de"]), draw.random() * 0.7
        found.append(Seen("sentiment", word, signal, 0.5 + 0.6 * signal, language, draw.random() < share_of(word, signal, language)))
    return found


def test_a_curve_finds_how_often_each_word_is_right_and_the_error_falls() -> None:
    def truth(word: str, signal: float, language: str) -> float:
        return {"negative": 0.9, "neutral": 0.45, "positive": 0.7}[word] + 0.1 * signal - (0.2 if language == "de" else 0.0)

    seen, unseen = sample(truth), sample(truth, seed=4)
    found = errors(unseen, fit_curve(seen))
    assert found["ece_calibrated"] < 0.04 < 0.08 < found["ece_stated"], found
    curve = fit_curve(seen)
    assert curve.languages["de"] < curve.languages["en"] and (curve.sure("negative", 0.5, "en") or 0) > (curve.sure("neutral", 0.5, "en") or 1)


def test_a_language_of_few_texts_gets_no_shift_and_a_word_that_would_fall_no_slope() -> None:
    seen = sample(lambda word, signal, language: 0.9 - 0.8 * signal if word == "neutral" else 0.6 + 0.5 * signal)
    few = [replace(one, language="pt") for one in seen[: ENOUGH_OF_A_LANGUAGE - 1]]
    curve = fit_curve([*seen, *few])
    assert set(curve.languages) == {"en", "de"} and curve.words["neutral"][1] == 0.0 and curve.words["negative"][1] > 0
    with pytest.raises(ValueError, match="nothing to calibrate"):
        fit_curve([replace(one, is_right=True) for one in seen])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["negative", "neutral", "positive"]), st.floats(-1, 1), st.sampled_from([*LANGUAGES, None, "sv"]))
def test_a_confidence_is_a_share_and_never_falls_as_the_score_goes_away_from_its_edge(word: str, score: float, language: str | None) -> None:
    found = sentiment_sure({**ROW, "sentiment": word, "sentiment_score": score}, language, CURVES)
    assert found is not None and LOWEST <= found <= SUREST
    if word == "negative" and score < -0.3:
        nearer = sentiment_sure({**ROW, "sentiment": word, "sentiment_score": -0.3 - (-0.3 - score) / 2}, language, CURVES)
        assert nearer is not None and nearer <= found


def test_a_models_word_stays_stated_and_a_persons_is_certain() -> None:
    by_model = {**ROW, "label_source": "model"}
    assert sentiment_sure(by_model, "en", CURVES) == stated_sentiment("negative", -0.8) and urgency_sure(by_model, "en", CURVES) == stated_urgency(ROW)
    assert sentiment_sure({**ROW, "label_source": "person", "sentiment": "positive"}, "en", CURVES) == 1.0
    assert sentiment_sure({**ROW, "label_source": "person"}, "en", CURVES) == sentiment_sure(ROW, "en", CURVES), "a person who left the tone as it was says nothing of it"
    assert sentiment_sure({**ROW, "sentiment_score": None}, "en", CURVES) is None


def test_the_curves_are_read_as_they_were_written_and_changed_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "curves.json"
    CURVES.save(path)
    document = json.loads(path.read_text("utf-8"))
    assert FieldCurves.parse(document, "x") == CURVES
    document["sentiment"]["words"]["negative"][0] += 0.5
    with pytest.raises(ValueError, match="make it anew"):
        FieldCurves.parse(document, "x")
    assert replace(CURVES, sentiment=Curve({})).version != CURVES.version


def test_sentences_of_urgency_are_there_in_every_language_and_truth_is_the_definition() -> None:
    said = load_urgency_sentences()
    assert all(len(said["pressing"][one]) >= 12 and len(said["calm"][one]) >= 10 for one in LANGUAGES)
    heard = sum(is_pressing(fold(text), language) for language in LANGUAGES for text in said["pressing"][language])
    everything = sum(len(said["pressing"][language]) for language in LANGUAGES)
    assert 0.3 < heard / everything < 0.9, "sentences that every pattern hears, or none, would tell nothing"
    assert true_urgency(["shipping_delay"], "negative", True, []) == "high" and true_urgency(["safety"], "negative", False, []) == "critical"
    assert true_urgency([], "neutral", False, []) == "low" and true_urgency(["price_value"], "negative", False, ["churn_risk"]) == "high"
    rows = [Row("It broke.", ("product_quality",), "negative", "en", ("g",)), Row("Love it.", ("praise",), "positive", "en", ("h",))] * 200
    made = with_urgency(rows, seed=1)
    assert any(presses for _, _, presses in made) and not any(presses for row, _, presses in made if row.topics == ("praise",))
    assert made == with_urgency(rows, seed=1)


def test_what_ships_says_what_it_was_made_of_and_is_better_between_hands() -> None:
    card = CURVES.card
    assert card["classifier"] == Classifier.load(SHIPPED).model_version, "the curves are those of another classifier: python -m insights_assets.labels.field_calibration"
    for name in FIELDS:
        told = card["fields"][name]
        assert min(told["texts_a_language"][one] for one in LANGUAGES) >= ENOUGH_OF_A_LANGUAGE and told["ece_calibrated"] < told["ece_stated"]
        assert all(one["ece_calibrated"] < one["ece_stated"] for one in told["between_hands"]), told["between_hands"]
    assert "field_curves.json" in Classifier.load(SHIPPED).card["other_fields"]


def test_on_the_sample_shops_held_out_phrases_a_confidence_is_not_above_how_often_it_is_right() -> None:
    """Its wording is easier than what was calibrated on, so the confidence is careful there; it must not promise more than holds."""
    seen = of_shop(Labeller(load_label_set(), load_rules(), Classifier.load(SHIPPED), []))
    for name, curve in (("sentiment", CURVES.sentiment), ("urgency", CURVES.urgency)):
        own = [one for one in seen if one.field == name]
        mean = sum(curve.sure(one.word, one.signal, one.language) or one.stated for one in own) / len(own)
        found = errors(own, curve)
        assert found["n"] > 5_000 and mean <= found["right_share"] + 0.02 and found["ece_calibrated"] < 0.25, (name, mean, found)


def test_a_fit_writes_its_card() -> None:
    seen = [replace(one, part=part, field=name, word=word) for name, word in (("sentiment", "negative"), ("urgency", "normal")) for part in (0, 1) for one in sample(lambda *_: 0.7, 600, part)]
    made = fit_fields(seen, "local@x")
    assert made.card["classifier"] == "local@x" and len(made.card["fields"]["urgency"]["between_hands"]) == 2
