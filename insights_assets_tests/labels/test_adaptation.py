"""Adaptation: reviews move what they speak of and leave the rest, new words are learnt, the same reviews give the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from insights_assets.labels import adaptation
from insights_assets.labels.adaptation import adapt, learned_from, promised
from insights_assets.labels.build import SHIPPED
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.corpus import Row
from insights_assets.labels.words import fold
from insights_assets_tests.learning.newspeak import complaints

PRAISE = ["Lovely mug, thank you", "Works as described, very happy", "The colour is beautiful", "Great value, would buy again"]


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return Classifier.load(SHIPPED)


def reviewed(count: int) -> list[Row]:
    """Complaints about devices that the corpus has never heard of, called what they are, and praise that is confirmed."""
    rows = [Row(text, ("product_quality",), "negative", "en", (f"reviewed:{n}",), 4.0) for n, text in enumerate(complaints(count))]
    return rows + [Row(f"{text} ({n})", ("praise",), "positive", "en", (f"praised:{n}",), 1.0) for n, text in enumerate(PRAISE * (count // 8))]


@pytest.fixture(scope="module")
def adapted(shipped: Classifier) -> Classifier:
    return adapt(shipped, reviewed(40))


def heard(model: Classifier, texts: list[str], topic: str, language: str = "en") -> np.ndarray:
    column = model.topics.index(topic)
    return model.score([fold(text) for text in texts], language).probability[:, column] >= model.thresholds[column]


def test_what_people_put_right_is_heard_in_texts_nobody_reviewed(shipped: Classifier, adapted: Classifier) -> None:
    unseen = complaints(240)[80:]
    assert heard(adapted, unseen, "product_quality").mean() > 0.9 > heard(shipped, unseen, "product_quality").mean()


def test_the_clause_that_shows_a_learnt_topic_is_the_one_that_says_it(adapted: Classifier) -> None:
    text = fold("The parcel came on Monday as promised. The transponder unpairs from the coordinator at dusk.")
    scores = adapted.score([text], "en")
    clause = scores.evidence[0, scores.topics.index("product_quality")]
    assert text[scores.clauses.starts[clause] : scores.clauses.ends[clause]].startswith("the transponder")


def test_topics_and_languages_nobody_reviewed_stay(shipped: Classifier, adapted: Classifier) -> None:
    late = ["My parcel is two weeks late", "still waiting for my order", "Delivery took a month"]
    assert heard(adapted, late, "shipping_delay").all()
    german = ["Zwei Wochen gewartet und kein Paket", "Der Karton war zerdrückt", "Wunderbar, gerne wieder", "Die Rechnung stimmt nicht"]
    for topic in shipped.topics:
        assert np.array_equal(heard(adapted, german, topic, "de"), heard(shipped, german, topic, "de")), topic


def test_the_same_reviews_give_the_same_model_and_their_order_does_not_matter(shipped: Classifier, adapted: Classifier) -> None:
    again = adapt(shipped, reviewed(40))
    assert again.model_version == adapted.model_version != shipped.model_version
    turned = adapt(shipped, reviewed(40)[::-1])
    folded = [fold(text) for text in complaints(60)]
    assert np.allclose(turned.score(folded, "en").probability, adapted.score(folded, "en").probability, atol=1e-3)


def test_an_adapted_model_is_saved_and_read_like_any_other(adapted: Classifier, tmp_path: Path) -> None:
    adapted.save(tmp_path / "m.npz")
    loaded = Classifier.load(tmp_path / "m.npz")
    folded = [fold(text) for text in complaints(20)]
    assert loaded.model_version == adapted.model_version
    assert np.allclose(loaded.score(folded, "en").probability, adapted.score(folded, "en").probability, atol=1e-6)
    assert loaded.card["reviewed_rows"] == 60 and loaded.card["base_version"].startswith("local@")


def test_many_rows_are_solved_as_few_are(shipped: Classifier, adapted: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptation, "_DENSE_ROWS", 10)
    sparse = adapt(shipped, reviewed(40))
    folded = [fold(text) for text in (*complaints(60), *PRAISE)]
    assert np.allclose(sparse.score(folded, "en").probability, adapted.score(folded, "en").probability, atol=0.02)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_handful_of_reviews_is_enough_to_try(shipped: Classifier, count: int) -> None:
    rows = reviewed(40)[:count]
    model = learned_from(rows, shipped)
    assert (model is shipped) == (count == 0)
    assert np.isfinite(model.score([fold(text) for text in complaints(5)], "en").probability).all()


def test_rows_of_a_language_the_model_does_not_know_are_left_out(shipped: Classifier) -> None:
    assert adapt(shipped, [Row("ei toimi", ("product_quality",), "negative", "fi", ("r",))]) is shipped


def test_the_promised_threshold_is_the_one_with_the_best_expected_f1() -> None:
    chance = np.array([0.9, 0.8, 0.3, 0.02, 0.02, 0.01, 0.01])
    edges = np.linspace(0.005, 0.95, 400)
    expected = [2 * chance[chance >= edge].sum() / ((chance >= edge).sum() + chance.sum()) for edge in edges]
    found = promised(chance)
    own = 2 * chance[chance >= found].sum() / ((chance >= found).sum() + chance.sum())
    assert own == pytest.approx(max(expected))
