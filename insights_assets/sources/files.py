"""Reading landing files line by line: csv, jsonl (both also gzipped), parquet, and JSON exports of vendors.

Yields every record as it came, and every line that is not one with its reason; one bad line never costs the lines around it.
Does not belong here: what the fields mean (`parse.py`).
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import orjson

#: A quoted CSV field may run over this many lines; past it the quote is taken for a stray one and only its first line is lost.
MAX_QUOTED_LINES = 200
#: A single line longer than this is an accident; it is quarantined by its first part.
MAX_LINE_BYTES = 16 * 1024 * 1024
_KEPT_OF_BAD_LINE = 4_000
_FULL_DATE = re.compile(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)(?!\d)")
SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".parquet", ".json")

csv.field_size_limit(MAX_LINE_BYTES)


@dataclass(frozen=True, slots=True)
class Line:
    """One record (`record` set) or one unreadable line (`reason` set, `text` what is left of it)."""

    number: int
    record: dict[str, Any] | None
    reason: str | None = None
    text: str = ""


def delivered_day(name: str) -> date | None:
    """The full date in a file's name: the day it was delivered. A month alone says nothing about delivery."""
    match = _FULL_DATE.search(name)
    if match is None:
        return None
    try:
        return date(*(int(part) for part in match.groups()))
    except ValueError:
        return None


def is_readable_name(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def read_lines(path: Path) -> Iterator[Line]:
    """Every line of a file. Faults of the whole file (no such format, truncated gzip, broken parquet) end it with a reason."""
    name = path.name.lower()
    try:
        if path.stat().st_size == 0:
            yield Line(1, None, "the file is empty")
        elif name.endswith(".parquet"):
            yield from _parquet(path)
        elif name.endswith(".gz"):
            with gzip.open(path, "rb") as stream:
                yield from _text_file(stream, name[:-3])  # type: ignore[arg-type]
        else:
            with open(path, "rb") as stream:
                yield from _text_file(stream, name)
    except (EOFError, OSError, gzip.BadGzipFile) as error:
        yield Line(0, None, f"the file ends early or cannot be read: {error}")


def _text_file(stream: BinaryIO, name: str) -> Iterator[Line]:
    if name.endswith(".csv"):
        yield from _csv(stream)
    elif name.endswith((".jsonl", ".ndjson")):
        yield from _jsonl(stream)
    elif name.endswith(".json"):
        yield from _json(stream)
    else:
        yield Line(1, None, f"unknown format; use one of {', '.join(SUFFIXES)}")


def _bad(number: int, raw: bytes | str, reason: str) -> Line:
    text = raw if isinstance(raw, str) else raw[:_KEPT_OF_BAD_LINE].decode("utf-8", "backslashreplace")
    return Line(number, None, reason, text[:_KEPT_OF_BAD_LINE])


def _jsonl(stream: BinaryIO) -> Iterator[Line]:
    for number, raw in enumerate(stream, 1):
        if not raw.strip():
            continue
        if len(raw) > MAX_LINE_BYTES:
            yield _bad(number, raw, f"the line has {len(raw)} bytes; at most {MAX_LINE_BYTES} may")
            continue
        try:
            record = orjson.loads(raw.lstrip(b"\xef\xbb\xbf") if number == 1 else raw)
        except orjson.JSONDecodeError as error:
            reason = "not UTF-8" if "UTF-8" in str(error) or "surrogate" in str(error) else f"not valid JSON: {error.msg}"
            yield _bad(number, raw, reason)
            continue
        if isinstance(record, dict):
            yield Line(number, record)
        else:
            yield _bad(number, raw, "not a JSON object")


def _json(stream: BinaryIO) -> Iterator[Line]:
    """A vendor's export: one object whose longest list of objects holds the records, or a bare list."""
    raw = stream.read()
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        yield _bad(1, raw, f"not valid JSON: {error.msg}")
        return
    lists = [document] if isinstance(document, list) else []
    if isinstance(document, dict):
        lists = [document[k] for k in ("tickets", "conversations", "results", "data", "records") if isinstance(document.get(k), list)]
    records = next(iter(lists), [document] if isinstance(document, dict) else [])
    for number, record in enumerate(records, 1):
        if isinstance(record, dict):
            yield Line(number, record)
        else:
            yield _bad(number, orjson.dumps(record), "not a JSON object")


def _parquet(path: Path) -> Iterator[Line]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        number = 0
        for batch in file.iter_batches(batch_size=8_192):
            for record in batch.to_pylist():
                number += 1
                yield Line(number, record)
    except pa.ArrowException as error:
        yield Line(0, None, f"not a readable parquet file: {str(error)[:200]}")


def _csv(stream: BinaryIO) -> Iterator[Line]:
    """CSV that survives a bad line: a record is one line, or as many as its quotes need."""
    lines = enumerate(stream, 1)
    waiting: deque[tuple[int, bytes]] = deque()

    def following() -> tuple[int, bytes] | None:
        return waiting.popleft() if waiting else next(lines, None)

    first = following()
    if first is None:
        return
    try:
        header = [name.strip() for name in next(csv.reader(io.StringIO(first[1].decode("utf-8-sig"))))]
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        yield _bad(1, first[1], f"the header line is not UTF-8 CSV: {error}")
        return
    if len(set(header)) != len(header):
        yield _bad(1, first[1], "the header names a column twice")
        return
    while (entry := following()) is not None:
        number, raw = entry
        if not raw.strip():
            continue
        block = [entry]
        while raw.count(b'"') % 2 and len(block) <= MAX_QUOTED_LINES and len(raw) <= MAX_LINE_BYTES:
            more = following()
            if more is None:
                break
            block.append(more)
            raw += more[1]
        values, reason = _csv_values(raw, len(header))
        if values is not None:
            yield Line(number, dict(zip(header, values, strict=True)))
            continue
        # Only the first line is lost; the lines it swallowed are read again on their own.
        waiting.extendleft(reversed(block[1:]))
        if len(block) > 1:
            reason = "a quote opens here and does not close"
        yield _bad(number, block[0][1], reason)


def _csv_values(raw: bytes, width: int) -> tuple[list[str] | None, str]:
    if len(raw) > MAX_LINE_BYTES:
        return None, f"the line has {len(raw)} bytes; at most {MAX_LINE_BYTES} may"
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 at byte {error.start} of the line"
    if "\x00" in text:
        return None, "the line holds a NUL byte"
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        return None, f"not valid CSV: {error}"
    if len(rows) != 1 or len(rows[0]) != width:
        return None, f"{len(rows[0]) if rows else 0} fields, the header has {width}"
    return rows[0], ""
