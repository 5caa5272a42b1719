"""Composed records: columns fetched from other files of the delivery, and rows that share one id made one record. Spark frames in and out.

The raw payload stays the record as it came; what was fetched lies beside it under `_joined`, further rows under `_repeated`. A file that
arrives later gives the records it completes a new payload, which is their next version (`landing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.shop.model import Join, SourceMapping
from insights_assets.sources.mapping import JOINED, REPEATED, mapper_of, missing_id, plain_text, record_ref, source_of, view

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

#: Between the values of a key of several columns; no file holds it.
_KEY_MARK = "\x1f"
_PLACE_DDL = "source_file string, generation int, line bigint, file_sha256 string, delivered_day date"
OPEN_DDL = f"{_PLACE_DDL}, payload string, reject_reason string"
_FETCHED_DDL = "join_key string, fetched string"
Batches = Callable[[Iterator["pa.RecordBatch"]], Iterator["pa.RecordBatch"]]


def compose(opened: DataFrame, lookups: list[DataFrame], block: SourceMapping) -> DataFrame:
    """Records as they came (OPEN_DDL) with the columns of each join, one after the other, and repeated rows made one."""
    from pyspark.sql import functions as F

    frame = opened
    for place, join in enumerate(block.joins):
        earlier = block.joins[place - 1] if place else None
        keyed = frame.mapInArrow(_step(block, earlier, join), f"{OPEN_DDL}, join_key string")
        found = lookups[place].where("join_key IS NOT NULL").groupBy("join_key").agg(F.sort_array(F.collect_set("fetched")).alias("fetched"))
        frame = keyed.join(found, "join_key", "left").select(*_names(OPEN_DDL), "fetched")
    frame = frame.mapInArrow(_step(block, block.joins[-1] if block.joins else None, None), f"{OPEN_DDL}, record_ref string")
    if not block.repeats:
        return frame
    first = ("generation", "line", "file_sha256", "delivered_day")
    grouped = frame.groupBy("record_ref", "source_file", "reject_reason").agg(*(F.min(name).alias(name) for name in first), F.sort_array(F.collect_list("payload")).alias("payloads"))
    columns = ("source_file", *first, "payloads", "reject_reason", "record_ref")
    return grouped.select(*columns).mapInArrow(_gather, f"{OPEN_DDL}, record_ref string")


def lookup(listing: DataFrame, join: Join, block: SourceMapping) -> DataFrame:
    """The rows of a joined file as (join_key, fetched JSON); unreadable lines are told by `lookup_faults`."""
    return listing.mapInArrow(_look_up(join, block), _FETCHED_DDL)


def lookup_faults(listing: DataFrame, join: Join, block: SourceMapping) -> DataFrame:
    """Lines of a joined file that could not be read, as rejected records (OPEN_DDL)."""
    return listing.mapInArrow(_faults(join, block), OPEN_DDL)


def _names(ddl: str) -> list[str]:
    return [part.split()[0] for part in ddl.split(", ")]


def _lines(batch: pa.RecordBatch, join: Join, block: SourceMapping) -> Iterator[tuple[str, int, str, Any]]:
    from insights_assets.sources.files import read_lines

    expected = (*join.on.values(), *join.columns)
    for path, name, generation, sha in zip(*(batch.column(index).to_pylist() for index in range(4)), strict=True):
        for line in read_lines(Path(path), delimiter=block.delimiter, encoding=block.encoding, expected=expected):
            yield name, generation, sha, line


def _look_up(join: Join, block: SourceMapping) -> Batches:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import orjson

        for batch in batches:
            rows: list[tuple[Any, ...]] = []
            for _, _, _, line in _lines(batch, join, block):
                if line.record is None:
                    continue
                key = _key(line.record, list(join.on.values()))
                if key is not None:
                    fetched = {ours: line.record.get(theirs) for theirs, ours in join.columns.items()}
                    rows.append((key, orjson.dumps(fetched, option=orjson.OPT_SORT_KEYS, default=json_default).decode()))
                if len(rows) >= 8_192:
                    yield as_batch(rows, _FETCHED_DDL)
                    rows = []
            if rows:
                yield as_batch(rows, _FETCHED_DDL)

    return read


def _faults(join: Join, block: SourceMapping) -> Batches:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [
                (name, generation, line.number, sha, None, line.text, f"{join.file} (joined): {line.reason}")
                for name, generation, sha, line in _lines(batch, join, block) if line.record is None
            ]  # fmt: skip
            if rows:
                yield as_batch(rows, OPEN_DDL)

    return read


def _step(block: SourceMapping, merge: Join | None, following: Join | None) -> Batches:
    """Put in what the join `merge` fetched, then say the key of the join that follows, or the record's id after the last."""
    source, mapper = source_of(block), mapper_of(block)

    def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import orjson

        names = _names(OPEN_DDL)
        ddl = f"{OPEN_DDL}, {'join_key' if following else 'record_ref'} string"
        for batch in batches:
            rows: list[tuple[Any, ...]] = []
            fetched_of = batch.column(len(names)).to_pylist() if merge is not None else [None] * batch.num_rows
            for item, fetched in zip(zip(*(batch.column(index).to_pylist() for index in range(len(names))), strict=True), fetched_of, strict=True):
                *place, payload, reason = item
                said = None
                if reason is None:
                    record = orjson.loads(payload)
                    if fetched:
                        record[JOINED] = {**(record.get(JOINED) or {}), **_agreed([orjson.loads(one) for one in fetched])}
                        payload = orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()
                    if following is not None:
                        said = _key(view(record, block), list(following.on))
                    else:
                        said = record_ref(mapper(record), source)
                        reason = None if said else missing_id(source)
                if following is None and said is None:
                    said = unread_ref(place[3], place[2])
                rows.append((*place, payload, reason, said))
            yield as_batch(rows, ddl)

    return step


def _gather(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import orjson

    for batch in batches:
        rows = []
        for *place, payloads, reason, ref in zip(*(batch.column(index).to_pylist() for index in range(batch.num_columns)), strict=True):
            payload = payloads[0]
            if len(payloads) > 1:
                further = [orjson.loads(one) for one in payloads[1:]]
                payload = orjson.dumps({**orjson.loads(payload), REPEATED: further}, option=orjson.OPT_SORT_KEYS).decode()
            rows.append((*place, payload, reason, ref))
        yield as_batch(rows, f"{OPEN_DDL}, record_ref string")


def _agreed(found: list[dict[str, Any]]) -> dict[str, Any]:
    """What all rows of the joined file with this key agree on; a column they differ in cannot be known."""
    return {name: value for name, value in found[0].items() if value not in (None, "") and all(row[name] == value for row in found[1:])}


def _key(record: Any, columns: list[str]) -> str | None:
    parts = [plain_text(record.get(name)) for name in columns]
    return None if None in parts else _KEY_MARK.join(str(part) for part in parts)


def unread_ref(file_sha256: str, line: int) -> str:
    """The name of a line that names no record."""
    return f"line:{file_sha256[:12]}:{line}"


def json_default(value: Any) -> Any:
    """What parquet holds and JSON does not: bytes as text, everything else in its own words."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def as_batch(rows: list[tuple[Any, ...]], ddl: str) -> pa.RecordBatch:
    """Rows as one Arrow batch of the columns of a DDL text."""
    import pyarrow as pa

    from insights_assets.lake.types import arrow_type

    columns = [part.split() for part in ddl.split(", ")]
    data = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pa.RecordBatch.from_arrays([pa.array(values, arrow_type(kind)) for values, (_, kind) in zip(data, columns, strict=True)], names=[name for name, _ in columns])
