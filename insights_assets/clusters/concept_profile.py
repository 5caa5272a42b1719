"""Which concepts of the thesaurus a text touches, whatever the language: the part of a local vector that crosses wordings.

Belongs here: looking words up in every language at once, for whole batches. Does not belong here: the thesaurus itself (the labels
stage owns it), weights and lengths (`word_space.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insights_assets.clusters.stop_words import STOP_WORDS
from insights_assets.labels.concepts import LANGUAGES, parse_concepts

if TYPE_CHECKING:
    from scipy import sparse

Thesaurus = Mapping[str, Mapping[str, str]]


class ConceptsOf:
    """The concepts of words, remembered word by word."""

    def __init__(self, thesaurus: Thesaurus) -> None:
        self._thesaurus = {name: dict(words) for name, words in thesaurus.items()}
        self._concepts = parse_concepts(self._thesaurus)
        self._known: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._concepts.names)

    def of(self, word: str) -> tuple[int, ...]:
        """Numbers of the concepts of a folded word in any language; none for function words."""
        found = self._known.get(word)
        if found is None:
            meaning = word[0].isalpha() and word not in STOP_WORDS
            found = tuple(sorted({c for language in LANGUAGES for c in self._concepts.of(word, language)})) if meaning else ()
            self._known[word] = found
        return found

    def touched(self, words: Sequence[str], counts: sparse.csr_matrix) -> NDArray[np.float64]:
        """(texts, concepts) 1 where a text holds a word of the concept; `counts` is (texts, words)."""
        from scipy import sparse

        columns = [self.of(word) for word in words]
        starts = np.concatenate([[0], np.cumsum([len(found) for found in columns])])
        flat = np.array([number for found in columns for number in found], dtype=np.int64)
        table = sparse.csr_matrix((np.ones(len(flat)), flat, starts), shape=(len(words), len(self)))
        return np.asarray((counts @ table > 0).toarray(), dtype=np.float64)

    def as_bytes(self) -> NDArray[np.uint8]:
        """The thesaurus as JSON, to be frozen with a model."""
        return np.frombuffer(json.dumps(self._thesaurus, ensure_ascii=True).encode(), dtype=np.uint8).copy()


def labels_thesaurus() -> Thesaurus:
    """The thesaurus of the labels stage as it is today."""
    import yaml

    text = resources.files("insights_assets.labels").joinpath("corpus/concepts.yaml").read_text("utf-8")
    document: Thesaurus = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return document
