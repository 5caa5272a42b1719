"""What the sample shop is made of: products, regions, warehouses, carriers.

Belongs here: things that are true before the first order. Not here: anything that happens on a day.
Products and their names in five languages are data (`catalogue.yaml`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import yaml


@dataclass(frozen=True)
class Region:
    name: str
    language: str
    currency: str
    zone: str
    share: float
    continent: str


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    line: str
    noun: dict[str, str]  # language -> everyday noun
    gender: dict[str, str]  # language -> m, f or n
    price: float  # in reporting currency
    margin: float  # share of the price
    is_flagship: bool
    tags: frozenset[str]

    def aliases(self) -> list[str]:
        """Names by which customers call it, in all languages."""
        names = [self.name, f"{self.name} {self.noun['en']}"]
        names += [f"{self.noun[language]} {self.name}" for language in ("de", "fr", "es", "pt")]
        return list(dict.fromkeys(names))


@dataclass(frozen=True)
class Line:
    name: str
    tags: frozenset[str]
    share: float
    parts: dict[str, tuple[str, ...]]


REGIONS: tuple[Region, ...] = (
    Region("us-east", "en", "USD", "America/New_York", 0.19, "america"),
    Region("us-west", "en", "USD", "America/Los_Angeles", 0.13, "america"),
    Region("uk", "en", "GBP", "Europe/London", 0.12, "britain"),
    Region("de", "de", "EUR", "Europe/Berlin", 0.20, "europe"),
    Region("fr", "fr", "EUR", "Europe/Paris", 0.14, "europe"),
    Region("es", "es", "EUR", "Europe/Madrid", 0.12, "europe"),
    Region("pt", "pt", "EUR", "Europe/Lisbon", 0.10, "europe"),
)
REGION_NAMES: tuple[str, ...] = tuple(region.name for region in REGIONS)
LANGUAGES: tuple[str, ...] = ("en", "de", "fr", "es", "pt")

WAREHOUSES: tuple[str, ...] = ("WH-LEJ", "WH-VLC", "WH-BHX", "WH-RNO")
CARRIERS: tuple[str, ...] = ("Velopost", "Kranich Express", "Meridian Parcel")

# Every warehouse serves several regions and every region meets every carrier, or no cause could be told from another.
WAREHOUSE_SHARES = np.array(
    [  # LEJ   VLC   BHX   RNO
        [0.22, 0.16, 0.12, 0.50],  # us-east
        [0.14, 0.14, 0.10, 0.62],  # us-west
        [0.30, 0.12, 0.50, 0.08],  # uk
        [0.56, 0.22, 0.16, 0.06],  # de
        [0.40, 0.38, 0.16, 0.06],  # fr
        [0.26, 0.56, 0.12, 0.06],  # es
        [0.26, 0.54, 0.12, 0.08],  # pt
    ]
)
CARRIER_SHARES = np.array(
    [  # Velopost, Kranich, Meridian
        [0.34, 0.22, 0.44],
        [0.38, 0.20, 0.42],
        [0.40, 0.28, 0.32],
        [0.34, 0.40, 0.26],
        [0.44, 0.32, 0.24],
        [0.36, 0.30, 0.34],
        [0.40, 0.28, 0.32],
    ]
)
# Prices in a region's currency are the reporting price times this, rounded to .90.
CURRENCY_PRICE_FACTORS: dict[str, float] = {"USD": 1.0, "EUR": 0.95, "GBP": 0.82}
FX_TO_REPORTING: dict[str, float] = {"EUR": 1.085, "GBP": 1.275}


@dataclass(frozen=True)
class Catalogue:
    """All products with the arrays that vectorised modules need."""

    lines: tuple[Line, ...]
    products: tuple[Product, ...]
    line_of: np.ndarray  # product -> line index
    weights: np.ndarray  # product -> share of all order lines
    price_cents: np.ndarray  # [region, product] in the region's currency

    @property
    def line_names(self) -> tuple[str, ...]:
        return tuple(line.name for line in self.lines)

    def line_index(self, name: str) -> int:
        return self.line_names.index(name)

    def sku_index(self, sku: str) -> int:
        return [product.sku for product in self.products].index(sku)

    def of_line(self, name: str) -> list[int]:
        return [i for i, product in enumerate(self.products) if product.line == name]

    def flagships(self, line: str) -> list[int]:
        return [i for i in self.of_line(line) if self.products[i].is_flagship]


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Read the catalogue that ships with the simulator."""
    text = resources.files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    lines: list[Line] = []
    products: list[Product] = []
    for name, block in data.items():
        tags = frozenset(block["tags"])
        parts = {language: tuple(words) for language, words in block["parts"].items()}
        lines.append(Line(name, tags, block["share"], parts))
        for sku, product_name, kind, price, *flagship in block["products"]:
            nouns, genders = _nouns(block["types"][kind])
            products.append(
                Product(sku, product_name, name, nouns, genders, float(price), block["margin"], bool(flagship), tags)
            )
    line_of = np.array([[line.name for line in lines].index(product.line) for product in products])
    pull = np.array([2.2 if product.is_flagship else 1.0 for product in products])
    by_line = np.bincount(line_of, weights=pull)
    weights = pull / by_line[line_of] * np.array([line.share for line in lines])[line_of]
    prices = np.array(
        [[_price_cents(p.price, region.currency) for p in products] for region in REGIONS], dtype=np.int64
    )
    return Catalogue(tuple(lines), tuple(products), line_of, weights / weights.sum(), prices)


def _nouns(by_language: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    nouns, genders = {}, {}
    for language, word in by_language.items():
        if language == "en":
            nouns[language], genders[language] = word, "n"
        else:
            genders[language], nouns[language] = word.split(" ", 1)
    return nouns, genders


def _price_cents(price: float, currency: str) -> int:
    return int(price * CURRENCY_PRICE_FACTORS[currency]) * 100 - (10 if currency != "USD" else 1)
