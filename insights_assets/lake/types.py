"""The lake's type language: Spark DDL words, and what they are in Arrow. Nothing here knows tables or engines.

Supported: string, bigint, int, double, boolean, date, timestamp (UTC), binary, array<…>, map<…,…>, struct<name:…,…>.
"""

from __future__ import annotations

import pyarrow as pa

_SIMPLE = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "binary": pa.binary(),
}


def arrow_type(ddl: str) -> pa.DataType:
    """The Arrow type of one DDL type. Raises ValueError with the offending text."""
    text = ddl.strip()
    if text in _SIMPLE:
        return _SIMPLE[text]
    if text.endswith(">"):
        head, _, body = text[:-1].partition("<")
        if head == "array":
            return pa.list_(arrow_type(body))
        if head == "map":
            key, value = _split(body)
            return pa.map_(arrow_type(key), arrow_type(value))
        if head == "struct":
            fields = [part.partition(":") for part in _split(body)]
            return pa.struct([pa.field(name.strip(), arrow_type(kind)) for name, _, kind in fields])
    raise ValueError(f"unknown column type {ddl!r}; use {', '.join(_SIMPLE)}, array<…>, map<…,…> or struct<name:…>")


def _split(body: str) -> list[str]:
    """Split at the commas of the outermost level."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(body):
        depth += (char == "<") - (char == ">")
        if char == "," and depth == 0:
            parts.append(body[start:index])
            start = index + 1
    return [*parts, body[start:]]
