"""What every reader of files yields: a record as it came, or a line that is none with its reason; and numbered lines of bounded length.

Does not belong here: any format (`files.py`, `csv_lines.py`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

#: A single line longer than this is an accident; it is set aside by its first part.
MAX_LINE_BYTES = 16 * 1024 * 1024
KEPT_OF_BAD_LINE = 4_000


@dataclass(frozen=True, slots=True)
class Line:
    """One record (`record` set) or one unreadable line (`reason` set, `text` what is left of it)."""

    number: int
    record: dict[str, Any] | None
    reason: str | None = None
    text: str = ""


def numbered_lines(stream: Any, encoding: str) -> Iterator[tuple[int, bytes]]:
    """Numbered lines as UTF-8. Of a line longer than the limit only its first part is ever in memory.

    A byte that another encoding does not know stays as it is, so that its line is found not to be UTF-8.
    """
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        stream = _Utf8Lines(stream, encoding)
    read = stream.readline
    number = 0
    while raw := read(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            while (rest := read(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
        yield number, raw


class _Utf8Lines:
    """The lines of a file in another encoding, in UTF-8."""

    def __init__(self, stream: Any, encoding: str) -> None:
        self._text = io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline="\n")

    def readline(self, limit: int) -> bytes:
        return self._text.readline(limit).encode("utf-8", "surrogateescape")


def bad_line(number: int, raw: bytes | str, reason: str) -> Line:
    text = raw if isinstance(raw, str) else raw[:KEPT_OF_BAD_LINE].decode("utf-8", "backslashreplace")
    return Line(number, None, reason, text[:KEPT_OF_BAD_LINE].replace("\x00", "\\x00"))


def too_long(raw: bytes) -> str | None:
    return f"the line is longer than {MAX_LINE_BYTES} bytes" if len(raw) > MAX_LINE_BYTES else None


def missing_columns(header: Sequence[str], expected: Sequence[str], text: bytes | str) -> Iterator[Line]:
    for name in expected:
        if name not in header:
            yield bad_line(1, text, f"the file has no column {name!r}, which shop/sources.yaml names")
