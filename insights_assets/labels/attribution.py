"""Attribution: which product a text speaks of, and whether the order agrees (R49).

Belongs here: finding SKUs, product names and aliases in a text; the answer order, text, both or conflict.
Does not belong here: which order a record belongs to (`canonical`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insights_assets.labels.words import fold

if TYPE_CHECKING:
    import pandas as pd

_SKU_LIKE = re.compile(r"[a-z0-9]+(?:[-_/][a-z0-9]+)+|[a-z]{1,5}\d{2,}")
_WORD = re.compile(r"[a-z0-9]+")
_DIGIT = re.compile(r"\d")
SHORTEST_ALIAS = 4
LONGEST_NAME_WORDS = 6


@dataclass(frozen=True, slots=True)
class Mention:
    """What a text names: the SKUs it could mean, with one clear answer or none."""

    skus: frozenset[str]

    @property
    def sku(self) -> str | None:
        """The product when only one is possible."""
        return next(iter(self.skus)) if len(self.skus) == 1 else None


NOTHING = Mention(frozenset())


class ProductIndex:
    """Names, aliases and SKUs of a catalogue, ready to be found in folded text.

    Lookup goes by word sequences, not by one regular expression per product: ten thousand products cost a text no
    more than ten.
    """

    def __init__(self, products: pd.DataFrame | Iterable[Mapping[str, Any]]) -> None:
        self._skus: dict[str, str] = {}
        names: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        rows = products if isinstance(products, Iterable) and not hasattr(products, "to_dict") else products.to_dict("records")
        for row in rows:
            sku = str(row["sku"])
            self._skus[fold(sku)] = sku
            aliases = row.get("aliases")
            listed = [] if aliases is None or isinstance(aliases, float) else list(aliases)
            for name in (row.get("name"), *listed):
                words = tuple(_WORD.findall(fold(str(name)))) if isinstance(name, str) else ()
                if words and (len(words) > 1 or len(words[0]) >= SHORTEST_ALIAS):
                    names[words[:LONGEST_NAME_WORDS]].add(sku)
        self._names = {words: frozenset(skus) for words, skus in names.items()}
        self._first: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
        for words in sorted(self._names, key=len, reverse=True):  # longest name first: "desk lamp pro" before "lamp"
            self._first[words[0]].append(words)
        self._skus_have_digits = all(_DIGIT.search(sku) for sku in self._skus)

    def mention(self, folded: str) -> Mention:
        """The products a text names. A SKU beats every name; a longer name beats a shorter one inside it."""
        if not self._skus_have_digits or _DIGIT.search(folded):
            for match in _SKU_LIKE.finditer(folded):
                sku = self._skus.get(match.group())
                if sku is not None:
                    return Mention(frozenset({sku}))
        words = _WORD.findall(folded)
        if self._first.keys().isdisjoint(words):
            return NOTHING
        best: list[frozenset[str]] = []
        longest = 0
        for position, word in enumerate(words):
            for name in self._first.get(word, ()):
                if len(name) >= longest and tuple(words[position : position + len(name)]) == name:
                    if len(name) > longest:
                        best, longest = [], len(name)
                    best.append(self._names[name])
                    break
        if not best:
            return NOTHING
        common = frozenset.intersection(*best)
        return Mention(common or frozenset.union(*best))


def attribute(sku: str | None, sku_source: str | None, mention: Mention) -> tuple[str | None, str | None]:
    """(sku, sku_source) from the order's product and what the text names.

    >>> attribute("A-1", "order", Mention(frozenset({"A-1", "A-2"})))
    ('A-1', 'both')
    >>> attribute("A-1", "order", Mention(frozenset({"B-1"})))
    ('A-1', 'conflict')
    """
    if sku is None:
        return (mention.sku, "text") if mention.sku is not None else (None, None)
    if sku_source in ("both", "conflict", "text") or not mention.skus:
        return sku, sku_source or "order"
    return sku, "both" if sku in mention.skus else "conflict"


def mentions(index: ProductIndex, folded: Sequence[str]) -> list[Mention]:
    """The mention of each text."""
    return [index.mention(text) for text in folded]
