"""Tables of the stage: for each source `<name>_raw` (payloads as they came, append-only) and `<name>` (typed, one row a record)."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec
from insights_assets.sources.catalogue import SOURCES, Source

_RAW_COLUMNS = (
    Column("record_ref", "string", "The record's own id as text; `line:…` where it has none", nullable=False),
    Column("payload", "string", "The record as it came, as JSON or as the text of its line", tier="raw"),
    Column("payload_sha256", "string", "SHA-256 of the payload (of payload and mapping where the file is mapped)", nullable=False),
    Column("source_file", "string", "File below landing/<source>/ that brought it", volatile=True),
    Column("generation", "int", "How many contents a file of this name had before this one", volatile=True),
    Column("line", "bigint", "Line or row in that file, from 1"),
    Column("file_sha256", "string", "SHA-256 of the file's content; where shop/sources.yaml maps it, + and a hash of mapping and joined files"),
    Column("delivered_day", "date", "Date in the file's name, where it has one: when the file was delivered"),
    Column("reject_reason", "string", "Why the line could not be read as a record; empty for records"),
    Column("ingest_as_of", "date", "The shop's today of the run that took it in", volatile=True),
    Column("ingest_from", "date", "The shop's today of the last completed run before; empty at the first", volatile=True),
    Column("ingested_at", "timestamp", "When it was written", unit="UTC", volatile=True),
    Column("run_id", "string", "Run that wrote it", volatile=True),
)


#: Days after which what a source delivered is removed (R115); governance's retention job alone does it. Orders and parcels stay longer
#: than the voices that name them; catalogue, stock, calendar and rates hold nobody's data and stay.
RETENTION_DAYS: dict[str, int] = {
    **dict.fromkeys(("reviews", "support_tickets", "chats", "surveys", "returns", "clickstream", "social"), 730), "orders": 1_095, "fulfilments": 1_095,
}

REMOVED_ROWS = TableSpec(
    stage="sources", name="removed_rows", key=("source", "payload_sha256"), write="append", medallion="raw", public=False, owner="team:governance",
    grain="one row per payload that retention or erasure removed from raw",
    description="What is left of removed payloads: their hash, so that the file that brought them cannot bring them back. Written by governance alone.",
    columns=(
        Column("source", "string", nullable=False, tier="aggregate"),
        Column("payload_sha256", "string", "SHA-256 of the payload that was removed", nullable=False),
        Column("file_sha256", "string", "SHA-256 of the file that had brought it; a file of removed payloads alone is not read again"),
        Column("reason", "string", "retention or erasure", nullable=False, tier="aggregate"),
        Column("removed_at", "timestamp", unit="UTC", volatile=True, tier="aggregate"),
        Column("run_id", "string", "Run that removed it", volatile=True, tier="aggregate"),
    ),
)


def raw_table(source: Source) -> TableSpec:
    """Append-only payloads: one row per distinct (record, payload)."""
    return TableSpec(
        stage="sources", name=f"{source.name}_raw", columns=_RAW_COLUMNS, key=("record_ref", "payload_sha256"), write="append", medallion="raw",
        grain="one row per distinct payload of a record, and per line that could not be read",
        description=f"{source.sentence} Exactly as delivered; nothing edits it.", public=False, retention_days=RETENTION_DAYS.get(source.name),
    )


def bronze_table(source: Source) -> TableSpec:
    """Typed records, the last version of each, partitioned by the day the shop received them."""
    typed = tuple(
        Column(field.name, field.type, unit="UTC" if field.kind == "time" else None, tier="raw" if field.personal else "summary")
        for field in source.fields
    )
    return TableSpec(
        stage="sources", name=source.name, key=("record_ref",), write="replace_days", partition_by="received_day", medallion="bronze",
        grain="one row per source record, its last version", description=f"{source.sentence} Parsed and typed.", public=False,
        retention_days=RETENTION_DAYS.get(source.name),
        columns=(
            Column("record_ref", "string", "The record's own id as text", nullable=False),
            *(column for column in typed if column.name not in _STAMPS),
            Column("happened_at", "timestamp", "When it happened", unit="UTC"),
            Column("happened_at_text", "string", "That time as the source wrote it"),
            Column("received_at", "timestamp", "When the source delivered its first version", unit="UTC", nullable=False),
            Column("known_at", "timestamp", "When this house could first know it", unit="UTC", nullable=False),
            Column("happened_day", "date", "Day of happened_at where the shop is"),
            Column("known_day", "date", "Day of known_at where the shop is", nullable=False),
            Column("received_day", "date", "Day of received_at where the shop is", nullable=False),
            Column("version_order", "string", "Orders the versions of one record; the greatest wins", volatile=True),
            Column("payload_sha256", "string", "SHA-256 of the raw payload it was read from", nullable=False),
        ),
    )


_STAMPS = frozenset({"received_at", "received_day", "known_at", "known_day"})
RAW: dict[str, TableSpec] = {source.name: raw_table(source) for source in SOURCES}
BRONZE: dict[str, TableSpec] = {source.name: bronze_table(source) for source in SOURCES}
TABLES: tuple[TableSpec, ...] = (REMOVED_ROWS, *(spec for source in SOURCES for spec in (RAW[source.name], BRONZE[source.name])))
