"""What an asset body is handed: declared tables in, declared tables out, and the facts of the run.

A plain object without Dagster, so the same body runs in a Dagster step, in a Databricks job and in a test. Reading a table that
was not declared is refused: the lineage people browse is then the lineage the code has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.lake.lake import Lake, WriteResult
from insights_assets.lake.rewritten import days_rewritten, earliest_rewritten, files_added, seen_now
from insights_assets.lake.spec import TableSpec
from insights_assets.resources.clock import Clock, end_of_day

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

    from insights_assets.resources.memo import LastSuccess
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.runs import Runs
    from insights_assets.settings import Settings
    from insights_assets.shop import Shop


def _no_runs() -> Runs:
    from insights_assets.resources.runs import Runs  # Dagster is behind it; a step of a job on a cluster asks for no runs

    return Runs()


class UndeclaredTable(LookupError):
    """An asset body touched a table that its declaration does not name."""


@dataclass(frozen=True)
class CheckOutcome:
    """The answer of one declared check: a predicate that held or did not, with the figures behind it."""

    name: str
    passed: bool
    metadata: dict[str, Any]


@dataclass
class Step:
    """One asset body's view of the house. Times: `clock()` is UTC now; `as_of` is the shop's today."""

    lake: Lake
    settings: Settings
    shop: Shop
    operations: Operations
    as_of: date
    run_id: str
    clock: Clock
    reads: frozenset[TableSpec] | set[TableSpec]
    writes: frozenset[TableSpec] | set[TableSpec]
    log: Any = field(default_factory=lambda: logging.getLogger("insights_assets"))
    previous_as_of: date | None = None
    #: What the body saw and left when it last succeeded; None where that is not known, and then nothing may be taken as done.
    last: LastSuccess | None = None
    #: The home's runs, for the few bodies that judge them.
    runs: Runs = field(default_factory=_no_runs)
    results: dict[TableSpec, WriteResult] = field(default_factory=dict)
    notes: dict[TableSpec, dict[str, Any]] = field(default_factory=dict)
    outcomes: list[CheckOutcome] = field(default_factory=list)
    progress: Callable[[str], None] | None = None

    @property
    def zone(self) -> str:
        return self.shop.shop_time_zone

    @property
    def as_of_end(self) -> datetime:
        """The last instant of the as-of day, UTC."""
        return end_of_day(self.as_of, self.zone)

    def read(self, spec: TableSpec) -> DataFrame:
        self._declared(spec)
        return self.lake.read(spec)

    def read_pandas(self, spec: TableSpec) -> pd.DataFrame:
        """A small table on the driver."""
        self._declared(spec)
        return self.lake.read_pandas(spec)

    def exists(self, spec: TableSpec) -> bool:
        self._declared(spec)
        return self.lake.exists(spec)

    def write(self, spec: TableSpec, frame: Any, *, days: Iterable[date] | None = None) -> WriteResult:
        """Write a declared table; see `Lake.write`. Rows of several writes of one body add up."""
        if spec not in self.writes:
            raise UndeclaredTable(f"{spec} is not among the tables this asset declares to write")
        result = self.lake.write(spec, frame, days=days)
        earlier = self.results.get(spec)
        if earlier is not None:
            result = WriteResult(earlier.rows + result.rows, result.version, earlier.changed or result.changed)
        self.results[spec] = result
        return result

    def changed_days(self, *specs: TableSpec) -> set[date] | None:
        """Days on which one of these tables (partitioned by day) is not as the body left it at its last success; None: it may be any day.

        Days after that success's as-of day count as changed: what came in for them then may have been known only later. By the files that the
        Delta logs name, so it costs no question, and rows come into no other day than the one of their partition.
        """
        if self.last is None or self.as_of < self.last.as_of:  # what was known then need not be known on an earlier day
            return None
        found: set[date] = set()
        for spec in specs:
            self._declared(spec)
            days = days_rewritten(self.lake, spec, self.last.tables.get(str(spec)), self.last.as_of)
            if days is None:
                return None
            found |= days
        return found

    def as_left(self, *specs: TableSpec) -> bool:
        """Whether these tables are as the body left them at its last success, in every row."""
        then = self.last.tables if self.last is not None else {}
        return all(str(spec) in then and then[str(spec)] == seen_now(self.lake, spec) for spec in specs)

    def first_changed(self, columns: Mapping[TableSpec, str]) -> date | None:
        """The earliest day, by a day column of each table, of rows that may not be as the body left them; None: it may be any.

        By the statistics of the files that the Delta logs name, those that went as well as those that came. Days after the last success's
        as-of day count as changed. So what stands on days before it, by these columns, came out of the same rows.
        """
        if self.last is None or self.as_of < self.last.as_of:
            return None
        found = self.last.as_of + timedelta(days=1)
        for spec, column in columns.items():
            self._declared(spec)
            day = earliest_rewritten(self.lake, spec, self.last.tables.get(str(spec)), column)
            if day is None:
                return None
            found = min(found, day)
        return found

    def files_added(self, spec: TableSpec) -> list[str] | None:
        """Files that a table, which only grew, gained since the body's last success; None where that is not known."""
        self._declared(spec)
        return None if self.last is None or self.as_of < self.last.as_of else files_added(self.lake, spec, self.last.tables.get(str(spec)))

    def note(self, spec: TableSpec, **metadata: Any) -> None:
        """Metadata people see on the asset: counts, shares, short texts. Never raw customer text."""
        self.notes.setdefault(spec, {}).update(metadata)

    def check(self, name: str, passed: bool, **metadata: Any) -> None:
        """Answer a check that the asset declared."""
        self.outcomes.append(CheckOutcome(name, bool(passed), metadata))

    def _declared(self, spec: TableSpec) -> None:
        if spec not in self.reads and spec not in self.writes:
            raise UndeclaredTable(f"{spec} is read but not declared in reads=(…)")
