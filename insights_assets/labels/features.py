"""Features: what the classifier sees of a text, computed for a whole batch with numpy.

Belongs here: the three blocks (words and pairs of words; letters inside words; concepts and pairs of concepts) and
the sparse matrices made of them. Does not belong here: fitting and probabilities (`training`, `classifier`).

Letter n-grams stay inside words, as scikit-learn's `char_wb` does. So everything but the pairs is a property of a
word, is computed once per distinct word of a batch, and a text is a sum over its words: that is what makes
tens of thousands of texts a second possible in plain numpy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from insights_assets.labels.concepts import Concepts
from insights_assets.labels.evidence import Span, clauses
from insights_assets.labels.words import Tokens, Vocabulary

SHORTEST_GRAM, LONGEST_GRAM = 2, 4  # with five letters the figures were the same and training took half as long again
PAIR_REACH = 4  # a concept pairs with the next four concepts of its clause, whatever the order
BLOCK_WEIGHTS = {"word": 1.0, "letters": 1.0, "concept": 1.0}


def grams(word: str) -> list[str]:
    """Letter n-grams of a word with its borders marked."""
    padded = f"<{word}>"
    return [
        padded[start : start + size]
        for size in range(SHORTEST_GRAM, LONGEST_GRAM + 1)
        for start in range(len(padded) - size + 1)
    ]


@dataclass(frozen=True)
class LanguageSpace:
    """Columns of one language: words, neighbouring words and letter n-grams, with their idf."""

    words: Mapping[str, int]
    word_idf: np.ndarray
    pair_keys: np.ndarray  # sorted; first word * 2**32 + second word
    pair_idf: np.ndarray
    grams: Mapping[str, int]
    gram_idf: np.ndarray
    function_words: frozenset[str] = frozenset()  # count in pairs only


@dataclass(frozen=True)
class Clauses:
    """Where each clause of a batch begins among the tokens, and to which text it belongs."""

    first_token: np.ndarray
    of_text: np.ndarray
    starts: np.ndarray  # characters in the text
    ends: np.ndarray
    of_token: np.ndarray


def cut(tokens: Tokens) -> Clauses:
    """The clauses of all texts of a batch; clauses without a single token are left out."""
    of_text: list[int] = []
    spans: list[Span] = []
    has_token = np.diff(tokens.first) > 0
    for row in np.flatnonzero(has_token).tolist():
        found = clauses(tokens.folded[row])
        spans += found
        of_text += [row] * len(found)
    rows = np.asarray(of_text, dtype=np.int64)
    starts, ends = np.asarray(spans, dtype=np.int64).reshape(-1, 2).T
    # Positions in one long text: a clause has the tokens that begin before its end and after the end of the one before it.
    stride = max(map(len, tokens.folded), default=0) + 1
    last = np.searchsorted(tokens.text * stride + tokens.starts, rows * stride + ends)
    first = tokens.first[rows]
    if len(rows):
        first[1:] = np.where(rows[1:] == rows[:-1], last[:-1], first[1:])
    kept = last > first
    first, rows = first[kept], rows[kept]
    sizes = np.diff([*first, len(tokens.word)])
    return Clauses(first, rows, starts[kept], ends[kept], np.repeat(np.arange(len(first)), sizes))


def learn_space(
    tokens: Tokens, vocabulary: Vocabulary, units: Clauses, function_words: frozenset[str], least: int = 2
) -> LanguageSpace:
    """Choose columns: words in any clause, pairs and n-grams in at least `least`. Counting is by clause."""
    unit_count = len(units.first_token)
    seen = np.unique(units.of_token * len(vocabulary) + tokens.heard)
    word_count = np.bincount(seen % len(vocabulary), minlength=len(vocabulary))
    kept = [number for number in range(len(vocabulary)) if word_count[number]]
    words = {vocabulary.words[number]: column for column, number in enumerate(kept)}
    column_of = np.full(len(vocabulary), -1, dtype=np.int64)
    column_of[kept] = np.arange(len(kept))
    columns = column_of[tokens.heard]
    keys, _ = neighbours(columns, units.of_token)
    pair_keys, pair_counts = np.unique(keys, return_counts=True)
    enough = pair_counts >= least
    gram_counts: Counter[str] = Counter()
    for number, word in enumerate(vocabulary.words):
        if word[0].isalpha() and word not in function_words:
            for gram in set(grams(word)):
                gram_counts[gram] += int(word_count[number])
    gram_names = sorted(gram for gram, count in gram_counts.items() if count >= 2 * least)
    return LanguageSpace(
        words,
        _idf(word_count[kept], unit_count),
        pair_keys[enough],
        _idf(pair_counts[enough], unit_count),
        {gram: column for column, gram in enumerate(gram_names)},
        _idf(np.array([gram_counts[gram] for gram in gram_names], dtype=np.float64), unit_count),
        function_words,
    )


UNKNOWN_SHARE = 0.5  # how much a word or n-gram nobody has seen weighs in the length of a clause


@dataclass(frozen=True)
class WordRows:
    """Properties of the words of a vocabulary: sparse rows of idf values, and how long they make a clause."""

    words: Any
    grams: Any
    word_length: np.ndarray
    gram_length: np.ndarray


def word_rows(words: Sequence[str], space: LanguageSpace) -> WordRows:
    """Look the words of a vocabulary up in a space.

    What was never seen has no column but has length: a clause of ten unknown words and one known one is weak
    evidence, not a one-word clause. Without it the model is sure of itself exactly where it knows least.
    """
    from scipy import sparse

    bare = space.function_words
    known = np.array([-1 if word in bare else space.words.get(word, -1) for word in words], dtype=np.int64)
    rows = np.flatnonzero(known >= 0)
    word_matrix = sparse.csr_matrix(
        (space.word_idf[known[rows]], (rows, known[rows])), shape=(len(words), len(space.words)), dtype=np.float64
    )
    rare_word = float(space.word_idf.max(initial=1.0)) ** 2 * UNKNOWN_SHARE
    rare_gram = float(space.gram_idf.max(initial=1.0)) ** 2 * UNKNOWN_SHARE
    word_length = np.asarray(word_matrix.power(2).sum(axis=1)).ravel()
    indptr = [0]
    columns: list[int] = []
    unknown = np.zeros(len(words))
    lookup = space.grams
    for row, word in enumerate(words):
        if word[0].isalpha() and word not in bare:
            pieces = grams(word)
            before = len(columns)
            columns.extend(column for gram in pieces if (column := lookup.get(gram)) is not None)
            unknown[row] = len(pieces) - (len(columns) - before)
            if known[row] < 0:
                word_length[row] = rare_word
        indptr.append(len(columns))
    column_array = np.asarray(columns, dtype=np.int64)
    gram_matrix = sparse.csr_matrix(
        (space.gram_idf[column_array] if columns else np.zeros(0), column_array, np.asarray(indptr)),
        shape=(len(words), len(space.grams)),
    )
    gram_length = np.asarray(gram_matrix.power(2).sum(axis=1)).ravel() + unknown * rare_gram
    return WordRows(word_matrix, gram_matrix, word_length, gram_length)


def concept_table(words: Iterable[str], concepts: Concepts, language: str, width: int = 3) -> np.ndarray:
    """Concept numbers of each word, filled up with -1."""
    rows = [concepts.of(word, language) for word in words]
    table = np.full((len(rows), width), -1, dtype=np.int64)
    for row, numbers in enumerate(rows):
        table[row, : len(numbers)] = numbers
    return table


def word_pairs(columns: np.ndarray, units: Clauses, space: LanguageSpace) -> tuple[np.ndarray, np.ndarray]:
    """(token positions, pair columns) of neighbouring words the space knows."""
    keys, where = neighbours(columns, units.of_token)
    if not len(space.pair_keys):
        return where[:0], where[:0]
    found = np.searchsorted(space.pair_keys, keys)
    found[found == len(space.pair_keys)] = 0
    hit = space.pair_keys[found] == keys
    return where[hit], found[hit]


def concept_pairs(table: np.ndarray, token_words: np.ndarray, units: Clauses, count: int) -> tuple[
    np.ndarray, np.ndarray
]:
    """(token positions, pair number) of concepts that stand near each other in a clause, order ignored."""
    own = table[token_words]
    bearing = np.flatnonzero(own[:, 0] >= 0)
    rows = own[bearing]
    clause = units.of_token[bearing]
    positions: list[np.ndarray] = []
    pairs: list[np.ndarray] = []
    for step in range(1, PAIR_REACH + 1):
        if len(bearing) <= step:
            break
        same = np.flatnonzero(clause[:-step] == clause[step:])
        for left in range(2):
            for right in range(2):
                first, second = rows[same, left], rows[same + step, right]
                both = (first >= 0) & (second >= 0) & (first != second)
                low, high = np.minimum(first[both], second[both]), np.maximum(first[both], second[both])
                positions.append(bearing[same[both]])
                pairs.append(low * count + high)
    if not positions:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    return np.concatenate(positions), np.concatenate(pairs)


def neighbours(columns: np.ndarray, of_token: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys of neighbouring known words inside a clause, and the position of the second word."""
    if len(columns) < 2:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    valid = (columns[:-1] >= 0) & (columns[1:] >= 0) & (of_token[:-1] == of_token[1:])
    where = np.flatnonzero(valid) + 1
    return columns[where - 1] * (1 << 32) + columns[where], where


def _idf(counts: np.ndarray, total: int) -> np.ndarray:
    """Smoothed inverse document frequency, as scikit-learn defines it."""
    return np.log((1.0 + total) / (1.0 + np.asarray(counts, dtype=np.float64))) + 1.0
