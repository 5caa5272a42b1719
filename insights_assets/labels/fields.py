"""Fields: what the columns of a feedback record say as plain values, whichever engine handed them over.

Belongs here: blanks and NaN that stand for nothing. Does not belong here: what a value means for a label (`cascade`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text_of(value: Any) -> str | None:
    """A text with something in it."""
    return value if isinstance(value, str) and value.strip() else None


def number_of(value: Any) -> float | None:
    """A number; NaN is none."""
    return None if value is None or value != value else float(value)


def stars_of(record: Mapping[str, Any]) -> float:
    """Stars of a record, or the score of a survey as stars; NaN without either."""
    rating, nps = number_of(record.get("rating")), number_of(record.get("nps"))
    if rating is not None:
        return rating
    return float("nan") if nps is None else 1.0 + nps * 0.4
