"""Texts made of sentences: what one customer writes about one case, in the manner of the place where it is written.

Belongs here: which frames are joined, with which opener, aside and ending, and the fillers of a frame. Not here: the
columns of a source (`feedback_rows.py`) or typing errors (`slips.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from insights_assets.simulator.catalogue import Catalogue, Product
from insights_assets.simulator.wording.grammar import Frame, fitting, load_grammar
from insights_assets.simulator.wording.paraphrase import paraphrased, with_lead, with_tail

CURRENCY_SIGNS: dict[str, str] = {"USD": "$", "GBP": "£", "EUR": "€"}
_ARTICLES: dict[str, dict[str, dict[str, str]]] = {
    "de": {
        "nominative": {"m": "der", "f": "die", "n": "das"},
        "accusative": {"m": "den", "f": "die", "n": "das"},
        "dative": {"m": "dem", "f": "der", "n": "dem"},
        "indefinite": {"m": "einen", "f": "eine", "n": "ein"},
    },
    "fr": {"nominative": {"m": "le", "f": "la"}, "indefinite": {"m": "un", "f": "une"}},
    "es": {"nominative": {"m": "el", "f": "la"}, "indefinite": {"m": "un", "f": "una"}},
    "pt": {"nominative": {"m": "o", "f": "a"}, "indefinite": {"m": "um", "f": "uma"}},
}


@dataclass(frozen=True)
class Case:
    """What one text has to say."""

    topic: str
    second: str | None
    product: Product
    language: str
    currency: str
    carrier: str
    mood: str  # negative, neutral or positive
    is_mixed: bool = False  # praise and complaint in one text
    flavour: str | None = None


@dataclass(frozen=True)
class Said:
    """Sentences of a text, and the families they came from."""

    sentences: list[str]
    families: list[str]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def product_slots(chance: Random, case: Case, catalogue: Catalogue) -> dict[str, str | Callable[[], str]]:
    """Fillers of every slot that a frame may have."""
    language, product = case.language, case.product
    words = load_grammar(language).words
    noun = product.noun[language]
    draw = chance.random()
    if language == "en":
        name = noun if draw < 0.5 else (f"{product.name} {noun}" if draw < 0.72 else product.name)
        forms = {"product": name, "product_acc": name, "product_dat": name}
    else:
        name = noun if draw < 0.5 else f"{noun} {product.name}"
        forms = {
            "product": _with_article(language, "nominative", product, name),
            "product_acc": _with_article(language, "accusative", product, name),
            "product_dat": _with_article(language, "dative", product, name),
        }

    def other() -> str:
        while True:
            pick = catalogue.products[int(chance.random() * len(catalogue.products))]
            if pick.noun["en"] != product.noun["en"]:
                break
        if language == "en":
            article = "an" if pick.noun["en"][0] in "aeiou" else "a"
            return f"{article} {pick.noun['en']}"
        return _with_article(language, "indefinite", pick, pick.noun[language])

    def money() -> str:
        amount = product.price * (0.2 + 1.2 * chance.random())
        text = f"{amount:.2f}" if chance.random() < 0.5 else f"{amount:.0f}"
        sign = CURRENCY_SIGNS[case.currency]
        return f"{sign}{text}" if case.currency != "EUR" else f"{text.replace('.', ',')} {sign}"

    def one_of(name: str) -> Callable[[], str]:
        values = words[name]
        return lambda: values[int(chance.random() * len(values))]

    parts = next(line for line in catalogue.lines if line.name == product.line).parts[language]
    slots: dict[str, str | Callable[[], str]] = {name: one_of(name) for name in words}
    slots.update(forms)
    slots["noun"] = noun
    slots["other"] = other
    slots["money"] = money
    slots["carrier"] = lambda: case.carrier if chance.random() < 0.6 else one_of("courier")()
    slots["part"] = lambda: parts[int(chance.random() * len(parts))]
    slots["many"] = lambda: str(5 + int(chance.random() * 11))
    slots["few"] = lambda: str(2 + int(chance.random() * 4))
    return slots


def _with_article(language: str, case: str, product: Product, name: str) -> str:
    forms = _ARTICLES[language].get(case) or _ARTICLES[language]["nominative"]
    article = forms.get(product.gender[language], forms["m"])
    if language == "fr" and article in ("le", "la") and name[0].lower() in "aeéiouh":
        return f"l'{name}"
    return f"{article} {name}"


class Composer:
    """Makes texts; holds the stream of chance of one source."""

    def __init__(self, chance: Random, catalogue: Catalogue) -> None:
        self.chance = chance
        self.catalogue = catalogue

    def _pick(self, frames: tuple[Frame, ...]) -> Frame:
        return frames[int(self.chance.random() * len(frames))]

    def phrase(self, case: Case, name: str, **slots: Any) -> str:
        """One set phrase: a title, a greeting, an aside."""
        every = product_slots(self.chance, case, self.catalogue)
        every.update(slots)
        return self._pick(load_grammar(case.language).phrases[name]).say(self.chance, every)

    def say(self, case: Case, length: str) -> Said:
        """The sentences of one text; `length` is short (survey, return), medium (social, chat) or long."""
        chance = self.chance
        slots = product_slots(chance, case, self.catalogue)
        phrases = load_grammar(case.language).phrases
        sentences: list[str] = []
        families: list[str] = []

        def add(topic: str, flavour: str | None = None) -> None:
            frames = fitting(case.language, topic, case.product.tags, flavour)
            frame = self._pick(frames)
            if frame.family_id in families:
                frame = self._pick(frames)
            if frame.family_id not in families:
                sentence = paraphrased(frame.say(chance, slots), case.language, chance)
                if not families:
                    sentence = with_lead(
                        sentence, case.language, "positive" if topic == "praise" else case.mood, chance
                    )
                sentences.append(sentence)
                families.append(frame.family_id)

        def aside(name: str, share: float) -> None:
            if chance.random() < share:
                sentences.append(self._pick(phrases[name]).say(chance, slots))

        wordy = {"short": 0.0, "medium": 0.35, "long": 1.0}[length]
        asks = case.flavour not in ("meh", "back")  # lukewarm words expect no answer
        aside(f"opener_{case.mood}", 0.32 * wordy * asks)
        if case.is_mixed:
            praise_first = chance.random() < 0.65
            add("praise" if praise_first else case.topic, None if praise_first else case.flavour)
            if praise_first:
                sentences.append(self._pick(phrases["turn"]).say(chance, slots))
                add(case.topic, case.flavour)
            else:
                add("praise")
        else:
            add(case.topic, case.flavour)
            if chance.random() < 0.3 * wordy:
                add(case.topic, case.flavour)
        if case.second is not None:
            aside("also", 0.4)
            add(case.second)
        elif case.mood != "neutral":
            # What did not go wrong is said as well, and must not be taken for a complaint.
            aside("negation", 0.10 + 0.06 * wordy)
        aside("context", 0.24 * wordy)
        sentences[-1] = with_tail(sentences[-1], case.language, case.mood, chance)
        aside(f"closer_{case.mood}", 0.34 * wordy * asks)
        return Said(sentences, families)
