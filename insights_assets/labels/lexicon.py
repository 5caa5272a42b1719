"""Lexicon: words with a tone in five languages, and the tone they give the clauses of a batch.

Belongs here: reading `corpus/sentiment.yaml` and the wider tone table, negation and emphasis. Does not belong here: what the tone of a
clause means for a topic (`classifier`) or for the tone of a text (`sentiment`); how the table is made (`tone_table`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

import numpy as np

from insights_assets.labels.features import Clauses
from insights_assets.labels.tone_table import load_tone_table
from insights_assets.labels.words import Tokens, Vocabulary

NEGATION_REACH = 3  # words after a negation (German: around it) whose tone turns
_TURNED = -0.6  # "not good" is bad, but less so than "bad"; "not bad" is mildly good
_STRONGER = 1.3


@dataclass(frozen=True)
class ToneWords:
    """Words with a tone of one language: exact and by beginning."""

    exact: Mapping[str, float]
    beginnings: Mapping[str, float]
    negations: Mapping[str, bool]  # word or beginning -> whether it is only a beginning
    stronger: frozenset[str]

    def value(self, word: str) -> float:
        """Tone of a word between -2 and 2; the longest beginning wins."""
        found = self.exact.get(word)
        if found is not None:
            return found
        for length in range(len(word), 2, -1):
            found = self.beginnings.get(word[:length])
            if found is not None:
                return found
        return 0.0

    def negates(self, word: str) -> bool:
        """Whether a word turns what follows."""
        return self.negations.get(word) is False or any(
            starts and word.startswith(beginning) for beginning, starts in self.negations.items()
        )


@dataclass
class ToneReader:
    """Lexicon scores of batches of one language; remembers each word it has met."""

    language: str
    values: np.ndarray = field(default_factory=lambda: np.zeros(0))
    negates: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    stronger: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def clause_tones(self, tokens: Tokens, units: Clauses, vocabulary: Vocabulary) -> np.ndarray:
        """Tones of the words of each clause, added up."""
        self._extend(vocabulary)
        if not len(units.first_token):
            return np.zeros(0)
        values = self.values[tokens.word].copy()
        turned = np.zeros(len(values), dtype=bool)
        strong = np.zeros(len(values), dtype=bool)
        negative = self.negates[tokens.word]
        louder = self.stronger[tokens.word]
        for step in range(1, NEGATION_REACH + 1):
            same = units.of_token[:-step] == units.of_token[step:] if step < len(values) else np.zeros(0, dtype=bool)
            if not len(same):
                break
            turned[step:] |= negative[:-step] & same
            if self.language == "de" and step <= 2:  # "gefällt mir nicht": the negation follows
                turned[:-step] |= negative[step:] & same
            if step == 1:
                strong[1:] |= louder[:-1] & same
        values = np.where(turned & ~negative, values * _TURNED, values)
        values = np.where(strong, values * _STRONGER, values)
        return np.add.reduceat(values, units.first_token)

    def _extend(self, vocabulary: Vocabulary) -> None:
        fresh = vocabulary.words[len(self.values) :]
        if len(vocabulary) < len(self.values):  # the classifier began a new vocabulary
            self.values, self.negates, self.stronger = np.zeros(0), np.zeros(0, bool), np.zeros(0, bool)
            fresh = vocabulary.words
        if not fresh:
            return
        lexicon = load_tone_words()[self.language]
        wider = load_tone_table()
        self.values = np.append(self.values, [lexicon.value(word) or wider.get(word, 0.0) for word in fresh])
        self.negates = np.append(self.negates, [lexicon.negates(word) for word in fresh])
        self.stronger = np.append(self.stronger, [word in lexicon.stronger for word in fresh])


@lru_cache(maxsize=1)
def load_tone_words() -> Mapping[str, ToneWords]:
    """Read the lexicon once a process; emoji are part of every language."""
    import yaml

    text = resources.files("insights_assets.labels").joinpath("corpus/sentiment.yaml").read_text("utf-8")
    document = yaml.safe_load(text)
    emoji = document.pop("emoji")
    return {language: _tone_words(words, emoji) for language, words in document.items()}


_STRENGTH = {"good2": 2.0, "good1": 1.0, "bad1": -1.0, "bad2": -2.0}


def _tone_words(words: Mapping[str, str], emoji: Mapping[str, str]) -> ToneWords:
    exact: dict[str, float] = {}
    beginnings: dict[str, float] = {}
    for name, value in _STRENGTH.items():
        for word in f"{words[name]} {emoji[name]}".split():
            if word.endswith("*"):
                beginnings[word[:-1]] = value
            else:
                exact[word] = value
    negations = {word.rstrip("*"): word.endswith("*") for word in words["not"].split()}
    return ToneWords(exact, beginnings, negations, frozenset(words["very"].split()))
