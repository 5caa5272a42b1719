"""The training corpus: broad enough, labelled from the set, composed the same way every time."""

from __future__ import annotations

from collections import defaultdict

import pytest

from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.corpus import DAILY_MIX, FIRST_HAND, LATER_HANDS, Hand, composed_rows, load_phrases, phrase_rows, training_rows, written_by
from insights_assets.labels.label_set import load_label_set

TOPICS = [topic for topic in load_label_set().topic_ids if topic != "other"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_topic_is_said_in_many_ways(language: str) -> None:
    phrasings: defaultdict[str, set[str]] = defaultdict(set)
    lines: defaultdict[str, int] = defaultdict(int)
    for phrase in load_phrases(language).phrases:
        for topic in phrase.topics or ("other",):
            phrasings[topic] |= set(phrase.texts)
            lines[topic] += 1
    wanted_texts, wanted_lines = (400, 70) if language == "en" else (120, 30)
    for topic in [*TOPICS, "other"]:
        assert len(phrasings[topic]) >= wanted_texts, topic
        assert lines[topic] >= wanted_lines, topic


def test_labels_are_from_the_label_set() -> None:
    known = set(load_label_set().topic_ids)
    for language in LANGUAGES:
        assert {topic for phrase in load_phrases(language).phrases for topic in phrase.topics} <= known


def test_the_corpus_is_the_same_for_the_same_seed() -> None:
    book = load_phrases("pt")
    assert composed_rows(book, 50, 3) == composed_rows(book, 50, 3)
    assert composed_rows(book, 50, 3) != composed_rows(book, 50, 4)


def test_some_thousand_texts_of_one_and_of_several_topics() -> None:
    rows = training_rows()
    assert len(rows) > 8_000
    composed = [row for row in rows if len(row.groups) > 1]
    assert sum(len(row.topics) > 1 for row in composed) > 1_000
    assert sum(not row.topics for row in rows) > 1_500
    assert {row.language for row in rows} == set(LANGUAGES)


def test_groups_keep_phrasings_apart() -> None:
    book = load_phrases("fr")
    chosen = frozenset(phrase.group for phrase in book.phrases if phrase.group[-1] in "012")
    rows = [*phrase_rows(book, chosen), *composed_rows(book, 80, 1, chosen, DAILY_MIX)]
    used = {group for row in rows for group in row.groups if not group.endswith(":filler")}
    assert used and used <= chosen


def test_negations_are_taught_as_no_complaint() -> None:
    denied = [phrase for phrase in load_phrases("en").phrases if phrase.group.startswith(("en:negated", "en:fine"))]
    assert len(denied) > 40
    assert all(set(phrase.topics) <= {"praise"} and phrase.sentiment == "positive" for phrase in denied)


def test_complaints_outweigh_praise_in_the_tone_of_a_text() -> None:
    for row in composed_rows(load_phrases("en"), 200, 1):
        if set(row.topics) - {"praise", "feature_request"}:
            assert row.sentiment == "negative"


@pytest.mark.parametrize(("hand", "language"), [(hand, language) for hand in (FIRST_HAND, *LATER_HANDS) for language in hand.languages])
def test_every_hand_writes_of_every_topic_and_its_groups_tell_it_apart(hand: Hand, language: str) -> None:
    own = [
        phrase for phrase in load_phrases(language).phrases
        if (written_by(phrase.group, hand) if hand.mark else not any(written_by(phrase.group, later) for later in LATER_HANDS))
    ]
    assert {topic for phrase in own for topic in phrase.topics} >= set(TOPICS)
    assert any(not phrase.topics for phrase in own)


def test_a_hand_whose_file_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insights_assets.labels.corpus.LATER_HANDS", (Hand("9-", "_nobody"),))
    load_phrases.cache_clear()
    with pytest.raises(FileNotFoundError, match="en_nobody"):
        load_phrases("en")
    load_phrases.cache_clear()
