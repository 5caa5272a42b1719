"""Frames on their way through a step: computed once and kept for a while, and in as few partitions as the engine wants them.

Belongs here: what a step does with frames that are no table. Does not belong here: tables (`lake.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: Beside the stages: frames that a step computes once and reads more than once.
SCRATCH_FOLDER = "_scratch"


class Frames:
    """The engine of a lake, and a folder beside its tables."""

    def __init__(self, root: Path, session: Callable[[], SparkSession], scratch_in: str, *, is_embedded: bool) -> None:
        self.root = root
        # Steps of one process take turns, so a name is enough. A job's attempt names a folder of its own: an earlier one may still be at it.
        self.scratch_folder = root / SCRATCH_FOLDER / scratch_in
        self._session = session
        self._is_embedded = is_embedded

    @property
    def is_embedded(self) -> bool:
        """Whether the engine runs inside this process."""
        return self._is_embedded

    @property
    def spark(self) -> SparkSession:
        return self._session()

    def scratch(self, name: str, frame: DataFrame, ddl: str | None = None) -> DataFrame:
        """The frame computed once and kept beside the lake until the next call of that name: for what is read more than once.

        `ddl`: the frame's columns where they are known; the engine has to be asked for them otherwise.
        """
        path = str(self.scratch_folder / name)
        frame.write.format("parquet").mode("overwrite").save(path)
        # Nullability as the engine infers it is not to be trusted: it drops an IS NOT NULL over a column it takes for never null.
        ddl = ddl or ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in frame.schema.fields)
        return self.spark.read.schema(ddl).parquet(path)

    def narrow(self, frame: DataFrame) -> DataFrame:
        """The frame as one partition before it goes into Python.

        The embedded engine reads a table partitioned by day as one partition a file and starts Python in each of them, all at once
        and empty ones too: time and memory by how many days there are, not by how many rows (a shop of 690 days with 4,900 reviews
        held 690 classifiers). Its Python is this process's, one thread at a time, so one partition loses nothing. It waits for ever
        on a `coalesce` to more than one.
        """
        return frame.coalesce(1) if self._is_embedded else frame

    def meet(self, frame: DataFrame, column: str) -> DataFrame:
        """The frame with all rows of one value of a column in one partition, before it goes into Python: `narrow`, by a key."""
        return frame.coalesce(1) if self._is_embedded else frame.repartition(column)

    def clear_scratch(self, *names: str) -> None:
        """Remove scratch frames: those of the raw tier must not outlive their step."""
        for name in names:
            shutil.rmtree(self.scratch_folder / name, ignore_errors=True)
