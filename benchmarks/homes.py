"""Looking at a home from outside: what a reader sees, who holds it, which runs are open, and whether two homes are equal.

Belongs here: looking and comparing. Does not belong here: running anything on a home. *Equal* is the design's word: the same rows by
key without volatile columns.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from insights_assets.engine.session import session
from insights_assets.lake.lake import Lake
from insights_assets.lake.spec import TableSpec
from insights_assets.resources.operations import open_operations
from insights_assets.tables import all_tables

#: Tables with a row for each run of a home, by the column that names it. A home that died has more runs, under other ids: here nothing
#: may be lost or be there twice, and no more is asked.
OF_RUNS = {"health.pipeline_health": "measured_run_id", "governance.retention_runs": "retention_run_id", "governance.maintenance_runs": "maintenance_run_id"}
#: Of these the table that may lack what a run did that died: merging small files changes no row, and needs no receipt.
MAY_LACK = {"governance.maintenance_runs"}

#: Rows that say how many runs failed lately, which is what the two homes differ in: a home with a hundred dead runs has a red pipeline, and
#: its alarm says so. Table -> whether a row is one of them.
OF_FAILED_RUNS: dict[str, Callable[[Mapping[str, Any]], bool]] = {"health.layers": lambda row: row["layer"] == "technical", "health.alarms": lambda _row: True}


@dataclass(frozen=True)
class Seen:
    """What readers of a home are given: the published run and each table's version; None in a home that has published nothing."""

    run_id: str
    versions: Mapping[str, int]


def seen(home: Path) -> Seen | None:
    if not (home / "operations.db").exists():
        return None
    with closing(open_operations(f"sqlite:///{home / 'operations.db'}")) as operations:
        operations.migrate()
        latest = operations.latest_publication()
        return Seen(latest.run_id, dict(latest.table_versions)) if latest is not None else None


def rows_of(home: Path, spec: TableSpec, versions: Mapping[str, int] | None) -> pa.Table | None:
    """The table's rows by key without volatile columns, at these versions (None: as it is now); None where there is no table."""
    lake = Lake(home / "lake", session, versions=versions)
    if not lake.exists(spec):
        return None
    order = [(name, "ascending") for name in spec.key]
    return lake.read_arrow(spec).sort_by(order).select(spec.stable_columns).combine_chunks()


def digests(home: Path, versions: Mapping[str, int] | None) -> dict[str, str]:
    """Table -> hash of its rows, for what must not change while other runs die."""
    found = {str(spec): rows_of(home, spec, versions) for spec in all_tables()}
    return {name: digest(rows) for name, rows in found.items() if rows is not None}


def digest(rows: pa.Table) -> str:
    return hashlib.sha256(repr(rows.to_pylist()).encode()).hexdigest()


def differences(calm: Path, shaken: Path, *, published: bool = True) -> tuple[int, dict[str, str]]:
    """(tables compared, table -> in which rows and columns the second home differs from the first)."""
    sides = []
    for home in (calm, shaken):
        pinned = seen(home) if published else None
        if published and pinned is None:
            raise SystemExit(f"{home} has published nothing, so there is nothing to compare")
        sides.append((home, pinned.versions if pinned is not None else None))
    found, compared = {}, 0
    for spec in all_tables():
        one, other = (rows_of(home, spec, versions) for home, versions in sides)
        if one is None and other is None:
            continue
        compared += 1
        if one is None or other is None:
            found[str(spec)] = "one home has no such table"
        elif str(spec) in OF_RUNS:
            found |= {str(spec): said} if (said := _run_rows(spec, one, other)) else {}
        elif str(spec) in OF_FAILED_RUNS:
            of_runs = OF_FAILED_RUNS[str(spec)]
            kept = [[row for row in table.to_pylist() if not of_runs(row)] for table in (one, other)]
            if kept[0] != kept[1]:
                found[str(spec)] = _difference(spec, *kept)
        elif not one.equals(other):
            found[str(spec)] = _difference(spec, one.to_pylist(), other.to_pylist())
    return compared, found


def _run_rows(spec: TableSpec, one: pa.Table, other: pa.Table) -> str:
    """What is wrong with the second home's rows about its runs; empty where nothing is."""
    rest = [name for name in spec.key if name != OF_RUNS[str(spec)]]
    told, tells = ({tuple(row.values()) for row in table.select(rest).to_pylist()} for table in (one, other))
    lost = set() if str(spec) in MAY_LACK else told - tells
    if lost:
        return f"no run tells of {', '.join(sorted(str(value) for key in lost for value in key))}"
    keys = [tuple(row.values()) for row in other.select(list(spec.key)).to_pylist()]
    return "keys twice" if len(set(keys)) != len(keys) else ""


def _difference(spec: TableSpec, one: list[dict[str, Any]], other: list[dict[str, Any]]) -> str:
    by_key = [{tuple(str(row[name]) for name in spec.key): row for row in rows} for rows in (one, other)]
    doubled = [len(rows) - len(keys) for rows, keys in zip((one, other), by_key, strict=True)]
    both = by_key[0].keys() & by_key[1].keys()
    columns = {name for key in both for name in spec.stable_columns if by_key[0][key][name] != by_key[1][key][name]}
    said = [f"{len(one)} and {len(other)} rows", f"{len(by_key[0].keys() - both)} and {len(by_key[1].keys() - both)} keys of one alone"]
    said += [f"{doubled[0]} and {doubled[1]} keys twice"] if any(doubled) else []
    said += [f"differ in {', '.join(sorted(columns))}"] if columns else []
    return "; ".join(said)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def outbox(home: Path) -> dict[str, tuple[Any, ...]]:
    """What was promised to whom and what became of it, by idempotency key."""
    with closing(open_operations(f"sqlite:///{home / 'operations.db'}")) as operations:
        return {row.idempotency_key: (row.state, row.external_id, row.content_sha256) for row in operations.outbox.all()}


def is_free(home: Path) -> bool:
    """Whether nobody holds the home: a lock that outlives its process would keep every later run out."""
    if not (home / "lock").exists():
        return True
    with (home / "lock").open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(handle, fcntl.LOCK_UN)
    return True


def runs(home: Path) -> dict[str, str]:
    """Run id -> status as Dagster has it, newest first."""
    from insights_assets.resources.home import open_instance

    with open_instance(home) as instance:
        return {run.run_id: run.status.value for run in instance.get_runs()}
