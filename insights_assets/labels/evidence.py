"""Evidence: where a text says something. Clauses with exact offsets, and quotes that are real substrings.

Belongs here: cutting a text into clauses, trimming and shortening a span, checking a quote (R157).
Does not belong here: deciding which topic a clause is about (`classifier`, `rules`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_QUOTE = 240

# A clause ends where a sentence does, at a line break, a semicolon, a spaced dash, or before a word of contrast.
_CONTRAST = (
    "but|however|although|whereas|aber|jedoch|allerdings|obwohl|sondern|mais|cependant|pourtant|"
    "pero|aunque|embargo|porem|contudo|embora"
)
# What every break begins with is asked first: that halves the time.
_BREAK = re.compile(
    r"(?=[.!?\n;\s,])(?:"
    r"(?P<hard>(?:[.!?]+(?=[\s\"')]|$)|\n+|;|\s-\s|\s\|\s|(?<=[a-z])[!?]+)[\s\"')]*)"
    # Portuguese "mas" needs its comma: folded Spanish "mas" (more) looks the same.
    rf"|(?P<contrast>(?:,?\s+(?=(?:{_CONTRAST})\s)|,\s+(?=mas\s)))"
    r"|(?P<comma>,\s+|\s+(?=(?:and|und|et|y|e)\s)))"
)
# Words of at least two letters; possessive, so that no word is counted twice.
_TWO_WORDS = re.compile(r"[a-z0-9]{2,}+.*?[a-z0-9]{2,}+", re.DOTALL)
_THREE_WORDS = re.compile(r"[a-z0-9]{2,}+.*?[a-z0-9]{2,}+.*?[a-z0-9]{2,}+", re.DOTALL)  # the shortest clause that a comma or "and" may cut off
_EDGE = " \t\n\r,;:-|"


class Span(NamedTuple):
    """Half-open range of characters in the original text."""

    start: int
    end: int


def clauses(folded: str) -> list[Span]:
    """Cut a folded text into clauses that cover every word, in order, without overlap.

    A comma or "and" cuts only when both sides can stand alone: at least three words each.

    >>> [folded_part for folded_part in map(lambda s: "came late, box was torn, no reply yet"[s.start:s.end],
    ...     clauses("came late, box was torn, no reply yet"))]
    ['came late, box was torn', 'no reply yet']
    """
    spans: list[Span] = []
    start = 0
    for match in _BREAK.finditer(folded):
        begin, end = match.span()
        if begin < start:
            continue
        kind = match.lastgroup
        if kind == "comma":
            if _THREE_WORDS.search(folded, start, begin) is None or _THREE_WORDS.search(folded, end) is None:
                continue
        elif kind == "contrast" and _TWO_WORDS.search(folded, start, begin) is None:
            continue
        span = trimmed(folded, start, end if kind == "hard" else begin)
        if span is not None and _WORDLIKE.search(folded, span.start, span.end):
            spans.append(span)
            start = end
    span = trimmed(folded, start, len(folded))
    if span is not None and (not spans or _WORDLIKE.search(folded, span.start, span.end)):
        spans.append(span)
    return spans


_WORDLIKE = re.compile(r"[a-z0-9\u2600-\U0001faff]")


def trimmed(text: str, start: int, end: int) -> Span | None:
    """The span without blanks and stray punctuation at its edges; None when nothing is left."""
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    return Span(start, end) if start < end else None


def quote_span(text: str, start: int, end: int, longest: int = LONGEST_QUOTE) -> Span:
    """Shorten a span to the longest quote allowed, at a blank where there is one."""
    if end - start <= longest:
        return Span(start, end)
    cut = text.rfind(" ", start + longest // 2, start + longest)
    return Span(start, cut if cut > start else start + longest)


def is_quote(text: str, quote: str, start: int, end: int) -> bool:
    """Whether a quote is the exact substring it says it is; a label whose quote is not is void."""
    return bool(quote) and 0 <= start < end <= len(text) and text[start:end] == quote
