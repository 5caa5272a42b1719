"""Names of topics that the label set lacks: one spelling of each, and whether the set has the thing under another word already.

Belongs here: pure functions over names. Does not belong here: counting records (`topic_candidates`), what a model may say (`labels.model.parse`).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from insights_assets.labels.label_details import ARTICLES
from insights_assets.labels.label_set import LabelSet
from insights_assets.labels.words import fold

_WORD = re.compile(r"[^\W\d_]+")
#: Shorter words keep their last letter: "gas" is no plural.
_SHORTEST_PLURAL = 4


def normal_name(name: str) -> str:
    """One key for the ways a name is written: small, without accents, articles, hyphens and a plural's s, words in order of the alphabet.

    >>> normal_name("The Gift-Wraps") == normal_name("gift wrap") == normal_name("wrap gift"), normal_name("Größen")
    (True, 'grosen')
    """
    words = _WORD.findall(fold(name))
    telling = [word for word in words if word not in ARTICLES]
    return " ".join(sorted({_singular(word) for word in telling or words}))


def _singular(word: str) -> str:
    return word[:-1] if len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith("ss") else word


def candidate_id(kind: str, key: str) -> str:
    """NT- and eight hex digits of what the candidate is known by."""
    return "NT-" + hashlib.sha256(f"{kind}:{key}".encode()).hexdigest()[:8]


def aliases(label_set: LabelSet, titles: Mapping[str, str]) -> dict[str, str]:
    """Normal name -> topic in use: ids, retired ids (as what took over from them) and what the shop calls a topic."""
    found: dict[str, str] = {}
    for topic in label_set.topics:
        current = label_set.current(topic.topic)
        for name in (topic.topic.replace("_", " "), titles.get(topic.topic)):
            if name:
                found.setdefault(normal_name(name), current)
    return {name: topic for name, topic in found.items() if topic != "other"}


def theme_of_names(counts: Iterable[tuple[str, str | None, int]]) -> dict[str, str]:
    """Normal name -> the theme that at least half of its records lie in. `counts`: (normal name, theme or None, records)."""
    total: Counter[str] = Counter()
    by_theme: dict[str, Counter[str]] = {}
    for name, theme, count in counts:
        total[name] += count
        if theme is not None:
            by_theme.setdefault(name, Counter())[theme] += count
    found = {}
    for name, themes in by_theme.items():
        theme, count = min(themes.items(), key=lambda one: (-one[1], one[0]))
        if 2 * count >= total[name]:
            found[name] = theme
    return found
