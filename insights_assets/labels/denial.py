"""Denial: trouble that is named to say that there was none ("no damage", "the app did not crash").

Belongs here: finding such words in a batch, so that the classifier hears "denied trouble" in their place. Does not
belong here: denials of good things ("does not work", "not happy"), which are complaints and are learnt like any
other wording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

import numpy as np

from insights_assets.labels.words import Vocabulary

DENIED = "<denied>"
REACH = 4  # words between the denial and the trouble; in German also one word before it
_TAKES_BACK = 1


@dataclass(frozen=True)
class Denials:
    """Word lists of one language."""

    trouble: frozenset[str]
    trouble_beginnings: tuple[str, ...]
    turns: frozenset[str]
    lets: frozenset[str]


@dataclass
class DenialReader:
    """Marks denied trouble in batches of one language; remembers each word it has met."""

    language: str
    trouble: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    turns: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    lets: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def heard(self, words: np.ndarray, of_clause: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
        """The words of a batch with denied trouble replaced by one pseudo word."""
        denied_number = vocabulary.number(DENIED)
        self._extend(vocabulary)
        if len(words) < 2:
            return words
        turning = self.turns[words]
        # "not only late", "nothing but trouble": the next word takes the denial back.
        turning[:-1] &= ~self.lets[words[1:]]
        trouble = self.trouble[words]
        denied = np.zeros(len(words), dtype=bool)
        for step in range(1, min(REACH, len(words) - 1) + 1):
            denied[step:] |= turning[:-step] & (of_clause[:-step] == of_clause[step:])
        if self.language == "de":
            denied[:-1] |= turning[1:] & (of_clause[:-1] == of_clause[1:])
        return np.where(denied & trouble, denied_number, words)

    def _extend(self, vocabulary: Vocabulary) -> None:
        if len(vocabulary) < len(self.trouble):  # the classifier began a new vocabulary
            self.trouble, self.turns, self.lets = np.zeros(0, bool), np.zeros(0, bool), np.zeros(0, bool)
        fresh = vocabulary.words[len(self.trouble) :]
        if fresh:
            lists = load_denials()[self.language]
            self.trouble = np.append(
                self.trouble, [word in lists.trouble or word.startswith(lists.trouble_beginnings) for word in fresh]
            )
            self.turns = np.append(self.turns, [word in lists.turns or word.endswith("n't") for word in fresh])
            self.lets = np.append(self.lets, [word in lists.lets for word in fresh])


@lru_cache(maxsize=1)
def load_denials() -> Mapping[str, Denials]:
    """Read the word lists once a process."""
    import yaml

    text = resources.files("insights_assets.labels").joinpath("corpus/denial.yaml").read_text("utf-8")
    return {
        language: Denials(
            frozenset(word for word in lists["trouble"].split() if not word.endswith("*")),
            tuple(word[:-1] for word in lists["trouble"].split() if word.endswith("*")),
            frozenset(str(lists["turns"]).split()),
            frozenset(str(lists["lets"]).split()),
        )
        for language, lists in yaml.safe_load(text).items()
    }
