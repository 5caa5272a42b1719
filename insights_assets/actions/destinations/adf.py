"""Atlassian Document Format: the house's Markdown as the JSON that Jira takes for descriptions and comments.

Belongs here: the form, its limit, and the check before anything is sent (a request that Jira refuses burns an issue number). Does not
belong here: calling Jira (`jira.py`). Text only ever becomes a text node; there is no link, mention, card or media node to become.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from insights_assets.actions.destinations import marks
from insights_assets.actions.destinations.marks import Block, Bullets, Code, Line, Paragraph, Span

#: Jira takes 32,767 characters of text; what is left is for the marks it counts on its own.
MOST_CHARACTERS = 30_000
CUT = "Cut here: Jira takes no more. The console shows the whole text."

_NODES = frozenset({"paragraph", "heading", "bulletList", "orderedList", "listItem", "codeBlock", "rule", "text", "hardBreak"})
_MARKS = frozenset({"strong", "em", "code"})


def document(markdown: str, limit: int = MOST_CHARACTERS) -> dict[str, Any]:
    """An ADF document of a Markdown text; never empty, since Jira shows an empty one as an error."""
    content = [node for block in marks.cut(marks.read(markdown), limit, CUT) for node in _nodes(block)]
    return {"type": "doc", "version": 1, "content": content or [{"type": "paragraph", "content": []}]}


def _nodes(block: Block) -> Iterator[dict[str, Any]]:
    match block:
        case Paragraph(lines=lines, level=0):
            yield {"type": "paragraph", "content": _inline(lines)}
        case Paragraph(lines=lines, level=level):
            yield {"type": "heading", "attrs": {"level": level}, "content": _inline(lines)}
        case Code(text=text):
            yield {"type": "codeBlock", "attrs": {}, "content": [{"type": "text", "text": text}]}
        case Bullets(items=items, is_numbered=is_numbered):
            yield _list(items, 0, "orderedList" if is_numbered else "bulletList")
        case _:
            yield {"type": "rule"}


def _list(items: Sequence[tuple[int, tuple[Line, ...]]], depth: int, kind: str) -> dict[str, Any]:
    """A list with the deeper items of each run as a list within the item before them."""
    content: list[dict[str, Any]] = []
    at = 0
    while at < len(items):
        end = at
        while end < len(items) and items[end][0] > depth:
            end += 1
        if end > at:
            nested = _list(items[at:end], depth + 1, "bulletList")
            if content:
                content[-1]["content"].append(nested)
            else:
                content.append({"type": "listItem", "content": [nested]})
            at = end
        else:
            content.append({"type": "listItem", "content": [{"type": "paragraph", "content": _inline(items[at][1])}]})
            at += 1
    return {"type": kind, "content": content}


def _inline(lines: Sequence[Line]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        if number:
            found.append({"type": "hardBreak"})
        found += [_text(span) for span in line]
    return found


def _text(span: Span) -> dict[str, Any]:
    if span.is_code:  # the format lets `code` stand with no other hand
        hands = ["code"]
    else:
        hands = [name for name, is_set in (("strong", span.is_strong), ("em", span.is_emphasis)) if is_set]
    return {"type": "text", "text": span.text, **({"marks": [{"type": name} for name in hands]} if hands else {})}


def text_of(node: Any) -> str:
    """The words of a document that Jira gave back, without any form."""
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "text":
        return str(node.get("text", ""))
    ends = "\n" if node.get("type") in ("paragraph", "heading", "codeBlock", "hardBreak") else ""
    return "".join(text_of(child) for child in node.get("content") or ()) + ends


def check(node: dict[str, Any], at: str = "document") -> None:
    """Raise ValueError for a document this house does not make: an unknown node or mark, an empty text, too much of it."""
    if at == "document":
        if node.get("type") != "doc" or node.get("version") != 1:
            raise ValueError("the document is no ADF document of version 1")
        if len(text_of(node)) > MOST_CHARACTERS + 1000:
            raise ValueError(f"the document is longer than the {MOST_CHARACTERS} characters that are sent")
    elif node.get("type") not in _NODES:
        raise ValueError(f"{at}: a node of the type {node.get('type')!r} is not sent")
    if node.get("type") == "text":
        if not node.get("text"):
            raise ValueError(f"{at}: the text is empty")
        for mark in node.get("marks", ()):
            if set(mark) != {"type"} or mark["type"] not in _MARKS:
                raise ValueError(f"{at}: the mark {mark!r} is not sent")
    for number, child in enumerate(node.get("content", ())):
        check(child, f"{at}.content[{number}]")
