"""Maintenance of the lake: compact what has many small files, count rows for the planner, delete files nobody reads. Run as often as one likes.

Belongs here: which table gets what, and why one is left alone. Does not belong here: how (`lake/upkeep.py`, `lake/removal.py`), and rows
that have outlived their retention (`retention.py`). A published version stays readable: below a folder its files are kept by name, in
a catalog by age, and where age cannot promise that, nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.governance.retention import KEPT_PUBLISHED_DAYS, pinned_versions
from insights_assets.lake.ddl import READABLE_DAYS
from insights_assets.lake.removal import vacuum
from insights_assets.lake.unity import UnityLake
from insights_assets.lake.upkeep import analyze, compact

if TYPE_CHECKING:
    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step


@dataclass(frozen=True)
class Maintained:
    """What was done to one table."""

    table: str
    files_before: int
    files_after: int
    files_deleted: int
    is_analyzed: bool
    left_alone: str | None = None

    @property
    def did_something(self) -> bool:
        return self.files_before != self.files_after or self.files_deleted > 0 or self.left_alone is not None

    def row(self, step: Step) -> dict[str, Any]:
        return {
            "maintenance_run_id": step.run_id, "table_name": self.table, "files_before": self.files_before, "files_after": self.files_after,
            "files_deleted": self.files_deleted, "is_analyzed": self.is_analyzed, "left_alone": self.left_alone, "ran_at": step.clock(),
        }  # fmt: skip


def maintain(step: Step, specs: Iterable[TableSpec], kept_days: int = KEPT_PUBLISHED_DAYS) -> list[Maintained]:
    """Every table that exists, in order; gives what was done to each, tables that were tidy included."""
    pinned = pinned_versions(step, kept_days)
    left_alone = _unpublished_for_too_long(step) if isinstance(step.lake, UnityLake) else None
    found = []
    for spec in specs:
        if not step.lake.exists(spec):
            continue
        compaction = compact(step.lake, spec)
        deleted = 0 if left_alone else vacuum(step.lake, spec, {versions[str(spec)] for versions in pinned if str(spec) in versions})
        found.append(Maintained(str(spec), compaction.files_before, compaction.files_after, deleted, analyze(step.lake, spec), left_alone))
    return found


def _unpublished_for_too_long(step: Step) -> str | None:
    """Why files may not be deleted by age: the newest published version would be older than what is kept."""
    latest = step.operations.latest_publication()
    if latest is None:
        return "nothing has been published yet"
    made = latest.created_at if latest.created_at.tzinfo else latest.created_at.replace(tzinfo=step.clock().tzinfo)
    if step.clock() - made > timedelta(days=READABLE_DAYS):
        return f"the newest publication is of {made.date()}: its files are older than the {READABLE_DAYS} days that are kept, so none is deleted before the next"
    return None
