"""Sentence frames: how customers put things, topic by topic and language by language.

Belongs here: reading the frame files and turning a frame into a sentence. A frame is one phrasing family; its id is
topic, language and place in the file, so frames may be appended but never moved. Markup of a frame: `[this|that]` is a
choice, `{slot}` a filler, a leading `<tag,tag>` says for which products it makes sense (or, for some tags, for which
purpose), and a `+` before all that marks what people say most. Not here: how sentences become a review or a ticket
(`compose.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random
from typing import Any, Protocol

import yaml

from insights_assets.simulator.catalogue import LANGUAGES, load_catalogue

TOPICS: tuple[str, ...] = (
    "shipping_delay",
    "damaged_on_arrival",
    "missing_accessories",
    "wrong_item",
    "product_quality",
    "sizing_issue",
    "billing_confusion",
    "returns_and_refunds",
    "feature_request",
    "app_or_site_problem",
    "usability_confusion",
    "customer_service",
    "price_value",
    "availability",
    "safety",
    "praise",
    "other",
)
# Marks that narrow the choice of families: things that worked at first; questions, faint praise, reasons to give back.
FLAVOURS: frozenset[str] = frozenset({"after", "ask", "meh", "back"})
COMMON_WEIGHT = 2
_MARKUP = re.compile(r"\[([^\]]*)\]|\{(\w+)\}")
_TAGGED = re.compile(r"<([a-z,]+)>\s*(.*)", re.DOTALL)


class SlotValues(Protocol):
    """Where a frame gets its fillers from; a dict will do."""

    def __getitem__(self, name: str, /) -> str: ...


@dataclass(frozen=True)
class Frame:
    """One phrasing family."""

    family_id: str
    topic: str
    language: str
    tags: frozenset[str]
    flavours: frozenset[str]
    pieces: tuple[Any, ...]
    weight: int = 1

    def say(self, chance: Random, slots: SlotValues) -> str:
        """One sentence of this family."""
        said = "".join(_piece(piece, chance, slots) for piece in self.pieces)
        return said[:1].upper() + said[1:]


@dataclass(frozen=True)
class Grammar:
    """All frames and set phrases of one language."""

    language: str
    frames: dict[str, tuple[Frame, ...]]  # topic -> families
    phrases: dict[str, tuple[Frame, ...]]  # openers, closers, greetings, ...
    words: dict[str, tuple[str, ...]]  # fillers


def _piece(piece: Any, chance: Random, slots: SlotValues) -> str:
    if isinstance(piece, str):
        return piece
    if piece[0] is None:
        return slots[piece[1]]
    return piece[int(chance.random() * len(piece))]


def parse_frame(text: str, family_id: str, topic: str, language: str) -> Frame:
    """Turn one line of a frame file into a frame."""
    tags: frozenset[str] = frozenset()
    weight = COMMON_WEIGHT if text.startswith("+ ") else 1
    text = text.removeprefix("+ ")
    tagged = _TAGGED.fullmatch(text)
    if tagged:
        tags, text = frozenset(tagged[1].split(",")), tagged[2]
    pieces: list[Any] = []
    position = 0
    for found in _MARKUP.finditer(text):
        if found.start() > position:
            pieces.append(text[position : found.start()])
        pieces.append(tuple(found[1].split("|")) if found[1] is not None else (None, found[2]))
        position = found.end()
    if position < len(text):
        pieces.append(text[position:])
    return Frame(family_id, topic, language, tags - FLAVOURS, tags & FLAVOURS, tuple(pieces), weight)


def _lines(block: str) -> list[str]:
    return [line.strip() for line in block.splitlines() if line.strip() and not line.strip().startswith("# ")]


@lru_cache(maxsize=8)
def wording_file(language: str) -> dict[str, Any]:
    """What the file of one language says, read once."""
    if language not in LANGUAGES:
        raise ValueError(f"no wording for language {language!r}; there is {', '.join(LANGUAGES)}")
    text = resources.files(__package__).joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    # The C reader is ten times as fast where libyaml exists, and as safe.
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@lru_cache(maxsize=8)
def load_grammar(language: str) -> Grammar:
    """The grammar of one language."""
    data = wording_file(language)
    frames: dict[str, tuple[Frame, ...]] = {}
    for topic in TOPICS:
        lines = _lines(data["topics"][topic])
        frames[topic] = tuple(
            parse_frame(line, f"{topic}-{language}-{number:02d}", topic, language)
            for number, line in enumerate(lines, start=1)
        )
    phrases = {
        name: tuple(parse_frame(line, f"{name}-{language}-{i}", name, language) for i, line in enumerate(_lines(block)))
        for name, block in data["phrases"].items()
    }
    words = {name: tuple(str(word) for word in values) for name, values in data["words"].items()}
    return Grammar(language, frames, phrases, words)


@lru_cache(maxsize=4096)
def fitting(language: str, topic: str, tags: frozenset[str], flavour: str | None = None) -> tuple[Frame, ...]:
    """Families of a topic that make sense for a product with these tags; common ones stand several times."""
    families = load_grammar(language).frames[topic]
    fit = tuple(frame for frame in families if not frame.tags or frame.tags & tags)
    if flavour is not None:
        flavoured = tuple(frame for frame in fit if flavour in frame.flavours)
        fit = flavoured or fit
    return tuple(frame for frame in fit or families for _ in range(frame.weight))


def phrasing_families() -> list[tuple[str, str, str, list[str]]]:
    """Every family as (family_id, topic, language, three example texts)."""
    from insights_assets.simulator.wording.compose import Case, Slots

    catalogue = load_catalogue()
    listed: list[tuple[str, str, str, list[str]]] = []
    for language in LANGUAGES:
        for topic in TOPICS:
            for frame in load_grammar(language).frames[topic]:
                products = [p for p in catalogue.products if not frame.tags or frame.tags & p.tags]
                texts = []
                for number in range(3):
                    chance = Random(f"{frame.family_id}/{number}")
                    product = products[int(chance.random() * len(products))]
                    case = Case(topic, None, product, language, "EUR", "Velopost", "neutral")
                    texts.append(frame.say(chance, Slots(chance, case, catalogue)))
                listed.append((frame.family_id, topic, language, texts))
    return listed
