"""Small tables, which pass through the driver as a whole: an upsert by key, and whether two of them hold the same.

Belongs here: plain Arrow tables. Does not belong here: reading and writing them (`lake.py`, `unity.py`), and tables by day (`changes.py`).
"""

from __future__ import annotations

import pyarrow as pa

from insights_assets.lake.spec import TableSpec


def upserted(old: pa.Table, new: pa.Table, spec: TableSpec) -> pa.Table:
    """Old rows whose key is not among the new, then the new ones."""
    replaced = set(zip(*(new.column(name).to_pylist() for name in spec.key), strict=True))
    keep = [key not in replaced for key in zip(*(old.column(name).to_pylist() for name in spec.key), strict=True)]
    return pa.concat_tables([old.filter(pa.array(keep, type=pa.bool_())), new])


def equal_rows(old: pa.Table, new: pa.Table, spec: TableSpec) -> bool:
    """Equal as the design defines it: the same rows by key, without the volatile columns."""
    if old.num_rows != new.num_rows:
        return False
    order = [(name, "ascending") for name in spec.key]
    pick = spec.stable_columns
    return old.sort_by(order).select(pick).combine_chunks().equals(new.sort_by(order).select(pick).combine_chunks())
