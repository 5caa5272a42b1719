"""Which days of two frames differ: the question that every table rebuilt by day asks before it does anything.

Belongs here: comparing by day without joining history to history. Does not belong here: what the columns mean.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from insights_assets.lake.together import together

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.lake import Lake

#: Bits of a row's hash that are summed: a day of half a million rows stays far inside a bigint.
_DROPPED_BITS = 20


def days_that_differ(wanted: DataFrame, stored: DataFrame, columns: Sequence[str], among: Collection[date] | None = None) -> set[date]:
    """Days (`received_day`) on which one frame holds a row, by `columns`, that the other does not.

    Each side is read once and comes back as three numbers a day: rows and two sums of hashes over different spellings of a row. Days
    that agree in all three are equal but for a chance below 2**-80. Only days that do not agree are joined row by row, so that the
    cost is that of what is new, and a row that a side holds twice is no difference. `among`: the only days on which they may differ, where
    that is known (`Step.changed_days`); other days are not looked at.
    """
    from pyspark.sql import functions as F

    if among is not None:
        if not among:
            return set()
        wanted, stored = (frame.where(F.col("received_day").isin(sorted(among))) for frame in (wanted, stored))
    want, have = together(partial(_by_day, frame, columns) for frame in (wanted, stored))
    differ = {day for day in {*want, *have} if want.get(day) != have.get(day)}
    both = sorted(day for day in differ if day in want and day in have)
    if not both:
        return differ
    key = [*columns, "received_day"]
    new, old = (frame.where(F.col("received_day").isin(both)).select(*key) for frame in (wanted, stored))
    sides = new.join(old, key, "left_anti").select("received_day").union(old.join(new, key, "left_anti").select("received_day"))
    return differ.difference(both) | set(sides.distinct().toArrow().column(0).to_pylist())


def _by_day(frame: DataFrame, columns: Sequence[str]) -> dict[date, tuple[int, int, int]]:
    from pyspark.sql import functions as F

    forth, back = F.xxhash64(*columns), F.xxhash64(F.lit("again"), *reversed(list(columns)))
    sums = [F.sum(F.shiftright(one, _DROPPED_BITS)) for one in (forth, back)]
    rows = frame.groupBy("received_day").agg(F.count("*").alias("n"), sums[0].alias("forth"), sums[1].alias("back")).toArrow().to_pylist()
    return {row["received_day"]: (row["n"], row["forth"], row["back"]) for row in rows}


def rows_without(lake: Lake, rows: DataFrame, known: DataFrame, key: Sequence[str], name: str) -> DataFrame:
    """Those of the rows, by `key`, that are not among the known ones; right where few are left, and where all are.

    Hashes of keys are put beside each other and what is left of them beside the rows: the embedded engine puts one side of a join into one Arrow
    array a column, which ends at 2 GiB, and the payloads of a whole history are more. `name`: of the scratch frame that the hashes are kept in.
    """
    from pyspark.sql import functions as F

    hashes = {"forth": F.xxhash64(*key), "back": F.xxhash64(F.lit("again"), *reversed(list(key)))}
    hashed, there = rows.withColumns(hashes), known.select(*key).withColumns(hashes).select(*hashes)
    left = lake.scratch(name, hashed.select(*hashes).join(there, [*hashes], "left_anti"), "forth bigint, back bigint")
    return left.join(hashed, [*hashes]).drop(*hashes)
