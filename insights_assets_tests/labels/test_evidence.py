"""Evidence: clauses keep every word where it is, and a quote is the text or it is nothing."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from insights_assets.labels.evidence import clauses, is_quote, quote_span, trimmed
from insights_assets.labels.words import fold, tokenise


def cut(text: str) -> list[str]:
    return [text[span.start : span.end] for span in clauses(fold(text))]


def test_sentences_contrasts_and_long_lists_are_cut() -> None:
    assert cut("Came late. Box was torn!") == ["Came late.", "Box was torn!"]
    assert cut("lovely lamp but the plug is loose") == ["lovely lamp", "but the plug is loose"]
    assert cut("Schöne Farbe, aber viel zu eng") == ["Schöne Farbe", "aber viel zu eng"]
    assert cut("the box was torn and the lid was cracked") == ["the box was torn", "and the lid was cracked"]
    assert cut("line one\nline two") == ["line one", "line two"]


def test_short_lists_amounts_and_final_words_stay_whole() -> None:
    assert cut("red, green and blue") == ["red, green and blue"]
    assert cut("I paid 12.50 for it") == ["I paid 12.50 for it"]
    assert cut("no reply yet") == ["no reply yet"]
    assert cut("no lo compro más") == ["no lo compro más"]


def test_empty_and_wordless_texts_do_not_break() -> None:
    assert clauses("") == []
    assert cut("!!!") == ["!!!"]
    assert trimmed("  ,; ", 0, 5) is None


pieces = st.sampled_from([*"abc ABCéßñ.,;!?-\n'0129😀 ", "but ", "aber ", " and ", " y "])
texts = st.lists(pieces, max_size=120).map("".join)


@given(texts)
def test_folding_never_moves_a_character(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(texts)
def test_clauses_are_in_order_apart_and_hold_every_word(text: str) -> None:
    folded = fold(text)
    spans = clauses(folded)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    tokens, vocabulary = tokenise([text])
    for number, start in zip(tokens.word, tokens.starts, strict=True):
        if vocabulary.words[number][0].isalnum():
            assert any(span.start <= start < span.end for span in spans)


@given(texts, st.integers(0, 40), st.integers(1, 80), st.integers(5, 40))
def test_a_shortened_quote_is_still_a_quote(text: str, start: int, length: int, longest: int) -> None:
    end = min(len(text), start + length)
    if start >= end:
        return
    span = quote_span(text, start, end, longest)
    assert span.end - span.start <= longest
    assert is_quote(text, text[span.start : span.end], span.start, span.end)


def test_a_quote_that_is_not_there_is_none() -> None:
    assert is_quote("the box was torn", "box", 4, 7)
    assert not is_quote("the box was torn", "Box", 4, 7)
    assert not is_quote("the box was torn", "box", 5, 8)
    assert not is_quote("the box was torn", "", 4, 4)
    assert not is_quote("box", "box ", 0, 4)
