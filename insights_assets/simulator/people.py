"""The customers of the sample shop: names, addresses, languages.

Belongs here: who they are and what personal data they might write into a text. Not here: what they buy or say.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random
from typing import Any

import numpy as np
import yaml

from insights_assets.simulator.catalogue import LANGUAGES, REGIONS
from insights_assets.simulator.plan import SimulationPlan, stream

MAIL_DOMAINS: tuple[str, ...] = (
    "example.com",
    "mail.example.org",
    "post.example.net",
    "example.net",
    "inbox.example.com",
)
_GROUPS: tuple[str, ...] = ("us", "us", "uk", "de", "fr", "es", "pt")  # by region
IBAN_COUNTRIES: dict[str, tuple[str, int]] = {
    "de": ("DE", 18),
    "fr": ("FR", 23),
    "es": ("ES", 20),
    "pt": ("PT", 21),
    "uk": ("DE", 18),
}


@lru_cache(maxsize=1)
def _pools() -> dict[str, Any]:
    return yaml.safe_load(resources.files(__package__).joinpath("people.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Customers:
    """All customers as arrays; strings are made on demand."""

    region: np.ndarray
    first: np.ndarray
    last: np.ndarray
    mail: np.ndarray
    language: np.ndarray  # index into LANGUAGES
    offsets: np.ndarray  # first customer of each region; one more entry for the end

    def draw(self, region: np.ndarray, chance: np.ndarray) -> np.ndarray:
        """A customer of each region; some buy far more often than others."""
        sizes = np.diff(self.offsets)
        within = (sizes[region] * chance**1.25).astype(np.int64)
        return (self.offsets[region] + within).astype(np.int32)

    def name(self, customer: int) -> str:
        pool = _pools()[_GROUPS[self.region[customer]]]
        return f"{pool['first'][self.first[customer]]} {pool['last'][self.last[customer]]}"

    def email(self, customer: int) -> str:
        first, last = plain(self.name(customer)).split(" ", 1)
        number = int(self.mail[customer])
        local = (f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}")[number % 3]
        return f"{local}{customer % 9973}@{MAIL_DOMAINS[number % len(MAIL_DOMAINS)]}"

    def handle(self, customer: int) -> str:
        first, last = plain(self.name(customer)).split(" ", 1)
        return f"{first}{last[0]}{customer % 997}"

    def key(self, customer: int) -> str:
        return f"C{100_000 + customer}"

    def phone(self, customer: int) -> str:
        pool = _pools()[_GROUPS[self.region[customer]]]["phone"]
        chance = Random(7_919 * customer + 1)
        return "".join(str(chance.randrange(2, 10)) if c == "#" else c for c in pool[customer % len(pool)])

    def address(self, customer: int) -> str:
        group = _GROUPS[self.region[customer]]
        pool = _pools()[group]
        street, town = (
            pool["streets"][customer % len(pool["streets"])],
            pool["towns"][customer // 7 % len(pool["towns"])],
        )
        number = 1 + customer * 31 % 140
        after = group in ("de", "es", "pt")
        return f"{street} {number}, {town}" if after else f"{number} {street}, {town}"


def draw_customers(plan: SimulationPlan, order_count: int) -> Customers:
    """As many customers as the orders need: about 1.7 orders each."""
    rng = stream(plan.seed, "customers")
    sizes = [max(60, int(order_count * 0.6 * region.share)) for region in REGIONS]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    region = np.repeat(np.arange(len(REGIONS)), sizes).astype(np.int8)
    total = int(offsets[-1])
    pools = _pools()
    firsts = np.array([len(pools[group]["first"]) for group in _GROUPS])
    lasts = np.array([len(pools[group]["last"]) for group in _GROUPS])
    first = (rng.random(total) * firsts[region]).astype(np.int16)
    last = (rng.random(total) * lasts[region]).astype(np.int16)
    home = np.array([LANGUAGES.index(r.language) for r in REGIONS], dtype=np.int8)[region]
    stranger = rng.random(total)
    # Some write English wherever they live; a few in English-speaking regions write Spanish.
    language = np.where((home != 0) & (stranger < 0.035), 0, home)
    language = np.where((home == 0) & (stranger < 0.025), LANGUAGES.index("es"), language).astype(np.int8)
    return Customers(region, first, last, rng.integers(0, 15, total).astype(np.int8), language, offsets)


def plain(name: str) -> str:
    """A name as it stands in an address of mail: lower case, no accents."""
    spelled = name.lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    return unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode("ascii")


def card_number(chance: Random) -> str:
    """A card number that passes the check digit test."""
    digits = [4 if chance.random() < 0.6 else 5] + [chance.randrange(10) for _ in range(14)]
    if digits[0] == 5:
        digits[1] = chance.randrange(1, 6)
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if position % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    digits.append((10 - total % 10) % 10)
    text = "".join(map(str, digits))
    return text if chance.random() < 0.3 else " ".join(text[i : i + 4] for i in range(0, 16, 4))


def iban(region: str, chance: Random) -> str:
    """An account number with right check digits for the region's country."""
    country, length = IBAN_COUNTRIES.get(region, ("DE", 18))
    account = "".join(str(chance.randrange(10)) for _ in range(length))
    numeric = account + "".join(str(ord(letter) - 55) for letter in country) + "00"
    text = f"{country}{98 - int(numeric) % 97:02d}{account}"
    return text if chance.random() < 0.5 else " ".join(text[i : i + 4] for i in range(0, len(text), 4))
