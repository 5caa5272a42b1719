"""The last weeks judged once more, on copies: series, anomalies and issues as they would be under other labels.

Belongs here: running the production functions of `anomalies` over a shadow lake, from the state before the first replayed day. Does not
belong here: where the other labels come from, what two replays differ by (`insight_changes`).
Both sides of a comparison are replayed alike, so that what differs follows from the labels alone: what was told live rests on labels as they
were on each day.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.anomalies import build, build_series
from insights_assets.anomalies.tables import ANOMALIES, INSIGHTS, ISSUE_DAYS, TOPIC_SERIES
from insights_assets.rehearsal.shadow import ShadowLake
from insights_assets.tables import all_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.step import Step


@dataclass(frozen=True)
class Replay:
    """What one side came to: issues that moved in the replayed days, and the topics over the whole shop."""

    insights: list[dict[str, Any]]
    series: pd.DataFrame  # topic, day, observed: people over the whole shop


class _VerdictsOnly:
    """Stands where the operational database would be: a replay reads verdicts and touches nothing."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    @property
    def verdicts(self) -> Any:
        return self._operations.verdicts

    def __getattr__(self, name: str) -> Any:
        raise LookupError(f"a replay asked the operational database for {name!r}: it reads verdicts and nothing else")


def first_day(step: Step, days: int) -> date | None:
    """The first of the last so many judged days; None where nothing was judged yet."""
    judged = sorted(step.read(ANOMALIES).select("as_of_day").distinct().toArrow().column(0).to_pylist())
    return judged[-min(days, len(judged))] if judged else None


def replay(step: Step, name: str, first: date, frames: Mapping[TableSpec, DataFrame] | None = None) -> Replay:
    """Judge the days from `first` to the step's as-of day. `frames`: tables that are other than they are, labels among them."""
    from pyspark.sql import functions as F

    with _shadow(step, name, frames) as other:
        lake = other.lake
        assert isinstance(lake, ShadowLake)
        before = step.read(ANOMALIES).where(F.col("as_of_day") < F.lit(first))
        lake.seed(ANOMALIES, before)
        lake.seed(ISSUE_DAYS, step.read(ISSUE_DAYS).where(F.col("as_of_day") < F.lit(first)))
        lake.seed(INSIGHTS, step.read(INSIGHTS).where(F.col("opened_day") < F.lit(first)))
        if frames:
            build_series.build_series(other)
        build.build_anomalies(other)
        build.build_issues(other)
        rows = other.read(INSIGHTS).where(F.col("judged_through_day") >= F.lit(first)).toArrow().to_pylist()
        whole = other.read(TOPIC_SERIES).where("attribute = 'all'").groupBy("topic", "day").agg(F.sum("observed").alias("observed"))
        return Replay([_plain(row) for row in rows], whole.toPandas())


@contextmanager
def _shadow(step: Step, name: str, frames: Mapping[TableSpec, DataFrame] | None) -> Iterator[Step]:
    folder = step.lake.root / "_scratch"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"replay_{name}_*"):  # by a replay that died
        shutil.rmtree(left, ignore_errors=True)
    # A path of its own each time: the engine remembers the log of a table that it has read, and would look for its commits in the next one.
    lake = ShadowLake(step.lake, Path(tempfile.mkdtemp(prefix=f"replay_{name}_", dir=folder)), frames)
    every = frozenset(all_tables())
    try:
        yield replace(step, lake=lake, operations=_VerdictsOnly(step.operations), reads=every, writes=every, results={}, notes={}, outcomes=[], last=None)  # type: ignore[arg-type]
    finally:
        lake.remove()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "scope": dict(row["scope"] or ()), "cause": dict(row["cause"] or ())}
