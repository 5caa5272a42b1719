"""Sources of the streaming kind taken in by Structured Streaming: new files of the landing folder go to raw as they come.

Belongs here: which files a stream hears of (Spark's file source, on Databricks Auto Loader), its checkpoint, and one micro-batch. What
is read of a file, its hashes and its quarantine are those of every run (`raw_lines.py`), and so is the way into raw (`appending.py`).
Bronze and all that follows is brought up to date by the next run, which finds the files known.

Exactly once: a batch that was written before its checkpoint is told to Spark is put to raw again after a restart, and raw holds it
already. What a stream does not hear of (a file rewritten under its name, files of a mapping's other folders) the next run takes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from insights_assets.lake.lake import Lake
from insights_assets.resources.clock import shop_today, wall_clock
from insights_assets.resources.lock import home_lock
from insights_assets.sources.appending import append, contents_of, unread
from insights_assets.sources.catalogue import BY_NAME, Source
from insights_assets.sources.landing_files import list_files
from insights_assets.sources.mapping import blocks_of
from insights_assets.sources.raw_lines import IngestStamps
from insights_assets.sources.tables import RAW

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from insights_assets.settings import Settings

#: Sources whose files come by the minute, not by the day.
STREAMED = ("clickstream", "social")
MOST_FILES_A_BATCH = 500
STARTS = 6


class StreamNotPossible(RuntimeError):
    """A stream was asked of an engine or a source that has none."""


@dataclass(frozen=True)
class Batch:
    """What one micro-batch does. Values only: over Spark Connect it is sent to the server, which calls it in a process of its own."""

    source: str
    home: str
    lake: str
    landing: str
    shop: str | None
    as_of: date | None
    previous_as_of: date | None
    run_id: str
    lock_wait_seconds: float
    crash_at: str | None = None

    def __call__(self, frame: DataFrame, number: int) -> None:
        """Append what raw does not hold of the batch's files. Safe to call again for a batch that was written before."""
        paths = {Path(local_path(row["path"])) for row in frame.select("path").distinct().toLocalIterator()}
        with home_lock(Path(self.home), self.lock_wait_seconds):  # a run may be taking in the same files
            self.take_in(frame.sparkSession, paths)

    def take_in(self, spark: SparkSession, paths: set[Path]) -> int:
        """Append what these files bring; returns how many rows that were."""
        from insights_assets.shop import load_shop

        source, shop = BY_NAME[self.source], load_shop(Path(self.shop) if self.shop else None)
        lake, blocks, landing = Lake(Path(self.lake), lambda: spark, crash_at=self.crash_at, is_embedded=False), blocks_of(shop, self.source), Path(self.landing)
        contents = contents_of(lake, source)
        files = unread(lake, source, list_files(landing, source, blocks, only=paths), contents)
        if not files:
            return 0
        stamps = IngestStamps(self.as_of or shop_today(wall_clock, shop.shop_time_zone), self.previous_as_of, wall_clock(), self.run_id)
        raw = RAW[self.source]
        return append(lake, landing, source, files, blocks, stamps, lambda rows: lake.write(raw, rows), is_first=not contents).rows


def start(spark: SparkSession, settings: Settings, batch: Batch, *, every_seconds: float | None = None) -> Any:
    """Start the source's stream: over what is there (and then it ends), or every so many seconds until it is stopped. Returns Spark's query."""
    source = BY_NAME[batch.source]
    why = why_not(source, settings)
    if why:
        raise StreamNotPossible(why)
    folder = Path(batch.landing) / source.name
    folder.mkdir(parents=True, exist_ok=True)
    where, options = reader_of(settings.profile)
    reader = spark.readStream.format(where).options(**options)
    if where == "binaryFile":
        reader = reader.schema("path string, modificationTime timestamp, length bigint, content binary")
    writer = reader.load(str(folder)).select("path").writeStream.foreachBatch(batch)
    writer = writer.option("checkpointLocation", str(checkpoint_of(settings, source))).queryName(f"{source.name}_raw")
    writer = writer.trigger(availableNow=True) if every_seconds is None else writer.trigger(processingTime=f"{every_seconds} seconds")
    for attempt in range(1, STARTS + 1):
        try:
            return writer.start()
        except Exception as error:
            # Over Connect the server starts a Python for the batches and gives it ten seconds, which a busy machine does not keep.
            if attempt == STARTS or "waiting for the Python worker" not in str(error):
                raise
    raise AssertionError("unreachable")


def why_not(source: Source, settings: Settings) -> str:
    """What keeps a source from being streamed with these settings; empty where nothing does."""
    if source.name not in STREAMED:
        return f"{source.name} comes by the day and is taken in by runs; streams are there for {', '.join(STREAMED)}"
    if settings.spark_remote is None and settings.profile != "databricks":
        return "the embedded engine has no streaming: name a Spark as INSIGHTS_SPARK_REMOTE (sc://… or local[N]); `insights run` takes the same files in without"
    if settings.databricks_catalog:
        return "streams write a lake in a folder, and INSIGHTS_DATABRICKS_CATALOG names a catalog; `insights run` takes the same files in there"
    return ""


def reader_of(profile: str) -> tuple[str, dict[str, str]]:
    """How a stream hears of new files: Auto Loader on Databricks, Spark's own file source elsewhere. Neither reads what is in them."""
    if profile == "databricks":
        return "cloudFiles", {"cloudFiles.format": "binaryFile", "cloudFiles.includeExistingFiles": "true", "cloudFiles.maxFilesPerTrigger": str(MOST_FILES_A_BATCH)}
    return "binaryFile", {"recursiveFileLookup": "true", "maxFilesPerTrigger": str(MOST_FILES_A_BATCH)}


def checkpoint_of(settings: Settings, source: Source) -> Path:
    """Where Spark keeps which files a stream heard of. Losing it costs reading them again, nothing else."""
    return settings.home / "streams" / source.name


def local_path(uri: str) -> str:
    """The path by which this process opens what Spark names: `file:/a%20b` and `dbfs:/Volumes/…` as `/a b` and `/Volumes/…`."""
    parts = urlsplit(uri)
    return unquote(parts.path) if parts.scheme in ("file", "dbfs") else uri
