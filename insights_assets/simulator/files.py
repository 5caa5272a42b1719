"""Files as a landing folder gets them: csv, jsonl and parquet, plain or gzipped, the same bytes for the same content.

Belongs here: formats and names of files, by month or by date. Not here: what is in them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

FORMATS: dict[str, str] = {
    "reviews": "csv",
    "support_tickets": "jsonl.gz",
    "chats": "jsonl",
    "surveys": "csv.gz",
    "returns": "csv",
    "clickstream": "parquet",
    "social": "jsonl",
    "orders": "csv.gz",
    "fulfilments": "parquet",
    "stock": "csv",
    "products": "jsonl",
    "calendar": "jsonl",
    "fx": "csv",
}


def month_file(source: str, day: date) -> str:
    """Name of a file of history: it carries only the month."""
    return f"{source}-{day:%Y-%m}.{FORMATS[source]}"


def dated_file(source: str, day: date, note: str = "", form: str | None = None) -> str:
    """Name of a file that was delivered at the end of one day."""
    return f"{source}-{day:%Y-%m-%d}{note}.{form or FORMATS[source]}"


def json_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def csv_line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()


def write_lines(path: Path, lines: list[str]) -> None:
    """A text file of these lines; gzipped when its name says so, without a time stamp inside."""
    write_bytes(path, ("\n".join(lines) + "\n").encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    if path.name.endswith(".gz"):
        data = gzip.compress(data, compresslevel=4, mtime=0)
    draft = _draft(path)
    draft.write_bytes(data)
    draft.replace(path)


def _draft(path: Path) -> Path:
    """Where a file is written before it gets its name: who watches the folder sees whole files only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.part")


def write_csv_table(path: Path, table: pa.Table) -> None:
    buffer = io.BytesIO()
    pa_csv.write_csv(table, buffer, pa_csv.WriteOptions(quoting_style="needed"))
    write_bytes(path, buffer.getvalue())


def write_parquet(path: Path, table: pa.Table) -> None:
    draft = _draft(path)
    pq.write_table(table.replace_schema_metadata(None), draft, compression="zstd", use_dictionary=True)
    draft.replace(path)
