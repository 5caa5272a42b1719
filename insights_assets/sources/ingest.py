"""One source's step: what is new goes to raw, then bronze catches up with raw. Both writes are one Delta commit each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from insights_assets.resources.memo import nothing_else, recall, remember
from insights_assets.sources.catalogue import Source
from insights_assets.sources.landing import IngestStamps, list_files, merge_versions, raw_rows, typed_rows
from insights_assets.sources.parse import Mapping_
from insights_assets.sources.removed import removed_files, without_removed
from insights_assets.sources.tables import BRONZE, RAW

if TYPE_CHECKING:
    from insights_assets.resources.step import Step
    from insights_assets.shop import Shop

_KEY = ["record_ref", "payload_sha256"]


@dataclass(frozen=True)
class IngestReport:
    """What one source brought: files read and skipped, lines appended to raw, records new or changed in bronze, days touched."""

    files_read: int
    files_known: int
    lines_appended: int
    records_changed: int
    days_touched: int


def mapping_of(shop: Shop, source: str) -> Mapping_:
    """The shop's column mapping of a source; the contract's own names where none is given."""
    given = shop.sources.get(source)
    if given is None:
        return Mapping_()
    return Mapping_(
        columns=dict(given.columns), constants=dict(given.constants), time_formats=tuple(given.times.values()), time_zone=given.time_zone or "UTC",
    )


def ingest(step: Step, source: Source, mapping: Mapping_) -> IngestReport:
    """Append unseen payloads to raw, then bring bronze up to date with raw."""
    raw = RAW[source.name]
    files = list_files(step.settings.landing_path, source)
    seen: set[str] = set()
    if step.exists(raw):
        seen = set(step.read(raw).select("file_sha256").distinct().toArrow().column(0).to_pylist())
    seen |= removed_files(step, source)
    unread = [file for file in files if file.sha256 not in seen]
    appended = 0
    if unread:
        stamps = IngestStamps(step.as_of, step.previous_as_of, step.clock(), step.run_id)
        rows = without_removed(step, source, raw_rows(step.lake.spark, source, unread, mapping, stamps))
        if seen:
            rows = step.lake.scratch(f"{raw.name}_new", rows.join(step.read(raw).select(*_KEY), _KEY, "left_anti"))
            appended = rows.count()
        if not seen or appended:
            appended = step.write(raw, rows).rows
    if not appended and recall(step, f"catch_up:{source.name}", nothing_else):
        return IngestReport(len(unread), len(files) - len(unread), 0, 0, 0)
    changed, days = catch_up(step, source, mapping)
    remember(step, f"catch_up:{source.name}", nothing_else)
    return IngestReport(len(unread), len(files) - len(unread), appended, changed, days)


def catch_up(step: Step, source: Source, mapping: Mapping_) -> tuple[int, int]:
    """Type what raw holds and bronze does not; returns (records new or changed, days rewritten)."""
    raw, bronze = RAW[source.name], BRONZE[source.name]
    if not step.exists(raw):
        return 0, 0
    have = step.read(bronze)
    missing = step.read(raw).join(have.select(*_KEY), _KEY, "left_anti")
    typed = step.lake.scratch(f"{bronze.name}_typed", typed_rows(missing, source, mapping, step.zone, step.as_of_end))
    count, distinct = typed.selectExpr("count(*) n", "count(distinct record_ref) d").toArrow().to_pylist()[0].values()
    changed = merge_versions(typed, have, is_distinct=count == distinct)
    days_of = changed.selectExpr("received_day", "earlier_day").distinct().toArrow().to_pylist()
    days = {day for row in days_of for day in row.values() if day is not None}
    if not days:
        return 0, 0
    winners = changed.select(*bronze.column_names)
    if step.lake.row_count(bronze):
        kept = have.where(have["received_day"].isin(sorted(days))).join(winners.select("record_ref"), "record_ref", "left_anti")
        before = kept.count()
        result = step.write(bronze, kept.select(*bronze.column_names).unionByName(winners), days=days)
        return result.rows - before, len(days)
    return step.write(bronze, winners, days=days).rows, len(days)
