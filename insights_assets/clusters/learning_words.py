"""Learning the local embedding: what the words of a shop mean, by the company they keep and the thesaurus.

Belongs here: from texts to a `WordSpace`, once, on the first run. Does not belong here: embedding with it, files.

A word is described by the words that stand near it: positive pointwise mutual information within ten words, reduced by
a truncated SVD (Levy, Goldberg and Dagan 2015, "Improving distributional similarity with lessons learned from word
embeddings"). It is then drawn towards its concepts in the labels' thesaurus, which may be named in another language
(retrofitting, Faruqui et al. 2015): two wordings of one trouble may share no word, two languages never do, and a small
shop's texts are too few to learn that from.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insights_assets.clusters.stop_words import BY_LANGUAGE, STOP_WORDS
from insights_assets.clusters.word_space import (
    CONCEPT_PULL,
    DIMENSIONS,
    Floats,
    Thesaurus,
    WordSpace,
    concepts_of,
    count_words,
    hashes,
    language_shares,
    pull,
    runs,
    unit_rows,
    weighted_mean,
)
from insights_assets.labels.concepts import LANGUAGES, Concepts, parse_concepts
from insights_assets.labels.words import Tokens, Vocabulary, tokenise

if TYPE_CHECKING:
    from scipy import sparse

REACH = 10  # words on either side that describe a word
LEAST_COUNT = 2  # a word met once has no company worth learning from
POWER_STEPS, OVERSAMPLING = 3, 10
QUIET_WEIGHT = 0.3  # of function words, and of words that say which product it is and not what is wrong with it


def learn(texts: Sequence[str], *, quiet_words: Collection[str] = (), thesaurus: Thesaurus | None = None) -> WordSpace:
    """Learn a space from texts. The same texts in the same order give the same space, byte for byte.

    `quiet_words` are folded words that name products; they weigh less, so that texts meet by what went wrong.
    `thesaurus` defaults to the labels' own.
    """
    from threadpoolctl import threadpool_limits

    thesaurus = thesaurus if thesaurus is not None else labels_thesaurus()
    with threadpool_limits(1):  # threads add floats in another order
        tokens, vocabulary = tokenise(texts)
        all_words, counts = count_words(tokens, vocabulary)
        said = np.bincount(counts.indices, minlength=len(all_words))
        kept = np.flatnonzero([said[i] >= LEAST_COUNT and word[0].isalpha() for i, word in enumerate(all_words)])
        codes = hashes([all_words[i] for i in kept])
        kept, codes = kept[np.argsort(codes)], np.sort(codes)
        words = [all_words[i] for i in kept]
        counts = counts[:, kept]
        idf = np.log((1.0 + len(texts)) / (1.0 + said[kept])).astype(np.float32)
        quiet = STOP_WORDS | set(quiet_words)
        weights = idf * np.array([QUIET_WEIGHT if word in quiet else 1.0 for word in words], dtype=np.float32)
        company = unit_rows(_company(tokens, {word: row for row, word in enumerate(words)}, vocabulary))
        concepts = parse_concepts(thesaurus)
        concept_vectors = _concept_vectors(words, concepts, company, weights)
        vectors = _as_stored(unit_rows(company + CONCEPT_PULL * pull(words, concepts, concept_vectors)))
        grams, gram_vectors = _letter_runs(words, vectors)
        marks = np.array([[word in BY_LANGUAGE[name] for name in LANGUAGES] for word in words], dtype=np.uint8)
        means = weighted_mean(counts, vectors, weights)
        language_means = _language_means(means, language_shares(counts, marks.reshape(len(words), len(LANGUAGES))))
    return WordSpace(
        words=codes,
        word_vectors=vectors,
        word_weights=weights,
        word_languages=marks.reshape(len(words), len(LANGUAGES)),
        grams=grams,
        gram_vectors=gram_vectors,
        unknown_weight=float(idf.max(initial=1.0)),
        language_means=language_means.astype(np.float32),
        concept_vectors=concept_vectors.astype(np.float32),
        thesaurus=np.frombuffer(json.dumps(thesaurus).encode(), dtype=np.uint8).copy(),
    )


def labels_thesaurus() -> Thesaurus:
    """The thesaurus of the labels stage as it is today."""
    import yaml

    text = resources.files("insights_assets.labels").joinpath("corpus/concepts.yaml").read_text("utf-8")
    document: Thesaurus = yaml.safe_load(text)
    return document


def _company(tokens: Tokens, rows: dict[str, int], vocabulary: Vocabulary) -> NDArray[np.float64]:
    """(rows, DIMENSIONS): the reduced table of which words stand near which, more often than chance would have it."""
    from scipy import sparse

    row_of = np.array([rows.get(word, -1) for word in vocabulary.words], dtype=np.int64)
    word, text = row_of[tokens.word], tokens.text
    lefts, rights = [], []
    for step in range(1, REACH + 1):
        pair = (word[:-step] >= 0) & (word[step:] >= 0) & (text[:-step] == text[step:])
        lefts.append(word[:-step][pair])
        rights.append(word[step:][pair])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    half = sparse.coo_matrix((np.ones(len(left)), (left, right)), shape=(len(rows), len(rows))).tocsr()
    near = (half + half.T).tocoo()
    if not near.nnz:
        return np.zeros((len(rows), DIMENSIONS))
    total = near.sum()
    own = np.asarray(near.sum(axis=1)).ravel()
    # The power 3/4 keeps rare neighbours from looking like strong evidence.
    context = own**0.75
    context *= total / context.sum()
    strength = np.log(near.data * total / (own[near.row] * context[near.col]))
    positive = strength > 0
    table = sparse.csr_matrix((strength[positive], (near.row[positive], near.col[positive])), shape=near.shape)
    return _reduced(table)


def _reduced(table: sparse.csr_matrix) -> NDArray[np.float64]:
    """(rows, DIMENSIONS): left singular vectors times the roots of their values (Halko, Martinsson and Tropp 2011);
    seeded.
    """
    width = min(DIMENSIONS + OVERSAMPLING, table.shape[0])
    basis = np.random.default_rng(0).standard_normal((table.shape[1], width))
    for _ in range(POWER_STEPS):
        basis, _ = np.linalg.qr(table @ basis)
        basis, _ = np.linalg.qr(table.T @ basis)
    basis, _ = np.linalg.qr(table @ basis)
    left, size, _ = np.linalg.svd((table.T @ basis).T, full_matrices=False)
    rank = min(DIMENSIONS, width)
    vectors = (basis @ left)[:, :rank] * np.sqrt(size[:rank])
    return np.pad(vectors, ((0, 0), (0, DIMENSIONS - rank)))


def _concept_vectors(
    words: Sequence[str], concepts: Concepts, company: NDArray[np.float64], weights: Floats
) -> NDArray[np.float64]:
    """(concepts, DIMENSIONS) unit rows: the middle of the words of each concept."""
    added = np.zeros((len(concepts.names), DIMENSIONS))
    for row, word in enumerate(words):
        for number in concepts_of(word, concepts):
            added[number] += weights[row] * company[row]
    return unit_rows(added)


def _letter_runs(words: Sequence[str], vectors: Floats) -> tuple[NDArray[np.uint64], Floats]:
    """Sorted hashes and mean word vectors of the letter runs that at least two words share."""
    from scipy import sparse

    rows = np.array([row for row, word in enumerate(words) for _ in runs(word)], dtype=np.int64)
    codes, column = np.unique(hashes([run for word in words for run in runs(word)]), return_inverse=True)
    table = sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (column, rows)), shape=(len(codes), len(words)))
    shared = np.asarray((table > 0).sum(axis=1)).ravel() >= 2
    return codes[shared], _as_stored(unit_rows(np.asarray(table[shared] @ vectors)))


def _language_means(means: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(languages, DIMENSIONS): what the texts of a language have in common; the mean of all where it has no texts."""
    size = shares.sum(axis=0)
    return (shares.T @ means + means.mean(axis=0)) / (size + 1.0)[:, None]


def _as_stored(vectors: NDArray[np.floating]) -> Floats:
    """What will be read back from the file, so that a space just learned and a space just loaded embed alike."""
    return vectors.astype(np.float16).astype(np.float32)
