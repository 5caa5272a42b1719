"""A table's SQL on Unity Catalog, made from its TableSpec: the name, its columns with comments, its partition and its Delta properties.

Belongs here: text of SQL for one table. Does not belong here: who may read it (`governance/unity/`) and running it. Databricks' words; what
the embedded engine knows of them makes the same table, which is how the tests run them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from insights_assets.lake.spec import Column, TableSpec

#: Published versions are read for so long (`governance.retention`); files and log of a table must outlast them.
READABLE_DAYS = 30


def quoted(*parts: str) -> str:
    """A name of one to three parts, each in backticks."""
    if not parts or not all(parts):
        raise ValueError(f"a name has no empty part: {'.'.join(parts)!r}")
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def literal(text: str) -> str:
    """A text as a SQL string; Spark's SQL knows the backslash."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"


def days_condition(spec: TableSpec, days: Iterable[date]) -> str:
    """Rows of those days of a table partitioned by day."""
    return f"`{spec.partition_by}` IN ({', '.join(f'DATE{day.isoformat()!r}' for day in days)})"


def table_properties(spec: TableSpec) -> dict[str, str]:
    """Delta properties on Databricks: what the embedded table has, and what only a managed table needs told.

    Deletion vectors are off: with them a deleted row stays in its file until the file is rewritten, and erasure must not wait for that.
    Deleted files and the log stay as long as a published version is read; VACUUM on Databricks knows no single versions to keep.
    """
    kept = min(READABLE_DAYS, spec.retention_days) if spec.retention_days is not None else READABLE_DAYS
    return {
        **spec.delta_configuration,
        "delta.enableDeletionVectors": "false",
        "delta.deletedFileRetentionDuration": f"interval {kept} days",
        "delta.logRetentionDuration": f"interval {kept} days",
    }


def comment(column: Column) -> str:
    """What people read about a column: its description (its name in words where that says it) and unit, and that it is of the raw tier."""
    words = column.documentation.strip() if column.description else f"{column.name.replace('_', ' ').capitalize()} {column.documentation}".strip()
    return f"{words} (raw tier)" if column.tier == "raw" else words


def may_be_null(spec: TableSpec, column: Column) -> bool:
    return column.nullable and column.name not in spec.key


def create_table(spec: TableSpec, name: str, *, extra: str = "") -> str:
    """CREATE TABLE of a spec under a quoted name. `extra` stands before the properties (tests put a LOCATION there)."""
    rows = [
        f"  {quoted(column.name)} {column.type.upper() if '<' not in column.type else column.type}"
        + ("" if may_be_null(spec, column) else " NOT NULL")
        + f" COMMENT {literal(comment(column))}"
        for column in spec.columns
    ]
    lines = [f"CREATE TABLE IF NOT EXISTS {name} (", ",\n".join(rows), ")", "USING DELTA"]
    # A partition's day stands in the log as a path, so that a day is found without statistics; liquid clustering would need them.
    lines += [f"PARTITIONED BY ({quoted(spec.partition_by)})"] if spec.partition_by else []
    lines += [f"COMMENT {literal(spec.description or spec.grain)}"]
    lines += [extra] if extra else []
    return "\n".join([*lines, f"TBLPROPERTIES ({_pairs(table_properties(spec))})"])


def add_columns(spec: TableSpec, name: str, missing: Iterable[str]) -> str:
    """ALTER TABLE for columns that the spec has gained; of what is stored nobody knows their value, so they may be null."""
    wanted = set(missing)
    rows = [f"{quoted(c.name)} {c.type} COMMENT {literal(comment(c))}" for c in spec.columns if c.name in wanted]
    return f"ALTER TABLE {name} ADD COLUMNS ({', '.join(rows)})"


def set_properties(name: str, properties: Mapping[str, str]) -> str:
    return f"ALTER TABLE {name} SET TBLPROPERTIES ({_pairs(properties)})"


def _pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{literal(key)} = {literal(value)}" for key, value in values.items())
