"""Texts made of sentences: what one customer writes about one case, in the manner of the place where it is written.

Belongs here: which frames are joined, with which opener, aside and ending, and the fillers of a frame. Not here: the
columns of a source (`feedback_rows.py`) or typing errors (`slips.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

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


class Slots:
    """Fillers of every slot that a frame may have, made when a frame asks for them."""

    def __init__(self, chance: Random, case: Case, catalogue: Catalogue, **given: str) -> None:
        self._chance = chance
        self._case = case
        self._catalogue = catalogue
        self._words = load_grammar(case.language).words
        self._fixed = self._names() | given

    def __getitem__(self, name: str) -> str:
        fixed = self._fixed.get(name)
        if fixed is not None:
            return fixed
        if name in self._words:
            return self._one_of(self._words[name])
        maker = _MAKERS.get(name)
        if maker is None:
            raise KeyError(f"no slot {name!r} in {self._case.language}")
        return maker(self)

    def _carrier(self) -> str:
        known = self._chance.random() < 0.6
        return self._case.carrier if known else self._one_of(self._words["courier"])

    def _part(self) -> str:
        line = next(line for line in self._catalogue.lines if line.name == self._case.product.line)
        return self._one_of(line.parts[self._case.language])

    def _many(self) -> str:
        return str(5 + int(self._chance.random() * 11))

    def _few(self) -> str:
        return str(2 + int(self._chance.random() * 4))

    def _one_of(self, values: tuple[str, ...]) -> str:
        return values[int(self._chance.random() * len(values))]

    def _names(self) -> dict[str, str]:
        """How this text calls the product: mostly by its noun, sometimes by its name."""
        language, product = self._case.language, self._case.product
        noun, draw = product.noun[language], self._chance.random()
        if language == "en":
            name = noun if draw < 0.5 else (f"{product.name} {noun}" if draw < 0.72 else product.name)
            return {"noun": noun, "product": name, "product_acc": name, "product_dat": name}
        name = noun if draw < 0.5 else f"{noun} {product.name}"
        return {
            "noun": noun,
            "product": _with_article(language, "nominative", product, name),
            "product_acc": _with_article(language, "accusative", product, name),
            "product_dat": _with_article(language, "dative", product, name),
        }

    def _other(self) -> str:
        """Some other thing from the catalogue, with an indefinite article."""
        products, language = self._catalogue.products, self._case.language
        while True:
            pick = products[int(self._chance.random() * len(products))]
            if pick.noun["en"] != self._case.product.noun["en"]:
                break
        if language == "en":
            article = "an" if pick.noun["en"][0] in "aeiou" else "a"
            return f"{article} {pick.noun['en']}"
        return _with_article(language, "indefinite", pick, pick.noun[language])

    def _money(self) -> str:
        amount = self._case.product.price * (0.2 + 1.2 * self._chance.random())
        text = f"{amount:.2f}" if self._chance.random() < 0.5 else f"{amount:.0f}"
        sign = CURRENCY_SIGNS[self._case.currency]
        return f"{sign}{text}" if self._case.currency != "EUR" else f"{text.replace('.', ',')} {sign}"


_MAKERS: dict[str, Callable[[Slots], str]] = {
    "carrier": Slots._carrier,
    "part": Slots._part,
    "money": Slots._money,
    "other": Slots._other,
    "many": Slots._many,
    "few": Slots._few,
}


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

    def phrase(self, case: Case, name: str, **slots: str) -> str:
        """One set phrase: a title, a greeting, an aside."""
        every = Slots(self.chance, case, self.catalogue, **slots)
        return self._pick(load_grammar(case.language).phrases[name]).say(self.chance, every)

    def say(self, case: Case, length: str) -> Said:
        """The sentences of one text; `length` is short (survey, return), medium (social, chat) or long."""
        chance = self.chance
        slots = Slots(chance, case, self.catalogue)
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
