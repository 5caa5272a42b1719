"""The one reader for people and programs: published versions only, and only the columns their tier allows
(R112, R116 to R118).

Export, show, trace, the console and every page read through here. A raw read needs a reason and leaves an audit row before
any row is handed out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insights_assets.lake.spec import Column, TableSpec
from insights_assets.lake.tiers import DEFAULT_TIER, Tier, allows
from insights_assets.lake.unity import open_lake

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings


class NothingPublished(LookupError):
    """No run of this home has been published yet."""


class ReasonRequired(PermissionError):
    """A raw read was asked for without saying why."""


@dataclass(frozen=True)
class View:
    """A table as one tier sees it: the frame, its columns, and the names of those that were left out."""

    spec: TableSpec
    frame: DataFrame
    columns: tuple[Column, ...]
    left_out: tuple[str, ...]


class Reader:
    """Reads what the last publication pinned. `who` goes into the audit log of raw reads."""

    def __init__(self, settings: Settings, operations: Operations, who: str = "local") -> None:
        from insights_assets.engine.session import session

        publication = operations.latest_publication()
        if publication is None:
            raise NothingPublished(f"{settings.home} holds no published run yet; run `insights run --home {settings.home}` first")
        self.publication = publication
        self.settings = settings
        self.operations = operations
        self._who = who
        self.lake = open_lake(
            settings.lake_address, lambda: session(settings.spark_remote), versions=dict(publication.table_versions), is_embedded=settings.spark_remote is None
        )  # fmt: skip

    def view(self, spec: TableSpec, tier: Tier = DEFAULT_TIER, reason: str | None = None) -> View:
        """The published table with the columns the tier allows."""
        seen = tuple(column for column in spec.columns if allows(tier, column.tier))
        left_out = tuple(column.name for column in spec.columns if column not in seen)
        if tier == "raw":
            self._audit_raw(spec, reason)
        return View(spec, self.lake.read(spec).select(*[column.name for column in seen]), seen, left_out)

    def rows(self, spec: TableSpec, tier: Tier = DEFAULT_TIER, reason: str | None = None) -> list[dict[str, Any]]:
        """A small table as dicts: what show, trace and the pages render."""
        view = self.view(spec, tier, reason)
        return plain_rows(view.frame.toArrow(), view.columns)

    def batches(self, view: View) -> Iterator[pa.Table]:
        """The view in key order, partition by partition, so that no export holds a whole table."""
        from pyspark.sql import functions as F

        plain = [column.name for column in view.columns if not column.type.startswith(("array", "map", "struct"))]
        order = [name for name in view.spec.key if name in view.frame.columns] or plain
        if view.spec.partition_by is None or view.spec.partition_by not in view.frame.columns:
            yield view.frame.orderBy(*order).toArrow()
            return
        name = view.spec.partition_by
        days = sorted(view.frame.select(name).distinct().toArrow().column(0).to_pylist())
        if not days:
            yield view.frame.toArrow()
        for start in range(0, len(days), 30):
            yield view.frame.where(F.col(name).isin(days[start : start + 30])).orderBy(name, *order).toArrow()

    def _audit_raw(self, spec: TableSpec, reason: str | None) -> None:
        if not reason or not reason.strip():
            raise ReasonRequired(f"a raw read of {spec} needs --reason: who needs the customers' own words, and what for")
        self.operations.audit.append(self._who, "raw_read", str(spec), reason=reason.strip())


def plain_rows(table: pa.Table, columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    """Arrow rows as JSON-ready dicts: maps as objects, times as they are (the writer formats them)."""
    maps = {column.name for column in columns if column.type.startswith("map<")}
    rows = table.to_pylist()
    if maps:
        for row in rows:
            for name in maps:
                if row[name] is not None:
                    row[name] = dict(row[name])
    return rows
