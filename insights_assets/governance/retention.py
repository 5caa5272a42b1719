"""Retention: what each source may keep, and removing what is older (R115). Dry unless it is told to apply.

Belongs here: which rows have expired, and the order of steps that removes them so that a run which dies halfway is finished by the next.
Does not belong here: files and properties (`lake/removal.py`) and Dagster. Only raw, bronze and quarantine are touched: everything after
them is computed from them and follows at the next run, so counted history and insights stay, without the words behind them.

The order, source by source: receipt, audit entry, hashes of what goes into `sources.removed_rows` (so that no file brings it back), quarantine, raw, bronze.
A row counts from the day the shop first received its record; an unreadable line from the day it was delivered or taken in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import QUARANTINE
from insights_assets.governance.tables import RETENTION_RUNS
from insights_assets.lake.removal import clear_all_scratch, drop_days_before, keep_only, set_append_only, vacuum
from insights_assets.sources.catalogue import SOURCES, Source
from insights_assets.sources.tables import BRONZE, RAW, REMOVED_ROWS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step

#: Published versions stay readable so long; files of older ones go with the next applied run.
KEPT_PUBLISHED_DAYS = 30
_KEY = ["record_ref", "payload_sha256"]


@dataclass(frozen=True)
class Expired:
    """What one table would lose, or lost."""

    table: str
    retention_days: int
    first_kept_day: date
    row_count: int
    oldest_day: date | None
    fingerprint: int | None

    def row(self, step: Step, *, is_applied: bool, by: str) -> dict[str, Any]:
        return {
            "retention_run_id": step.run_id, "table_name": self.table, "is_applied": is_applied, "as_of_day": step.as_of, "retention_days": self.retention_days,
            "first_kept_day": self.first_kept_day, "row_count": self.row_count, "oldest_day": self.oldest_day, "fingerprint": self.fingerprint, "removed_by": by,
            "ran_at": step.clock(),
        }  # fmt: skip


def run_retention(step: Step, *, apply: bool, by: str, days: Mapping[str, int] | None = None) -> list[Expired]:
    """Look at every source; with `apply` remove what has expired. `days` overrides the tables' own retention, source by source."""
    found: list[Expired] = []
    for source in SOURCES:
        kept = (days or {}).get(source.name, RAW[source.name].retention_days)
        if kept is None or not step.lake.exists(RAW[source.name]):
            continue
        found += _one_source(step, source, kept, apply=apply, by=by)
    if apply:
        clear_all_scratch(step.lake)
    return found


def _one_source(step: Step, source: Source, kept: int, *, apply: bool, by: str) -> list[Expired]:
    raw, bronze = RAW[source.name], BRONZE[source.name]
    first_kept = step.as_of - timedelta(days=kept)
    expired = step.lake.scratch(f"retention_{source.name}", _expired_payloads(step, source, first_kept))
    try:
        facts = expired.selectExpr("count(*) n", "min(day) oldest", "sum(crc32(payload_sha256)) fingerprint").toArrow().to_pylist()[0]
        aside = _quarantined(step, source, expired).count()
        typed = step.lake.read(bronze).where(f"received_day < DATE'{first_kept}'").count() if step.lake.exists(bronze) else 0
        rows = [
            Expired(str(raw), kept, first_kept, facts["n"], facts["oldest"], facts["fingerprint"]), Expired(str(bronze), kept, first_kept, typed, facts["oldest"], None),
            Expired(f"{QUARANTINE}/{source.name}", kept, first_kept, aside, None, None),
        ]  # fmt: skip
        if apply and (facts["n"] or typed or aside):
            leave_receipts(step, [row for row in rows if row.row_count], is_applied=True, by=by)
            _remove(step, source, expired, facts["n"], typed, aside, first_kept, by)
        return [row for row in rows if row.row_count]
    finally:
        step.lake.clear_scratch(f"retention_{source.name}")


def leave_receipts(step: Step, found: list[Expired], *, is_applied: bool, by: str) -> None:
    """What would go, or goes. Applied, it comes before the removal, like the audit entry: a run that died behind it would leave none."""
    import pandas as pd

    if found:
        rows = [expired.row(step, is_applied=is_applied, by=by) for expired in found]
        step.write(RETENTION_RUNS, pd.DataFrame(rows, columns=RETENTION_RUNS.column_names))


def _expired_payloads(step: Step, source: Source, first_kept: date) -> DataFrame:
    """record_ref, payload_sha256, file_sha256 and day of the raw rows that have expired; all versions of a record go with its first."""
    from pyspark.sql import functions as F

    received = step.lake.read(BRONZE[source.name]).select("record_ref", "received_day")
    dated = step.lake.read(RAW[source.name]).join(received, "record_ref", "left")
    day = F.coalesce("received_day", "delivered_day", "ingest_as_of")
    return dated.select(*_KEY, "file_sha256", day.alias("day")).where(F.col("day") < F.lit(first_kept))


def _quarantined(step: Step, source: Source, expired: DataFrame) -> DataFrame:
    mine = step.lake.read(QUARANTINE).where(f"source = '{source.name}'")
    return mine.join(expired.select("payload_sha256").distinct(), "payload_sha256", "left_semi")


def _remove(step: Step, source: Source, expired: DataFrame, payloads: int, typed: int, aside: int, first_kept: date, by: str) -> None:
    raw, bronze = RAW[source.name], BRONZE[source.name]
    step.operations.audit.append(by, "retention_removes", str(raw), rows=payloads, bronze_rows=typed, quarantine_rows=aside, received_before=first_kept.isoformat(), run_id=step.run_id)
    if payloads:
        remember_removed(step, source, expired, "retention")
    if aside:
        goes = _quarantined(step, source, expired).select("source", *_KEY)
        _rewrite(step, QUARANTINE, step.lake.read(QUARANTINE).join(goes, ["source", *_KEY], "left_anti"), aside)
    if payloads:
        _rewrite(step, raw, step.lake.read(raw).join(expired.select(*_KEY), _KEY, "left_anti"), payloads)
    if typed:
        drop_days_before(step.lake, bronze, first_kept)


def remember_removed(step: Step, source: Source, payloads: DataFrame, reason: str) -> None:
    """Leave the hashes of what goes. Known ones are left out, so that a run that died after this is simply run again."""
    from pyspark.sql import functions as F

    hashes = payloads.groupBy("payload_sha256").agg(F.min("file_sha256").alias("file_sha256")).withColumns({
        "source": F.lit(source.name), "reason": F.lit(reason), "removed_at": F.lit(step.clock()).cast("timestamp"), "run_id": F.lit(step.run_id),
    })  # fmt: skip
    known = step.lake.read(REMOVED_ROWS).where(f"source = '{source.name}'").select("payload_sha256")
    step.lake.write(REMOVED_ROWS, hashes.join(known, "payload_sha256", "left_anti").select(*REMOVED_ROWS.column_names))


def _rewrite(step: Step, spec: TableSpec, kept: DataFrame, removed: int) -> None:
    """Lift append-only for one commit. Dying in between leaves it lifted: the next run's first step restores it and says so."""
    set_append_only(step.lake, spec, False)
    try:
        keep_only(step.lake, spec, kept, removed)
    finally:
        set_append_only(step.lake, spec, True)


def pinned_versions(step: Step, kept_days: int = KEPT_PUBLISHED_DAYS) -> list[dict[str, int]]:
    """Table -> version of every publication of the last days and of the newest one: what must stay readable."""
    publications = step.operations.publications.recent(kept_days)
    latest = step.operations.latest_publication()
    return [dict(publication.table_versions) for publication in (*publications, *((latest,) if latest is not None else ()))]


def vacuum_unpublished(step: Step, specs: tuple[TableSpec, ...], kept_days: int = KEPT_PUBLISHED_DAYS) -> int:
    """Delete files that no publication of the last days, nor the newest one, needs; returns how many files."""
    pinned, gone = pinned_versions(step, kept_days), 0
    for spec in specs:
        if step.lake.exists(spec):
            gone += vacuum(step.lake, spec, {versions[str(spec)] for versions in pinned if str(spec) in versions})
    return gone
