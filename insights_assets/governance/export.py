"""A published table as a file: parquet, csv or jsonl. Written aside and put in place whole."""

from __future__ import annotations

import base64
import csv
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from insights_assets.governance.reader import Reader, View, plain_rows

if TYPE_CHECKING:
    from insights_assets.lake.spec import TableSpec
    from insights_assets.lake.tiers import Tier

FORMATS = (".parquet", ".csv", ".jsonl")
#: A cell that begins so is a formula to a spreadsheet; an apostrophe before it makes it text.
_ACTIVE = ("=", "+", "-", "@", "\t", "\r")


def export_table(reader: Reader, spec: TableSpec, out: Path, tier: Tier, reason: str | None) -> tuple[int, View]:
    """Write the table; returns (rows, the view with what was left out). Raises ValueError for an unknown format."""
    if out.suffix not in FORMATS:
        raise ValueError(f"cannot tell the format of {out.name!r}; end it in {', '.join(FORMATS)}")
    view = reader.view(spec, tier, reason)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.part")
    try:
        rows = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}[out.suffix](reader, view, unfinished)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows, view


def _parquet(reader: Reader, view: View, path: Path) -> int:
    import pyarrow.parquet as pq

    rows, writer = 0, None
    for batch in reader.batches(view):
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_table(batch.cast(writer.schema))
        rows += batch.num_rows
    if writer is not None:
        writer.close()
    return rows


def _jsonl(reader: Reader, view: View, path: Path) -> int:
    rows = 0
    with open(path, "wb") as stream:
        for batch in reader.batches(view):
            for row in plain_rows(batch, view.columns):
                stream.write(orjson.dumps(row, default=_plain, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
                rows += 1
    return rows


def _csv(reader: Reader, view: View, path: Path) -> int:
    rows = 0
    names = [column.name for column in view.columns]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        for batch in reader.batches(view):
            for row in plain_rows(batch, view.columns):
                writer.writerow([cell(row[name]) for name in names])
                rows += 1
    return rows


def _plain(value: Any) -> str:
    """What JSON has no word for: bytes (embeddings) as base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"cannot write a {type(value).__name__}")


def cell(value: Any) -> str:
    """A value as one inert CSV cell: ISO times, JSON for lists and maps, no live formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return _plain(value)
    if isinstance(value, (dict, list)):
        return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_ACTIVE) else text
