"""The local embedding model: word vectors learned from the shop's own complaints, frozen, no download.

Belongs here: learning the space from texts, freezing it as one npz file (no pickle), embedding with it. Does not belong here: which
texts are embedded, and what themes are.

A word is described by the words that stand near it (positive pointwise mutual information within ten words, reduced by a truncated
SVD; Levy, Goldberg and Dagan 2015); a text is the idf-weighted mean of its words, minus what all texts share (Arora et al. 2017, "A
simple but tough-to-beat baseline for sentence embeddings"). Words met after the freeze lie where words with the same letter runs
lie (Bojanowski et al. 2017), plus a direction of their own, so that a defect nobody had named before can still become a theme.

Two wordings of one trouble may share no word, and two languages never do; a small shop's texts are too few to learn that from. So half
of a vector says which concepts of the labels' thesaurus the text touches, in whatever language. The thesaurus is frozen with the space.

Limits: a word is taken for its meaning in any of the five languages, and what the thesaurus does not hold stays within one
language. A hosted embedding knows better; it comes in through `embeddings.Embedder`.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insights_assets.clusters.concept_profile import ConceptsOf, Thesaurus, labels_thesaurus
from insights_assets.clusters.embeddings import Vectors, on_grid
from insights_assets.labels.words import Tokens, Vocabulary, tokenise

if TYPE_CHECKING:
    from scipy import sparse

DIMENSIONS = 128  # half company, half concepts
CONCEPT_WEIGHT = 1.5  # of the concept half against the company half
REACH = 10  # words on either side that describe a word
LEAST_COUNT = 2  # a word met once has no company worth learning from
GRAM = 4  # letters of the runs that place unknown words
OWN_SHARE = 0.7  # how far an unknown word goes its own way; the rest follows its letters
QUIET_WEIGHT = 0.3  # of words that say which product it is, not what is wrong with it
#: Part of the model id: raise it whenever the same file would give other vectors.
FAMILY = "words-1"
SIMILARITY_FLOOR = 0.55

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class WordSpace:
    """A frozen space. Words and letter runs are 64-bit hashes, sorted; vectors are (n, dimensions) float32 of unit length."""

    words: NDArray[np.uint64]
    word_vectors: Floats
    word_weights: Floats  # idf, lowered for quiet words
    grams: NDArray[np.uint64]
    gram_vectors: Floats
    unknown_weight: float
    mean: Floats  # (company dimensions,)
    concept_weights: Floats  # idf of each concept
    concept_mean: Floats  # (concepts,)
    thesaurus: NDArray[np.uint8]  # the thesaurus as JSON

    similarity_floor = SIMILARITY_FLOOR

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @cached_property
    def _concepts(self) -> ConceptsOf:
        return ConceptsOf(json.loads(self.thesaurus.tobytes()))

    @cached_property
    def model_id(self) -> str:
        digest = hashlib.sha256(FAMILY.encode())
        for array in self._arrays().values():
            digest.update(np.ascontiguousarray(array).tobytes())
        return f"{FAMILY}-{digest.hexdigest()[:12]}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(texts, dimensions) on the grid; a text of no words is zero."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        names, counts = _count_words(*tokenise(texts))
        vectors, weights = self._of_words(names)
        company = _weighted_mean(counts, vectors, weights)
        company[counts @ weights > 0] -= self.mean
        concepts = _unit_rows(self._concepts.touched(names, counts) * self.concept_weights)
        concepts[concepts.any(axis=1)] -= self.concept_mean
        halves = np.zeros((len(texts), DIMENSIONS))
        halves[:, : company.shape[1]] = _unit_rows(company)
        halves[:, DIMENSIONS // 2 : DIMENSIONS // 2 + concepts.shape[1]] = CONCEPT_WEIGHT * _unit_rows(concepts)
        return on_grid(halves)

    def _of_words(self, words: Sequence[str]) -> tuple[Floats, Floats]:
        """(words, company) vectors and (words,) weights; a token that is no word weighs nothing."""
        vectors = np.zeros((len(words), len(self.mean)), dtype=np.float32)
        weights = np.zeros(len(words), dtype=np.float32)
        meaning = np.flatnonzero([word[0].isalpha() for word in words])
        hashes = np.fromiter((_hash(words[i]) for i in meaning), dtype=np.uint64, count=len(meaning))
        place, known = _find(self.words, hashes)
        vectors[meaning[known]] = self.word_vectors[place[known]]
        weights[meaning[known]] = self.word_weights[place[known]]
        for i, code in zip(meaning[~known], hashes[~known], strict=True):
            vectors[i] = self._guess(words[i], int(code))
            weights[i] = self.unknown_weight
        return vectors, weights

    def _guess(self, word: str, code: int) -> NDArray[np.float64]:
        own = np.random.default_rng(code).standard_normal(len(self.mean))
        place, known = _find(self.grams, np.array([_hash(run) for run in _runs(word)], dtype=np.uint64))
        like = self.gram_vectors[place[known]].sum(axis=0, dtype=np.float64)
        return _unit(OWN_SHARE * _unit(own) + (1 - OWN_SHARE) * _unit(like))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "words": self.words, "word_vectors": self.word_vectors.astype(np.float16), "word_weights": self.word_weights, "grams": self.grams,
            "gram_vectors": self.gram_vectors.astype(np.float16), "unknown_weight": np.array([self.unknown_weight]), "mean": self.mean,
            "concept_weights": self.concept_weights, "concept_mean": self.concept_mean, "thesaurus": self.thesaurus,
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
        parts["word_vectors"] = parts["word_vectors"].astype(np.float32)
        parts["gram_vectors"] = parts["gram_vectors"].astype(np.float32)
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


def learn(texts: Sequence[str], *, quiet_words: Iterable[str] = (), thesaurus: Thesaurus | None = None) -> WordSpace:
    """Learn a space from texts. The same texts in the same order give the same space, byte for byte.

    `quiet_words` are folded words that name products; they weigh less, so that texts meet by what went wrong.
    `thesaurus` defaults to the labels' own.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # threads add floats in another order
        tokens, vocabulary = tokenise(texts)
        words, counts = _count_words(tokens, vocabulary)
        said = np.bincount(counts.indices, minlength=len(words))
        kept = np.flatnonzero([said[i] >= LEAST_COUNT and word[0].isalpha() for i, word in enumerate(words)])
        hashes = np.fromiter((_hash(words[i]) for i in kept), dtype=np.uint64, count=len(kept))
        kept = kept[np.argsort(hashes)]
        names = [words[i] for i in kept]
        vectors = _rounded(_unit_rows(_company(tokens, {name: i for i, name in enumerate(names)}, vocabulary)))
        idf = np.log((1.0 + len(texts)) / (1.0 + said[kept])).astype(np.float32)
        quiet = set(quiet_words)
        weights = idf * np.array([QUIET_WEIGHT if name in quiet else 1.0 for name in names], dtype=np.float32)
        grams, gram_vectors = _letter_runs(names, vectors)
        mean = _weighted_mean(counts[:, kept], vectors, weights).mean(axis=0)
        concepts = ConceptsOf(thesaurus if thesaurus is not None else labels_thesaurus())
        touched = concepts.touched(words, counts)
        concept_weights = np.log((1.0 + len(texts)) / (1.0 + touched.sum(axis=0))).astype(np.float32)
        concept_mean = _unit_rows(touched * concept_weights).mean(axis=0)
    return WordSpace(
        words=np.sort(hashes), word_vectors=vectors, word_weights=weights, grams=grams, gram_vectors=gram_vectors,
        unknown_weight=float(idf.max(initial=1.0)), mean=mean.astype(np.float32),
        concept_weights=concept_weights, concept_mean=concept_mean.astype(np.float32), thesaurus=concepts.as_bytes(),
    )


def _company(tokens: Tokens, rows: dict[str, int], vocabulary: Vocabulary) -> NDArray[np.float64]:
    """(rows, company): the reduced table of which words stand near which, more often than chance would have it."""
    from scipy import sparse
    from sklearn.utils.extmath import randomized_svd

    row_of = np.array([rows.get(name, -1) for name in vocabulary.words], dtype=np.int64)
    word, text = row_of[tokens.word], tokens.text
    near = sparse.csr_matrix((len(rows), len(rows)), dtype=np.float64)
    for step in range(1, REACH + 1):
        pair = (word[:-step] >= 0) & (word[step:] >= 0) & (text[:-step] == text[step:])
        left, right = word[:-step][pair], word[step:][pair]
        near = near + sparse.coo_matrix((np.ones(len(left)), (left, right)), shape=near.shape).tocsr()
    near = (near + near.T).tocoo()
    total = max(near.sum(), 1.0)
    own = np.asarray(near.sum(axis=1)).ravel()
    # The power 3/4 keeps rare neighbours from looking like strong evidence (Levy, Goldberg and Dagan 2015).
    context = own**0.75
    context *= total / max(context.sum(), 1e-9)
    strength = np.log(near.data * total / (own[near.row] * context[near.col]))
    positive = strength > 0
    table = sparse.csr_matrix((strength[positive], (near.row[positive], near.col[positive])), shape=near.shape)
    half = DIMENSIONS // 2
    rank = min(half, max(1, len(rows) - 1))
    left_vectors, size, _ = randomized_svd(table, rank, n_iter=3, random_state=0)
    reduced = left_vectors * np.sqrt(size)
    return np.pad(reduced, ((0, 0), (0, half - rank)))


def _letter_runs(names: Sequence[str], vectors: Floats) -> tuple[NDArray[np.uint64], Floats]:
    """Sorted hashes and mean word vectors of the letter runs that at least two words share."""
    from scipy import sparse

    rows = np.array([row for row, name in enumerate(names) for _ in _runs(name)], dtype=np.int64)
    runs, column = np.unique(np.array([_hash(run) for name in names for run in _runs(name)], dtype=np.uint64), return_inverse=True)
    table = sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (column, rows)), shape=(len(runs), len(names)))
    shared = np.asarray((table > 0).sum(axis=1)).ravel() >= 2
    return runs[shared], _rounded(_unit_rows(np.asarray(table[shared] @ vectors)))


def _count_words(tokens: Tokens, vocabulary: Vocabulary) -> tuple[list[str], sparse.csr_matrix]:
    """Words in alphabetical order and (texts, words): 1 + log of how often each stands in each text.

    The order must not depend on which texts share a batch, or sums would differ in their last bit from batch to batch.
    """
    from scipy import sparse

    names = sorted(vocabulary.words)
    place = np.empty(len(names), dtype=np.int64)
    place[[vocabulary.number(name) for name in names]] = np.arange(len(names))
    texts = len(tokens.first) - 1
    table = sparse.csr_matrix((np.ones(len(tokens.word), dtype=np.float32), place[tokens.word], tokens.first), shape=(texts, len(names)))
    table.sum_duplicates()
    table.data = 1 + np.log(table.data)
    return names, table


def _weighted_mean(counts: sparse.csr_matrix, vectors: Floats, weights: Floats) -> NDArray[np.float64]:
    """(texts, dimensions): the mean of each text's word vectors, in a fixed order of words within the text."""
    total = np.asarray(counts @ weights).ravel()
    added = np.asarray(counts @ (vectors * weights[:, None]))
    return added / np.where(total > 0, total, 1.0)[:, None].astype(np.float64)


def _runs(word: str) -> list[str]:
    padded = f"<{word}>"
    return [padded[i : i + GRAM] for i in range(max(1, len(padded) - GRAM + 1))]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _find(table: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places of hashes in a sorted table, and whether they are really there."""
    if not len(table):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    place = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return place, table[place] == wanted


def _unit(vector: NDArray[np.floating]) -> NDArray[np.float64]:
    wide = np.asarray(vector, dtype=np.float64)
    return wide / (np.linalg.norm(wide) or 1.0)


def _unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)


def _rounded(vectors: NDArray[np.floating]) -> Floats:
    """What will be read back from the file, so that a space just learned and a space just loaded embed alike."""
    return vectors.astype(np.float16).astype(np.float32)
