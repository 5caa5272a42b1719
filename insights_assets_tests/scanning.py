"""Looking for values in files: every byte of every file, and what packed files (Parquet, gzip) hold once unpacked.

Belongs here: the search. Does not belong here: which values, and where none may be.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def hits(places: Iterable[Path], values: Iterable[str]) -> set[tuple[str, str]]:
    """(file, value) for every value that a file below the places holds, in any letter case."""
    wanted = {value: value.casefold().encode() for value in values}
    found = set()
    for path in files_below(places):
        for content in contents(path):
            lowered = content.decode("utf-8", "replace").casefold().encode()
            found |= {(path.name, value) for value, searched in wanted.items() if searched in lowered}
    return found


def files_below(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield from (path for path in sorted(place.rglob("*")) if path.is_file()) if place.is_dir() else [place]


def contents(path: Path) -> Iterator[bytes]:
    """The file's bytes, and what they unpack to: compressed columns do not show a value in their bytes."""
    raw = path.read_bytes()
    yield raw
    if raw[:4] == b"PAR1":
        import pyarrow.parquet as pq

        parts = pq.ParquetFile(path)
        for batch in parts.iter_batches():
            yield _text(batch.to_pylist()).encode("utf-8", "replace")
        yield str(parts.metadata).encode()
    elif raw[:2] == b"\x1f\x8b":
        yield gzip.decompress(raw)


def _text(node: Any) -> str:
    if isinstance(node, dict):
        return "\n".join(_text(value) for value in node.values())
    if isinstance(node, (list, tuple)):
        return "\n".join(_text(value) for value in node)
    return node.decode("utf-8", "replace") if isinstance(node, bytes) else str(node)
