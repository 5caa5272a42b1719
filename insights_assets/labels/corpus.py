"""The training corpus: from phrases to labelled texts as customers write them.

Belongs here: reading `corpus/<language>.yaml` and what later hands wrote beside it, and composing phrases into texts of several topics with openers,
fillers, typos and chat habits, the same for the same seed. Does not belong here: features or fitting
(`features`, `training`), reviewed rows of a shop (they come in beside the corpus, as rows of the same shape).
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from typing import Any

from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.grammar import expansions, parse

FEWEST_EXPANSIONS, MOST_EXPANSIONS = 6, 14
TEXTS_A_LANGUAGE = {"en": 2600, "de": 1000, "fr": 1000, "es": 1000, "pt": 1000}


@dataclass(frozen=True, slots=True)
class Hand:
    """One manner of writing: its files are `corpus/<language><suffix>.yaml`, its groups carry its mark.

    The marks let calibration be done on a manner of writing that the weights it calibrates have not seen. A language that
    a hand is said to have written in must have its file.
    """

    mark: str
    suffix: str
    languages: tuple[str, ...] = LANGUAGES


FIRST_HAND = Hand("", "")  # its file also holds the word lists and the small talk of its language
LATER_HANDS = (Hand("2-", "_more"), Hand("3-", "_third"))
_NEUTRAL_TOPICS = frozenset({"feature_request"})
# Phrases that carry no topic: small talk and questions; "nothing was broken"; anger without a subject.
_UNTOPICAL = {"other": "neutral", "fine": "positive", "gripes": "negative"}


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled text. `group` names the phrasings in it, so that a phrasing is never on both sides of a split."""

    text: str
    topics: tuple[str, ...]
    sentiment: str
    language: str
    groups: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Phrase:
    """One line of the corpus with its expansions."""

    group: str
    topics: tuple[str, ...]
    sentiment: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class PhraseBook:
    """All phrases of one language and what is put around them."""

    language: str
    phrases: tuple[Phrase, ...]
    openers: tuple[str, ...]
    closers: tuple[str, ...]
    fillers: tuple[str, ...] = field(default=())


@lru_cache(maxsize=8)
def load_slots(language: str) -> Mapping[str, str]:
    """The word lists of a language, which all of its files draw from."""
    import yaml

    where = resources.files("insights_assets.labels").joinpath(f"corpus/{language}.yaml")
    return dict(yaml.load(where.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["slots"])


@lru_cache(maxsize=8)
def load_phrases(language: str) -> PhraseBook:
    """Read and expand the phrases of a language."""
    import yaml

    def read(hand: Hand) -> PhraseBook:
        where = resources.files("insights_assets.labels").joinpath(f"corpus/{language}{hand.suffix}.yaml")
        return parse_phrases(yaml.load(where.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), language, hand)

    first, *later = [read(hand) for hand in (FIRST_HAND, *LATER_HANDS) if language in hand.languages]
    return replace(
        first, phrases=first.phrases + tuple(phrase for book in later for phrase in book.phrases),
        fillers=first.fillers + tuple(filler for book in later for filler in book.fillers),
    )


def written_by(group: str, hand: Hand) -> bool:
    """Whether a group's phrase is by a later hand; phrases of the first, and rows beside the corpus, are by none of them."""
    return bool(hand.mark) and f":{hand.mark}" in group


def parse_phrases(document: Mapping[str, Any], language: str, hand: Hand = FIRST_HAND) -> PhraseBook:
    """Expand a parsed phrase file: topics, phrases without a topic, `negated` (text => topics), clutter."""
    slots = {
        name: tuple(word.strip() for line in words.splitlines() for word in line.split("|"))
        for name, words in (document.get("slots") or load_slots(language)).items()
    }

    def lines(block: str) -> list[str]:
        return [line.strip() for line in block.splitlines() if line.strip()]

    phrases: list[Phrase] = []

    def take(line: str, block: str, topics: tuple[str, ...], sentiment: str) -> None:
        # Named by content: a line added elsewhere changes neither this line's phrases nor its side of a split.
        group = f"{language}:{block}:{hand.mark}{hashlib.sha256(line.encode()).hexdigest()[:8]}"
        texts = tuple(expansions(parse(line), slots, group, FEWEST_EXPANSIONS, MOST_EXPANSIONS))
        phrases.append(Phrase(group, topics, sentiment, texts))

    for topic, block in (document.get("topics") or {}).items():
        sentiment = "positive" if topic == "praise" else "neutral" if topic in _NEUTRAL_TOPICS else "negative"
        for line in lines(block):
            take(line, topic, (topic,), sentiment)
    for block, tone in _UNTOPICAL.items():
        for line in lines(document.get(block, "")):
            take(line, block, (), tone)
    for line in lines(document.get("negated", "")):
        text, _, targets = line.partition("=>")
        take(text.strip(), "negated", tuple(targets.split()), "positive")
    fillers = tuple(
        text
        for line in lines(document.get("fillers", ""))
        for text in expansions(parse(line), slots, f"{language}:{line}", 4, 8)
    )
    return PhraseBook(
        language, tuple(phrases), _listed(document.get("openers", "")), _listed(document.get("closers", "")), fillers
    )


def phrase_rows(book: PhraseBook, groups: frozenset[str] | None = None) -> list[Row]:
    """Every expansion on its own, as a clause is met at prediction; fillers are rows without a topic."""
    rows = [
        Row(text, phrase.topics, phrase.sentiment, book.language, (phrase.group,))
        for phrase in book.phrases
        if groups is None or phrase.group in groups
        for text in phrase.texts
    ]
    rows += [Row(text, (), "neutral", book.language, (f"{book.language}:filler",)) for text in book.fillers]
    return rows


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of texts about nothing and of plain praise; the rest carries complaints and wishes."""

    nothing: float
    praise: float


LEARNING_MIX = Mix(nothing=0.3, praise=0.15)  # every topic is seen often enough to be learnt, and what is none of them
DAILY_MIX = Mix(nothing=0.4, praise=0.3)  # what a shop receives: probabilities are calibrated on this


def composed_rows(
    book: PhraseBook, count: int, seed: int, groups: frozenset[str] | None = None, mix: Mix = LEARNING_MIX
) -> list[Row]:
    """Whole texts: none to three phrases of different topics, with the clutter of real messages."""
    draw = random.Random(f"{book.language}:{seed}")
    by_topic: dict[tuple[str, ...], list[Phrase]] = {}
    for phrase in book.phrases:
        if groups is None or phrase.group in groups:
            by_topic.setdefault(phrase.topics, []).append(phrase)
    topical = [kind for kind in sorted(by_topic) if kind and kind != ("praise",)]
    bare, praise = by_topic.get((), []), by_topic.get(("praise",), [])
    rows = []
    for _ in range(count):
        kind = draw.random()
        size = draw.choices((1, 2, 3), (0.6, 0.32, 0.08))[0]
        if kind < mix.nothing and bare:
            chosen: list[tuple[str, ...]] = [()] * min(size, 2)
        elif kind < mix.nothing + mix.praise and praise:
            chosen = [("praise",)] * size
        else:
            chosen = draw.sample(topical, min(size, len(topical)))
            if praise and draw.random() < 0.15:
                chosen.append(("praise",))
        if bare and draw.random() < 0.3:
            chosen.append(())
        draw.shuffle(chosen)
        phrases = [draw.choice(by_topic[kind]) for kind in chosen]
        text = _assemble([draw.choice(phrase.texts) for phrase in phrases], book, draw)
        topics = tuple(sorted({topic for phrase in phrases for topic in phrase.topics}))
        rows.append(
            Row(text, topics, _overall(phrases), book.language, tuple(phrase.group for phrase in phrases))
        )
    return rows


def training_rows(seed: int = 0, languages: Sequence[str] = LANGUAGES) -> list[Row]:
    """The whole shipped corpus: phrases and composed texts of every language."""
    rows: list[Row] = []
    for language in languages:
        book = load_phrases(language)
        rows += phrase_rows(book)
        rows += composed_rows(book, TEXTS_A_LANGUAGE[language], seed)
    return rows


def _overall(phrases: Sequence[Phrase]) -> str:
    """Tone of a whole text: a complaint outweighs praise, praise outweighs a remark."""
    tones = {phrase.sentiment for phrase in phrases}
    return next((tone for tone in ("negative", "positive") if tone in tones), "neutral")


def _assemble(parts: list[str], book: PhraseBook, draw: random.Random) -> str:
    if book.fillers:
        for _ in range(draw.choices((0, 1, 2), (0.55, 0.35, 0.1))[0]):
            parts.insert(draw.randrange(len(parts) + 1), draw.choice(book.fillers).rstrip("."))
    casing = draw.random()
    joined = parts[0] if casing < 0.35 else _capital(parts[0])
    for part in parts[1:]:
        link = draw.choices((". ", "! ", ", ", "; ", "\n", " - ", "... ", " "), (46, 8, 14, 4, 10, 4, 6, 8))[0]
        starts_sentence = link[0] in ".!\n" and casing >= 0.35
        joined += ("" if joined[-1] in "?!" and link[0] in ".!," else link[0]) + link[1:]
        if not joined.endswith((" ", "\n")):
            joined += " "
        joined += _capital(part) if starts_sentence else part
    if joined[-1] not in "?!." and draw.random() < 0.6:
        joined += draw.choice((".", ".", ".", "!", "!!", " :(", "..."))
    if draw.random() < 0.22:
        joined = f"{draw.choice(book.openers)} {joined}"
    if draw.random() < 0.25:
        joined = f"{joined} {draw.choice(book.closers)}"
    if draw.random() < 0.15:
        joined = _mistyped(joined, draw)
    return joined.upper() if casing > 0.97 else joined


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_LONG_WORD = re.compile(r"[^\W\d_]{5,}")


def _mistyped(text: str, draw: random.Random) -> str:
    """One slip of the finger in a longer word: a letter dropped, doubled or swapped with its neighbour."""
    words = list(_LONG_WORD.finditer(text))
    if not words:
        return text
    match = draw.choice(words)
    at = draw.randrange(match.start() + 1, match.end() - 1)
    slip = draw.choice(("drop", "double", "swap"))
    if slip == "drop":
        return text[:at] + text[at + 1 :]
    if slip == "double":
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _listed(block: str) -> tuple[str, ...]:
    return tuple(word.strip() for line in block.splitlines() for word in line.split("|") if word.strip())
