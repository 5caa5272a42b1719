"""The words: enough ways to say each thing, understandable, and no gift to a keyword list."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from insights_assets.simulator import TOPICS, phrasing_families
from insights_assets.simulator.catalogue import LANGUAGES, load_catalogue
from insights_assets.simulator.wording.compose import Case, Composer
from insights_assets.simulator.wording.grammar import fitting, load_grammar, parse_frame
from insights_assets.simulator.wording.paraphrase import paraphrased, with_lead
from insights_assets.simulator.wording.slips import slip
from insights_assets_tests.simulator.conftest import Simulated
from insights_assets_tests.simulator.keyword_judge import judged, micro_f1

CALM = {"praise", "other", "feature_request"}


@pytest.fixture(scope="session")
def families() -> list[tuple[str, str, str, list[str]]]:
    return phrasing_families()


def test_there_are_many_ways_to_say_each_thing(families: list[tuple[str, str, str, list[str]]]) -> None:
    count = Counter((topic, language) for _, topic, language, _ in families)
    for topic in TOPICS:
        assert count[(topic, "en")] >= 40, topic
        for language in ("de", "fr", "es", "pt"):
            assert count[(topic, language)] >= 10, (topic, language)


def test_families_have_stable_ids_and_clean_examples(families: list[tuple[str, str, str, list[str]]]) -> None:
    ids = [family_id for family_id, *_ in families]
    assert len(set(ids)) == len(ids)
    assert ids[0] == "shipping_delay-en-01"
    for family_id, topic, language, examples in families:
        assert family_id.startswith(f"{topic}-{language}-") and len(examples) == 3
        for text in examples:
            assert not re.search(r"[\[\]{}|<>]|^\+|  ", text), (family_id, text)
            assert text == text.strip() and (text[0].isupper() or not text[0].isalpha()), (family_id, text)
    assert phrasing_families() == families


def test_no_sentence_stands_in_two_families(families: list[tuple[str, str, str, list[str]]]) -> None:
    seen: dict[str, str] = {}
    for family_id, _, _, examples in families:
        for text in examples:
            assert seen.setdefault(text.lower(), family_id) == family_id


def test_a_keyword_list_does_not_solve_the_texts(shop: Simulated) -> None:
    pairs = [(set(label["topics"]), judged(text)) for _, _, text, label in shop.texts if label["topics"]]
    complaints = [(truth, guess) for truth, guess in pairs if truth - CALM]
    everything, hard = micro_f1(pairs), micro_f1(complaints)
    assert everything < 0.6 and hard < 0.6
    assert micro_f1((truth, guess - {"other"}) for truth, guess in complaints) < 0.6
    # Customers do use plain words as well: below this the texts would be riddles.
    assert hard > 0.3


def test_families_in_the_truth_are_known_and_fit_their_topics(
    shop: Simulated, families: list[tuple[str, str, str, list[str]]]
) -> None:
    topic_of = {family_id: topic for family_id, topic, _, _ in families}
    for _, ref, _, label in shop.texts:
        assert {topic_of[family] for family in label["families"]} == set(label["topics"]), ref


def test_some_complaints_have_several_topics(shop: Simulated) -> None:
    complaints = [label for _, _, _, label in shop.texts if set(label["topics"]) - CALM]
    several = sum(len(set(label["topics"]) - CALM) > 1 for label in complaints) / len(complaints)
    mixed = sum("praise" in label["topics"] for label in complaints) / len(complaints)
    assert 0.14 <= several <= 0.22 and 0.04 <= mixed <= 0.18


def test_texts_deny_what_did_not_happen() -> None:
    catalogue = load_catalogue()
    composer = Composer(Random(3), catalogue)
    case = Case("praise", None, catalogue.products[0], "en", "USD", "Velopost", "positive")
    texts = [composer.say(case, "long").text for _ in range(400)]
    denied = [
        text
        for text in texts
        if re.search(r"not late|Nothing was (broken|missing)|No complaints about the fit|not dangerous", text)
    ]
    assert 5 < len(denied) < 80


def test_sentiment_and_ratings_agree_mostly(shop: Simulated) -> None:
    mean: dict[str, list[int]] = {}
    for ref, row in shop.records("reviews").items():
        mean.setdefault(shop.truth["labels"]["reviews"][ref]["sentiment"], []).append(int(row["rating"]))
    average = {name: sum(values) / len(values) for name, values in mean.items()}
    assert average["negative"] < 2.2 < average["neutral"] < 4.2 < average["positive"]
    assert max(mean["negative"]) >= 4 and min(mean["positive"]) <= 3, "people slip"
    for labels in shop.truth["labels"].values():
        for label in labels.values():
            assert label["sentiment"] in ("negative", "neutral", "positive")
            if label["topics"] == ["praise"]:
                assert label["sentiment"] == "positive"
            if label["topics"] == ["feature_request"]:
                assert label["sentiment"] == "neutral"


def test_words_suit_the_product() -> None:
    for product in load_catalogue().products:
        for language in LANGUAGES:
            for frame in fitting(language, "sizing_issue", product.tags):
                if product.line == "footwear":
                    assert "knit" not in frame.tags or "shoe" in frame.tags
            for frame in fitting(language, "product_quality", product.tags, "after"):
                assert "after" in frame.flavours
    assert not any("shoe" in frame.tags for frame in fitting("en", "sizing_issue", frozenset({"knit", "wear"})))


def test_texts_vary(shop: Simulated) -> None:
    texts = [
        text for source, _, text, label in shop.texts if source == "reviews" and label["incident"] != "decoy-flood"
    ]
    assert len(set(texts)) / len(texts) > 0.9
    assert 60 < sum(map(len, texts)) / len(texts) < 260


def test_no_markup_reaches_a_text(shop: Simulated) -> None:
    for _, ref, text, _ in shop.texts:
        assert not re.search(r"[{}|]|<[a-z]+>", text), (ref, text)


def test_a_frame_is_parsed_into_its_marks() -> None:
    frame = parse_frame("+ <power,after> [one|two] {noun}s.", "x", "other", "en")
    assert frame.tags == {"power"} and frame.flavours == {"after"} and frame.weight > 1
    assert {frame.say(Random(i), {"noun": "lamp"}) for i in range(20)} == {"One lamps.", "Two lamps."}


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no wording"):
        load_grammar("it")


def test_paraphrase_keeps_the_meaning_and_slips_keep_most_letters() -> None:
    sentence = "I do not know where the parcel is."
    said = {paraphrased(sentence, "en", Random(i)) for i in range(60)}
    assert sentence in said and any("don't" in text for text in said) and len(said) > 4
    led = {with_lead("The box is gone.", "en", "negative", Random(i)) for i in range(100)}
    assert "The box is gone." in led and any(text.endswith(", the box is gone.") for text in led)
    text = "Nobody can tell me where the parcel went."
    for seed in range(200):
        typed = slip(text, Random(seed))
        assert abs(len(typed) - len(text)) <= 3
    assert sum(slip(text, Random(seed)) != text for seed in range(1_000)) in range(120, 330)
