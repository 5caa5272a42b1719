"""A lake over another: reads fall through to the live one, writes stay in a folder of its own that is thrown away.

Belongs here: that, so that the functions which build live tables can be run on other labels and leave no trace. Does not belong here: what
is replayed (`replay`). A table is taken over whole when it is first written; only small ones are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.lake.lake import Lake, WriteResult
from insights_assets.lake.spec import TableSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class ShadowLake(Lake):
    """Reads `frames` first, then what was written here, then `live`; never writes to `live`."""

    def __init__(self, live: Lake, root: Path, frames: Mapping[TableSpec, DataFrame] | None = None) -> None:
        super().__init__(root, lambda: live.spark, is_embedded=live.is_embedded)
        self._live = live
        self._own = Lake(root, lambda: live.spark, is_embedded=live.is_embedded)
        self._frames = dict(frames or {})

    def exists(self, spec: TableSpec) -> bool:
        return spec in self._frames or self._own.exists(spec) or self._live.exists(spec)

    def version(self, spec: TableSpec) -> int | None:
        return self._of(spec).version(spec)

    def read(self, spec: TableSpec, *, version: int | None = None) -> DataFrame:
        if spec in self._frames:
            return self._frames[spec]
        return self._of(spec).read(spec, version=version)

    def row_count(self, spec: TableSpec) -> int:
        return self._frames[spec].count() if spec in self._frames else self._of(spec).row_count(spec)

    def last_partition(self, spec: TableSpec) -> date | None:
        return self._of(spec).last_partition(spec)

    def ensure(self, spec: TableSpec) -> None:
        if not self.exists(spec):
            self._own.ensure(spec)

    def seed(self, spec: TableSpec, frame: DataFrame) -> None:
        """Let the table hold exactly these rows from here on."""
        self._own.ensure(spec)
        self._fill(spec, frame)

    def write(self, spec: TableSpec, frame: Any, *, days: Iterable[date] | None = None) -> WriteResult:
        if spec in self._frames:
            raise PermissionError(f"{spec} is given to this replay; it is not written by it")
        if not self._own.exists(spec):
            rows = self._live.read(spec)
            self._own.ensure(spec)
            self._fill(spec, rows)
        return self._own.write(spec, frame, days=days)

    def remove(self) -> None:
        """Throw everything away that was written here."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _fill(self, spec: TableSpec, frame: DataFrame) -> None:
        days = None
        if spec.write == "replace_days" and spec.partition_by is not None:
            days = frame.select(spec.partition_by).distinct().toArrow().column(0).to_pylist()
            if not days:
                return
        self._own.write(spec, frame.select(*spec.column_names), days=days)

    def _of(self, spec: TableSpec) -> Lake:
        return self._own if self._own.exists(spec) else self._live
