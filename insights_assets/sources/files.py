"""Reading landing files line by line: csv, jsonl (both also gzipped), parquet, and JSON exports of vendors.

Yields every record as it came, and every line that is not one with its reason; one bad line never costs the lines around it.
Does not belong here: what the fields mean (`parse.py`).
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from insights_assets.sources.csv_lines import csv_lines
from insights_assets.sources.lines import KEPT_OF_BAD_LINE, Line, bad_line, missing_columns, numbered_lines, too_long
from insights_assets.sources.vendors import attach_sideloads

#: A JSON document is read as a whole; a larger one comes in pages or as JSON lines.
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
_LONG_NUMBER = re.compile(rb"\d{19}")
_FULL_DATE = re.compile(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)(?!\d)")
SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".parquet", ".json", ".json.gz")


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


def read_lines(path: Path, *, delimiter: str | None = None, encoding: str = "utf-8", expected: Sequence[str] = ()) -> Iterator[Line]:
    """Every line of a file. Faults of the whole file (no such format, truncated gzip, broken parquet) end it with a reason.

    `expected`: columns that a table (csv, parquet) must have; each that is missing is told once, and the records go on.
    """
    for line in _read_lines(path, delimiter, encoding, expected):
        if encoding != "utf-8" and line.reason and line.reason.startswith("not UTF-8"):
            line = replace(line, reason=line.reason.replace("UTF-8", encoding, 1))
        yield line


def _read_lines(path: Path, delimiter: str | None, encoding: str, expected: Sequence[str]) -> Iterator[Line]:
    name = path.name.lower()
    try:
        if path.stat().st_size == 0:
            yield Line(1, None, "the file is empty")
        elif name.endswith(".parquet"):
            yield from _parquet(path, expected)
        else:
            opened = gzip.open(path, "rb") if name.endswith(".gz") else open(path, "rb")  # noqa: SIM115
            with opened as stream:
                yield from _text_file(stream, name.removesuffix(".gz"), delimiter, encoding, expected)
    except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
        # The place in the file is unknown; what was read before stands.
        yield Line(0, None, f"the file ends early or cannot be read: {_without_path(error)}")


def _without_path(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) and error.strerror else str(error)[:200]


def _text_file(stream: Any, name: str, delimiter: str | None, encoding: str, expected: Sequence[str]) -> Iterator[Line]:
    if name.endswith(".csv"):
        yield from csv_lines(numbered_lines(stream, encoding), delimiter, expected)
    elif name.endswith((".jsonl", ".ndjson")):
        yield from _jsonl(numbered_lines(stream, encoding))
    elif name.endswith(".json"):
        yield from _json(stream, encoding)
    else:
        yield Line(1, None, f"unknown format; use one of {', '.join(SUFFIXES)}")


def _jsonl(lines: Iterator[tuple[int, bytes]]) -> Iterator[Line]:
    for number, raw in lines:
        if not raw.strip():
            continue
        if reason := too_long(raw):
            yield bad_line(number, raw, reason)
            continue
        try:
            record = _loads(raw.lstrip(b"\xef\xbb\xbf") if number == 1 else raw)
        except ValueError as error:
            yield bad_line(number, raw, _json_reason(error))
            continue
        if isinstance(record, dict):
            yield Line(number, record)
        else:
            yield bad_line(number, raw, "not a JSON object")


def _loads(raw: bytes) -> Any:
    """JSON, whole numbers of any length exact: those that fit no 64 bits become text, since ids may be that long."""
    if _LONG_NUMBER.search(raw):
        import json

        orjson.loads(raw)  # strict first: it refuses what is no JSON, such as NaN
        return json.loads(raw, parse_int=lambda digits: int(digits) if len(digits) < 19 else digits)
    return orjson.loads(raw)


def _json_reason(error: ValueError) -> str:
    text = str(error)
    return "not UTF-8" if "UTF-8" in text or "surrogate" in text or "utf-8" in text else f"not valid JSON: {text[:200]}"


def _json(stream: Any, encoding: str) -> Iterator[Line]:
    """A vendor's export: one object whose list of tickets, conversations or records holds the records, or a bare list."""
    raw = stream.read(MAX_DOCUMENT_BYTES + 1)
    if len(raw) > MAX_DOCUMENT_BYTES:
        yield bad_line(1, raw[:KEPT_OF_BAD_LINE], f"one JSON document of more than {MAX_DOCUMENT_BYTES >> 20} MB; deliver it in pages, or as .jsonl with one record a line")
        return
    try:
        document = _loads(raw.decode(encoding).encode() if encoding != "utf-8" else raw.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        yield bad_line(1, raw, _json_reason(error))
        return
    records = document if isinstance(document, list) else None
    if isinstance(document, dict):
        records = attach_sideloads(document)
        if records is None:
            lists = (document[name] for name in ("conversations", "results", "data", "records") if isinstance(document.get(name), list))
            records = next(lists, [document])
    for number, record in enumerate(records if records is not None else [document], 1):
        if isinstance(record, dict):
            yield Line(number, record)
        else:
            yield bad_line(number, orjson.dumps(record, default=str), "not a JSON object")


def _parquet(path: Path, expected: Sequence[str]) -> Iterator[Line]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        file = pq.ParquetFile(path)
        yield from missing_columns(list(file.schema_arrow.names), expected, ", ".join(file.schema_arrow.names))
        for batch in file.iter_batches(batch_size=8_192):
            for record in batch.to_pylist():
                number += 1
                yield Line(number, record)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        yield Line(number, None, f"not a readable parquet file{f' after row {number}' if number else ''}: {_without_path(error)}")


