"""The lexicon of entities: `entities.yaml` read, checked, and ready to be looked up word by word.

Belongs here: the closed list of kinds, reading forms with their signs, the index by first word. Does not belong here: looking at a text
(`entities`), what a model may name (`model/naming`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any, NamedTuple

from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.words import fold

PRODUCT, PART, CARRIER, PLACE, COMPETITOR, DATE, AMOUNT = "product", "part", "carrier", "place", "competitor", "date", "amount"
#: The closed list. What has no kind here is no entity: persons, addresses and numbers of orders above all.
KINDS = (PRODUCT, PART, CARRIER, PLACE, COMPETITOR, DATE, AMOUNT)
_SECTIONS = {"parts": PART, "carriers": CARRIER, "places": PLACE, "competitors": COMPETITOR}
WORD = re.compile(r"[a-z0-9]+")
#: German forms at least so long are looked for at the end of a compound.
SHORTEST_HEAD, LONGEST_HEAD = 6, 14
#: Names of the shop's own data: at most so many words each and so many in all.
MOST_NAME_WORDS, MOST_NAMES = 4, 200


class EntityWordsError(ValueError):
    """A lexicon that cannot be used; the message names section and entry."""


class Form(NamedTuple):
    """One way of writing a name. `exact`: as it must stand in the text; `behind`: only right behind an article or the like."""

    words: tuple[str, ...]
    kind: str
    name: str
    exact: str | None = None
    behind: bool = False


@dataclass(frozen=True)
class Lexicon:
    """The forms of one language by first word, longest first, and the heads of compounds."""

    forms: Mapping[str, tuple[Form, ...]]
    heads: Mapping[str, Form]
    before: frozenset[str]


@dataclass(frozen=True)
class EntityWords:
    """A version of the lexicon."""

    version: str
    of_language: Mapping[str, Lexicon]
    months: Mapping[str, Mapping[str, int]]

    @cached_property
    def names(self) -> Mapping[str, tuple[Form, ...]]:
        """Forms that are the same in every language: names of carriers and other shops. All there is for a language nobody reads here."""
        return _by_first(dict.fromkeys(form for form in _flat(self.of_language["en"].forms) if form.kind in (CARRIER, COMPETITOR)))

    def with_names(self, kind: str, names: Iterable[str]) -> EntityWords:
        """The same and names of a shop's own, in every language; a form that is known keeps its name."""
        plain = sorted({name for name in names if isinstance(name, str) and name.strip()})[:MOST_NAMES]
        added = [_form(_without_article(name), kind, name) for name in plain]
        fitting = [form for form in added if form.words and len(form.words) <= MOST_NAME_WORDS and len("".join(form.words)) >= 3]
        if not fitting:
            return self
        grown = {
            language: Lexicon(_by_first([*_flat(one.forms), *(form for form in fitting if not _knows(one.forms, form.words))]), one.heads, one.before)
            for language, one in self.of_language.items()
        }
        return EntityWords(self.version, grown, self.months)


@lru_cache(maxsize=1)
def load_entity_words() -> EntityWords:
    """The lexicon that ships with the project."""
    import yaml

    text = resources.files("insights_assets.labels").joinpath("entities.yaml").read_text("utf-8")
    return parse_entity_words(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def parse_entity_words(document: Mapping[str, Any]) -> EntityWords:
    """Check and index a parsed lexicon."""
    forms: dict[str, list[Form]] = {language: [] for language in LANGUAGES}
    for section, kind in _SECTIONS.items():
        entries = document.get(section)
        if not isinstance(entries, Mapping):
            raise EntityWordsError(f"entities.yaml: {section}: needs names with their forms")
        for name, by_language in entries.items():
            spread = by_language if isinstance(by_language, Mapping) else dict.fromkeys(LANGUAGES, by_language)
            for language, written in spread.items():
                if language not in LANGUAGES or not isinstance(written, list) or not all(isinstance(one, str) for one in written):
                    raise EntityWordsError(f"entities.yaml: {section}.{name}.{language}: needs a list of forms in one of {', '.join(LANGUAGES)}")
                forms[language] += [form for one in written for form in _written(one, kind, str(name))]
    before = document["before"]
    lexicons = {
        language: Lexicon(_by_first(own), _heads(own) if language == "de" else {}, frozenset(map(fold, map(str, before[language]))))
        for language, own in forms.items()
    }
    months = {
        language: {word: number for number, entry in enumerate(document["months"][language], 1) for word in fold(str(entry)).split()} for language in LANGUAGES
    }
    return EntityWords(str(document["version"]), lexicons, months)


def _written(entry: str, kind: str, name: str) -> list[Form]:
    """The forms of one entry; a sharp s in both spellings, as texts have it folded."""
    signs, text = entry[:1] if entry[:1] in "~=" else "", entry[1:] if entry[:1] in "~=" else entry
    spellings = dict.fromkeys((text, text.replace("ß", "ss")))
    found = [_form(one, kind, name, exact=one if signs == "=" else None, behind=signs == "~") for one in spellings]
    if not all(form.words for form in found):
        raise EntityWordsError(f"entities.yaml: {name}: {entry!r} holds no word")
    return found


def _form(text: str, kind: str, name: str, *, exact: str | None = None, behind: bool = False) -> Form:
    return Form(tuple(WORD.findall(fold(text))), kind, name, exact, behind)


def _without_article(name: str) -> str:
    return name[4:] if name.lower().startswith("the ") else name


def _by_first(forms: Iterable[Form]) -> dict[str, tuple[Form, ...]]:
    found: defaultdict[str, list[Form]] = defaultdict(list)
    for form in forms:
        found[form.words[0]].append(form)
    # Longest first, so that "light bulb" is found before "light"; the first of the file wins among equals.
    return {word: tuple(sorted(some, key=lambda form: -len(form.words))) for word, some in found.items()}


def _heads(forms: Iterable[Form]) -> dict[str, Form]:
    heads: dict[str, Form] = {}
    for form in forms:
        if form.kind == PART and not form.behind and form.exact is None and len(form.words) == 1 and SHORTEST_HEAD <= len(form.words[0]) <= LONGEST_HEAD:
            heads.setdefault(form.words[0], form)
    return heads


def _flat(forms: Mapping[str, tuple[Form, ...]]) -> list[Form]:
    return [form for some in forms.values() for form in some]


def _knows(forms: Mapping[str, tuple[Form, ...]], words: tuple[str, ...]) -> bool:
    return any(form.words == words for form in forms.get(words[0], ()))
