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
_LOG = tuple(math.log1p(count) for count in range(MOST_BYTES + 1))


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

    def detect(self, text: str, hint_locale: str | None = None) -> tuple[str, float]:
        """The language ("other" or "und" where it is none of ours or unknown) and its probability.

        `hint_locale` is what the source says of the customer ("de-AT"); it tips short texts, never long ones.
        """
        prepared = _prepared(text)
        if prepared is None:
            return UNDETERMINED, 0.0
        tables = _tables(self.languages)
        found = _visit_counts()(tables.next_state, tables.rows, tables.outputs, prepared)
        if not found:
            return UNDETERMINED, 0.0
        weights = np.array([*map(_LOG.__getitem__, found.values()), 1.0], dtype=np.float32)
        rows = [*found, len(tables.scores) - 1]
        # Summed row by row and not as a matrix product, whose last digits depend on the machine.
        scores = (tables.scores[rows] * weights[:, None]).sum(axis=0)
        # Dividing by the root of the length is the library's own calibration: without it two lines are always certain.
        return self._verdict(scores / math.sqrt(len(prepared)), hint_locale)

    def _verdict(self, scores: np.ndarray, hint_locale: str | None) -> tuple[str, float]:
        known = len(self.languages)
        if hint_locale:
            for column in _tables(self.languages).columns.get(_language_of(hint_locale), ()):
                scores[column] += HINT_BONUS
        mine = scores[:known].tolist()
        best, foreign = max(mine), float(scores[known:].max(initial=-math.inf))
        if foreign - best > FOREIGN_MARGIN:
            likelihood = np.exp(scores.astype(np.float64) - foreign)
            return OTHER, float(likelihood[known:].sum() / likelihood.sum())
        probability = 1.0 / sum(math.exp(score - best) for score in mine)
        return (self.languages[mine.index(best)] if probability >= LEAST_PROBABILITY else UNDETERMINED), probability


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

    next_state: Any
    rows: list[int]
    outputs: list[int]
    scores: np.ndarray
    columns: dict[str, tuple[int, ...]]


@lru_cache(maxsize=4)
def _tables(languages: tuple[str, ...]) -> _Tables:
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
    rows = [row << 8 for row in model.tk_row]
    return _Tables(
        next_state=model.tk_nextmove,
        rows=rows,
        outputs=model.tk_output,
        scores=np.ascontiguousarray(np.vstack([model.nb_ptc[:, order], model.nb_pc[order]]), dtype=np.float32),
        columns=columns,
    )


@lru_cache(maxsize=1)
def _model() -> Any:
    """The model, once a process: reading it takes about a second, and a process that never asks never pays."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)


@lru_cache(maxsize=1)
def _visit_counts() -> Any:
    from py3langid.langid import visit_counts

    return visit_counts
