"""Concepts: a small multilingual thesaurus, so that a word never seen in training still means something.

Belongs here: reading `corpus/concepts.yaml` and finding the concepts of a word in a language.
Does not belong here: what a concept says about a topic (the classifier learns that), sentiment (`sentiment`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

LANGUAGES = ("en", "de", "fr", "es", "pt")
MOST_CONCEPTS_A_WORD = 3


@dataclass(frozen=True)
class Concepts:
    """Concept names in order, and for each language exact words and word beginnings."""

    names: tuple[str, ...]
    exact: Mapping[str, Mapping[str, tuple[int, ...]]]
    beginnings: Mapping[str, Mapping[str, tuple[int, ...]]]

    def of(self, word: str, language: str) -> tuple[int, ...]:
        """Numbers of the concepts of a folded word; exact words come before beginnings."""
        found = list(self.exact[language].get(word, ()))
        table = self.beginnings[language]
        for length in range(len(word), 0, -1):
            for concept in table.get(word[:length], ()):
                if concept not in found:
                    found.append(concept)
        return tuple(found[:MOST_CONCEPTS_A_WORD])


@lru_cache(maxsize=1)
def load_concepts() -> Concepts:
    """Read the thesaurus once a process."""
    import yaml

    text = resources.files("insights_assets.labels").joinpath("corpus/concepts.yaml").read_text("utf-8")
    return parse_concepts(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


@lru_cache(maxsize=1)
def load_function_words() -> Mapping[str, frozenset[str]]:
    """Words of each language that carry grammar rather than meaning."""
    import yaml

    text = resources.files("insights_assets.labels").joinpath("corpus/function_words.yaml").read_text("utf-8")
    return {language: frozenset(words.split()) for language, words in yaml.safe_load(text).items()}


def parse_concepts(document: Mapping[str, Mapping[str, str]]) -> Concepts:
    """Build the lookup tables from `concept: {language: words}`; `all` stands for every language."""
    names = tuple(str(name) for name in document)
    exact: dict[str, dict[str, list[int]]] = {language: {} for language in LANGUAGES}
    beginnings: dict[str, dict[str, list[int]]] = {language: {} for language in LANGUAGES}
    for number, by_language in enumerate(document.values()):
        for key, words in by_language.items():
            for language in LANGUAGES if key == "all" else (key,):
                if language not in exact:
                    raise ValueError(f"concepts.yaml: {names[number]}: {language!r} is not a known language")
                for word in words.split():
                    table, bare = (beginnings, word[:-1]) if word.endswith("*") else (exact, word)
                    numbers = table[language].setdefault(bare, [])
                    if number not in numbers:
                        numbers.append(number)
    return Concepts(names, _frozen(exact), _frozen(beginnings))


def _frozen(table: dict[str, dict[str, list[int]]]) -> dict[str, dict[str, tuple[int, ...]]]:
    return {language: {word: tuple(numbers) for word, numbers in words.items()} for language, words in table.items()}
