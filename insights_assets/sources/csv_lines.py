"""CSV line by line, such that one bad line never costs the lines around it.

Does not belong here: other formats (`files.py`), what the fields mean (`parse.py`).
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence

from insights_assets.sources.lines import MAX_LINE_BYTES, Line, bad_line, missing_columns, too_long

#: A quoted field may run over this many lines; past it the quote is taken for a stray one and only its first line is lost.
MAX_QUOTED_LINES = 200

csv.field_size_limit(MAX_LINE_BYTES)


def csv_lines(numbered: Iterator[tuple[int, bytes]], delimiter: str | None, expected: Sequence[str]) -> Iterator[Line]:
    """CSV that survives a bad line: a record is one line, or as many as its quotes need."""
    waiting: deque[tuple[int, bytes]] = deque()

    def following() -> tuple[int, bytes] | None:
        return waiting.popleft() if waiting else next(numbered, None)

    first = following()
    if first is None:
        return
    try:
        text = first[1].decode("utf-8-sig")
        if "\x00" in text:
            raise ValueError("it holds NUL bytes; name its encoding in shop/sources.yaml if it is not UTF-8")
        mark = delimiter or _delimiter_of(text)
        header = [name.strip() for name in next(csv.reader(io.StringIO(text), delimiter=mark))]
    except (ValueError, csv.Error, StopIteration) as error:
        yield bad_line(1, first[1], f"the header line is not UTF-8 CSV: {error}")
        return
    if len(set(header)) != len(header):
        yield bad_line(1, first[1], "the header names a column twice")
        return
    yield from missing_columns(header, expected, first[1])
    width = len(header)
    while (entry := following()) is not None:
        number, raw = entry
        if b'"' not in raw:
            values, reason = _simple_values(raw, mark, width)
            if values is not None:
                yield Line(number, dict(zip(header, values, strict=True)))
            elif raw.strip():
                yield bad_line(number, raw, reason)
            continue
        block = [entry]
        while raw.count(b'"') % 2 and len(block) <= MAX_QUOTED_LINES and len(raw) <= MAX_LINE_BYTES:
            more = following()
            if more is None:
                break
            block.append(more)
            raw += more[1]
        values, reason = _quoted_values(raw, mark, width)
        if values is not None:
            yield Line(number, dict(zip(header, values, strict=True)))
            continue
        # Only the first line is lost; the lines it swallowed are read again on their own.
        waiting.extendleft(reversed(block[1:]))
        if len(block) > 1:
            reason = "a quote opens here and does not close"
        yield bad_line(number, block[0][1], reason)


def _delimiter_of(header: str) -> str:
    """The character that parts the header into most columns; a comma where none does."""
    return max((",", ";", "\t", "|"), key=lambda mark: len(next(csv.reader(io.StringIO(header), delimiter=mark))))


def _text_of(raw: bytes) -> tuple[str, str]:
    """The line as text, or why it cannot be one."""
    if reason := too_long(raw):
        return "", reason
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return "", f"not UTF-8 at byte {error.start} of the line"
    if "\x00" in text:
        return "", "the line holds a NUL byte"
    return text, ""


def _simple_values(raw: bytes, mark: str, width: int) -> tuple[list[str] | None, str]:
    """A line without quotes: split at the delimiter, which is all that CSV means then."""
    text, reason = _text_of(raw)
    if reason:
        return None, reason
    values = text.rstrip("\r\n").split(mark)
    if len(values) != width or "\r" in text[:-2]:
        return None, f"{len(values)} fields, the header has {width}" if len(values) != width else "a line end stands inside the line"
    return values, ""


def _quoted_values(raw: bytes, mark: str, width: int) -> tuple[list[str] | None, str]:
    text, reason = _text_of(raw)
    if reason:
        return None, reason
    try:
        rows = list(csv.reader((text,), delimiter=mark, strict=True))
    except csv.Error as error:
        return None, f"not valid CSV: {error}"
    if len(rows) != 1 or len(rows[0]) != width:
        return None, f"{len(rows[0]) if rows else 0} fields, the header has {width}"
    return rows[0], ""
