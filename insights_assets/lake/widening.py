"""Tables that another version of the product made: what they lack of a spec, what they hold besides, what only a person can settle.

Belongs here: comparing stored columns with declared ones, and nulls for a column that one side does not have. Does not belong here: when that
is done and how a column is added (`lake.py` below a folder, `insights databricks bootstrap --apply` in a catalog).

An earlier version's table lacks columns: those that may be null are added by a commit that touches no row, and older versions of the table
are read with nulls. A newer version's table holds columns that this one does not know (a rollback): they stay, null in rows written from here.
Whatever else differs is refused before anything is read or written, since an engine would store nulls for what does not fit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from insights_assets.lake.conform import SchemaMismatch
from insights_assets.lake.ddl import may_be_null
from insights_assets.lake.spec import Column, TableSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class MadeByAnotherVersion(SchemaMismatch):
    """A table and its spec differ in what cannot be brought together by adding columns; nothing was read or written."""


@dataclass(frozen=True)
class StoredTable:
    """A table as it lies there: column -> type, those that may hold no null, and the column it is partitioned by."""

    types: Mapping[str, str]
    required: frozenset[str]
    partition_by: str | None


def lacking(spec: TableSpec, names: Collection[str], where: str) -> tuple[Column, ...]:
    """The spec's columns that a table with these column names does not have. Raises MadeByAnotherVersion for one that may hold no null."""
    missing = tuple(column for column in spec.columns if column.name not in names)
    if bad := [f"it lacks {column.name}, which may hold no null" for column in missing if not may_be_null(spec, column)]:
        raise _made_by_another(spec, bad, where)
    return missing


def to_add(spec: TableSpec, stored: StoredTable, declared: Mapping[str, str], where: str) -> tuple[Column, ...]:
    """The columns a table lacks. Raises MadeByAnotherVersion for whatever adding columns does not settle."""
    problems = [f"{name} is {stored.types[name]} there and {kind} in this version" for name, kind in declared.items() if stored.types.get(name, kind) != kind]
    problems += [f"{name}, which this version does not know, may hold no null" for name in sorted(stored.required - set(declared))]
    if stored.partition_by != spec.partition_by:
        problems.append(f"it is partitioned by {stored.partition_by or 'nothing'}, in this version by {spec.partition_by or 'nothing'}")
    if problems:
        raise _made_by_another(spec, problems, where)
    return lacking(spec, stored.types, where)


def with_nulls(frame: DataFrame, columns: Iterable[tuple[str, str]]) -> DataFrame:
    """The frame with these columns (name, type) behind its own, null in every row."""
    from pyspark.sql import functions as F

    added = [F.lit(None).cast(kind).alias(name) for name, kind in columns]
    return frame.select("*", *added) if added else frame


def _made_by_another(spec: TableSpec, problems: Iterable[str], where: str) -> MadeByAnotherVersion:
    if spec.write.startswith("replace"):
        way = f"back the home up and take {where} away: the next run makes the table anew from those it stands on"
    else:
        way = "start a new home from the same landing folder, since this table holds what no other one does"
    return MadeByAnotherVersion(f"{spec} at {where} was made by another version of the product: {'; '.join(problems)}. Install the version that made it, or {way}")
