"""The house's Markdown as a tree of plain values, for destinations that have a form of their own (ADF, Block Kit).

Belongs here: reading Markdown, and cutting a tree to a length. Does not belong here: any destination's form. HTML, links, images
and entities of the web are no part of it: whatever looks like one stays the text it is, so that text from data is text in every form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from insights_assets.actions.escaping import visible

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: Lists deeper than this are shown at this depth.
DEEPEST = 5


@dataclass(frozen=True)
class Span:
    """A run of characters in one hand. `text` is never empty and holds no line break."""

    text: str
    is_strong: bool = False
    is_emphasis: bool = False
    is_code: bool = False


Line = tuple[Span, ...]


@dataclass(frozen=True)
class Paragraph:
    """Lines that belong together; `level` 1 to 6 makes it a heading."""

    lines: tuple[Line, ...]
    level: int = 0


@dataclass(frozen=True)
class Bullets:
    """A list, flat: each item has its depth (0 outermost) and its lines."""

    items: tuple[tuple[int, tuple[Line, ...]], ...]
    is_numbered: bool = False


@dataclass(frozen=True)
class Code:
    """Lines as they are."""

    text: str


@dataclass(frozen=True)
class Rule:
    """A line across."""


Block = Paragraph | Bullets | Code | Rule
_B = TypeVar("_B", Paragraph, Bullets, Code)


def read(markdown: str) -> tuple[Block, ...]:
    """The blocks of a text. Quotes are read as what stands in them."""
    tokens = iter(_parser().parse(markdown))
    return tuple(_blocks(tokens))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False, "maxNesting": 40})
    # An ampersand of data is escaped already; a raw one is an ampersand.
    return parser.disable(["link", "image", "autolink", "html_inline", "html_block", "reference", "entity"])


def _blocks(tokens: Iterator[Token]) -> Iterator[Block]:
    for token in tokens:
        if token.type == "inline":
            yield from _paragraph(_lines(token.children or []), 0)
        elif token.type == "heading_open":
            yield from _paragraph(_lines(next(tokens).children or []), int(token.tag[1:]))
        elif token.type in ("fence", "code_block"):
            text = "\n".join(visible(line).rstrip() for line in token.content.splitlines()).strip("\n")
            if text.strip():
                yield Code(text)
        elif token.type == "hr":
            yield Rule()
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            items = tuple(_items(tokens, 0))
            if items:
                yield Bullets(items, token.type.startswith("ordered"))


def _paragraph(lines: tuple[Line, ...], level: int) -> Iterator[Paragraph]:
    if lines:
        yield Paragraph(lines, level)


def _items(tokens: Iterator[Token], depth: int) -> Iterator[tuple[int, tuple[Line, ...]]]:
    """The items of a list whose opening was read, up to its end; what a nested list holds follows at its own depth."""
    lines: list[Line] = []
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open", "list_item_close", "bullet_list_close", "ordered_list_close") and lines:
            yield min(depth, DEEPEST), tuple(lines)
            lines = []
        if token.type in ("bullet_list_open", "ordered_list_open"):
            yield from _items(tokens, depth + 1)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            return
        elif token.type == "inline":
            lines += _lines(token.children or [])
        elif token.type in ("fence", "code_block"):
            lines += [(Span(visible(line), is_code=True),) for line in token.content.splitlines() if line.strip() and visible(line)]


def _lines(children: Sequence[Token]) -> tuple[Line, ...]:
    """Spans by line; lines without a visible character are left out."""
    lines: list[list[Span]] = [[]]
    strong = emphasis = 0
    for token in children:
        if token.type in ("strong_open", "strong_close"):
            strong += 1 if token.nesting > 0 else -1
        elif token.type in ("em_open", "em_close"):
            emphasis += 1 if token.nesting > 0 else -1
        elif token.type in ("softbreak", "hardbreak"):
            lines.append([])
        elif text := visible(token.content):
            lines[-1].append(Span(text, strong > 0, emphasis > 0, token.type == "code_inline"))
    return tuple(_joined(line) for line in lines if any(span.text.strip() for span in line))


def _joined(line: Sequence[Span]) -> Line:
    """Neighbours in the same hand as one span."""
    joined: list[Span] = []
    for span in line:
        last = joined[-1] if joined else None
        if last is not None and (last.is_strong, last.is_emphasis, last.is_code) == (span.is_strong, span.is_emphasis, span.is_code):
            joined[-1] = Span(last.text + span.text, span.is_strong, span.is_emphasis, span.is_code)
        else:
            joined.append(span)
    return tuple(joined)


# -- lengths -----------------------------------------------------------------------------------------------------------------


def plain_text(blocks: Sequence[Block]) -> str:
    """What a reader sees, without any mark."""
    return "\n".join(line for block in blocks for line in _plain_lines(block))


def _plain_lines(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(lines=lines):
            yield from (_said(line) for line in lines)
        case Bullets(items=items):
            yield from ("  " * depth + "- " + " ".join(_said(line) for line in lines) for depth, lines in items)
        case Code(text=text):
            yield from text.splitlines()
        case Rule():
            yield ""


def _said(line: Line) -> str:
    return "".join(span.text for span in line)


def cut(blocks: Sequence[Block], limit: int, said: str) -> tuple[Block, ...]:
    """The first blocks that together have at most `limit` characters; where some are left out a last paragraph says so in `said`.

    A block is cut only where it alone is longer than what there is room for.
    """
    if sum(_length(block) for block in blocks) <= limit:
        return tuple(blocks)
    notice = Paragraph(((Span(said, is_emphasis=True),),))
    room = limit - _length(notice)
    kept: list[Block] = []
    for block in blocks:
        if _length(block) > room:
            kept += _first_of(block, room)
            break
        kept.append(block)
        room -= _length(block)
    return (*kept, notice)


def _length(block: Block) -> int:
    """Characters, generously: each line costs one more for its break and its mark."""
    return sum(len(line) + 2 for line in _plain_lines(block))


def _first_of(block: Block, room: int) -> list[Block]:
    """The first lines or items of a block that fit."""
    match block:
        case Paragraph(lines=lines, level=level):
            kept = _fitting([Paragraph((line,), level) for line in lines], room)
            if not kept and room > 20:
                return [Paragraph((_first_words(lines[0], room - 3),), level)]
            return [Paragraph(tuple(one.lines[0] for one in kept), level)] if kept else []
        case Bullets(items=items, is_numbered=is_numbered):
            held = _fitting([Bullets((item,), is_numbered) for item in items], room)
            return [Bullets(tuple(one.items[0] for one in held), is_numbered)] if held else []
        case Code(text=text):
            shown = _fitting([Code(line) for line in text.splitlines()], room)
            return [Code("\n".join(one.text for one in shown))] if shown else []
    return []


def _first_words(line: Line, room: int) -> Line:
    """The beginning of one line, with an ellipsis."""
    kept: list[Span] = []
    for span in line:
        kept.append(replace(span, text=span.text[:room]))
        room -= len(span.text)
        if room <= 0:
            break
    return (*kept, Span("…"))


def _fitting(parts: Sequence[_B], room: int) -> list[_B]:
    fitting: list[_B] = []
    for part in parts:
        room -= _length(part)
        if room < 0:
            break
        fitting.append(part)
    return fitting
