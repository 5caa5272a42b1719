"""The local classifier: topics and tone of a text with calibrated confidence, and the clause that shows each.

Belongs here: scoring batches with stored weights, probabilities, saving and loading as plain arrays (no pickle: a
file on shared storage must not be able to run code), the model's content-hash version. Does not belong here:
fitting (`training`), rules and the order of the cascade (`rules`, `cascade`).

A text is scored twice: clause by clause, so that several topics each find their own evidence, and as a whole, so
that what is said over two sentences is heard too. A logistic curve per topic, fitted on phrasings the weights never
saw, turns both scores and what stands beside them into one probability (Platt 1999; research notes, section 6;
`calibration`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from insights_assets.labels.calibration import Signals, signals_of
from insights_assets.labels.concepts import LANGUAGES, load_concepts, parse_concepts
from insights_assets.labels.denial import DenialReader
from insights_assets.labels.features import (
    BLOCK_WEIGHTS,
    Clauses,
    LanguageSpace,
    concept_pairs,
    concept_table,
    cut,
    word_pairs,
    word_rows,
)
from insights_assets.labels.lexicon import ToneReader
from insights_assets.labels.words import Tokens, Vocabulary

FORMAT = 2
MOST_WORDS_KEPT = 300_000  # a vocabulary that grew beyond this is dropped and begun anew
TONES = ("negative", "positive")
_LAST_MARK = 0x2600  # signs of money and punctuation come before, emoji after


@dataclass(frozen=True)
class Scores:
    """What the classifier says of a batch: probabilities, and where each topic is said."""

    topics: tuple[str, ...]
    probability: np.ndarray  # texts x topics
    evidence: np.ndarray  # texts x topics: number of the clause that says it most clearly
    tone: np.ndarray  # texts x (negative, positive), probabilities
    clause_tone: np.ndarray  # clauses x (negative, positive), scores
    clause_words: np.ndarray  # clauses: tone of their words by the lexicon
    clauses: Clauses
    tokens: Tokens


@dataclass
class _WordTable:
    """Scores of the words of one language, computed once per distinct word."""

    denial: DenialReader
    tones: ToneReader
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    done: int = 0
    column: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    concepts: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))
    says: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))  # letters or an emoji, not digits and marks alone
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    norms: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Classifier:
    """Linear one-vs-rest model over three feature blocks with per-topic calibration. Made by `training.train`."""

    topics: tuple[str, ...]
    thresholds: np.ndarray
    platt: np.ndarray  # topics x calibration.CURVE
    tone_platt: np.ndarray
    weights: Mapping[str, np.ndarray]  # "<language>.word", "<language>.pair", "<language>.letters", "concept", ...
    bias: np.ndarray
    spaces: Mapping[str, LanguageSpace]
    concept_document: Mapping[str, Mapping[str, str]]
    card: dict[str, Any]

    def __post_init__(self) -> None:
        self._concepts = parse_concepts(self.concept_document)
        self._tables: dict[str, _WordTable] = {}

    @cached_property
    def model_version(self) -> str:
        """The hash of what decides a score, worked out when it is first asked for."""
        return "local@" + self._digest()[:12]

    def score(self, folded: Sequence[str], language: str) -> Scores:
        """Score folded texts of one language (see `words.fold`)."""
        tokens, units, clause_logits, text_logits, words = self._scored(folded, language)
        count = len(self.topics)
        signals = signals_of(clause_logits, text_logits, words, units, count)
        logit = signals.logits(self.platt)
        logit[~self._says_something(tokens, language)] = -9.0
        tone = text_logits[:, count:] * self.tone_platt[:, 0] + self.tone_platt[:, 1]
        return Scores(
            self.topics, sigmoid(logit), signals.evidence, sigmoid(tone), clause_logits[:, count:], words, units, tokens
        )

    def _says_something(self, tokens: Tokens, language: str) -> np.ndarray:
        """Whether a text has a single word: "!!!" stands in many a happy text, and is none by itself."""
        said = np.zeros(len(tokens.folded), dtype=bool)
        said[tokens.text[self._tables[language].says[tokens.word]]] = True
        return said

    def vocabulary(self, language: str) -> Vocabulary:
        """The words met so far in a language; numbers in `Scores.tokens` point into it."""
        return self._tables[language].vocabulary

    def raw_scores(self, folded: Sequence[str], language: str) -> tuple[Signals, np.ndarray]:
        """Signals of topics, and tone scores, before calibration: what calibration is fitted on."""
        _, units, clause_logits, text_logits, words = self._scored(folded, language)
        count = len(self.topics)
        return signals_of(clause_logits, text_logits, words, units, count), text_logits[:, count:]

    def _scored(self, folded: Sequence[str], language: str) -> tuple[Tokens, Clauses, np.ndarray, np.ndarray, np.ndarray]:
        table = self._tables.get(language)
        if table is None or len(table.vocabulary) > MOST_WORDS_KEPT:
            table = self._tables[language] = _WordTable(DenialReader(language), ToneReader(language))
        tokens = Tokens(list(folded), table.vocabulary)
        units = cut(tokens)
        tokens.heard = table.denial.heard(tokens.word, units.of_token, table.vocabulary)
        self._extend(table, language)
        words = table.tones.clause_tones(tokens, units, table.vocabulary)
        return tokens, units, *self._logits(tokens, units, table, language), words

    def _logits(
        self, tokens: Tokens, units: Clauses, table: _WordTable, language: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores of clauses and of whole texts. Blocks are sums over tokens, each divided by its length."""
        text_count = len(tokens.folded)
        from scipy import sparse

        clause_count = len(units.first_token)
        clause_logits = np.tile(self.bias, (clause_count, 1))
        text_logits = np.tile(self.bias, (text_count, 1))
        if not len(tokens.word):
            return clause_logits, text_logits
        texts, begin = np.unique(units.of_text, return_index=True)
        ends = np.append(units.first_token, len(tokens.heard))
        # Clauses x words, as they stand: sums over the words of a clause are products with the words' scores.
        said = sparse.csr_matrix((np.ones(len(tokens.heard)), tokens.heard, ends), shape=(clause_count, len(table.vocabulary)))
        for block in BLOCK_WEIGHTS:
            sums, lengths = said @ table.scores[block], said @ table.norms[block]
            if block == "word":
                paired = _paired(*word_pairs(table.column[tokens.heard], units, self.spaces[language]), units, clause_count, len(self.spaces[language].pair_idf))
                sums += paired @ self.weights[f"{language}.pair"]
                lengths += paired @ self.spaces[language].pair_idf ** 2
            elif block == "concept":
                where, pair = concept_pairs(table.concepts, tokens.heard, units, len(self._concepts.names))
                paired = _paired(where, pair, units, clause_count, len(self.weights["concept_pair_idf"]))
                sums += paired @ self.weights["concept_pair"]
                lengths += paired @ self.weights["concept_pair_idf"] ** 2
            clause_logits += sums / np.sqrt(np.maximum(lengths, 1e-9))[:, None]
            text_sums = np.add.reduceat(sums, begin, axis=0)
            text_lengths = np.add.reduceat(lengths, begin)
            text_logits[texts] += text_sums / np.sqrt(np.maximum(text_lengths, 1e-9))[:, None]
        return clause_logits, text_logits

    def _extend(self, table: _WordTable, language: str) -> None:
        """Work out the scores of words met for the first time."""
        fresh = table.vocabulary.words[table.done :]
        if not fresh:
            return
        space = self.spaces[language]
        rows = word_rows(fresh, space)
        concepts = concept_table(fresh, self._concepts, language)
        known = concepts >= 0
        concept_idf = np.append(self.weights["concept_idf"], 0.0)  # -1 reads the zero at the end
        concept_weights = np.vstack([self.weights["concept"], np.zeros(len(self.bias))])
        parts = {
            "word": (rows.words @ self.weights[f"{language}.word"], rows.word_length),
            "letters": (rows.grams @ self.weights[f"{language}.letters"], rows.gram_length),
            "concept": (concept_weights[concepts].sum(axis=1), (concept_idf[concepts] ** 2 * known).sum(axis=1)),
        }
        for block, (scores, norms) in parts.items():
            norms = np.asarray(norms, dtype=np.float64).ravel()
            if block in table.scores:
                scores = np.vstack([table.scores[block], scores])
                norms = np.append(table.norms[block], norms)
            table.scores[block], table.norms[block] = np.asarray(scores), norms
        column = np.array([space.words.get(word, -1) for word in fresh], dtype=np.int64)
        table.column = np.append(table.column, column)
        table.says = np.append(table.says, [word[0].isalpha() or ord(word[0]) > _LAST_MARK for word in fresh])
        table.concepts = np.vstack([table.concepts, concepts])
        table.done = len(table.vocabulary)

    def save(self, path: Path) -> None:
        """Write `<path>.npz` and `<path>.json`: numbers and text, nothing that could be executed on loading."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays, document = self._parts()
        with path.with_suffix(".npz").open("wb") as file:
            np.savez_compressed(file, **arrays)
        document["model_version"] = self.model_version
        # Not sorted: the order of the concepts is the order of their columns.
        path.with_suffix(".json").write_text(json.dumps(document, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Read a saved model; refuses another format and content that does not match its version."""
        document = json.loads(path.with_suffix(".json").read_text("utf-8"))
        if document.get("format") != FORMAT:
            raise ValueError(f"{path}: format {document.get('format')!r}, this code reads {FORMAT}")
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        spaces = {
            language: LanguageSpace(
                {word: column for column, word in enumerate(names["words"])},
                arrays.pop(f"{language}.word_idf"),
                arrays.pop(f"{language}.pair_keys"),
                arrays.pop(f"{language}.pair_idf"),
                {gram: column for column, gram in enumerate(names["grams"])},
                arrays.pop(f"{language}.gram_idf"),
                frozenset(names["function_words"]),
            )
            for language, names in document["spaces"].items()
        }
        fixed = {name: arrays.pop(name) for name in ("thresholds", "platt", "tone_platt", "bias")}
        model = cls(
            topics=tuple(document["topics"]), weights=arrays, spaces=spaces,
            concept_document=document["concepts"], card=document["card"], **fixed,
        )
        if model.model_version != document["model_version"]:
            raise ValueError(f"{path}: content is {model.model_version}, the file says {document['model_version']}")
        return model

    def _parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = {
            "thresholds": self.thresholds, "platt": self.platt, "tone_platt": self.tone_platt, "bias": self.bias,
            **self.weights,
        }
        for language, space in self.spaces.items():
            arrays[f"{language}.word_idf"] = space.word_idf
            arrays[f"{language}.pair_keys"] = space.pair_keys
            arrays[f"{language}.pair_idf"] = space.pair_idf
            arrays[f"{language}.gram_idf"] = space.gram_idf
        document = {
            "format": FORMAT,
            "topics": list(self.topics),
            "spaces": {
                language: {
                    "words": list(space.words), "grams": list(space.grams), "function_words": sorted(space.function_words)
                }
                for language, space in self.spaces.items()
            },
            "concepts": self.concept_document,
            "card": self.card,
        }
        return arrays, document

    def _digest(self) -> str:
        """Hash of everything that decides a score; rounding keeps it equal across numpy builds."""
        arrays, document = self._parts()
        digest = hashlib.sha256(json.dumps(
            [document["topics"], document["spaces"], document["concepts"]], ensure_ascii=False
        ).encode())
        for name in sorted(arrays):
            digest.update(name.encode())
            digest.update(np.round(np.asarray(arrays[name], dtype=np.float64), 4).tobytes())
        return digest.hexdigest()


def _paired(where: np.ndarray, pair: np.ndarray, units: Clauses, clauses: int, pairs: int) -> Any:
    """Clauses x pairs, from the tokens that pairs were found at."""
    from scipy import sparse

    return sparse.csr_matrix((np.ones(len(where)), (units.of_token[where], pair)), shape=(clauses, pairs))


def sigmoid(value: np.ndarray) -> np.ndarray:
    """Logistic function that does not overflow."""
    return 1.0 / (1.0 + np.exp(-np.clip(value, -30.0, 30.0)))


def concept_source() -> Mapping[str, Mapping[str, str]]:
    """The thesaurus as written, to be stored inside a model so that it always scores with its own."""
    from importlib import resources

    import yaml

    load_concepts()
    text = resources.files("insights_assets.labels").joinpath("corpus/concepts.yaml").read_text("utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


__all__ = ["LANGUAGES", "TONES", "Classifier", "Scores", "concept_source", "sigmoid"]
