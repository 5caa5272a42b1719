"""The classifier: the same weights twice, a file that cannot run code, scores that survive saving, evidence that fits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from insights_assets.labels.build import SHIPPED
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.corpus import Row, load_phrases, phrase_rows, training_rows
from insights_assets.labels.training import corpus_digest, train
from insights_assets.labels.words import fold

TEXTS = ["Zwei Wochen gewartet und kein Paket", "Der Karton war zerdrückt. Die Rechnung stimmt nicht!", "wunderbar, gerne wieder", "", "!!!", "xyzzy"]


def small(seed: int = 0, **arguments: object) -> Classifier:
    rows = phrase_rows(load_phrases("de"))[::2]
    return train(rows, seed, languages=("de",), **arguments)


@pytest.fixture(scope="module")
def model() -> Classifier:
    return small()


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return Classifier.load(SHIPPED)


def test_training_twice_gives_the_same_model(model: Classifier) -> None:
    again = small()
    assert again.model_version == model.model_version
    folded = [fold(text) for text in TEXTS]
    assert np.array_equal(again.score(folded, "de").probability, model.score(folded, "de").probability)


def test_reviewed_rows_change_the_model_and_its_version(model: Classifier) -> None:
    text = "Der Blinker am Ständer spinnt"
    reviewed = [Row(text, ("product_quality",), "negative", "de", ("review:1",), weight=5.0)] * 3
    corrected = small(reviewed=reviewed)
    column = corrected.topics.index("product_quality")
    before = model.score([fold(text)], "de").probability[0, column]
    after = corrected.score([fold(text)], "de").probability[0, column]
    assert corrected.model_version != model.model_version
    assert after > before
    assert corrected.card["reviewed_rows"] == 3


def test_a_saved_model_scores_the_same(model: Classifier, tmp_path: Path) -> None:
    model.save(tmp_path / "m.npz")
    loaded = Classifier.load(tmp_path / "m.npz")
    folded = [fold(text) for text in TEXTS]
    assert loaded.model_version == model.model_version
    assert np.allclose(loaded.score(folded, "de").probability, model.score(folded, "de").probability, atol=1e-6)
    assert json.loads((tmp_path / "m.json").read_text())["card"]["not_for"]


def test_the_file_holds_numbers_only(model: Classifier, tmp_path: Path) -> None:
    model.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype.kind in "fiu" for name in stored.files)


def test_a_tampered_file_is_refused(model: Classifier, tmp_path: Path) -> None:
    model.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays["bias"] = arrays["bias"] + 1.0
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ValueError, match="content is"):
        Classifier.load(tmp_path / "m.npz")


def test_a_file_of_another_format_is_refused(model: Classifier, tmp_path: Path) -> None:
    model.save(tmp_path / "m.npz")
    document = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "m.json").write_text(json.dumps({**document, "format": 99}))
    with pytest.raises(ValueError, match="format 99"):
        Classifier.load(tmp_path / "m.npz")


def test_scores_do_not_depend_on_neighbours_or_order(shipped: Classifier) -> None:
    texts = [fold(text) for text in ("The seam came apart", "still waiting for my parcel", "lovely, thank you")]
    together = shipped.score(texts, "en").probability
    turned = shipped.score(texts[::-1], "en").probability[::-1]
    alone = np.vstack([shipped.score([text], "en").probability for text in texts])
    assert np.allclose(together, turned) and np.allclose(together, alone)


def test_each_topic_points_at_its_own_clause(shipped: Classifier) -> None:
    text = fold("The box was crushed and the mug was in pieces. Nobody answers my mails.")
    scores = shipped.score([text], "en")
    for topic, word in (("damaged_on_arrival", "crushed"), ("customer_service", "nobody")):
        clause = scores.evidence[0, scores.topics.index(topic)]
        assert word in text[scores.clauses.starts[clause] : scores.clauses.ends[clause]]


def test_empty_texts_are_scored_as_nothing(shipped: Classifier) -> None:
    scores = shipped.score(["", "!!!", "?"], "en")
    assert (scores.probability < 0.4).all()


def test_probabilities_are_calibrated_on_unseen_phrasings() -> None:
    """Expected calibration error over topics, on texts whose phrasings the weights never saw."""
    from insights_assets.labels.corpus import DAILY_MIX, composed_rows
    from insights_assets.labels.evaluation import calibration_error

    book = load_phrases("de")
    groups = sorted(phrase.group for phrase in book.phrases)
    unseen = frozenset(groups[::4])
    seen = [row for row in training_rows(0, ("de",)) if not unseen & set(row.groups)]
    model = train(seen, seed=5, languages=("de",))
    rows = composed_rows(book, 600, 77, unseen, DAILY_MIX)
    probability = model.score([fold(row.text) for row in rows], "de").probability
    truth = np.array([[topic in row.topics for topic in model.topics] for row in rows])
    assert calibration_error(probability.ravel(), truth.ravel()) < 0.05


def test_the_shipped_model_is_the_one_the_corpus_gives(shipped: Classifier) -> None:
    """After a change of the corpus: `python -m insights_assets.labels.training` writes the shipped model anew."""
    assert shipped.card["data_sha256"] == corpus_digest(training_rows(shipped.card["seed"]))
    assert set(shipped.card["rows_a_language"]) == {"en", "de", "fr", "es", "pt"}
