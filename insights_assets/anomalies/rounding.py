"""How figures are rounded before they are stored: money 2 decimals, scores 4, statistics 6 significant digits.

Belongs here: rounding, nothing else. The engine does not sum floats in one order, and a state that is read back must be
the state that was computed, so every judgement works on rounded figures from the start.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def money(value: float) -> float:
    """Two decimals, in the reporting currency."""
    return round(float(value), 2)


def score(value: float) -> float:
    """Four decimals, for shares and scores between 0 and 1."""
    return round(float(value), 4)


def statistic(values: Any) -> Any:
    """Six significant digits; an array of any shape, or a number. NaN and infinity stay as they are."""
    array = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = np.where((array == 0) | ~np.isfinite(array), 1.0, 10.0 ** (5 - np.floor(np.log10(np.abs(array)))))
        rounded = np.where(np.isfinite(array), np.round(array * magnitude) / magnitude, array)
    return float(rounded) if np.ndim(values) == 0 else rounded
