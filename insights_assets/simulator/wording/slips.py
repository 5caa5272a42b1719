"""What people do to a text while they type it: slips of the finger, and things about themselves.

Belongs here: typing errors and sentences with personal data. Not here: which sentences a text has (`compose.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from insights_assets.simulator.people import Customers, card_number, iban
from insights_assets.simulator.wording.grammar import load_grammar

TYPO_SHARE = 0.13
_NEAR = {
    "a": "s",
    "e": "r",
    "i": "o",
    "o": "p",
    "t": "r",
    "n": "m",
    "s": "d",
    "l": "k",
    "r": "t",
    "u": "i",
    "d": "f",
    "h": "j",
}


def slip(text: str, chance: Random) -> str:
    """The text as it was typed: mostly right, sometimes with a slip or two, sometimes without capitals."""
    draw = chance.random()
    if draw < TYPO_SHARE:
        for _ in range(1 if chance.random() < 0.7 else 2):
            text = _one_slip(text, chance)
    if draw > 0.93:
        text = text.lower()
    elif draw > 0.90:
        text = text.replace(". ", " ").rstrip(".")
    return text


def _one_slip(text: str, chance: Random) -> str:
    for _ in range(8):
        at = int(chance.random() * len(text))
        if 0 < at < len(text) - 1 and text[at - 1 : at + 2].isalpha() and text[at].islower():
            kind = int(chance.random() * 4)
            if kind == 0:
                return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
            if kind == 1:
                return text[:at] + text[at + 1 :]
            if kind == 2:
                return text[:at] + text[at] + text[at:]
            return text[:at] + _NEAR.get(text[at], text[at]) + text[at + 1 :]
    return text


@dataclass(frozen=True)
class Personal:
    """One sentence with personal data, and what it gives away."""

    sentence: str
    kind: str
    value: str


def personal_sentence(
    kind: str, customers: Customers, customer: int, place: tuple[str, str], chance: Random
) -> Personal:
    """A sentence in which the customer gives something away: name, email, phone, address, card or iban.

    `place` is the customer's region and language.
    """
    region, language = place
    if kind == "name":
        value = customers.name(customer)
    elif kind == "email":
        value = customers.email(customer)
    elif kind == "phone":
        value = customers.phone(customer)
    elif kind == "address":
        value = customers.address(customer)
    elif kind == "card":
        value = card_number(chance)
    else:
        value = iban(region, chance)
    frames = load_grammar(language).phrases[f"personal_{kind}"]
    frame = frames[int(chance.random() * len(frames))]
    return Personal(frame.say(chance, {"value": value}), kind, value)
