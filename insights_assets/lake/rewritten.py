"""Which days of a table were rewritten after one of its versions, by the files its Delta log names: no engine is asked and no data read.

Belongs here: comparing two versions by their files. Does not belong here: which version somebody last saw (`resources/memo.py`) and what
differs inside a day (`changes.py`). A day whose files are the same has the same rows; one whose files are others may have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from insights_assets.lake.delta_log import files_of, rows_by_partition
from insights_assets.lake.unity import UnityLake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.lake import Lake
    from insights_assets.lake.spec import TableSpec

#: Later than every day: where nothing was rewritten, or nothing has a day.
NOTHING = date.max
#: An open table -> what its log says of each of its files.
Says = Callable[[Any], dict[str, date | None]]


@dataclass(frozen=True)
class Seen:
    """A table as somebody saw it: its version, and its id, since one that was taken away and made anew counts versions from 0 again."""

    version: int
    table_id: str


def seen_now(lake: Lake, spec: TableSpec) -> Seen | None:
    """The table as it is now; None where it is not there, or where a catalog keeps it and this process does not read its log."""
    version = None if isinstance(lake, UnityLake) else lake.version(spec)
    return None if version is None else Seen(version, str(lake._delta(spec).metadata().id))


def days_rewritten(lake: Lake, spec: TableSpec, since: Seen | None, later_than: date) -> set[date] | None:
    """Days of a table partitioned by day whose files are not those of then, and all it holds later than a day; None where that cannot be told."""
    files = _then_and_now(lake, spec, since)
    if files is None:
        return None
    changed = {day for day in _in_one_only(*files).values() if day is not None}
    return changed | {day for day in rows_by_partition(lake._delta(spec), spec) if day is not None and day > later_than}


def earliest_rewritten(lake: Lake, spec: TableSpec, since: Seen | None, column: str) -> date | None:
    """The earliest value of a day column in the files that are not those of then, the old ones and the new; `NOTHING` where they are the same.

    None where that cannot be told, which is so of files without statistics of the column too.
    """
    if since is None and not lake.exists(spec):
        return NOTHING
    files = _then_and_now(lake, spec, since, lambda table: _lows(table, column))
    if files is None:
        return None
    lows = _in_one_only(*files).values()
    return None if None in lows else min((low for low in lows if low is not None), default=NOTHING)


def files_added(lake: Lake, spec: TableSpec, since: Seen | None) -> list[str] | None:
    """Paths of the files that a table gained since then, where it only gained any; None where it lost some or that cannot be told."""
    files = _then_and_now(lake, spec, since)
    if files is None:
        return None
    then, now = files
    return sorted(str(lake.path(spec) / path) for path in now.keys() - then.keys()) if then.keys() <= now.keys() else None


def rows_of(lake: Lake, spec: TableSpec, files: Sequence[str]) -> DataFrame:
    """The rows of some of a table's files, as this version of the product wrote them."""
    return lake.spark.read.schema(spec.ddl).parquet(*files) if files else lake.empty(spec)


def _in_one_only(then: dict[str, date | None], now: dict[str, date | None]) -> dict[str, date | None]:
    return {path: value for path, value in {**then, **now}.items() if (path in then) != (path in now)}


def _then_and_now(lake: Lake, spec: TableSpec, since: Seen | None, says: Says | None = None) -> tuple[dict[str, date | None], dict[str, date | None]] | None:
    """File -> what the log says of it (else the day of its partition), of then and of now."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    now = seen_now(lake, spec)
    if since is None or now is None or now.table_id != since.table_id or now.version < since.version:
        return None
    if now.version == since.version:
        return {}, {}
    try:
        then = DeltaTable(str(lake.path(spec)), version=since.version)
    except DeltaError:  # its part of the log was cleaned up
        return None
    before, after = ((says or (lambda table: _days(table, spec)))(table) for table in (then, lake._delta(spec)))
    return before, after


def _days(table: Any, spec: TableSpec) -> dict[str, date | None]:
    partition = f"partition.{spec.partition_by}"
    return {file["path"]: file.get(partition) for file in files_of(table, "path", partition)}


def _lows(table: Any, column: str) -> dict[str, date | None]:
    """File -> the earliest day in it; None where the log does not say, `NOTHING` where it holds none."""
    found: dict[str, date | None] = {}
    low, nulls = f"min.{column}", f"null_count.{column}"
    for file in files_of(table, "path", "num_records", low, nulls):
        found[file["path"]] = NOTHING if file.get(nulls) == file["num_records"] else file.get(low)
    return found
