"""Which product a record is about (R49): by its order, by the words in it, and whether the two agree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from insights_assets.labels.words import fold

_SHORTEST_ALIAS = 5


class ProductNames:
    """Product names, aliases and SKUs as they stand in texts, longest first, one pattern for all."""

    def __init__(self, products: Iterable[Mapping[str, Any]]) -> None:
        self._sku_of: dict[str, str | None] = {}
        for product in products:
            for phrase in (product["sku"], product.get("name"), *(product.get("aliases") if product.get("aliases") is not None else ())):
                word = fold(str(phrase or "")).strip()
                if len(word) >= _SHORTEST_ALIAS:
                    # A phrase that two products share tells neither.
                    self._sku_of[word] = product["sku"] if self._sku_of.get(word, product["sku"]) == product["sku"] else None
        names = sorted((name for name, sku in self._sku_of.items() if sku), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, names))})(?![a-z0-9])") if names else None

    def named_in(self, folded: str) -> str | None:
        """The one SKU that a folded text names; None where it names none or several."""
        if self._pattern is None:
            return None
        found = {self._sku_of[match.group()] for match in self._pattern.finditer(folded)}
        return found.pop() if len(found) == 1 else None


def attribute(sku: str | None, sku_source: str | None, named: str | None) -> tuple[str | None, str | None]:
    """(sku, sku_source) from what the order says and what the text names. The order wins a conflict, and the conflict stays visible."""
    if named is None:
        return sku, sku_source
    if sku is None:
        return named, "text"
    if sku == named:
        return sku, "both" if sku_source in ("order", "both") else sku_source
    return sku, "conflict" if sku_source in ("order", "both") else sku_source
