"""What came in and could not be used, with its reason; and the count that proves nothing was lost (promise: every record accounted)."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.build import NULL_HEAVY, all_voices, changed_days
from insights_assets.canonical.tables import QUARANTINE, SESSIONS, SOURCE_COMPLETENESS
from insights_assets.canonical.voices import FEEDBACK_SOURCES
from insights_assets.engine.bounds import in_few_batches
from insights_assets.lake.changes import rows_without
from insights_assets.lake.rewritten import rows_of
from insights_assets.lake.together import together
from insights_assets.sources.catalogue import BY_NAME, SOURCES
from insights_assets.sources.landing import rejected_rows
from insights_assets.sources.landing_files import strays
from insights_assets.sources.mapping import ELSEWHERE, blocks_of
from insights_assets.sources.tables import BRONZE, RAW

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from insights_assets.resources.step import Step

_KEY = ["record_ref", "payload_sha256"]
_NULL_HEAVY_REASON = "no usable text, rating, score, reason or signal, or more than half of the expected fields empty"

#: Rows of quarantine that stand for a raw row: neither records that say nothing, which are in bronze, nor whole files that nobody reads.
_OF_RAW = f"reason != '{_NULL_HEAVY_REASON}' AND NOT (line IS NULL AND record_ref <=> concat('file:', source_file))"


def quarantine(step: Step) -> int:
    """Append what raw holds, bronze does not, and a reason explains; null-heavy records; and what lies in folders nobody knows."""
    from functools import reduce

    from pyspark.sql import functions as F

    stored = step.read(QUARANTINE)
    there = [name for name in BY_NAME if step.exists(RAW[name])]
    # What was looked at need not be again while nothing that was set aside is gone (retention takes rows out of it).
    is_whole = step.files_added(QUARANTINE) == []
    added = {name: step.files_added(RAW[name]) if is_whole else None for name in there}
    has_residue = together(partial(_has_residue, step, name, added[name], stored) for name in there)
    parts = {name: _rejected(step, name, added[name], stored) for name, has in zip(there, has_residue, strict=True) if has}
    among = changed_days(step, *(BRONZE[name] for name in FEEDBACK_SOURCES), SESSIONS) if is_whole else None
    if among is None or among:
        parts["null_heavy"] = _null_heavy(step, stored, among)
    stray = _stray_files(step)
    if stray:
        rows = step.lake.spark.createDataFrame(stray, "source string, source_file string, line bigint, record_ref string, reason string, field string, payload string, payload_sha256 string")
        parts["stray"] = rows.join(stored.select("source", *_KEY), ["source", *_KEY], "left_anti")
    looked_at = [f"quarantine_left_{name}" for name in there]
    if not parts:
        step.lake.clear_scratch(*looked_at)
        return 0
    # One plan over all sources takes the embedded engine twice as long as each by itself.
    names = [f"quarantine_{name}" for name in parts]
    found = reduce(lambda left, right: left.unionByName(right), [step.lake.scratch(name, part) for name, part in zip(names, parts.values(), strict=True)])
    count = found.count()
    if count:
        stamped = found.withColumns({"quarantined_at": F.lit(step.clock()).cast("timestamp"), "run_id": F.lit(step.run_id)})
        step.write(QUARANTINE, stamped.select(*QUARANTINE.column_names))
    step.lake.clear_scratch(*names, *looked_at)
    return count


def _has_residue(step: Step, name: str, added: list[str] | None, stored: DataFrame) -> bool:
    """Whether raw holds payloads that are neither in bronze nor set aside; asked of the keys alone, before any payload is read."""
    if added == [] or step.lake.row_count(RAW[name]) == step.lake.row_count(BRONZE[name]):
        return False
    return _left(step, name, added, stored, _KEY).count() > 0


def _rejected(step: Step, name: str, added: list[str] | None, stored: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    left = _left(step, name, added, stored, RAW[name].column_names)
    return rejected_rows(step.lake.narrow(left), BY_NAME[name], blocks_of(step.shop, name), step.as_of_end).select(
        F.lit(name).alias("source"), _below_landing(name).alias("source_file"), "line", "record_ref", "reason", "field", "payload", "payload_sha256"
    )


def _left(step: Step, name: str, added: list[str] | None, stored: DataFrame, columns: list[str]) -> DataFrame:
    """Raw rows that are neither in bronze nor set aside. `added`: the files that came since everything else was looked at, where that is known.

    What reads as a record once does so later, and what did not was set aside: only rows that were never looked at can be to set aside.
    """
    from pyspark.sql import functions as F

    raw, bronze = step.read(RAW[name]), step.read(BRONZE[name])
    if added is not None:
        raw, days = rows_of(step.lake, RAW[name], added), step.changed_days(BRONZE[name])
        bronze = bronze if days is None else bronze.where(F.col("received_day").isin(sorted(days)))  # where the rows of new files can be
    known = bronze.select(*_KEY).unionByName(stored.where(F.col("source") == name).select(*_KEY))
    if added is not None:
        return raw.select(*columns).join(known, _KEY, "left_anti")
    return rows_without(step.lake, raw.select(*columns), known, _KEY, f"quarantine_left_{name}")


def _null_heavy(step: Step, stored: DataFrame, among: set[date] | None) -> DataFrame:
    from pyspark.sql import functions as F

    voices = all_voices(step)
    empty = (voices if among is None else voices.where(F.col("received_day").isin(sorted(among)))).where(NULL_HEAVY)
    return empty.join(stored.select("source", *_KEY), ["source", *_KEY], "left_anti").select(
        "source", F.lit(None).cast("string").alias("source_file"), F.lit(None).cast("bigint").alias("line"), "record_ref", F.lit(_NULL_HEAVY_REASON).alias("reason"),
        F.lit(None).cast("string").alias("field"), F.lit(None).cast("string").alias("payload"), "payload_sha256",
    )


def stray_names(step: Step) -> str:
    """The stray entries of the landing folder, as text: what quarantine depends on beside its tables."""
    return "|".join(row[3] for row in _stray_files(step))


def _stray_files(step: Step) -> list[tuple[Any, ...]]:
    """One row for each folder or file below landing/ that no source reads."""
    return [_stray(*row) for row in strays(step.settings.landing_path, step.shop.sources, step.shop.unused_files)]


def _below_landing(source: str) -> Column:
    """The file's name below landing/: a source's own file lies in its folder, a mapped one where the mapping says."""
    from pyspark.sql import functions as F

    elsewhere = F.col("source_file").startswith(ELSEWHERE)
    return F.when(elsewhere, F.substring("source_file", len(ELSEWHERE) + 1, 10_000)).otherwise(F.concat(F.lit(f"{source}/"), "source_file"))


def _stray(source: str, name: str, reason: str) -> tuple[Any, ...]:
    return (source, name, None, f"file:{name}", reason, None, None, hashlib.sha256(f"{name}|{reason}".encode()).hexdigest())


def completeness(step: Step) -> list[dict[str, Any]]:
    """Per source: raw = bronze + superseded + quarantined + unexplained, and unexplained is 0 when sound."""
    from pyspark.sql import functions as F

    stored = step.read(QUARANTINE)
    by_source = {row["source"]: row["n"] for row in stored.where(_OF_RAW).groupBy("source").agg(F.count("*").alias("n")).toArrow().to_pylist()}
    rows = together(partial(_accounts, step, source.name, stored, by_source.get(source.name, 0)) for source in SOURCES)
    step.write(SOURCE_COMPLETENESS, _frame(rows))
    return rows


def _accounts(step: Step, source: str, stored: DataFrame, quarantined: int) -> dict[str, Any]:
    """One source's count. `quarantined`: rows of its raw that were ever set aside."""
    from pyspark.sql import functions as F

    raw, bronze = RAW[source], BRONZE[source]
    raw_count, bronze_count = step.lake.row_count(raw), step.lake.row_count(bronze)
    superseded = last = None
    aside, held = stored.where(_OF_RAW).where(F.col("source") == source).select(*_KEY), in_few_batches(step.read(bronze).select(*_KEY))
    was_aside = quarantined > 0
    if was_aside:
        # What lay in the future of an earlier run and was set aside may have been taken in since: it counts once, as taken in.
        quarantined -= held.join(aside, _KEY, "left_semi").count()
    if raw_count and raw_count != bronze_count + quarantined:
        newest = held.withColumnRenamed("payload_sha256", "newest")
        older = in_few_batches(step.read(raw).select(*_KEY)).join(newest, "record_ref").where("payload_sha256 <> newest").select(*_KEY)
        superseded = (older.join(aside, _KEY, "left_anti") if was_aside else older).count()
    if raw_count:
        last = step.lake.last_partition(bronze)
    return {
        "source": source, "raw_count": raw_count, "bronze_count": bronze_count, "superseded_count": superseded or 0, "quarantined_count": quarantined,
        "unexplained_count": raw_count - bronze_count - (superseded or 0) - quarantined, "last_received_day": last,
        "quarantine_share": round(quarantined / raw_count, 4) if raw_count else 0.0,
    }


def _frame(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=SOURCE_COMPLETENESS.column_names)
