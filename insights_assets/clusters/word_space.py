"""The local embedding model, frozen: from words to the vector of a text, with no download.

Belongs here: embedding texts with a learned space, keeping it as one npz file (no pickle). Does not belong here: how a
space is learned (`learning_words.py`), which texts are embedded.

A text is the weighted mean of its words, minus what all texts of its language share (Arora et al. 2017, "A simple but
tough-to-beat baseline for sentence embeddings"). A word met after the freeze lies where words with the same letter runs
lie (Bojanowski et al. 2017) and near its concepts, plus a direction of its own (of its letter runs, so that its other
forms go along), so that a defect nobody had named before can still become a theme.

Limits: it knows the shop's own words and the concepts of the labels' thesaurus; beyond those, two wordings that share
no word and no company stay apart, and so do two languages. A hosted embedding knows better and comes in through
`embeddings.Embedder`.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insights_assets.clusters.embeddings import Vectors, on_grid
from insights_assets.labels.concepts import LANGUAGES, Concepts, parse_concepts
from insights_assets.labels.words import Tokens, Vocabulary, tokenise

if TYPE_CHECKING:
    from scipy import sparse

DIMENSIONS = 128
GRAM = 4  # letters of the runs that place unknown words
OWN_SHARE = 0.7  # how far an unknown word goes its own way; the rest follows its letters
CONCEPT_PULL = 1.5  # of a word's concepts, against the word itself
#: Part of the model id: raise it whenever the same file would give other vectors.
FAMILY = "words-1"
#: Texts of one topic less alike than this say different things; measured on weekly public intents, see test_stability.
SIMILARITY_FLOOR = 0.45

Floats = NDArray[np.float32]
Thesaurus = Mapping[str, Mapping[str, str]]  # concept -> language -> its words


@dataclass(frozen=True)
class WordSpace:
    """A frozen space. Words and letter runs are sorted 64-bit hashes; their vectors are unit rows (n, DIMENSIONS)."""

    words: NDArray[np.uint64]
    word_vectors: Floats
    word_weights: Floats  # idf, lowered for words that say little
    word_languages: NDArray[np.uint8]  # (n, languages) 1 where the word is a function word of the language
    grams: NDArray[np.uint64]
    gram_vectors: Floats
    unknown_weight: float
    language_means: Floats  # (languages, DIMENSIONS)
    concept_vectors: Floats  # (concepts, DIMENSIONS)
    thesaurus: NDArray[np.uint8]  # as JSON
    _guesses: dict[str, Floats] = field(default_factory=dict, compare=False, repr=False)

    dimensions = DIMENSIONS
    similarity_floor = SIMILARITY_FLOOR

    @cached_property
    def model_id(self) -> str:
        digest = hashlib.sha256(FAMILY.encode())
        for array in self._arrays().values():
            digest.update(np.ascontiguousarray(array).tobytes())
        return f"{FAMILY}-{digest.hexdigest()[:12]}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(texts, DIMENSIONS) on the grid; a text of no words is zero. Each row depends on its own text alone."""
        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        words, counts = count_words(*tokenise(texts))
        vectors, weights, languages = self._of_words(words)
        means = weighted_mean(counts, vectors, weights)
        said = np.asarray(counts @ weights).ravel() > 0
        means[said] -= language_shares(counts, languages)[said] @ self.language_means
        return on_grid(means)

    def _of_words(self, words: Sequence[str]) -> tuple[Floats, Floats, NDArray[np.uint8]]:
        """Vectors (words, DIMENSIONS), weights (words,) and language marks of words; a token that is no word weighs
        nothing.
        """
        vectors = np.zeros((len(words), DIMENSIONS), dtype=np.float32)
        weights = np.zeros(len(words), dtype=np.float32)
        languages = np.zeros((len(words), len(LANGUAGES)), dtype=np.uint8)
        real = np.flatnonzero([word[0].isalpha() for word in words])
        place, known = find(self.words, hashes([words[i] for i in real]))
        vectors[real[known]] = self.word_vectors[place[known]]
        weights[real[known]] = self.word_weights[place[known]]
        languages[real[known]] = self.word_languages[place[known]]
        for i in real[~known]:
            vectors[i] = self._guess(words[i])
            weights[i] = self.unknown_weight
        return vectors, weights, languages

    def _guess(self, word: str) -> Floats:
        guess = self._guesses.get(word)
        if guess is None:
            own = _signs(runs(word)).sum(axis=0, keepdims=True)
            place, known = find(self.grams, hashes(runs(word)))
            like = self.gram_vectors[place[known]].sum(axis=0, dtype=np.float64, keepdims=True)
            vector = unit_rows(OWN_SHARE * unit_rows(own) + (1 - OWN_SHARE) * unit_rows(like))
            guess = unit_rows(vector + CONCEPT_PULL * pull([word], self._concepts, self.concept_vectors))[0].astype(
                np.float32
            )
            self._guesses[word] = guess
        return guess

    @cached_property
    def _concepts(self) -> Concepts:
        return parse_concepts(json.loads(self.thesaurus.tobytes()))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "words": self.words,
            "word_vectors": self.word_vectors.astype(np.float16),
            "word_weights": self.word_weights,
            "word_languages": self.word_languages,
            "grams": self.grams,
            "gram_vectors": self.gram_vectors.astype(np.float16),
            "unknown_weight": np.array([self.unknown_weight]),
            "language_means": self.language_means,
            "concept_vectors": self.concept_vectors,
            "thesaurus": self.thesaurus,
        }

    def to_bytes(self) -> bytes:
        """The model as an npz file."""
        out = io.BytesIO()
        np.savez_compressed(out, **self._arrays())
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> WordSpace:
        """A model from the bytes of its npz file; pickled content is refused."""
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            parts = {name: file[name] for name in file.files}
        for name in ("word_vectors", "gram_vectors"):
            parts[name] = parts[name].astype(np.float32)
        return cls(**{**parts, "unknown_weight": float(parts["unknown_weight"][0])})

    def save(self, path: Path) -> None:
        """Write the model whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(self.to_bytes())
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> WordSpace:
        return cls.from_bytes(path.read_bytes())


def count_words(tokens: Tokens, vocabulary: Vocabulary) -> tuple[list[str], sparse.csr_matrix]:
    """Words in alphabetical order and (texts, words): 1 + log of how often each stands in each text.

    The order must not depend on which texts share a batch, or sums would differ in their last bit from batch to batch.
    """
    from scipy import sparse

    words = sorted(vocabulary.words)
    column = np.empty(len(words), dtype=np.int64)
    column[[vocabulary.number(word) for word in words]] = np.arange(len(words))
    shape = (len(tokens.first) - 1, len(words))
    counts = sparse.csr_matrix(
        (np.ones(len(tokens.word), dtype=np.float32), column[tokens.word], tokens.first), shape=shape
    )
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    return words, counts


def weighted_mean(counts: sparse.csr_matrix, vectors: Floats, weights: Floats) -> NDArray[np.float64]:
    """(texts, DIMENSIONS): the mean of each text's word vectors; zero for a text whose words weigh nothing."""
    total = np.asarray(counts @ weights).ravel()
    added = np.asarray(counts @ (vectors * weights[:, None]))
    return added / np.where(total > 0, total, 1.0)[:, None].astype(np.float64)


def language_shares(counts: sparse.csr_matrix, languages: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(texts, languages), rows add up to 1: how much each text is of each language, by its function words."""
    votes = np.asarray((counts > 0).astype(np.float64) @ languages)
    share = np.exp(votes - votes.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


def pull(words: Sequence[str], concepts: Concepts, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """(words, DIMENSIONS): where a word's concepts lie, in whatever language it has them; zero where it has none."""
    out = np.zeros((len(words), DIMENSIONS))
    for row, word in enumerate(words):
        found = concepts_of(word, concepts)
        if found:
            out[row] = vectors[list(found)].sum(axis=0) / np.sqrt(len(found))
    return out


def concepts_of(word: str, concepts: Concepts) -> tuple[int, ...]:
    """Numbers of a folded word's concepts in any language."""
    return tuple(sorted({number for language in LANGUAGES for number in concepts.of(word, language)}))


def runs(word: str) -> list[str]:
    """The runs of GRAM letters of a word with its ends marked."""
    padded = f"<{word}>"
    return [padded[i : i + GRAM] for i in range(max(1, len(padded) - GRAM + 1))]


def _signs(texts: Sequence[str]) -> NDArray[np.float64]:
    """(texts, DIMENSIONS) of 1 and -1: a direction of its own for each text, the same on every machine."""
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=DIMENSIONS // 8).digest() for text in texts)
    return np.unpackbits(np.frombuffer(digests, dtype=np.uint8)).reshape(len(texts), DIMENSIONS) * 2.0 - 1.0


def hashes(texts: Sequence[str]) -> NDArray[np.uint64]:
    """64-bit hashes, the same on every machine."""
    codes = (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") for text in texts)
    return np.fromiter(codes, dtype=np.uint64, count=len(texts))


def find(table: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places of hashes in a sorted table, and whether they are really there."""
    if not len(table):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    place = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return place, table[place] == wanted


def unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows of length 1; a zero row stays zero."""
    wide = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(length > 0, length, 1.0)
