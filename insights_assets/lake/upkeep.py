"""Upkeep of a table's files: few large ones instead of many small ones, and row counts for the planner. Rows stay what they are.

Belongs here: what makes a table worth it and the one call that does it, below a folder (`deltalake`) and in a catalog (SQL). Does not belong
here: which tables and when (`governance/maintenance.py`) and deleting files (`removal.vacuum`, which knows published versions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from insights_assets.lake.unity import UnityLake

if TYPE_CHECKING:
    from insights_assets.lake.lake import Lake
    from insights_assets.lake.spec import TableSpec

#: A file below this size is small; what Delta's own OPTIMIZE aims for.
TARGET_BYTES = 100 * 1024**2
#: Rewriting is worth it when so many files become fewer; each run of the hour leaves about one in a table that is appended to.
WORTH_FILES = 8


@dataclass(frozen=True)
class Compaction:
    """Files of a table before and after; equal where nothing was worth doing."""

    files_before: int
    files_after: int

    @property
    def changed(self) -> bool:
        return self.files_before != self.files_after


def compact(lake: Lake, spec: TableSpec, worth: int = WORTH_FILES) -> Compaction:
    """Merge a table's small files, partition by partition, in one commit that changes no row. A table that is tidy is left alone."""
    if isinstance(lake, UnityLake):
        return _compact_named(lake, spec, worth)
    from deltalake import DeltaTable

    table = DeltaTable(str(lake.path(spec)))
    files, saved = _files(table, spec)
    if saved < worth:
        return Compaction(files, files)
    table.optimize.compact(target_size=TARGET_BYTES)
    return Compaction(files, _files(table, spec)[0])


def analyze(lake: Lake, spec: TableSpec) -> bool:
    """Rows and bytes for the planner, never minima of columns: text would stand in them. Whether there was anything to do; a Delta log has both."""
    if not isinstance(lake, UnityLake):
        return False
    lake.sql(f"ANALYZE TABLE {lake.name(spec)} COMPUTE STATISTICS")
    return True


def _compact_named(lake: UnityLake, spec: TableSpec, worth: int) -> Compaction:
    before = _files_named(lake, spec)
    partitions = len(lake._rows_by_partition(spec)) if spec.partition_by else 1
    if before - partitions < worth:
        return Compaction(before, before)
    lake.sql(f"OPTIMIZE {lake.name(spec)}")
    return Compaction(before, _files_named(lake, spec))


def _files_named(lake: UnityLake, spec: TableSpec) -> int:
    return int(lake.sql(f"DESCRIBE DETAIL {lake.name(spec)}").select("numFiles").toArrow().column(0)[0].as_py())


def _files(table, spec: TableSpec) -> tuple[int, int]:  # type: ignore[no-untyped-def]  # deltalake is imported where it is used
    """Files of a table, and how many fewer a compaction would leave: small files of one partition become one."""
    import pyarrow as pa

    actions = pa.table(table.get_add_actions(flatten=True))
    name = f"partition.{spec.partition_by}"
    days = actions.column(name).to_pylist() if name in actions.column_names else [None] * actions.num_rows
    small: dict[object, int] = {}
    for day, size in zip(days, actions.column("size_bytes").to_pylist(), strict=True):
        small[day] = small.get(day, 0) + (size < TARGET_BYTES)
    return actions.num_rows, sum(max(0, count - 1) for count in small.values())
