"""Words: folding a text without moving a single character, and cutting it into tokens with offsets.

Belongs here: what rules, classifier, sentiment and attribution must agree on to speak of the same place in a text.
Does not belong here: meaning of any kind (`concepts`, `rules`), clauses and quotes (`evidence`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np

# Only English contractions keep their apostrophe: "don't" is one word, "l'emballage" is two.
TOKEN = re.compile(r"[a-z]+(?:'(?:t|s|ve|re|ll|d|m)\b)?|\d+(?:[.,]\d+)*%?|[!?€$£%]|[\u2639\u263a\u2764\U0001f300-\U0001faff]")
_ELONGATED = re.compile(r"([a-z])\1{2,}")


def _fold_table() -> dict[int, str]:
    """One character to one character, so that an offset in the folded text is an offset in the original."""
    table: dict[int, str] = {}
    for code in range(0x41, 0x250):
        letter = chr(code)
        base = unicodedata.normalize("NFD", letter)[0].lower()
        if len(base) == 1 and base != letter:
            table[code] = base
    for quote in "\u2018\u2019\u00b4\u0060\u02bc":
        table[ord(quote)] = "'"
    for dash in "\u2010\u2011\u2012\u2013\u2014\u2212":
        table[ord(dash)] = "-"
    for space in "\u00a0\u2009\u202f\u200b\t":
        table[ord(space)] = " "
    table.update({ord("ß"): "s", ord("ø"): "o", ord("œ"): "o", ord("æ"): "a", ord("ł"): "l"})
    table.update({ord("\u201c"): '"', ord("\u201d"): '"', ord("\u201e"): '"', ord("«"): '"', ord("»"): '"'})
    return table


_TABLE = _fold_table()


def fold(text: str) -> str:
    """Lower case without accents, of the same length as the text.

    >>> fold("Größe PASST nicht"), len(fold("Größe")) == len("Größe")
    ('grose passt nicht', True)
    """
    return text.lower() if text.isascii() else text.translate(_TABLE)


def word_of(token: str) -> str:
    """The form under which a token is looked up: numbers become one word, "soooo" becomes "soo"."""
    first = token[0]
    if first.isdigit():
        return "0%" if token.endswith("%") else "0"
    if len(token) > 3:
        return _ELONGATED.sub(r"\1\1", token)
    return token


class _Numbers(dict[str, int]):
    """Token to number; a token met for the first time gets its word's number, and a word its next one."""

    def __init__(self, words: list[str]) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, token: str) -> int:
        word = word_of(token)
        found = self.get(word)
        if found is None:
            found = self[word] = len(self._words)
            self._words.append(word)
        self[token] = found
        return found


class Vocabulary:
    """Numbers for words, shared by all texts of a batch; grows as words are met."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.numbers = _Numbers(self.words)

    def number(self, token: str) -> int:
        """Number of a token; tokens that fold to one word share it."""
        return self.numbers[token]

    def __len__(self) -> int:
        return len(self.words)


class Tokens:
    """All tokens of many texts as flat arrays: word number, start, end, and where each text begins."""

    __slots__ = ("ends", "first", "folded", "heard", "starts", "text", "word")

    def __init__(self, folded: list[str], vocabulary: Vocabulary) -> None:
        said: list[str] = []
        starts: list[int] = []
        first = np.zeros(len(folded) + 1, dtype=np.int64)
        for row, text in enumerate(folded):
            matches = list(TOKEN.finditer(text))
            said += [match[0] for match in matches]
            starts += [match.start() for match in matches]
            first[row + 1] = len(said)
        self.folded = folded
        self.word = np.fromiter(map(vocabulary.numbers.__getitem__, said), dtype=np.int64, count=len(said))
        self.starts = np.asarray(starts, dtype=np.int64)
        self.ends = self.starts + np.fromiter(map(len, said), dtype=np.int64, count=len(said))
        self.first = first
        self.heard = self.word  # as the classifier hears them; see `denial`
        self.text = np.repeat(np.arange(len(folded), dtype=np.int64), np.diff(first))


def tokenise(texts: Iterable[str], vocabulary: Vocabulary | None = None) -> tuple[Tokens, Vocabulary]:
    """Fold and cut texts; pass a vocabulary to keep its numbers."""
    words = Vocabulary() if vocabulary is None else vocabulary  # an empty one is false
    return Tokens([fold(text) for text in texts], words), words
