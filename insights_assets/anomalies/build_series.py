"""Building the stage's counts: people who complain by topic and place, what could have complained, and how long after order or parcel.

Belongs here: which days are counted again, and what is read for them. Does not belong here: how a person counts (`series.py`), judging what was
counted (`build.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from insights_assets.anomalies import series, splices
from insights_assets.anomalies.tables import COMPLAINT_LAGS, EXPOSURE_SERIES, SERIES_DAYS, TOPIC_SERIES
from insights_assets.canonical.tables import FEEDBACK, ORDERS, SESSIONS, SHIPMENTS
from insights_assets.labels.tables import FEEDBACK_LABELS

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step

#: What could have complained, beside records, and the days that exposure is counted by.
_BASES = {"shipped": SHIPMENTS, "ordered": ORDERS, "sessions": SESSIONS}
_EXPOSED_BY = {SHIPMENTS: "shipped_day", ORDERS: "ordered_day", SESSIONS: "occurred_day", FEEDBACK: "occurred_day"}


@dataclass(frozen=True)
class Counted:
    """What `build_series` did."""

    days: int
    mentions: int
    spliced: int = 0


def build_series(step: Step) -> Counted:
    """Topic series, exposure and lags. A known day is counted again when its mentions changed, or those shortly before it did.

    Nothing becomes known before it is received, so days known before the first one that was rewritten are as they were.
    """
    import pandas as pd
    from pyspark.sql import functions as F

    is_ours = step.as_left(SERIES_DAYS, TOPIC_SERIES, COMPLAINT_LAGS)
    rewritten = step.changed_days(FEEDBACK, FEEDBACK_LABELS) if is_ours else None
    first = None if rewritten is None else min(rewritten, default=date.max)
    gap = timedelta(days=series.KNOWN_GAP_DAYS)
    feedback = step.read(FEEDBACK).where(F.col("known_day") <= step.as_of)
    near = feedback if first is None else feedback.where(F.col("known_day") >= first - gap)
    said = step.lake.scratch("anomalies_mentions", series.mentions(near, step.read(FEEDBACK_LABELS)))
    check = F.crc32(F.concat_ws("|", "feedback_id", "topic").cast("binary"))
    fresh = said if first is None else said.where(F.col("known_day") >= first)
    now = fresh.groupBy("known_day").agg(F.count("*").alias("mentions"), F.sum(check).alias("fingerprint")).toPandas()
    stored = step.read_pandas(SERIES_DAYS)
    now = (now if first is None else pd.concat([stored[stored["known_day"] < first], now])).sort_values("known_day")
    have, want = _fingerprints(stored), _fingerprints(now)
    changed = sorted(day for day in {*have, *want} if have.get(day) != want.get(day))
    step.write(EXPOSURE_SERIES, _exposure(step, feedback))
    if changed:
        last = changed[-1] + gap
        recount = sorted({*changed, *(day for day in want if changed[0] <= day <= last)})
        counted = series.topic_series(said.where(F.col("known_day") >= changed[0] - gap)).where(F.col("known_day").isin(recount))
        step.write(TOPIC_SERIES, counted, days=recount)
        step.write(COMPLAINT_LAGS, _lags(step, said, recount))
        step.write(SERIES_DAYS, now)
    return Counted(len(changed), int(now["mentions"].sum()), splices.build_splices(step))


def _fingerprints(days: pd.DataFrame) -> dict[date, tuple[int, int]]:
    return {day: (int(n), int(check)) for day, n, check in zip(days["known_day"], days["mentions"], days["fingerprint"], strict=True)}


def _exposure(step: Step, feedback: DataFrame) -> DataFrame:
    """What could have complained, by day: counted anew from the first day on that has other rows."""
    from pyspark.sql import functions as F

    stored = step.read(EXPOSURE_SERIES)
    first = step.first_changed(_EXPOSED_BY) if step.as_left(EXPOSURE_SERIES) else None
    if first is not None:
        # What a shop has decides what records stand for, on every day.
        bases = {row["basis"] for row in stored.select("basis").distinct().toArrow().to_pylist()} - {"records"}
        first = first if bases == {basis for basis, spec in _BASES.items() if step.lake.row_count(spec)} else None

    def since(rows: DataFrame, day: str) -> DataFrame:
        return rows if first is None else rows.where(F.col(day) >= first)

    def known(spec: TableSpec, day: str) -> DataFrame | None:
        return since(step.read(spec).where(F.col(day) <= step.as_of), day) if step.lake.row_count(spec) else None

    counted = series.exposure_series(known(SHIPMENTS, "shipped_day"), known(ORDERS, "ordered_day"), known(SESSIONS, "occurred_day"), since(feedback, "occurred_day"))
    return counted if first is None else stored.where(F.col("day") < first).unionByName(counted.select(*EXPOSURE_SERIES.column_names))


def _lags(step: Step, said: DataFrame, days: list[date]) -> DataFrame:
    from pyspark.sql import functions as F

    orders = step.read(ORDERS) if step.lake.row_count(ORDERS) else None
    fresh = series.complaint_lags(said.where(F.col("known_day").isin(days)), orders)
    return step.read(COMPLAINT_LAGS).where(~F.col("known_day").isin(days)).unionByName(fresh)
