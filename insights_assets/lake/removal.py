"""Taking rows out of tables and files off the disk: what only retention and erasure may do.

Belongs here: the append-only property, one commit that leaves rows out, and VACUUM that keeps named versions readable. Does not belong
here: which rows, and who may (`governance`). Everybody else writes through `Lake.write`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import unquote

from insights_assets.lake.ddl import quoted, set_properties
from insights_assets.lake.frames import SCRATCH_FOLDER
from insights_assets.lake.unity import UnityLake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.lake import Lake
    from insights_assets.lake.spec import TableSpec

APPEND_ONLY = "delta.appendOnly"


class RemovalMismatch(RuntimeError):
    """A removal would have left more or fewer rows than it should; the table was put back."""


def is_append_only(lake: Lake, spec: TableSpec) -> bool:
    """Whether the table refuses edits."""
    if isinstance(lake, UnityLake):
        return lake.property(spec, APPEND_ONLY) == "true"
    return str(_table(lake, spec).metadata().configuration.get(APPEND_ONLY)).lower() == "true"


def set_append_only(lake: Lake, spec: TableSpec, value: bool) -> None:
    if isinstance(lake, UnityLake):
        lake.sql(set_properties(lake.name(spec), {APPEND_ONLY: str(value).lower()}))
        return
    _table(lake, spec).alter.set_table_properties({APPEND_ONLY: str(value).lower()})


def keep_only(lake: Lake, spec: TableSpec, kept: DataFrame, removed: int) -> None:
    """Rewrite a table to the kept rows in one commit. Raises RemovalMismatch, with the table as it was, unless exactly `removed` rows are gone."""
    before, rows = lake.version(spec), lake.row_count(spec)
    if isinstance(lake, UnityLake):
        lake.overwrite(spec, kept.select(*spec.column_names))
        if (left := lake.row_count(spec)) != rows - removed:
            lake.restore(spec, before or 0)
            raise RemovalMismatch(f"{spec}: {rows - left} rows would have gone where {removed} should")
        return
    lake.crash(spec, "before")
    lake.store.overwrite(lake.path(spec), spec, kept.select(*spec.column_names).coalesce(1))
    lake.crash(spec, "after")
    left = lake.row_count(spec)
    if left != rows - removed:
        _table(lake, spec).restore(before)
        raise RemovalMismatch(f"{spec}: {rows - left} rows would have gone where {removed} should")


def drop_days_before(lake: Lake, spec: TableSpec, first_kept: date) -> None:
    """Remove whole day partitions before a day; no file is rewritten."""
    if isinstance(lake, UnityLake):
        lake.sql(f"DELETE FROM {lake.name(spec)} WHERE {quoted(spec.partition_by or '')} < DATE{first_kept.isoformat()!r}")
        return
    lake.crash(spec, "before")
    _table(lake, spec).delete(f"{spec.partition_by} < '{first_kept.isoformat()}'")
    lake.crash(spec, "after")


def vacuum(lake: Lake, spec: TableSpec, keep_versions: Iterable[int]) -> int:
    """Delete files that neither the current version nor the named ones need; returns how many. A catalog keeps by age, not by version."""
    if isinstance(lake, UnityLake):
        return lake.vacuum(spec)
    keep = sorted({*keep_versions}) or None
    table, now = _table(lake, spec), {"retention_hours": 0, "enforce_retention_duration": False, "full": True, "keep_versions": keep}
    # The log names files that went long ago too. And a vacuum is a commit of its own, by which readers take the table for changed:
    # none where nothing would go.
    going = [name for name in table.vacuum(dry_run=True, **now) if (lake.path(spec) / unquote(name)).exists()]
    if going:
        table.vacuum(dry_run=False, **now)
    return len(going)


def clear_all_scratch(lake: Lake) -> None:
    """Frames kept beside the lake between steps are copies; no run goes on while its home is locked for this."""
    if isinstance(lake, UnityLake):
        return  # a step clears its own there; a volume cannot be listed from everywhere
    shutil.rmtree(lake.root / SCRATCH_FOLDER, ignore_errors=True)


def _table(lake: Lake, spec: TableSpec):  # type: ignore[no-untyped-def]  # deltalake is imported where it is used
    from deltalake import DeltaTable

    return DeltaTable(str(lake.path(spec)))
