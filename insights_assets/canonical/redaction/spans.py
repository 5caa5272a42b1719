"""Places in a text that shall be replaced: which win, which give way to protected words, and the replacement itself.

Belongs here: arithmetic on places. Does not belong here: how a place was found.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import NamedTuple

from insights_assets.canonical.redaction.view import View, fold


class Span(NamedTuple):
    """A place and the kind of token that goes there."""

    start: int
    end: int
    kind: str
    #: Proven by a check digit, a shape nothing else has, or because the value is known: it yields to a protected string
    #: only when it is that string, while a guess yields as soon as the two touch.
    is_sure: bool = True


def occurrences(view: View, needle: str) -> Iterable[tuple[int, int]]:
    """Every place where a folded string stands as whole words."""
    start = view.lower.find(needle)
    while start >= 0:
        end = start + len(needle)
        if view.is_word(start, end):
            yield start, end
        start = view.lower.find(needle, start + 1)


def allowed(view: View, spans: Iterable[Span], protected: Collection[str]) -> list[Span]:
    """The spans that may be replaced although some strings of the row must stay."""
    kept = list(spans)
    if not kept or not protected:
        return kept
    needles = {form for needle in protected if (form := fold(needle.strip()))}
    shields = sorted(place for needle in needles for place in occurrences(view, needle))
    if not shields:
        return kept
    # A field of megabytes can hold thousands of both, so each span looks only at the shields that can reach it.
    starts = [start for start, _ in shields]
    longest = max(end - start for start, end in shields)

    def is_free(span: Span) -> bool:
        near = shields[bisect_left(starts, span.start - longest) : bisect_left(starts, span.end)]
        return not any(_yields(view, span, start, end) for start, end in near)

    return [span for span in kept if is_free(span)]


def _yields(view: View, span: Span, start: int, end: int) -> bool:
    if span.is_sure:
        # "ORD-7731 (at)example.org": the id stands before a piece of an address and is no part of one.
        is_apart = span.kind == "email" and view.lower[end : end + 1] == " "
        return start <= span.start and (span.end <= end or is_apart)
    return start < span.end and span.start < end


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that overlap become one, of the kind of the longest, so that no rest of a value stays behind."""
    result: list[Span] = []
    longest = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.kind)):
        size = span.end - span.start
        if result and span.start < result[-1].end:
            last = result[-1]
            kind = span.kind if size > longest else last.kind
            longest = max(longest, size)
            result[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            result.append(span)
            longest = size
    return result


def replaced(text: str, spans: Iterable[Span]) -> str:
    """The text with a token in place of each span; the spans do not overlap and are in order."""
    pieces: list[str] = []
    position = 0
    for span in spans:
        pieces += (text[position : span.start], "[", span.kind, "]")
        position = span.end
    pieces.append(text[position:])
    return "".join(pieces)
