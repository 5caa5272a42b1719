"""Where the engines differ, declared once, each with what the house does about it. The tests fail on a difference that is not here,
and on one here that is no more.

Belongs here: the declarations. Does not belong here: how a difference is looked at (`probes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """What an engine does: the embedded one, and JVM Spark (classic and Connect alike); and why neither reaches a table."""

    embedded: Any
    jvm: Any
    therefore: str


#: Rows: table -> column -> why engines may write other values there. None is known.
ROWS: dict[str, dict[str, str]] = {}

#: Behaviour: name of a probe -> what each engine answers.
BEHAVIOUR: dict[str, Difference] = {
    "speaks_delta": Difference(True, False, "The lake asks, and lets this process commit what a Spark without Delta wrote (lake/committed.py); pip's Spark has no Delta library."),
    "digits_into_bigint": Difference(
        "stored as 12", "refused", "Every frame is held against its TableSpec before an engine sees it (lake/conform.py); staged files once more by their footers."
    ),
    "words_into_own_bigint": Difference("stored as None", "refused", "The same; and the lake makes its tables through deltalake, never by an engine's first write."),
    "fraction_into_bigint": Difference("stored as 1", "refused", "The same: no engine is asked to make one type of another in a write."),
    "replace_where_checks_rows": Difference(
        "stored", "refused", "Rows outside the replaced days are counted after the embedded engine's commit and the table is restored; before the commit elsewhere."
    ),
    "change_feed": Difference("ignored", "no such source", "Nothing reads a change feed: what changed is computed from tables (lake/changes.py)."),
    "folder_partition": Difference("null", "2026-11-01", "Lists of files are read by the JVM's store alone; the embedded engine reads Delta itself."),
    "int_overflow": Difference("-2147483648", "ARITHMETIC_OVERFLOW", "Counts are bigint."),
    "word_of_letters": Difference("Größe", "Gr", r"No transform matches \w or \b of a language in Spark: words are found in Python, the same on every engine."),
    "half_even_rounding": Difference("3.0", "2", "bround is not used; the writer of a frame rounds, in Python or with round."),
    "percentile_type": Difference("double", "int", "Percentiles are taken in pandas of what Spark has made small."),
    "large_double_as_text": Difference("1e20", "1.0E20", "No double becomes text in Spark."),
}
