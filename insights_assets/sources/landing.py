"""Raw rows -> typed rows, as Spark frames. The per-record work is Python in Arrow batches, the same on every engine.

Work to do is computed, never remembered: a file is read when its content is not in raw, a payload appended when it is not in raw,
a record typed when its payload is not in bronze. A list of files seen is only the hint that saves reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from insights_assets.shop.model import SourceMapping
from insights_assets.sources.catalogue import Source
from insights_assets.sources.mapping import block_of, mapper_of
from insights_assets.sources.parse import Reject, parser_of
from insights_assets.sources.tables import BRONZE

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

#: Reference data (catalogue, calendar, rates) counts as always known unless its file says when it was delivered.
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)



def typed_rows(raw: DataFrame, source: Source, blocks: Sequence[SourceMapping], zone: str, latest: datetime) -> DataFrame:
    """Raw rows that read as records, typed, one row per payload (versions of a record still apart). Rejects are left out."""
    spec = BRONZE[source.name]
    columns = ["record_ref", "payload", "payload_sha256", "source_file", "line", "generation", "delivered_day", "ingest_as_of", "ingest_from"]  # as `_typer` takes them
    return raw.where("reject_reason IS NULL").select(*columns).mapInArrow(_typer(source, blocks, zone, latest), spec.ddl)


def rejected_rows(raw: DataFrame, source: Source, blocks: Sequence[SourceMapping], latest: datetime) -> DataFrame:
    """Raw rows that do not read as records, with field and reason: (record_ref, payload_sha256, payload, source_file, line, field, reason)."""
    ddl = "record_ref string, payload_sha256 string, payload string, source_file string, line bigint, field string, reason string"
    columns = ["record_ref", "payload_sha256", "payload", "source_file", "line", "reject_reason"]
    return raw.select(*columns).mapInArrow(_rejecter(source, blocks, latest), ddl)


def _typer(source: Source, blocks: Sequence[SourceMapping], zone: str, latest: datetime) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    spec = BRONZE[source.name]

    def type_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import orjson
        import pyarrow as pa

        fields = [(field.name, field.type) for field in spec.arrow_schema]
        reader = _reader_by_file(source, blocks, latest)
        zone_of = ZoneInfo(zone)
        for batch in batches:
            # Lists and tuples, no dict a row more than needed: this is the hot path of taking in.
            rows: list[dict[str, Any]] = []
            for ref, payload, sha, file, *place in zip(*(batch.column(index).to_pylist() for index in range(batch.num_columns)), strict=True):
                mapper, read = reader(file)
                record = mapper(orjson.loads(payload))
                try:
                    values = read(record)
                except Reject:
                    continue
                values["record_ref"], values["payload_sha256"] = ref, sha
                _stamp(values, file, *place, written=record.get(source.event_time), source=source, zone=zone_of)
                rows.append(values)
            yield pa.RecordBatch.from_arrays([pa.array([row[name] for row in rows], kind) for name, kind in fields], names=[name for name, _ in fields])

    return type_batches


def _rejecter(source: Source, blocks: Sequence[SourceMapping], latest: datetime) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def reject_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import orjson
        import pyarrow as pa

        names = ["record_ref", "payload_sha256", "payload", "source_file", "line", "field", "reason"]
        schema = pa.schema([pa.field(n, pa.int64() if n == "line" else pa.string()) for n in names])
        reader = _reader_by_file(source, blocks, latest)
        for batch in batches:
            rows = []
            for item in batch.to_pylist():
                field, reason = None, item["reject_reason"]
                if reason is None:
                    mapper, read = reader(item["source_file"])
                    try:
                        read(mapper(orjson.loads(item["payload"])))
                        continue
                    except Reject as reject:
                        field, reason = reject.field_name, reject.reason
                rows.append({**{n: item[n] for n in names[:5]}, "field": field, "reason": reason})
            yield pa.RecordBatch.from_pylist(rows, schema=schema)

    return reject_batches


def _reader_by_file(source: Source, blocks: Sequence[SourceMapping], latest: datetime) -> Callable[[str], tuple[Callable[..., Any], Callable[..., Any]]]:
    """File name -> (how its records are mapped, how they are parsed)."""

    @cache
    def reader(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        block = block_of(name, source.name, blocks)
        return mapper_of(block), parser_of(source, block, latest)

    return reader


def _stamp(
    values: dict[str, Any], file: str, line: int, generation: int, delivered: date | None, ingest_as_of: date, ingest_from: date | None, *,
    written: Any, source: Source, zone: ZoneInfo,
) -> None:  # fmt: skip
    """Add to a typed record its times: when it happened, was received and could first be known here."""
    happened: datetime | None = values.get(source.event_time) or (values.get(source.event_fallback) if source.event_fallback else None)
    delivery = datetime.combine(delivered, time(), zone).astimezone(UTC) if delivered else None
    if source.is_future_allowed or happened is None:
        received = delivery or ALWAYS
    else:
        received = max(happened, delivery) if delivery else happened
    known = received
    if ingest_from is not None and received < datetime.combine(ingest_from + timedelta(days=1), time(), zone).astimezone(UTC):
        known = datetime.combine(ingest_as_of, time(23, 59, 59), zone).astimezone(UTC)
    # Most records are received as they happen: one zone conversion instead of three.
    happened_day = happened.astimezone(zone).date() if happened else None
    received_day = happened_day if received is happened else received.astimezone(zone).date()
    newest = next((values[name] for name in _told_by(source) if values.get(name)), ALWAYS)
    values["happened_at"] = happened
    values["happened_at_text"] = None if written is None else str(written)
    values["received_at"] = received
    values["known_at"] = known
    values["happened_day"] = happened_day
    values["known_day"] = received_day if known is received else known.astimezone(zone).date()
    values["received_day"] = received_day
    values["version_order"] = f"{newest.isoformat()}|{delivered or UNDATED}|{file}|{generation:04d}|{line:012d}"


def merge_versions(new: DataFrame, bronze: DataFrame | None, source: Source, *, is_distinct: bool = False) -> DataFrame:
    """New typed rows that win over what bronze holds, one a record; received and known at their first version's time.

    `is_distinct`: no record has two versions among the new rows, so none need be compared with each other. Adds `earlier_day`, the day of the bronze row that a winner replaces (null for a new record). `bronze`: None where it is empty.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    versions = Window.partitionBy("record_ref")
    winners = new if is_distinct else (
        new.withColumn("rank", F.row_number().over(versions.orderBy(F.desc("version_order"), "payload_sha256")))
        .withColumns({f"first_{name}": F.min(name).over(versions) for name in _FIRSTS})
        .where("rank = 1").drop("rank")
    )
    mine = "{}" if is_distinct else "first_{}"
    if bronze is None:
        return winners.withColumns({"earlier_day": F.lit(None).cast("date"), **{name: F.col(mine.format(name)) for name in _FIRSTS}}).select(*new.columns, "earlier_day")
    old = bronze.select("record_ref", _stored_order(source).alias("old_order"), *(F.col(name).alias(f"old_{name}") for name in _FIRSTS))
    joined = winners.join(old, "record_ref", "left").where("old_order IS NULL OR version_order > old_order")
    return joined.withColumns(
        {"earlier_day": F.col("old_received_day"), **{name: F.least(F.col(mine.format(name)), F.col(f"old_{name}")) for name in _FIRSTS}}
    ).select(*new.columns, "earlier_day")


def _stored_order(source: Source) -> Column:
    """`version_order` of a stored row, mended where an earlier version of the product wrote it so that no later version could ever win.

    It left the day empty where a file names none, and took the time a record was planned for as the time of what it tells.
    """
    from pyspark.sql import functions as F

    dated = F.regexp_replace("version_order", r"^([^|]*)\|\|", f"$1|{UNDATED}|")
    tells = [F.col(name) for name in _told_by(source)]
    return F.when(F.coalesce(F.lit(None).cast("timestamp"), *tells).isNull(), F.regexp_replace(dated, r"^[^|]*", ALWAYS.isoformat())).otherwise(dated)


def _told_by(source: Source) -> tuple[str, ...]:
    """Columns by whose time of two versions the newer is known. Never a plan: a parcel's promised day lies after the shipping that its
    next version tells of, and a promotion can be brought forward.
    """
    return tuple(name for name in (source.updated, None if source.is_future_allowed else source.event_time) if name)


#: Way in which versions are ordered; rows that lost by an earlier way are compared once more.
ORDERING = 2
#: In the place of a day of delivery in `version_order`: a file that names none is older than one that does.
UNDATED = "0000-00-00"
_FIRSTS = ("received_at", "known_at", "known_day", "received_day")
