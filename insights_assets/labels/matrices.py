"""Matrices: texts of one language as sparse rows over the columns of a space, scaled as they are when they are scored.

Belongs here: what training on the corpus and learning from a shop's reviews both fit their weights on. Does not belong here:
choosing columns (`features`), fitting (`training`, `adaptation`), scoring (`classifier`, which sums over words instead).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from insights_assets.labels.concepts import Concepts
from insights_assets.labels.features import BLOCK_WEIGHTS, Clauses, LanguageSpace, concept_pairs, concept_table, word_pairs, word_rows
from insights_assets.labels.words import Tokens, Vocabulary

#: Blocks whose columns belong to one language; concepts are shared by all.
SPLIT_BLOCKS = ("word", "pair", "letters")


@dataclass(frozen=True)
class TextBlocks:
    """Texts of one language: rows of each block, and the squared lengths they are divided by."""

    word: Any
    pair: Any
    letters: Any
    concept: Any  # counts: their idf is of all languages together
    concept_pair: Any
    word_length: np.ndarray
    letters_length: np.ndarray


def text_blocks(tokens: Tokens, units: Clauses, vocabulary: Vocabulary, space: LanguageSpace, concepts: Concepts, language: str) -> TextBlocks:
    """The blocks of a batch; token x word incidence turns properties of words into properties of texts."""
    from scipy import sparse

    count, names = len(tokens.folded), len(concepts.names)
    known = word_rows(vocabulary.words, space)
    table = concept_table(vocabulary.words, concepts, language)
    incidence = sparse.csr_matrix((np.ones(len(tokens.heard)), (tokens.text, tokens.heard)), shape=(count, len(vocabulary)))
    where, pair = word_pairs(np.array([space.words.get(word, -1) for word in vocabulary.words])[tokens.heard], units, space)
    at, both = concept_pairs(table, tokens.heard, units, names)
    numbers = np.flatnonzero(table.ravel() >= 0)
    pair_length = np.bincount(tokens.text[where], space.pair_idf[pair] ** 2, minlength=count)
    return TextBlocks(
        word=incidence @ known.words,
        pair=sparse.csr_matrix((space.pair_idf[pair], (tokens.text[where], pair)), shape=(count, len(space.pair_keys))),
        letters=incidence @ known.grams,
        concept=incidence @ sparse.csr_matrix((np.ones(len(numbers)), (numbers // table.shape[1], table.ravel()[numbers])), shape=(len(vocabulary), names)),
        concept_pair=sparse.csr_matrix((np.ones(len(at)), (tokens.text[at], both)), shape=(count, names**2)),
        word_length=incidence @ known.word_length + pair_length,
        letters_length=incidence @ known.gram_length,
    )


def scaled_columns(parts: Sequence[TextBlocks], single_idf: np.ndarray, paired_idf: np.ndarray) -> Any:
    """One row a text over all languages, each block of length one: the columns of word, pair and letters a language, then concepts and their pairs."""
    from scipy import sparse

    single = sparse.vstack([part.concept for part in parts]).tocsr()
    paired = sparse.vstack([part.concept_pair for part in parts]).tocsr()
    columns = [
        sparse.block_diag([
            _over(part.letters_length if name == "letters" else part.word_length, BLOCK_WEIGHTS["letters" if name == "letters" else "word"]) @ getattr(part, name)
            for part in parts
        ], format="csr")
        for name in SPLIT_BLOCKS
    ]  # fmt: skip
    scale = _over(single @ single_idf**2 + paired @ paired_idf**2, BLOCK_WEIGHTS["concept"])
    columns += [scale @ single @ sparse.diags(single_idf), scale @ paired @ sparse.diags(paired_idf)]
    design = sparse.hstack(columns, format="csr")
    design.sum_duplicates()
    return design


def weights_of(
    coefficients: np.ndarray, spaces: dict[str, LanguageSpace], parts: Sequence[TextBlocks], single_idf: np.ndarray, paired_idf: np.ndarray
) -> dict[str, np.ndarray]:
    """Coefficients of `scaled_columns` (columns x targets) as the blocks that a classifier looks up."""
    weights: dict[str, np.ndarray] = {}
    at = 0
    for name in SPLIT_BLOCKS:
        for (language, space), part in zip(spaces.items(), parts, strict=True):
            size = getattr(part, name).shape[1]
            block = coefficients[at : at + size] * BLOCK_WEIGHTS["letters" if name == "letters" else "word"]
            if name == "pair":  # looked up by column when scoring, so its idf goes in here; the others carry theirs
                block = block * space.pair_idf[:, None]
            weights[f"{language}.{name}"] = block.astype(np.float32)
            at += size
    concepts = len(single_idf)
    weights["concept"] = coefficients[at : at + concepts] * single_idf[:, None] * BLOCK_WEIGHTS["concept"]
    weights["concept_pair"] = coefficients[at + concepts :] * paired_idf[:, None] * BLOCK_WEIGHTS["concept"]
    return weights


def document_idf(counts: Any) -> np.ndarray:
    """Smoothed inverse document frequency of the columns of counts; 0 for a column never seen."""
    rows, columns = counts.shape
    present = np.bincount(counts.indices, minlength=columns)
    return np.where(present > 0, np.log((1.0 + rows) / (1.0 + present)) + 1.0, 0.0)


def _over(length: np.ndarray, weight: float) -> Any:
    from scipy import sparse

    return sparse.diags(weight / np.sqrt(np.maximum(length, 1e-9)))
