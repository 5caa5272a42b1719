"""Slack's Block Kit: a message as header, rich text, facts and buttons, with a plain text for notifications.

Belongs here: the form and its limits, and the value a button carries. Does not belong here: calling Slack (`slack.py`). No block
holds Slack's own markup (`mrkdwn`): rich text and plain text are shown as they are, so no text from data can become a mention, a
link or a ping of a channel. The text for notifications is the one place where markup is read; `&`, `<` and `>` are escaped there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from insights_assets.actions.destinations import marks
from insights_assets.actions.destinations.marks import Block, Bullets, Code, Line, Paragraph, Span
from insights_assets.actions.destinations.port import Button, Message
from insights_assets.actions.escaping import inert, plain

MOST_BLOCKS = 50
MOST_IN_A_BLOCK = 3000
MOST_IN_A_MESSAGE = 11_000
MOST_IN_THE_HEADER = 150
MOST_IN_THE_TEXT = 3000
MOST_BUTTONS = 20
CUT = "Cut here: Slack takes no more. The console shows the whole text."

#: Block that holds the buttons, so that it can be taken out once somebody has pressed one.
BUTTONS = "insights_buttons"
_STYLES = {"approve": "primary", "confirm": "primary", "reject": "danger", "place": "primary"}
_UNMARKED = str.maketrans({"<": "‹", ">": "›", "&": "＆"})


def text(message: Message) -> str:
    """What a notification shows, escaped."""
    said = inert(f"Tier {message.tier}: {message.title}" if message.tier else message.title, 300)
    return escaped(said) or "…"


def escaped(said: str) -> str:
    """Text for a field in which Slack reads its markup."""
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:MOST_IN_THE_TEXT]


def blocks(message: Message) -> list[dict[str, Any]]:
    """The blocks of a message, within every limit."""
    whole = marks.read(message.body)
    body = marks.cut(whole, MOST_IN_A_MESSAGE, CUT)
    middle = [{"type": "rich_text", "elements": part} for part in _parts([element for block in body for element in _elements(block)])]
    is_said = bool(message.parent_id) or marks.plain_text(whole).startswith(plain(message.title))
    top = [] if is_said else [{"type": "header", "text": _plain_text(message.title, MOST_IN_THE_HEADER)}]
    bottom = [*_facts(message.facts), *_buttons(message.buttons)]
    room = MOST_BLOCKS - len(top) - len(bottom)
    if len(middle) > room:
        middle = [*middle[: room - 1], {"type": "rich_text", "elements": [_section([(Span(CUT, is_emphasis=True),)])]}]
    return [*top, *middle, *bottom] or [{"type": "rich_text", "elements": [_section([(Span("…"),)])]}]


def decided(shown: Sequence[Mapping[str, Any]], said: str) -> list[dict[str, Any]]:
    """The blocks of a message whose buttons are answered: what was decided stands in their place."""
    kept = [dict(block) for block in shown if block.get("block_id") != BUTTONS and block.get("type") in ("header", "rich_text", "context")]
    return [*kept[: MOST_BLOCKS - 1], {"type": "context", "elements": [_plain_text(said, 1000)]}]


def button_value(button: Button) -> str:
    """What a press brings back: act, subject and the one-shot token."""
    return json.dumps([button.act, button.subject, button.token], separators=(",", ":"))


def read_button(value: str) -> tuple[str, str, str] | None:
    """Act, subject and token of a press; None for a value this house did not write."""
    try:
        found = json.loads(value)
    except ValueError:
        return None
    if not (isinstance(found, list) and len(found) == 3 and all(isinstance(part, str) for part in found)):
        return None
    return found[0], found[1], found[2]


# -- the parts -------------------------------------------------------------------------------------------------------------------


def _plain_text(said: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": inert(said, limit).translate(_UNMARKED) or "…", "emoji": False}


def _facts(facts: Mapping[str, str]) -> list[dict[str, Any]]:
    told = [_plain_text(f"{name}: {value}", 300) for name, value in facts.items() if value]
    return [{"type": "context", "elements": told[:10]}] if told else []


def _buttons(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    elements = []
    for number, button in enumerate(buttons[:MOST_BUTTONS]):
        element = {"type": "button", "action_id": f"insights_{button.act}_{number}", "text": _plain_text(button.label, 75), "value": button_value(button)}
        if len(element["value"]) > 2000:
            raise ValueError(f"the button {button.act!r} of {button.subject!r} carries more than the 2000 characters Slack takes")
        elements.append({**element, "style": _STYLES[button.act]} if button.act in _STYLES else element)
    return [{"type": "actions", "block_id": BUTTONS, "elements": elements}] if elements else []


def _parts(elements: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Elements in runs short enough for a block each."""
    part: list[dict[str, Any]] = []
    room = MOST_IN_A_BLOCK
    for element in elements:
        size = characters(element)
        if part and (size > room or len(part) >= 40):
            yield part
            part, room = [], MOST_IN_A_BLOCK
        part.append(element)
        room -= size
    if part:
        yield part


def characters(element: Any) -> int:
    """Characters of text anywhere in an element."""
    if isinstance(element, dict):
        return len(element["text"]) if isinstance(element.get("text"), str) else sum(characters(value) for value in element.values())
    return sum(characters(value) for value in element) if isinstance(element, list) else 0


def _elements(block: Block) -> Iterator[dict[str, Any]]:
    match block:
        case Paragraph(lines=lines, level=level):
            for run in _runs(lines):
                # Sections follow each other without a gap; a blank line sets paragraphs apart.
                yield _section([tuple(_bold(span) if level else span for span in line) for line in run], ends=True)
        case Bullets(items=items, is_numbered=is_numbered):
            yield from _lists(items, "ordered" if is_numbered else "bullet")
        case Code(text=said):
            for at in range(0, len(said), MOST_IN_A_BLOCK):
                yield {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": said[at : at + MOST_IN_A_BLOCK]}]}


def _bold(span: Span) -> Span:
    return Span(span.text, True, span.is_emphasis, span.is_code)


def _runs(lines: Sequence[Line], most: int = MOST_IN_A_BLOCK - 10) -> Iterator[list[Line]]:
    """Lines in runs that fit into one block; a line that does not fit is broken."""
    run: list[Line] = []
    room = most
    for line in (piece for whole in lines for piece in _broken(whole, most)):
        size = sum(len(span.text) for span in line) + 1
        if run and size > room:
            yield run
            run, room = [], most
        run.append(line)
        room -= size
    if run:
        yield run


def _broken(line: Line, most: int) -> Iterator[Line]:
    piece: list[Span] = []
    room = most - 1
    for span in line:
        rest = span.text
        while len(rest) > room:
            piece.append(Span(rest[:room], span.is_strong, span.is_emphasis, span.is_code)) if room else None
            yield tuple(piece)
            rest, piece, room = rest[room:], [], most - 1
        if rest:
            piece.append(Span(rest, span.is_strong, span.is_emphasis, span.is_code))
            room -= len(rest)
    if piece:
        yield tuple(piece)


def _lists(items: Sequence[tuple[int, tuple[Line, ...]]], style: str) -> Iterator[dict[str, Any]]:
    """A list element for each run of items of one depth."""
    entries: list[dict[str, Any]] = []
    depth = 0
    size = 0
    for indent, lines in items:
        for run in _runs(lines):
            section = _section(run)
            more = characters(section)
            if entries and (indent != depth or size + more > MOST_IN_A_BLOCK):
                yield {"type": "rich_text_list", "style": style, "indent": depth, "elements": entries}
                entries, size = [], 0
            entries.append(section)
            depth, size = indent, size + more
    if entries:
        yield {"type": "rich_text_list", "style": style, "indent": depth, "elements": entries}


def _section(lines: Sequence[Line], ends: bool = False) -> dict[str, Any]:
    elements: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        if number:
            elements.append({"type": "text", "text": "\n"})
        elements += [_text(span) for span in line]
    if ends:
        elements.append({"type": "text", "text": "\n\n"})
    return {"type": "rich_text_section", "elements": elements}


def _text(span: Span) -> dict[str, Any]:
    style = {name: True for name, is_set in (("bold", span.is_strong), ("italic", span.is_emphasis), ("code", span.is_code)) if is_set}
    return {"type": "text", "text": span.text, **({"style": style} if style else {})}
