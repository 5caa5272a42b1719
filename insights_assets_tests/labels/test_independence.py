"""Training and evaluation share no wording: no five words in a row, and no whole clause of four words or more.

Compared by program; whoever writes one of the two does not read the other.
"""

from __future__ import annotations

import re

import pytest

from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.corpus import load_phrases
from insights_assets.labels.words import fold
from insights_assets.simulator.wording.grammar import phrasing_families

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")
_CLAUSE_END = re.compile(r"[.!?;:,\n()]+|\s-\s")
SEQUENCE, SHORTEST_CLAUSE = 5, 4


def sequences(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(fold(text))
    return {tuple(words[at : at + SEQUENCE]) for at in range(len(words) - SEQUENCE + 1)}


def whole_clauses(text: str) -> set[tuple[str, ...]]:
    found = {tuple(_WORD.findall(part)) for part in _CLAUSE_END.split(fold(text))}
    return {clause for clause in found if len(clause) >= SHORTEST_CLAUSE}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_is_shared_with_the_simulator(language: str) -> None:
    theirs: set[tuple[str, ...]] = set()
    for _, _, spoken, texts in phrasing_families():
        if spoken == language:
            for text in texts:
                theirs |= sequences(text) | whole_clauses(text)
    assert len(theirs) > 1_000
    book = load_phrases(language)
    ours = [(phrase.group, text) for phrase in book.phrases for text in phrase.texts]
    ours += [("around", text) for text in (*book.openers, *book.closers, *book.fillers)]
    shared = {(group, " ".join(words)) for group, text in ours for words in (sequences(text) | whole_clauses(text)) & theirs}
    assert not shared, f"{len(shared)} shared, e.g. {sorted(shared)[:5]}"


def test_the_comparison_finds_what_is_shared() -> None:
    assert sequences("The box was torn to bits, sadly") & sequences("my box was torn to bits")
    assert whole_clauses("Hello, the box was torn.") & whole_clauses("the BOX was torn; what now?")
    assert not whole_clauses("hello there, you")
