"""The points at which a run can die, in the order it passes them: found from the definitions and from what an undisturbed run wrote.

Belongs here: which points there are and which of them a run is bound to reach. Does not belong here: dying at them (`kills.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from insights_assets.actions.outbox.sender import CRASH_POINTS as OUTBOX
from insights_assets.definitions import stage_parts
from insights_assets.flow import STAGES
from insights_assets.lake.lake import Lake
from insights_assets.lake.spec import TableSpec
from insights_assets.resources.operations import open_operations
from insights_assets.resources.operations.models import HomeFact
from insights_assets.resources.table_assets import BODIES
from insights_assets.tables import all_tables

MOMENTS = ("before", "after")
PUBLICATION = "governance.publication"
_SENDING = "actions__deliveries"
_MEMO = "memo:"


@dataclass(frozen=True)
class Before:
    """A home before a run: each table's Delta version, and when what was remembered."""

    versions: dict[str, int | None]
    remembered: dict[str, datetime]


def now(home: Path) -> Before:
    """How a home stands."""
    lake = _lake(home)
    remembered: dict[str, datetime] = {}
    if (home / "operations.db").exists():
        operations = open_operations(f"sqlite:///{home / 'operations.db'}")
        with operations.reading() as session:
            facts = session.scalars(select(HomeFact).where(HomeFact.name.startswith(_MEMO)))
            remembered = {fact.name.removeprefix(_MEMO): fact.changed_at for fact in facts}
        operations.close()
    return Before({str(spec): lake.version(spec) for spec in all_tables()}, remembered)


def tables_of(body: str) -> tuple[str, ...]:
    """The tables that a body declares to write; none for an asset that `table_assets` does not make (retention, publication)."""
    for stage in STAGES:
        stage_parts(stage.name)  # a body is known once its stage's assets are loaded
    return tuple(str(spec) for spec in BODIES[body][2]) if body in BODIES else ()


def points_of(home: Path, before: Before, bodies: list[str]) -> tuple[list[str], list[str]]:
    """(points that the run which went through these bodies passed, tables that its bodies declare and it wrote nothing to).

    `bodies` in the order they ran in. A table's two points stand where its first commit was; those of the outbox, whose calls leave
    no commit, in front of the tables of the body that sends; a memory behind the tables of its body. What no body declares, and the run
    wrote all the same (retention), comes last.
    """
    commits = {str(spec): _first_commit(home, spec, before.versions[str(spec)]) for spec in all_tables()}
    after, points, unwritten = now(home), [], []
    seen: set[str] = set()
    for body in bodies:
        tables = tables_of(body)
        seen.update(tables)
        unwritten += [name for name in tables if commits[name] is None]
        written = [(commit, name) for name in tables if (commit := commits[name]) is not None]
        if body == _SENDING and written:
            points += [f"outbox.{step}" for step in OUTBOX]
        places = [name for _, name in sorted(written)]
        if body in after.remembered and after.remembered[body] != before.remembered.get(body):
            places.append(f"memo.{body}")
        if body == PUBLICATION.replace(".", "__"):
            places.append(PUBLICATION)
        points += [f"{place}:{moment}" for place in places for moment in MOMENTS]
    others = sorted((commit, name) for name, commit in commits.items() if commit is not None and name not in seen)
    return points + [f"{name}:{moment}" for _, name in others for moment in MOMENTS], unwritten


def spec_of(point: str) -> TableSpec | None:
    """The table that a point is a commit of; None for memory, publication and outbox."""
    name = point.rpartition(":")[0]
    return next((spec for spec in all_tables() if str(spec) == name), None)


def row_commits(home: Path, spec: TableSpec) -> int:
    """How often rows were committed to the table."""
    return sum(_moves_rows(path) for path in (_lake(home).path(spec) / "_delta_log").glob("*.json") if path.stem.isdigit())


def _first_commit(home: Path, spec: TableSpec, since: int | None) -> float | None:
    """When the run first committed rows to the table; making it and setting its properties are no such commits."""
    commits = [path for path in (_lake(home).path(spec) / "_delta_log").glob("*.json") if path.stem.isdigit() and int(path.stem) > (since or 0)]
    return min((path.stat().st_mtime for path in commits if _moves_rows(path)), default=None)


def _moves_rows(commit: Path) -> bool:
    """Whether a commit put rows in or took some out; merging small files does neither, and says so."""
    actions = [json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines() if line]
    return any(action[kind].get("dataChange", True) for action in actions for kind in ("add", "remove") if kind in action)


def _lake(home: Path) -> Lake:
    def no_engine() -> object:
        raise LookupError("where a home stands is read from its logs, without an engine")

    return Lake(home / "lake", no_engine)  # type: ignore[arg-type]
