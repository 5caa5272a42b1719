"""Batches: a distinct text is read once however many records have it, and what is computed for all at once is what one by one would give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.labels.build import SHIPPED
from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier, Scores
from insights_assets.labels.evidence import _THREE_WORDS, _TWO_WORDS, clauses
from insights_assets.labels.features import cut
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.rules import load_rules
from insights_assets.labels.words import Vocabulary, fold, tokenise, word_of

TEXTS = st.lists(st.text(alphabet="ab c.,;!?-\n|é'1😀 andutmas", max_size=60), max_size=8)


def test_each_distinct_text_is_labelled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, str]] = []
    score = Classifier.score

    def counted(self: Classifier, folded: Sequence[str], language: str) -> Scores:
        read.extend((language, text) for text in folded)
        return score(self, folded, language)

    monkeypatch.setattr(Classifier, "score", counted)
    labeller = Labeller(load_label_set(), load_rules(), Classifier.load(SHIPPED), [])
    said = [("en", "The box was crushed"), ("en", "Still no parcel"), ("de", "Der Karton war zerdrückt"), ("en", None), ("en", "The box was crushed!")]
    records = [
        {"feedback_id": str(number), "source": "reviews", "language": language, "text": text, "rating": float(number // 5 % 5 + 1)}
        for number, (language, text) in enumerate(said * 40)
    ]
    labels = labeller.label_records(records)
    assert len(labels) == 200 and [label.row["feedback_id"] for label in labels] == [record["feedback_id"] for record in records]
    assert sorted(read) == sorted({(language, fold(text)) for language, text in said if text is not None})
    scores = {label.row["sentiment_score"] for label in labels[::5]}
    assert len(scores) > 1, "stars differ between records of one text, so their labels do"


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_clauses_of_a_batch_are_those_of_each_text(texts: list[str]) -> None:
    """The same walk, token by token, as a person would do it."""
    tokens, _ = tokenise(texts)
    first, of_text, starts, ends = [], [], [], []
    for row, text in enumerate(tokens.folded):
        token, last = int(tokens.first[row]), int(tokens.first[row + 1])
        for span in clauses(text) if token < last else []:
            begin = token
            while token < last and tokens.starts[token] < span.end:
                token += 1
            if token > begin:
                first.append(begin)
                of_text.append(row)
                starts.append(span.start)
                ends.append(span.end)
    units = cut(tokens)
    assert (units.first_token.tolist(), units.of_text.tolist(), units.starts.tolist(), units.ends.tolist()) == (first, of_text, starts, ends)
    sizes = np.diff([*first, len(tokens.word)])
    assert units.of_token.tolist() == np.repeat(np.arange(len(first)), sizes).tolist()


@given(st.text(alphabet="abc1 .,-é", max_size=30))
def test_words_are_counted_whole(text: str) -> None:
    words = 0
    for piece in "".join(letter if letter in "abc1" else " " for letter in text).split():
        words += len(piece) >= 2
    assert (_TWO_WORDS.search(text) is not None) == (words >= 2)
    assert (_THREE_WORDS.search(text) is not None) == (words >= 3)


@given(st.lists(st.sampled_from(["so", "soo", "sooo", "soooo", "12", "7", "9%", "late", "laaate"])))
def test_tokens_of_one_word_share_its_number(said: list[str]) -> None:
    tokens, vocabulary = tokenise([" ".join(said)])
    assert [vocabulary.words[number] for number in tokens.word] == [word_of(token) for token in said]
    assert len(set(vocabulary.words)) == len(vocabulary.words)
    assert [fold(" ".join(said))[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)] == said


def test_a_vocabulary_keeps_its_numbers_between_batches() -> None:
    words = Vocabulary()
    earlier, _ = tokenise(["late again"], words)
    later, _ = tokenise(["again and again late"], words)
    assert later.word.tolist() == [earlier.word[1], 2, earlier.word[1], earlier.word[0]]
