"""One source's step: what is new goes to raw, then bronze catches up with raw. Both writes are one Delta commit each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from insights_assets.lake.changes import rows_without
from insights_assets.lake.rewritten import rows_of
from insights_assets.resources import reading_ahead
from insights_assets.resources.memo import last_success, nothing_else, recall, remember
from insights_assets.shop.model import SourceMapping
from insights_assets.sources.appending import KEY, append, contents_of, unread
from insights_assets.sources.catalogue import Source
from insights_assets.sources.landing import ORDERING, merge_versions, typed_rows
from insights_assets.sources.landing_files import LandingFile, list_files
from insights_assets.sources.mapping import blocks_of
from insights_assets.sources.raw_lines import IngestStamps
from insights_assets.sources.tables import BRONZE, RAW

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step

@dataclass(frozen=True)
class IngestReport:
    """What one source brought: files read and skipped, lines appended to raw, records new or changed in bronze, days touched."""

    files_read: int
    files_known: int
    lines_appended: int
    records_changed: int
    days_touched: int


def ingest(step: Step, source: Source) -> IngestReport:
    """Append unseen payloads to raw, then bring bronze up to date with raw."""
    blocks = blocks_of(step.shop, source.name)
    files = list_files(step.settings.landing_path, source, blocks)
    contents = contents_of(step.lake, source)
    silent = json.loads(step.operations.facts.get(f"{_SILENT}:{source.name}") or "[]")
    new = unread(step.lake, source, files, contents, silent)
    if new:
        reading_ahead.begin(step)
    appended = _append(step, source, new, blocks, is_first=not contents) if new else 0
    catching_up = f"catch_up:{ORDERING}:{source.name}"
    if not appended and recall(step, catching_up, nothing_else):
        return IngestReport(len(new), len(files) - len(new), 0, 0, 0)
    step.last = last_success(step, catching_up, nothing_else)
    changed, days = catch_up(step, source, blocks)
    remember(step, catching_up, nothing_else)
    return IngestReport(len(new), len(files) - len(new), appended, changed, days)


#: Fact of a home: files whose every payload was known already, so that raw does not show that they were read. Losing it costs a reading.
_SILENT = "files_without_news"


def _append(step: Step, source: Source, new: list[LandingFile], blocks: Sequence[SourceMapping], *, is_first: bool) -> int:
    """Append what raw does not hold of these files; returns how many rows that were."""
    raw, stamps = RAW[source.name], IngestStamps(step.as_of, step.previous_as_of, step.clock(), step.run_id)
    appended = append(step.lake, step.settings.landing_path, source, new, blocks, stamps, lambda rows: step.write(raw, rows), is_first=is_first)
    silent = sorted({file.sha256 for file in new} - appended.contents)  # none of them was in raw before
    if silent:
        name = f"{_SILENT}:{source.name}"
        step.operations.facts.put(name, json.dumps(sorted({*json.loads(step.operations.facts.get(name) or "[]"), *silent})))
    return appended.rows


def catch_up(step: Step, source: Source, blocks: Sequence[SourceMapping]) -> tuple[int, int]:
    """Type what raw holds and bronze does not; returns (records new or changed, days rewritten)."""
    raw, bronze = RAW[source.name], BRONZE[source.name]
    if not step.exists(raw):
        return 0, 0
    have, is_first = step.read(bronze), not step.lake.row_count(bronze)
    sure_until = None if is_first else _refused_until(step, source)
    missing = step.read(raw) if is_first else step.lake.narrow(_missing(step, source, have, is_new_alone=sure_until is not None))
    names = [f"{bronze.name}_{what}" for what in ("typed", "changed", "refused", "missing")]
    try:
        typed = step.lake.scratch(names[0], typed_rows(missing, source, blocks, step.zone, step.as_of_end), bronze.ddl)
        _keep_refused_until(step, source, blocks, rows_without(step.lake, missing, typed, KEY, names[2]), sure_until)
        if is_first:
            return _fill(step, bronze, typed, source)
        # Asked for its days, for whom it replaces and for itself: history is looked through once, and not at all where no record came before.
        earlier = have if _came_before(step, raw, typed) else None
        return _put_into(step, bronze, step.lake.scratch(names[1], merge_versions(typed, earlier, source), f"{bronze.ddl}, earlier_day date"), have)
    finally:
        step.lake.clear_scratch(*names)  # names and addresses of people


#: Fact of a home: the as-of day up to which no row that was refused so far can be read, however the shop's today moves on.
_REFUSED_UNTIL = "refused_until"
#: How far ahead that is looked: a date further in the future is a mistake for as long. A day less counts, since days are of the shop's zone.
_AHEAD = timedelta(days=366)


def _refused_until(step: Step, source: Source) -> date | None:
    """That day, where it says that what was refused before the last success stays refused; None where it does not or nothing is known."""
    until = step.operations.facts.get(f"{_REFUSED_UNTIL}:{source.name}")
    known = None if until is None else date.fromisoformat(until)
    is_known = step.files_added(RAW[source.name]) is not None and step.changed_days(BRONZE[source.name]) is not None
    return known if known is not None and is_known and step.as_of <= known else None


def _missing(step: Step, source: Source, have: DataFrame, *, is_new_alone: bool) -> DataFrame:
    """Raw rows that may have to be typed: those that bronze does not hold.

    `is_new_alone`: what was not typed at the last success was refused for good or is an older version, so only files that came since are
    looked at, beside the days of bronze that were written since. Without that being known, all keys of raw are put beside all of bronze.
    """
    from pyspark.sql import functions as F

    raw, bronze = RAW[source.name], BRONZE[source.name]
    files, days = step.files_added(raw), step.changed_days(bronze)
    if not is_new_alone or files is None or days is None:
        return rows_without(step.lake, step.read(raw), have, KEY, f"{bronze.name}_missing")
    written = have.where(F.col("received_day").isin(sorted(days)))
    return rows_of(step.lake, raw, files).join(written.select(*KEY), KEY, "left_anti")


def _keep_refused_until(step: Step, source: Source, blocks: Sequence[SourceMapping], refused: DataFrame, earlier: date | None) -> None:
    """Keep until when none of these refused rows can be read, nor any of those before them (`earlier`)."""
    waits = typed_rows(step.lake.narrow(refused), source, blocks, step.zone, step.as_of_end + _AHEAD).limit(1).count()
    until = step.as_of if waits else step.as_of + _AHEAD - timedelta(days=1)
    step.operations.facts.put(f"{_REFUSED_UNTIL}:{source.name}", min(until, earlier or until).isoformat())


def _fill(step: Step, bronze: TableSpec, typed: DataFrame, source: Source) -> tuple[int, int]:
    """The first rows of bronze. Comparing versions is dear where a whole history comes at once, so it is asked first whether there are any."""
    count, distinct = typed.selectExpr("count(*) n", "count(distinct record_ref) d").toArrow().to_pylist()[0].values()
    winners = merge_versions(typed, None, source, is_distinct=count == distinct).select(*bronze.column_names)
    days = {row["received_day"] for row in winners.select("received_day").distinct().toArrow().to_pylist()}
    return (step.write(bronze, winners, days=days).rows, len(days)) if days else (0, 0)


def _came_before(step: Step, raw: TableSpec, typed: DataFrame) -> bool:
    """Whether raw, which is few files where bronze is one a day, holds other payloads of these records: bronze may hold a version then.

    Only raw that lost nothing can tell: retention takes from raw before bronze, and may have died in between.
    """
    if step.files_added(raw) is None:
        return True
    others = step.read(raw).select("record_ref", "payload_sha256").join(typed.select("record_ref"), "record_ref", "left_semi")
    return others.join(typed.select(*KEY), KEY, "left_anti").limit(1).count() > 0


def _put_into(step: Step, bronze: TableSpec, changed: DataFrame, have: DataFrame) -> tuple[int, int]:
    """Rows that win over what bronze holds put into their days; returns (records new or changed, days rewritten)."""
    from pyspark.sql import functions as F

    days_of = changed.groupBy("received_day", "earlier_day").count().toArrow().to_pylist()
    days = {day for row in days_of for day in (row["received_day"], row["earlier_day"]) if day is not None}
    if not days:
        return 0, 0
    kept = have.where(F.col("received_day").isin(sorted(days))).join(changed.select("record_ref"), "record_ref", "left_anti")
    step.write(bronze, kept.select(*bronze.column_names).unionByName(changed.select(*bronze.column_names)), days=days)
    return sum(row["count"] for row in days_of), len(days)
