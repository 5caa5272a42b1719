"""Cast and validate before every write: the engine stores NULL for a value of the wrong type, silently, so nothing unfit reaches it.

Takes Spark or pandas or Arrow frames; gives back the same rows in the spec's columns, order and types, or raises `SchemaMismatch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from insights_assets.lake.spec import TableSpec

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

# Widening that cannot lose a value. Everything else must be cast by whoever knows what a failed cast means.
_WIDENS = {("int", "bigint"), ("int", "double"), ("bigint", "double"), ("float", "double"), ("smallint", "int"), ("smallint", "bigint"),
           ("tinyint", "int"), ("void", "*")}


class SchemaMismatch(ValueError):
    """A frame does not fit its TableSpec."""


def conform_spark(frame: DataFrame, spec: TableSpec) -> DataFrame:
    """The frame in the spec's columns and order. Raises SchemaMismatch naming each missing, extra or mistyped column."""
    from pyspark.sql import functions as F

    found = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    problems = [f"{name} is missing" for name in spec.column_names if name not in found]
    problems += [f"{name} is not a column of the table" for name in found if name not in spec.column_names]
    selected = []
    for column in spec.columns:
        have = found.get(column.name)
        want = column.type.replace(" ", "")
        if have is None:
            continue
        if have == want:
            selected.append(F.col(column.name))
        elif (have, want) in _WIDENS or have == "void" or _same_shape(have, want):
            selected.append(F.col(column.name).cast(column.type).alias(column.name))
        else:
            problems.append(f"{column.name} is {have}, the table wants {want}")
    if problems:
        raise SchemaMismatch(f"{spec}: {'; '.join(problems)}")
    return frame.select(*selected)


def _same_shape(have: str, want: str) -> bool:
    """Whether two nested types differ only by a widening inside (array<int> for array<bigint>)."""
    for narrow, wide in (("int", "bigint"), ("bigint", "double"), ("float", "double"), ("void", "string")):
        if have.replace(narrow, wide) == want.replace(narrow, wide) and ("<" in want):
            return True
    return False


def conform_pandas(frame: pd.DataFrame, spec: TableSpec) -> pa.Table:
    """A pandas frame as an Arrow table of the spec. Maps may be dicts; NaN and NaT become null."""
    problems = [f"{name} is missing" for name in spec.column_names if name not in frame.columns]
    problems += [f"{name} is not a column of the table" for name in frame.columns if name not in spec.column_names]
    if problems:
        raise SchemaMismatch(f"{spec}: {'; '.join(problems)}")
    arrays = []
    for field in spec.arrow_schema:
        values = frame[field.name]
        try:
            arrays.append(_to_arrow(values, field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
            raise SchemaMismatch(f"{spec}: column {field.name} does not fit {field.type}: {error}") from error
        if not field.nullable and arrays[-1].null_count:
            raise SchemaMismatch(f"{spec}: column {field.name} holds {arrays[-1].null_count} nulls but may hold none")
    return pa.Table.from_arrays(arrays, schema=spec.arrow_schema)


def _to_arrow(values: Any, kind: pa.DataType) -> pa.Array:
    import numpy as np
    import pandas as pd

    if pa.types.is_map(kind):
        return pa.array([sorted(v.items()) if isinstance(v, dict) else (v if isinstance(v, list) else None) for v in values], type=kind)
    if pa.types.is_nested(kind):
        return pa.array([list(v) if isinstance(v, (np.ndarray, tuple)) else (v if isinstance(v, (list, dict)) else None) for v in values], type=kind)
    if pa.types.is_date(kind):
        stamps = [None if pd.isna(v) else (v.date() if hasattr(v, "date") else v) for v in values]
        return pa.array(stamps, type=kind)
    if pa.types.is_timestamp(kind):
        stamps = pd.to_datetime(values, utc=True)
        return pa.Array.from_pandas(stamps, type=kind, safe=False)
    if pa.types.is_integer(kind):
        array = pa.Array.from_pandas(values)
        return array.cast(kind, safe=True)
    if pa.types.is_string(kind):
        return pa.array([None if v is None or v is pd.NaT or v is pd.NA or (isinstance(v, float) and np.isnan(v)) else v for v in values], type=kind)
    return pa.Array.from_pandas(values, type=kind)


def arrow_to_spark(table: pa.Table, spark: SparkSession) -> DataFrame:
    """A small Arrow table as a Spark frame, with the schema's comments left out (the engine keeps its own)."""
    bare = pa.schema([pa.field(f.name, f.type) for f in table.schema])
    if table.num_rows == 0:
        from pyspark.sql.pandas.types import from_arrow_schema

        return spark.createDataFrame([], from_arrow_schema(bare))
    return spark.createDataFrame(table.cast(bare))
