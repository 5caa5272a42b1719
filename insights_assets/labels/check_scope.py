"""What a check has to look at: the days that this run wrote, when everything else was looked at before.

Belongs here: remembering which version of a table a check has seen whole. Does not belong here: the checks themselves (`assets`), skipping a body
whose inputs are the same (`resources.memo`).
The memory is a hint, as the memo is: it is written after the check held, so a run that dies between writing and checking leaves a version that no
check knows, and the next one looks at the whole table.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

from insights_assets.resources.memo import code_hash

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step


class CheckScope:
    """Opened before a table is written; says what is to be looked at afterwards. `by` is what else the checks judge by, as text."""

    def __init__(self, step: Step, spec: TableSpec, by: str = "") -> None:
        self._step, self._spec, self._by = step, spec, by
        self._is_known = step.lake.exists(spec) and step.operations.facts.get(self._fact) == self._state()

    def days(self, written: Collection[date]) -> list[date] | None:
        """The days to look at; None for all."""
        return sorted(written) if self._is_known else None

    def of(self, frame: DataFrame, written: Collection[date]) -> DataFrame:
        """The part of a frame by `received_day` that is to be looked at."""
        from pyspark.sql import functions as F

        days = self.days(written)
        return frame if days is None else frame.where(F.col("received_day").isin(days)) if days else frame.limit(0)

    def held(self) -> None:
        """Every check held: the table as it is now has been looked at."""
        self._step.operations.facts.put(self._fact, self._state())

    @property
    def _fact(self) -> str:
        return f"checked:{self._spec}"

    def _state(self) -> str:
        return f"{self._step.lake.version(self._spec)}|{code_hash()}|{self._by}"
