"""Which of the shop's languages a text is written in, or that it is written in none of them.

Belongs here: the detector and its thresholds, which were set on public sets (see the measuring test). Does not belong
here: what happens to texts of other languages (`quality`, `labels`), translation, and the customer's locale itself.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

UNDETERMINED = "und"
OTHER = "other"
FEWEST_LETTERS = 8
LEAST_PROBABILITY = 0.5
#: Log of how many times likelier a language the shop does not have must be before the text is called "other". At 0.7
#: (twice) 99 % of review sentences in a shop language stay and 99 % of foreign ones leave; at 0 single words leave far
#: too often.
FOREIGN_MARGIN = 0.7
#: What the customer's locale is worth, as a log factor: it decides "Tamanho grande", never a whole sentence.
HINT_BONUS = 1.0
#: The verdict on a text settles long before this many bytes, and the walk over them is what costs time.
MOST_BYTES = 160

_NOISE = re.compile(r"\[(?:name|email|phone|card|iban|address|handle|id)\]|https?://\S+|www\.\S+|[@#]\w+")
_MAY_BE_NOISE = re.compile(r"[\[@#]|https?:|www\.")
# A byte ends at most one feature, so no count is larger.
_LOG = np.array([math.log1p(count) for count in range(MOST_BYTES + 1)])
#: Texts that walk together: enough that numpy's own cost per step is small, few enough that their letters stay in the cache.
SIDE_BY_SIDE = 2048
#: The engine runs batches in several threads of one process; without this each of them reads the model for itself.
_READING = Lock()


class LanguageDetector:
    """py3langid limited to the shop's languages, with the right to say "none of them".

    One pass scores every language the model knows. Among the configured ones the best is taken; where a language
    outside them is clearly likelier the answer is "other"; with too few letters or too little probability it is "und".


    >>> LanguageDetector(("en", "de")).detect("Die Lampe kam leider zerbrochen an", None)[0]
    'de'
    """

    def __init__(self, languages: Sequence[str] = ("en", "de", "fr", "es", "pt")) -> None:
        if not languages:
            raise ValueError("no languages configured; name at least one, for example ('en',)")
        self.languages = tuple(dict.fromkeys(languages))

    def read_model(self) -> None:
        """Read the model now; otherwise the first text waits for it."""
        _tables(self.languages)

    def detect(self, text: str, hint_locale: str | None = None) -> tuple[str, float]:
        """The language ("other" or "und" where it is none of ours or unknown) and its probability.

        `hint_locale` is what the source says of the customer ("de-AT"); it tips short texts, never long ones.
        """
        return self.detect_many([text], [hint_locale])[0]

    def detect_many(self, texts: Sequence[str], hint_locales: Sequence[str | None]) -> list[tuple[str, float]]:
        """`detect` of each text: the automaton walks all of them side by side, some hundred times faster than one by one."""
        found: list[tuple[str, float]] = [(UNDETERMINED, 0.0)] * len(texts)
        prepared = [_prepared(text) for text in texts]
        spoken = [number for number, data in enumerate(prepared) if data is not None]
        for start in range(0, len(spoken), SIDE_BY_SIDE):
            part = spoken[start : start + SIDE_BY_SIDE]
            scores, heard = self._scores([prepared[number] or b"" for number in part])
            for row, number in enumerate(part):
                if heard[row]:
                    found[number] = self._verdict(scores[row], hint_locales[number])
        return found

    def _scores(self, prepared: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Scores (texts x languages) and whether the model found anything in a text at all."""
        from scipy.sparse import csr_matrix

        tables = _tables(self.languages)
        texts, features = _walk(tables, prepared)
        features_known = len(tables.scores) - 1
        pairs, counts = np.unique(texts * features_known + features, return_counts=True)
        shape = (len(prepared), features_known)
        weights = csr_matrix((_LOG[counts], (pairs // features_known, pairs % features_known)), shape=shape)
        # A sparse product adds feature by feature; a dense one would leave last digits to the machine.
        scores = weights @ tables.scores[:-1] + tables.scores[-1]
        lengths = np.array([len(data) for data in prepared], dtype=np.float64)
        # Dividing by the root of the length is the library's own calibration: without it two lines are always certain.
        return scores / np.sqrt(lengths)[:, None], np.bincount(texts, minlength=len(prepared)) > 0

    def _verdict(self, scores: np.ndarray, hint_locale: str | None) -> tuple[str, float]:
        known = len(self.languages)
        if hint_locale:
            for column in _tables(self.languages).columns.get(_language_of(hint_locale), ()):
                scores[column] += HINT_BONUS
        mine = scores[:known].tolist()
        best, foreign = max(mine), float(scores[known:].max(initial=-math.inf))
        if foreign - best > FOREIGN_MARGIN:
            likelihood = np.exp(scores - foreign)
            return OTHER, float(likelihood[known:].sum() / likelihood.sum())
        probability = 1.0 / sum(math.exp(score - best) for score in mine)
        return (self.languages[mine.index(best)] if probability >= LEAST_PROBABILITY else UNDETERMINED), probability


def _walk(tables: _Tables, prepared: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Every (text, feature) that the automaton meets: one step of all texts at a time, longest first, so that the rest can stop."""
    order = np.argsort([-len(data) for data in prepared], kind="stable")
    lengths = np.array([len(prepared[number]) for number in order])
    letters = np.zeros((lengths[0], len(prepared)), dtype=np.int64)
    for column, number in enumerate(order):
        letters[: lengths[column], column] = np.frombuffer(prepared[number], dtype=np.uint8)
    state = np.zeros(len(prepared), dtype=np.int64)
    texts, features = [], []
    for step in range(lengths[0]):
        still = int(np.searchsorted(-lengths, -step, side="left"))
        state = tables.next_state[tables.rows[state[:still]] + letters[step, :still]]
        feature = tables.outputs[state]
        met = np.flatnonzero(feature >= 0)
        texts.append(order[met])
        features.append(feature[met])
    return np.concatenate(texts), np.concatenate(features)


def _language_of(locale: str) -> str:
    """Both pt_BR and pt-BR are Portuguese."""
    return re.split(r"[-_]", locale.strip(), maxsplit=1)[0].lower()


def _prepared(text: str) -> bytes | None:
    """What the model reads, or None when there are too few letters to say anything."""
    if _MAY_BE_NOISE.search(text):
        text = _NOISE.sub(" ", text)
    if len(text) < FEWEST_LETTERS or sum(map(str.isalpha, text)) < FEWEST_LETTERS:
        return None
    if text.isupper():
        text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    data = text.encode("utf-8", "replace")
    if len(data) <= MOST_BYTES:
        return data
    return data[:MOST_BYTES].decode("utf-8", "ignore").encode()


@dataclass(frozen=True)
class _Tables:
    """The model's automaton, and its scores with the columns of our languages first and the priors as the last row."""

    next_state: np.ndarray
    rows: np.ndarray
    outputs: np.ndarray
    scores: np.ndarray
    columns: dict[str, tuple[int, ...]]


def _tables(languages: tuple[str, ...]) -> _Tables:
    with _READING:
        return _tables_once(languages)


@lru_cache(maxsize=4)
def _tables_once(languages: tuple[str, ...]) -> _Tables:
    model = _model()
    names = list(model.nb_classes)
    unknown = [language for language in languages if language not in names]
    if unknown:
        raise ValueError(
            f"the language model does not know {', '.join(unknown)}; it knows {', '.join(sorted(set(names)))}"
        )
    # A language in two scripts has two columns; ours are the first of each, the second ones are left out.
    order = [names.index(language) for language in languages] + [
        i for i, name in enumerate(names) if name not in languages
    ]
    columns: dict[str, tuple[int, ...]] = {}
    for column, index in enumerate(order):
        columns[names[index]] = (*columns.get(names[index], ()), column)
    return _Tables(
        next_state=np.asarray(model.tk_nextmove, dtype=np.int64),
        rows=np.asarray(model.tk_row, dtype=np.int64) << 8,
        outputs=np.asarray(model.tk_output, dtype=np.int64),
        scores=np.ascontiguousarray(np.vstack([model.nb_ptc[:, order], model.nb_pc[order]]), dtype=np.float64),
        columns=columns,
    )


@lru_cache(maxsize=1)
def _model() -> Any:
    """The model, once a process: reading it takes about a second, and a process that never asks never pays."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
