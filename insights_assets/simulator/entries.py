"""One record to be told, and what the sources share in telling it: words, order references, ratings, persons.

Belongs here: everything that is not a column of one source (`source_columns.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from insights_assets.simulator.catalogue import REGIONS
from insights_assets.simulator.orders import OrderLines
from insights_assets.simulator.shop import Shop
from insights_assets.simulator.shop_files import order_id
from insights_assets.simulator.wording.compose import Case, Composer, Said
from insights_assets.simulator.wording.slips import Personal, personal_sentence, slip

# Cumulated shares of ratings by what a text says; texts and ratings agree, not always.
RATINGS: dict[str, tuple[tuple[float, int], ...]] = {
    "mixed": ((0.36, 2), (0.86, 3), (1.0, 4)),
    "negative": ((0.50, 1), (0.83, 2), (0.96, 3), (0.99, 4), (1.0, 5)),
    "positive": ((0.68, 5), (0.97, 4), (0.99, 3), (1.0, 1)),
    "feature_request": ((0.18, 5), (0.66, 4), (0.98, 3), (1.0, 2)),
    "other": ((0.12, 5), (0.45, 4), (0.95, 3), (1.0, 2)),
    "wordless": ((0.55, 5), (0.84, 4), (0.94, 3), (0.97, 2), (1.0, 1)),
}


@dataclass(frozen=True)
class Entry:
    """One record to be told: when, by whom, about what; `known` are words it repeats."""

    ref: str
    at: int
    local: Any  # the time in the manner of the source
    case: Case
    known: Said | None
    line: int
    has_order: bool
    customer: int
    region: int
    product: int
    is_flood: bool


@dataclass(frozen=True)
class Columns:
    """One record as its source has it, and what is true about its words."""

    row: dict[str, Any]
    said: Said
    sentiment: str
    personal: list[tuple[str, str]]


class EntryWriter:
    """Holds the shop and the stream of chance of one source."""

    def __init__(self, shop: Shop, lines: OrderLines, chance: Random, last_instant: int) -> None:
        self.shop = shop
        self.lines = lines
        self.chance = chance
        self.composer = Composer(chance, shop.catalogue)
        self.last_instant = last_instant
        self.flood_text = ""

    def _words(self, entry: Entry, length: str) -> Said:
        if entry.known is not None:
            return entry.known
        said = self.composer.say(entry.case, length)
        return Said([slip(said.text, self.chance)], said.families)

    def _order_reference(self, entry: Entry, missing: float) -> str:
        """The order as the customer gives it: mostly right, sometimes left out, sometimes mistyped."""
        draw = self.chance.random()
        if entry.line < 0 or not entry.has_order or draw < missing:
            return ""
        right = order_id(self.shop.plan, int(self.lines.day[entry.line]), int(self.lines.order_number[entry.line]))
        if draw < missing + 0.03:
            return right[:-2] if self.chance.random() < 0.5 else f"{right[:-5]}9{right[-4:]}"
        return right

    def _rating(self, case: Case) -> int:
        kind = case.mood
        if case.is_mixed:
            kind = "mixed"
        elif case.mood == "neutral":
            kind = case.topic or "wordless"
        draw = self.chance.random()
        return next(value for edge, value in RATINGS[kind] if draw < edge)

    def _sentiment(self, case: Case, rating: int) -> str:
        if not case.topic:
            return "positive" if rating >= 4 else ("neutral" if rating == 3 else "negative")
        if case.is_mixed:
            return "negative" if rating <= 2 else "neutral"
        return case.mood

    def _personal(self, entry: Entry, share: float) -> list[Personal]:
        if self.chance.random() >= share:
            return []
        kinds = ["phone", "email", "address", "name"]
        if entry.case.topic in ("billing_confusion", "returns_and_refunds"):
            kinds = ["card", "iban", "phone", "card", "iban"]
        kind = kinds[int(self.chance.random() * len(kinds))]
        region, language = REGIONS[entry.region].name, entry.case.language
        return [personal_sentence(kind, self.shop.customers, entry.customer, (region, language), self.chance)]

    def _person(self, entry: Entry, unknown: float) -> dict[str, str]:
        customers = self.shop.customers
        key = "" if self.chance.random() < unknown else customers.key(entry.customer)
        name, mail = customers.name(entry.customer), customers.email(entry.customer)
        return {"customer_id": key, "customer_name": name, "customer_email": mail}
