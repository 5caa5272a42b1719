"""Files -> raw rows, as a Spark frame: every line as it came, named, hashed and stamped. The per-line work is Python in Arrow batches.

Does not belong here: typing (`landing.py`), composing records of several files (`joins.py`), deciding which files are read (`ingest.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.shop.model import SourceMapping
from insights_assets.sources import joins
from insights_assets.sources.catalogue import Source
from insights_assets.sources.files import delivered_day, read_lines
from insights_assets.sources.joins import Batches, as_batch, unread_ref
from insights_assets.sources.landing_files import LandingFile, joined_files
from insights_assets.sources.mapping import block_of, digest_of, expected_columns, mapper_of, missing_id, record_ref
from insights_assets.sources.tables import RAW

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_BATCH = 8_192
_LINE_DDL = ("record_ref string, payload string, payload_sha256 string, source_file string, generation int, line bigint, file_sha256 string, "
             "delivered_day date, reject_reason string")


@dataclass(frozen=True)
class IngestStamps:
    """What a run stamps on the raw rows it appends (known_at is computed from these)."""

    as_of: date
    previous_as_of: date | None
    at: datetime
    run_id: str


def raw_rows(
    spark: SparkSession, landing: Path, source: Source, files: Sequence[LandingFile], blocks: Sequence[SourceMapping], stamps: IngestStamps
) -> DataFrame:
    """All lines of the files as raw rows (of one payload of a record perhaps several)."""
    from functools import reduce

    from pyspark.sql import functions as F

    composed: list[tuple[SourceMapping, list[LandingFile]]] = []
    for block in blocks:
        mine = [file for file in files if block_of(file.name, source.name, blocks) is block]
        if mine and (block.joins or block.repeats):
            composed.append((block, mine))
    apart = {file.name for _, mine in composed for file in mine}
    simple = [file for file in files if file.name not in apart]
    parts = [_listing(spark, simple).mapInArrow(_line_reader(source, blocks), _LINE_DDL)] if simple else []
    parts += [_composed_rows(spark, landing, source, block, mine) for block, mine in composed]
    lines = reduce(lambda left, right: left.unionByName(right), parts)
    return lines.withColumns({
        "ingest_as_of": F.lit(stamps.as_of).cast("date"), "ingest_from": F.lit(stamps.previous_as_of).cast("date"),
        "ingested_at": F.lit(stamps.at).cast("timestamp"), "run_id": F.lit(stamps.run_id),
    }).select(*RAW[source.name].column_names)


def distinct_payloads(rows: DataFrame) -> DataFrame:
    """Raw rows, each distinct (record, payload) once: that of the first file and line."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    first = Window.partitionBy("record_ref", "payload_sha256").orderBy("source_file", "line")
    return rows.withColumn("rank", F.row_number().over(first)).where("rank = 1").drop("rank")


def _listing(spark: SparkSession, files: Iterable[LandingFile]) -> DataFrame:
    return spark.createDataFrame([(f.path, f.name, f.generation, f.sha256) for f in files], "path string, name string, generation int, sha256 string")


def _composed_rows(spark: SparkSession, landing: Path, source: Source, block: SourceMapping, files: list[LandingFile]) -> DataFrame:
    """The rows of a block whose records are composed of several files or rows."""
    opened = _listing(spark, files).mapInArrow(_opener(block), joins.OPEN_DDL)
    listings = []
    for join in block.joins:
        found = joined_files(landing, source, block, join)
        listings.append(_listing(spark, found))
        if found:
            opened = opened.unionByName(joins.lookup_faults(_listing(spark, found), join, block))
    lookups = [joins.lookup(listing, join, block) for listing, join in zip(listings, block.joins, strict=True)]
    return joins.compose(opened, lookups, block).mapInArrow(_closer(digest_of(block)), _LINE_DDL)


def _opener(block: SourceMapping) -> Batches:
    """Files -> their lines, before anything is put to them."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows: list[tuple[Any, ...]] = []
        for batch in batches:
            for path, name, generation, sha in zip(*(batch.column(i).to_pylist() for i in range(4)), strict=True):
                day = delivered_day(name)
                for line in read_lines(Path(path), delimiter=block.delimiter, encoding=block.encoding, expected=expected_columns(block)):
                    payload = line.text if line.record is None else dump(line.record)
                    rows.append((name, generation, line.number, sha, day, payload, line.reason))
                    if len(rows) >= _BATCH:
                        yield as_batch(rows, joins.OPEN_DDL)
                        rows = []
        if rows:
            yield as_batch(rows, joins.OPEN_DDL)

    return read


def _closer(said: str) -> Batches:
    """Composed records -> lines with the hash of their payload."""

    def close(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = []
            for name, generation, number, sha, day, payload, reason, ref in zip(*(batch.column(i).to_pylist() for i in range(8)), strict=True):
                rows.append((ref, payload, payload_hash(payload, said, reason), name, generation, number, sha, day, reason))
            yield as_batch(rows, _LINE_DDL)

    return close


def _line_reader(source: Source, blocks: Sequence[SourceMapping]) -> Batches:
    """Files -> lines, each record named and hashed: the short way for records that no other file completes."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows: list[tuple[Any, ...]] = []
        for batch in batches:
            for path, name, generation, sha in zip(*(batch.column(i).to_pylist() for i in range(4)), strict=True):
                day, block = delivered_day(name), block_of(name, source.name, blocks)
                mapper, said = mapper_of(block), digest_of(block)
                for line in read_lines(Path(path), delimiter=block.delimiter, encoding=block.encoding, expected=expected_columns(block)):
                    reason, ref, payload = line.reason, None, line.text
                    if line.record is not None:
                        payload = dump(line.record)
                        ref = record_ref(mapper(line.record), source)
                        if ref is None:
                            reason = missing_id(source)
                    rows.append((ref or unread_ref(sha, line.number), payload, payload_hash(payload, said, reason), name, generation, line.number, sha, day, reason))
                    if len(rows) >= _BATCH:
                        yield as_batch(rows, _LINE_DDL)
                        rows = []
        if rows:
            yield as_batch(rows, _LINE_DDL)

    return read


def dump(record: Any) -> str:
    """A record as its payload: JSON with sorted keys, so that the order of columns is no difference."""
    import orjson

    try:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS, default=joins.json_default).decode()
    except TypeError:  # a map with other keys than text, a whole number beyond 64 bits: both come from parquet alone
        return orjson.dumps(_speakable(record), option=orjson.OPT_SORT_KEYS, default=joins.json_default).decode()


def _speakable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _speakable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_speakable(one) for one in value]
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value


def payload_hash(payload: str, said: str, reason: str | None) -> str:
    """Identifies a payload as it was read: under a mapping, that mapping too; of an unreadable line, the reason too."""
    text = f"{said}|{payload}" if said else payload
    return hashlib.sha256((f"{reason}|{text}" if reason else text).encode("utf-8", "surrogatepass")).hexdigest()
