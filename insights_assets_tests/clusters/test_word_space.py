"""The local model: deterministic, frozen without pickle, blind to batches, at home in other wordings and languages."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import numpy as np
import pytest

from insights_assets.clusters.learning_words import learn
from insights_assets.clusters.word_space import DIMENSIONS, WordSpace
from insights_assets_tests.clusters.speech import TROUBLES, say

THESAURUS = {
    "broken": {"en": "broken smash*", "de": "kaputt zerbroch*"},
    "late": {"en": "late delay*", "de": "spat verspat*"},
    "parcel": {"en": "parcel box", "de": "paket"},
}


def texts(count: int = 600, seed: int = 5) -> list[str]:
    chance = Random(seed)
    names = sorted(TROUBLES)
    return [say(names[number % len(names)], chance) for number in range(count)]


@pytest.fixture(scope="module")
def space() -> WordSpace:
    return learn(texts())


def test_the_same_texts_give_the_same_model(space: WordSpace) -> None:
    assert learn(texts()).model_id == space.model_id
    assert learn(texts(seed=6)).model_id != space.model_id


def test_a_saved_model_embeds_as_the_one_that_was_learned(space: WordSpace, tmp_path: Path) -> None:
    space.save(tmp_path / "models" / "words.npz")
    loaded = WordSpace.load(tmp_path / "models" / "words.npz")
    unseen = ["The zipper of my trousers jammed", *texts(20, seed=8)]
    assert loaded.model_id == space.model_id
    assert np.array_equal(loaded.embed(unseen), space.embed(unseen))
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["words.npz"]


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.npz"
    np.savez(path, words=np.array([{"run": "me"}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        WordSpace.load(path)


def test_a_text_has_one_vector_whatever_its_company(space: WordSpace) -> None:
    some = [*texts(40, seed=9), "Unbekannte Wörter, völlig neu", "", "!!! 123", "brandnewword"]
    together = space.embed(some)
    alone = np.concatenate([space.embed([text]) for text in some])
    backwards = space.embed(some[::-1])[::-1]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)


def test_a_text_without_words_is_nowhere_and_others_have_length_one(space: WordSpace) -> None:
    vectors = space.embed(["", "12 34 !!", "The glass was cracked"])
    assert not vectors[:2].any()
    assert np.linalg.norm(vectors[2]) == pytest.approx(1.0, abs=0.01)
    assert vectors.shape == (3, DIMENSIONS)
    assert space.embed([]).shape == (0, DIMENSIONS)


def test_wordings_of_one_trouble_lie_nearer_than_other_troubles(space: WordSpace) -> None:
    chance = Random(77)
    names = [name for name in TROUBLES for _ in range(12)]
    vectors = space.embed([say(name, chance) for name in names])
    near = vectors @ vectors.T
    np.fill_diagonal(near, -1)
    best = [names[column] for column in near.argmax(axis=1)]
    assert np.mean([mine == theirs for mine, theirs in zip(names, best, strict=True)]) >= 0.95


def test_the_thesaurus_joins_languages() -> None:
    """Two languages that share no word: whether "smashed" is German for "zerbrochen" only the thesaurus can know."""
    chance = Random(2)
    fill = {
        "en": ["garden", "window", "table", "monday", "sister", "colour", "orange", "paper"],
        "de": ["garten", "fenster", "tisch", "montag", "schwester", "farbe", "apfel", "zettel"],
    }
    words = {"en": ("broken", "smashed", "late", "delayed"), "de": ("kaputt", "zerbrochen", "spät", "verspätet")}
    said = [" ".join([chance.choice(words[name]), *chance.sample(fill[name], 3)]) for name in ("en", "de") * 150]

    def lead(thesaurus: dict[str, dict[str, str]]) -> float:
        smashed, broken_german, late_german = learn(said, thesaurus=thesaurus).embed(
            ["smashed", "zerbrochen", "verspätet"]
        )
        return float(smashed @ broken_german - smashed @ late_german)

    assert lead(THESAURUS) > max(0.0, lead({})) + 0.1


def test_a_word_nobody_used_before_has_a_place_of_its_own(space: WordSpace) -> None:
    vectors = space.embed(["frobnicator", "frobnicators", "gizmologist"])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2, "another form of it goes along"
    assert vectors[0] @ vectors[2] < 0.7
    assert vectors.any(axis=1).all()


def test_product_names_weigh_less() -> None:
    lines = [
        f"the {thing} {what}"
        for thing in ("lamp", "mug", "chair")
        for what in ("was cracked", "came late", "is scratched")
    ] * 10
    pair = ["lamp cracked", "mug cracked", "lamp late"]
    loud, quiet = (
        learn(lines, thesaurus={}).embed(pair),
        learn(lines, quiet_words=["lamp", "mug", "chair"], thesaurus={}).embed(pair),
    )
    assert quiet[0] @ quiet[1] > loud[0] @ loud[1]
    assert quiet[0] @ quiet[1] > quiet[0] @ quiet[2]


def test_hardly_any_text_still_makes_a_model() -> None:
    assert learn(["box"]).embed(["box", "torn box"]).shape == (2, DIMENSIONS)


@pytest.mark.measure
def test_speed(space: WordSpace, capsys: pytest.CaptureFixture[str]) -> None:
    """At least 8,000 complaint texts of some 150 characters a CPU-second."""
    chance = Random(3)
    long = [" ".join(say(name, chance) for name in ("glass", "courier", "customs")) for _ in range(8_000)]
    start = time.process_time()
    space.embed(long)
    rate = len(long) / (time.process_time() - start)
    with capsys.disabled():
        print(
            f"\n  embedding: {rate:,.0f} texts of {np.mean([len(text) for text in long]):.0f} characters a CPU-second"
        )
    assert rate >= 8_000
