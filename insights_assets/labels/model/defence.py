"""Defence: what of a customer's text is sent, and the way back from every character that was.

Belongs here: taking out what a person does not see (zero-width, bidirectional and tag characters, comments, hidden elements, markup), leaving
out sentences that speak to a machine (`injection` says which), marking the rest as data, finding a quote again in the original.
Does not belong here: personal data (replaced long before), what a model may answer (`parse`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from insights_assets.labels.evidence import Span, trimmed
from insights_assets.labels.model.injection import instruction_spans

#: Stands where sentences were left out; no quote may hold it.
GAP = "[…]"
#: Characters that may join words in place of blanks; the first in the text's own order that the text lacks is taken.
MARKS = "ˆ¦¬¶‡◊¤§"
#: What is looked at of a text, and what is sent of it. Longer ones say what they have to say before; a hostile one costs no more.
LONGEST_LOOKED_AT, LONGEST_SENT = 20_000, 6_000
_NOWHERE = -1

_HIDDEN = re.compile(
    r"<!--.*?(?:-->|$)|<(script|style|template|noscript|title|head)\b.*?(?:</\1\s*>|$)"
    r"|<(\w+)\b[^<>]{0,400}(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])|\bhidden\b|aria-hidden)[^<>]{0,400}>.*?(?:</\2\s*>|$)",
    re.IGNORECASE | re.DOTALL,
)
_MARKUP = re.compile(
    r"</?[a-zA-Z][^<>]{0,400}>"  # tags
    r"|<\|[^<>|]{0,60}\|>|\[/?INST\]|<</?SYS>>"  # marks of chat templates
    r"|!?\[(?=[^\[\]\n]{1,200}\]\([^()\s]{0,500}\))|(?<=\])\([^()\s]{0,500}\)|`{1,3}",  # markdown links, pictures, code
)
#: What no text of a model may hold when it is published.
LINK = re.compile(r"https?:|www\.|://|@|\b[\w-]+\.(?:com|net|org|io|info|biz|de|fr|es|pt|uk|eu|shop|ru|cn|ly|me|app|dev|co)\b", re.IGNORECASE)
#: Markup, formulas, and characters that nobody sees or that turn a line around.
ACTIVE = re.compile("[<>{}\\[\\]|`\\\\]|[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]|^[=+\\-@]")
_BLANK = re.compile(r"\s+")
#: What may not stand unseen inside a published quote: all but blanks and the soft joints of words and emoji.
_BREAKS = re.compile("[^\\s\u00ad\u200b-\u200d\ufe0e\ufe0f\ufeff]")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text as it goes to a model. `places[i]` is where `plain[i]` stands in the original; -1 in a gap."""

    original: str
    plain: str
    places: tuple[int, ...]
    mark: str
    left_out_count: int
    hidden_count: int

    @property
    def marked(self) -> str:
        """The text as it is sent: words joined by the mark, which the text itself does not hold."""
        return self.plain.replace(" ", self.mark)

    @property
    def says_something(self) -> bool:
        """Whether anything is left that a model could label."""
        return any(letter.isalnum() for letter in self.plain)

    def find(self, quote: str) -> Span | None:
        """Where a quote stands in the original. It must be copied letter by letter from what was sent, and not cut through a word."""
        wanted = _BLANK.sub(" ", quote.replace(self.mark, " ")).strip()
        if not any(letter.isalnum() for letter in wanted):
            return None
        start = self.plain.find(wanted)
        while start >= 0:
            end = start + len(wanted)
            places = self.places[start:end]
            if _NOWHERE not in places and not _inside_word(self.plain, start) and not _inside_word(self.plain, end):
                return self._unbroken(places)
            start = self.plain.find(wanted, start + 1)
        return None

    def _unbroken(self, places: tuple[int, ...]) -> Span:
        """The longest part of a quote with nothing unseen between its letters: what was taken out is not published inside a quote."""
        parts, start = [], 0
        for number in range(1, len(places) + 1):
            if number == len(places) or _BREAKS.search(self.original, places[number - 1] + 1, places[number]):
                parts.append(Span(places[start], places[number - 1] + 1))
                start = number
        longest = max(parts, key=lambda part: part.end - part.start)
        return trimmed(self.original, *longest) or longest


def prepare(text: str) -> Prepared:
    """What of a text is sent. The same text gives the same, always."""
    letters, hidden = _visible(text[:LONGEST_LOOKED_AT])
    plain, places = _shortened(*_collapsed(letters))
    spans = instruction_spans(plain, [place for place, letter in enumerate(plain) if letter == " " and text[places[place]] == "\n"])
    for span in reversed(spans):
        plain = plain[: span.start] + GAP + plain[span.end :]
        places = [*places[: span.start], *[_NOWHERE] * len(GAP), *places[span.end :]]
    return Prepared(text, plain, tuple(places), _mark(plain), len(spans), hidden)


def _visible(text: str) -> tuple[list[tuple[str, int]], int]:
    """Characters a person sees, each with its place, and how many were taken out."""
    gone = bytearray(len(text))
    visible = "".join(_usual(letter) if _is_seen(letter) else "\x00" for letter in text)
    for pattern in (_HIDDEN, _MARKUP):
        # Characters that are not seen inside a tag must not keep it from being seen as one: they are matched out of the way.
        squeezed, at = _squeezed(visible, gone)
        for match in pattern.finditer(squeezed):
            for place in range(match.start(), match.end()):
                gone[at[place]] = 1
    letters = [(letter, place) for place, letter in enumerate(visible) if not gone[place] and letter != "\x00"]
    return letters, len(text) - len(letters)


def _squeezed(text: str, gone: bytearray) -> tuple[str, list[int]]:
    kept = [(letter, place) for place, letter in enumerate(text) if letter != "\x00" and not gone[place]]
    return "".join(letter for letter, _ in kept), [place for _, place in kept]


def _is_seen(letter: str) -> bool:
    if letter in "\n\r\t":
        return True
    category = unicodedata.category(letter)
    is_selector = "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
    return category not in ("Cc", "Cf", "Co", "Cs", "Cn") and not is_selector


def _usual(letter: str) -> str:
    """Full-width and other dressed-up forms as the letter they stand for, where it is one letter."""
    usual = unicodedata.normalize("NFKC", letter)
    return usual if len(usual) == 1 else letter


def _collapsed(letters: list[tuple[str, int]]) -> tuple[str, list[int]]:
    """One blank between words, none at the ends."""
    plain: list[str] = []
    places: list[int] = []
    for letter, place in letters:
        if letter.isspace():
            if plain and plain[-1] != " ":
                plain.append(" ")
                places.append(place)
            elif plain and letter == "\n":
                places[-1] = place  # the end of a line is remembered: a sentence ends there
        else:
            plain.append(letter)
            places.append(place)
    if plain and plain[-1] == " ":
        plain.pop()
        places.pop()
    return "".join(plain), places


def _shortened(plain: str, places: list[int]) -> tuple[str, list[int]]:
    if len(plain) <= LONGEST_SENT:
        return plain, places
    end = plain.rfind(" ", LONGEST_SENT // 2, LONGEST_SENT)
    end = end if end > 0 else LONGEST_SENT
    return plain[:end], places[:end]


def _mark(plain: str) -> str:
    """The mark of this text: which one comes first is drawn by the text's own hash, so that it is not always the same."""
    turn = hashlib.sha256(plain.encode()).digest()[0] % len(MARKS)
    return next((mark for mark in MARKS[turn:] + MARKS[:turn] if mark not in plain), "\ue000")  # the last is taken out of every text


def _inside_word(text: str, place: int) -> bool:
    if place <= 0 or place >= len(text):
        return False
    before, after = text[place - 1], text[place]
    return before.isalnum() and after.isalnum() and ord(before) < 0x250 and ord(after) < 0x250
