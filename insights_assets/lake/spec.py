"""A table as data. One `TableSpec` makes the Delta table, the column docs in Dagster, the schema check and the cast before a write.

Does not belong here: reading, writing, or any table in particular (each stage has its own `tables.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pyarrow as pa

from insights_assets.lake.tiers import TIERS, Tier
from insights_assets.lake.types import arrow_type

WriteMode = Literal["append", "replace_days", "replace_all", "upsert_small"]
Medallion = Literal["raw", "bronze", "silver", "gold"]


@dataclass(frozen=True)
class Column:
    """One column: `type` in Spark DDL words, `unit` where it measures something, `tier` who may read it.

    `volatile` columns (run ids, times of writing) do not count when two tables are compared. `stats` columns may carry
    min and max in the Delta log; text and identifiers never do, so that an erased value leaves no trace there.
    """

    name: str
    type: str
    description: str = ""
    unit: str | None = None
    tier: Tier = "summary"
    nullable: bool = True
    volatile: bool = False
    stats: bool = False

    def __post_init__(self) -> None:
        arrow_type(self.type)
        if self.tier not in TIERS:
            raise ValueError(f"column {self.name}: unknown tier {self.tier!r}")

    @property
    def documentation(self) -> str:
        return f"{self.description} [{self.unit}]" if self.unit else self.description


@dataclass(frozen=True)
class TableSpec:
    """One table of the lake. `key` identifies a row; `partition_by` is a physical Delta partition column."""

    stage: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    grain: str
    write: WriteMode
    description: str = ""
    medallion: Medallion = "silver"
    partition_by: str | None = None
    retention_days: int | None = None
    public: bool = True
    owner: str = "team:data-platform"

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"{self}: a column is named twice")
        for name in (*self.key, *((self.partition_by,) if self.partition_by else ())):
            if name not in names:
                raise ValueError(f"{self}: {name!r} is not a column")
        if self.write == "replace_days" and not self.partition_by:
            raise ValueError(f"{self}: replace_days needs partition_by")

    def __str__(self) -> str:
        return f"{self.stage}.{self.name}"

    @property
    def key_path(self) -> list[str]:
        """The Dagster asset key."""
        return [self.stage, self.name]

    @cached_property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @cached_property
    def stable_columns(self) -> list[str]:
        """The columns that count when two tables are compared."""
        return [column.name for column in self.columns if not column.volatile]

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The columns in Arrow. Comments stay out of it: the embedded engine fails on a union of a commented and a computed column."""
        return pa.schema(
            [pa.field(column.name, arrow_type(column.type), nullable=column.nullable and column.name not in self.key) for column in self.columns]
        )

    @cached_property
    def ddl(self) -> str:
        """The Spark DDL of the columns, for `createDataFrame`, `mapInArrow` and `from_json`."""
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)

    @cached_property
    def delta_configuration(self) -> dict[str, str]:
        """Delta table properties: append-only where declared; statistics only on columns that carry no text or identifier."""
        stats = [c.name for c in self.columns if c.stats and c.name != self.partition_by]
        properties = {"delta.dataSkippingStatsColumns": ",".join(stats)} if stats else {"delta.dataSkippingNumIndexedCols": "0"}
        if self.write == "append":
            properties["delta.appendOnly"] = "true"
        return properties
