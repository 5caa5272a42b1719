"""A text as the finders read it: cleaned, folded without moving a character, and with earlier tokens hidden.

Belongs here: what every finder must agree on, so that an offset found in the folded text is an offset in the clean one.
Does not belong here: any knowledge of personal data.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property

#: What stands in for personal data. The set is closed: later stages strip and count these words.
TOKENS: tuple[str, ...] = ("name", "email", "phone", "card", "iban", "address", "handle", "id")
TOKEN = re.compile(rf"\[(?:{'|'.join(TOKENS)})\]")
#: Stands for each character of a token in the folded text; no finder's pattern contains it.
HIDDEN = "\x00"

# Everything that is drawn as nothing or steers drawing: it splits words and numbers for a machine, not for a reader.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)
_DIGIT = re.compile(r"\d")
_SPACED = {code: " " for code in range(128) if not chr(code).islower()}


def clean(text: str) -> str:
    """The text without invisible characters and in composed form; line ends become one kind.

    >>> clean("pa\\u200bssword\\r\\nCafe\\u0301")
    'password\\nCafé'
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Composing first would let an invisible character keep a letter and its accent apart.
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))


def _fold_table() -> dict[int, str]:
    """One character to one character: accents off, foreign digits and wide forms to ASCII."""
    table: dict[int, str] = {}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii():
            table[code] = base
    special = {"ß": "s", "ẞ": "S", "ø": "o", "Ø": "O", "œ": "o", "Œ": "O", "æ": "a", "Æ": "A", "ł": "l", "Ł": "L"}
    special |= {"đ": "d", "Đ": "D", "ı": "i", "İ": "I", "þ": "t", "Þ": "T", "ð": "d", "Ð": "D", "º": "o", "ª": "a"}
    table.update({ord(letter): base for letter, base in special.items()})
    for marks, plain in (("‘’´`ʼ′＇", "'"), ("‐‑‒–—―−﹣－", "-"), ("“”„«»＂", '"'), ("．。｡", "."), ("﹫", "@")):
        table.update({ord(mark): plain for mark in marks})
    table.update(dict.fromkeys((0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "))
    for code in range(0xFF01, 0xFF5F):
        table.setdefault(code, chr(code - 0xFEE0))
    for zero in (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, *range(0x1D7CE, 0x1D800, 10)):
        table.update({zero + digit: str(digit) for digit in range(10)})
    return table


_FOLD = _fold_table()


def fold(text: str) -> str:
    """Lower case without accents, of the same length.

    >>> fold("Größe 12 ÉTÉ")
    'grose 12 ete'
    """
    lowered = (text if text.isascii() else text.translate(_FOLD)).lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


class View:
    """A clean text and its folded twins. `plain` keeps the case, `lower` does not; tokens are hidden in both."""

    __slots__ = ("__dict__", "lower", "plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        plain = text if text.isascii() else text.translate(_FOLD)
        if "\t" in plain:
            plain = plain.replace("\t", " ")
        if "[" in plain:
            plain = TOKEN.sub(lambda match: HIDDEN * len(match.group()), plain)
        lower = plain.lower()
        self.plain = plain
        self.lower = lower if len(lower) == len(plain) else fold(plain)

    @cached_property
    def words(self) -> list[str]:
        """The folded words, in order; an apostrophe parts two. Made to ask cheaply whether a word occurs at all."""
        return self.lower.translate(_SPACED).split()

    def has_word_of(self, words: frozenset[str]) -> bool:
        """Whether any of these words occurs; most finders ask this before they read."""
        return not words.isdisjoint(self.words)

    @cached_property
    def digit_count(self) -> int:
        """How many digits there are; most finders need several."""
        return len(_DIGIT.findall(self.plain)) if _DIGIT.search(self.plain) else 0

    def is_word(self, start: int, end: int) -> bool:
        """Whether letters and digits end at both ends of the slice."""
        lower = self.lower
        return not (start and lower[start - 1].isalnum()) and not (end < len(lower) and lower[end].isalnum())
