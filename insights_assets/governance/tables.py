"""Tables of the stage: who may read what, what retention removed, and the audit log as a table."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

ACCESS_MATRIX = TableSpec(
    stage="governance", name="access_matrix", key=("role", "table_name", "column_name"), write="replace_all", medallion="gold", owner="team:governance",
    grain="one row per role, table and column", description="Which of the three roles may read which column (R111, R117); the readers enforce just this.",
    columns=(
        Column("role", "string", "aggregate, summary (everybody's default) or raw", nullable=False, tier="aggregate"),
        Column("table_name", "string", nullable=False, tier="aggregate"),
        Column("column_name", "string", nullable=False, tier="aggregate"),
        Column("tier", "string", "Tier of the column", nullable=False, tier="aggregate"),
        Column("may_read", "boolean", nullable=False, tier="aggregate"),
        Column("condition", "string", "What a read needs beside the role", tier="aggregate"),
    ),
)

RETENTION_RUNS = TableSpec(
    stage="governance", name="retention_runs", key=("retention_run_id", "table_name"), write="upsert_small", medallion="gold", owner="team:governance",
    grain="one row per run of retention and table it looked at", description="Receipts of retention: what would go, or went, by which rule, with a fingerprint of the removed hashes (R115). Written before anything goes: what a run that died left over has a second receipt, of the run that finished it.",
    columns=(
        Column("retention_run_id", "string", nullable=False, tier="aggregate"),
        Column("table_name", "string", nullable=False, tier="aggregate"),
        Column("is_applied", "boolean", "False: a dry run, nothing was removed", nullable=False, tier="aggregate"),
        Column("as_of_day", "date", "The shop's day", nullable=False, tier="aggregate"),
        Column("retention_days", "int", "Days the table keeps", unit="days", nullable=False, tier="aggregate"),
        Column("first_kept_day", "date", "Rows received before this day go", nullable=False, tier="aggregate"),
        Column("row_count", "bigint", "Rows that go, or went", unit="rows", nullable=False, tier="aggregate"),
        Column("oldest_day", "date", "Day of the oldest of them", tier="aggregate"),
        Column("fingerprint", "bigint", "Sum of CRC-32 over the removed payload hashes, which sources.removed_rows keeps", tier="aggregate"),
        Column("removed_by", "string", "Who or what started it", tier="summary"),
        Column("ran_at", "timestamp", unit="UTC", tier="aggregate", volatile=True),
    ),
)

MAINTENANCE_RUNS = TableSpec(
    stage="governance", name="maintenance_runs", key=("maintenance_run_id", "table_name"), write="upsert_small", medallion="gold", owner="team:data-platform",
    grain="one row per run of maintenance and table it did something to", description="What maintenance did: files merged, files deleted, and why a table was left alone.",
    columns=(
        Column("maintenance_run_id", "string", nullable=False, tier="aggregate"),
        Column("table_name", "string", nullable=False, tier="aggregate"),
        Column("files_before", "bigint", "Files of the table before", unit="files", nullable=False, tier="aggregate"),
        Column("files_after", "bigint", "Files of the table after small ones were merged", unit="files", nullable=False, tier="aggregate"),
        Column("files_deleted", "bigint", "Files deleted that no published version needs", unit="files", nullable=False, tier="aggregate"),
        Column("is_analyzed", "boolean", "Whether rows and bytes were counted for the planner (Unity Catalog)", nullable=False, tier="aggregate"),
        Column("left_alone", "string", "Why no file was deleted, where that was not for lack of any", tier="aggregate"),
        Column("ran_at", "timestamp", unit="UTC", tier="aggregate", volatile=True),
    ),
)

AUDIT_LOG = TableSpec(
    stage="governance", name="audit_log", key=("sequence",), write="append", medallion="gold", owner="team:governance",
    grain="one row per entry", description="Who did what to which subject; each entry covers the one before it (`insights audit verify` checks the original) (R116).",
    columns=(
        Column("sequence", "bigint", nullable=False, tier="aggregate"),
        Column("at", "timestamp", unit="UTC", tier="aggregate", volatile=True),
        Column("actor", "string"),
        Column("action", "string", tier="aggregate"),
        Column("subject", "string"),
        Column("details", "string", "JSON; never customers' words"),
        Column("row_hash", "string", volatile=True),
    ),
)

TABLES = (ACCESS_MATRIX, RETENTION_RUNS, MAINTENANCE_RUNS, AUDIT_LOG)
