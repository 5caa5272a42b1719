"""What a Delta log says without its data being read: the newest version, rows by partition, types in one spelling.

Does not belong here: reading or writing rows (`lake.py`, `stores.py`, `committed.py`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from insights_assets.lake.spec import TableSpec


def newest_version(table: Path) -> int | None:
    """The version of the newest commit below a table's folder; None where it is no table.

    The names say it; opening the table would read the whole log, and this is asked hundreds of times a run.
    """
    commits = [int(commit.stem) for commit in (table / "_delta_log").glob("*.json") if commit.stem.isdigit()]
    return max(commits, default=None)


def rows_by_partition(table: Any, spec: TableSpec) -> dict[date | None, int]:
    """Day -> rows of a table partitioned by day; of another, None -> rows."""
    counts: dict[date | None, int] = {}
    partition = f"partition.{spec.partition_by}"
    for file in files_of(table, partition, "num_records"):
        day = file.get(partition)
        counts[day] = counts.get(day, 0) + (file["num_records"] or 0)
    return counts


def files_of(table: Any, *facts: str) -> list[dict[str, Any]]:
    """What the log says of each file of an open table: path, size_bytes, num_records, partition.X, and min.X, max.X, null_count.X where it has
    statistics. `facts`: those of them that are wanted; one that no file has is left out."""
    told = pa.table(table.get_add_actions(flatten=True))
    rows: list[dict[str, Any]] = (told.select([name for name in facts if name in told.column_names]) if facts else told).to_pylist()
    return rows


def output_rows(table: Any) -> int:
    """Rows that the newest commit says it wrote."""
    metrics = table.history(1)[0].get("operationMetrics") or {}
    return int(metrics.get("numOutputRows", 0))


def type_name(kind: pa.DataType) -> str:
    """The type without the names that Parquet writers give to list and map entries, which carry no meaning."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"array<{type_name(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{type_name(kind.key_type)},{type_name(kind.item_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{f.name}:{type_name(f.type)}' for f in kind)}>"
    return str(kind)
