"""What may come from the engine onto the driver: a frame with the most rows it may have.

Belongs here: that limit and its error. Does not belong here: how much is right for one place, which stands where it is asked.
A step that collects what grows with the records must name its bound here; a test lists every other place with the reason why it does not grow
(insights_assets_tests/engine/driver_bounds.yaml).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyspark.sql import DataFrame

#: Rows of narrow columns that a driver of 8 GiB holds beside everything else: about half a kilobyte each as pandas.
MOST_ROWS = 8_000_000


class TooMuchForTheDriver(RuntimeError):
    """A frame has more rows than the place that collects it is made for."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(
            f"{what}: more than {most:,} rows would have to be held by one process, which this step is not made for. Run over fewer days at once "
            "(take history in by parts), or raise the bound where it is named if the driver has the memory for it"
        )


def arrow_on_driver(frame: DataFrame, what: str, most: int = MOST_ROWS) -> pa.Table:
    """The frame's rows, of which there may be `most`. `what` names them in the error."""
    found = in_few_batches(frame.limit(most + 1)).toArrow()
    if found.num_rows > most:
        raise TooMuchForTheDriver(what, most)
    return found


def pandas_on_driver(frame: DataFrame, what: str, most: int = MOST_ROWS) -> pd.DataFrame:
    """The same as pandas, in the types that the engine's own conversion gives."""
    found = in_few_batches(frame.limit(most + 1)).toPandas()
    if len(found) > most:
        raise TooMuchForTheDriver(what, most)
    return found


def in_few_batches(frame: DataFrame) -> DataFrame:
    """The same rows, handed over in few pieces where they were read from many files.

    The embedded engine sends what it read of each file of a table as an answer of its own, whose handling costs more than reading it: 120 days
    of three columns take 40 ms of CPU instead of 107. A filter puts small batches together; this one lets every row pass, and no engine can
    tell and leave it out.
    """
    from pyspark.sql import functions as F

    return frame.where(F.rand() >= 0)
