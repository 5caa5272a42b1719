"""What raw does not hold of some files: the one way into a raw table, for runs (`ingest.py`) and for streams (`streaming.py`).

Exactly once by the table itself: a payload of a record that raw holds is not put there again, whoever brings it and however often.
Does not belong here: which files are looked at, and who calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from insights_assets.lake.lake import Lake, WriteResult
from insights_assets.shop.model import SourceMapping
from insights_assets.sources.catalogue import Source
from insights_assets.sources.landing_files import LandingFile, content_of, with_generations
from insights_assets.sources.raw_lines import IngestStamps, distinct_payloads, raw_rows
from insights_assets.sources.removed import removed_files, without_removed
from insights_assets.sources.tables import RAW

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: What a payload is in its source's raw table; each source has a table of its own.
KEY = ["record_ref", "payload_sha256"]


@dataclass(frozen=True)
class Appended:
    """Rows that raw gained, and the contents (their hashes) that brought them."""

    rows: int
    contents: frozenset[str]


def contents_of(lake: Lake, source: Source) -> dict[str, set[str]]:
    """File name -> hashes of the contents that raw holds rows of."""
    contents: dict[str, set[str]] = {}
    if lake.exists(RAW[source.name]):
        known = lake.read(RAW[source.name]).select("source_file", "file_sha256").distinct().toArrow()
        for name, sha in zip(known.column(0).to_pylist(), known.column(1).to_pylist(), strict=True):
            contents.setdefault(name, set()).add(sha)
    return contents


def unread(lake: Lake, source: Source, files: Sequence[LandingFile], contents: dict[str, set[str]], silent: Iterable[str] = ()) -> list[LandingFile]:
    """The files whose content raw does not hold and nobody removed; `silent` are contents known to bring nothing."""
    seen = {sha for shas in contents.values() for sha in shas} | set(silent)
    # By content: no change of a mapping and no joined file that comes later may bring back what was removed.
    removed = {content_of(sha) for sha in removed_files(lake, source) if sha}
    new = [file for file in files if file.sha256 not in seen and file.content_sha256 not in removed]
    return with_generations(new, {name: len(shas) for name, shas in contents.items()})


def append(
    lake: Lake, landing: Path, source: Source, files: Sequence[LandingFile], blocks: Sequence[SourceMapping], stamps: IngestStamps,
    write: Callable[[DataFrame], WriteResult], *, is_first: bool,
) -> Appended:  # fmt: skip
    """Hand `write` what raw does not hold of these files, each payload once. `is_first`: raw is empty."""
    from pyspark.sql import functions as F

    raw = RAW[source.name]
    rows = without_removed(lake, source, raw_rows(lake.spark, landing, source, files, blocks, stamps))
    rows = lake.scratch(f"{raw.name}_new", rows, raw.ddl)
    if not is_first:
        rows = rows.join(lake.read(raw).select(*KEY), KEY, "left_anti")
    # Different hashes are different keys; equal ones are looked at again, by their keys.
    told = F.collect_set("file_sha256").alias("contents")
    count, distinct, contents = rows.agg(F.count("*"), F.countDistinct(F.xxhash64(*KEY)), told).toArrow().to_pylist()[0].values()
    if count != distinct:
        rows = distinct_payloads(rows)
        contents = rows.agg(told).toArrow().to_pylist()[0]["contents"]
    appended = write(rows).rows if count else 0
    lake.clear_scratch(f"{raw.name}_new")
    return Appended(appended, frozenset(contents or ()))
