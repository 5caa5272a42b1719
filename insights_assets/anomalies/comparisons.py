"""The rates beside a cause: other batches of the same warehouse and product, other carriers, other regions (R45).

Belongs here: complaint rates per order line in the cause and in what it should be compared with. Not here: finding the cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.situations import Situation
from insights_assets.anomalies.statistics import signed_root, upper_tail

#: Lines, lag-weighted, below which a rate says nothing.
LEAST_LINES = 20.0
#: Parts are only compared where those with lines enough hold so large a share of all: two of seventy product lines speak for no shop.
COMPARED_SHARE = 0.8
#: Attributes that are compared inside a cause when they are no part of it.
INSIDE = ("carrier", "region", "warehouse", "product_line")
#: The order in which a place is put into words.
SAID_IN_ORDER = ("product_line", "sku", "warehouse", "packaging_batch", "carrier", "region")
PLURAL = {
    "product_line": "product lines", "sku": "products", "region": "regions", "warehouse": "warehouses", "packaging_batch": "packaging batches",
    "carrier": "carriers", "channel": "channels",
}  # fmt: skip


@dataclass(frozen=True)
class Rate:
    """Complaints per order line of a part of the shop. `role`: cause, outside (the same but for one attribute), or inside."""

    role: str
    compared: str  # the attribute that differs, or empty
    attributes: dict[str, str]
    observed: int
    lines: float
    text: str
    p_value: float = 1.0

    @property
    def rate(self) -> float:
        return self.observed / self.lines if self.lines > 0 else 0.0


def rates(situation: Situation, place: Mapping[str, str], start: int, end: int) -> list[Rate]:
    """The cause's rate and those beside it, in the days [start, end]; parts with too few lines are left out."""
    cell = {name: place[name] for name in SAID_IN_ORDER if name in place and name in situation.row_codes}
    rows = situation.window_rows(start, end)
    lines = situation.row_units[rows] * situation.lag_weight(start, end, rows)
    inside_days = (situation.said.day >= start) & (situation.said.day <= end)
    own = _rate(situation, cell, None, lines=lines, rows=rows, days=inside_days)
    result = [Rate("cause", "", dict(cell), own[0], float(statistic(own[1])), _words(cell))]
    for name in _differing(cell):
        rest = {k: v for k, v in cell.items() if k != name and not (name == "packaging_batch" and k == "sku")}
        if name == "sku":
            rest = {k: v for k, v in cell.items() if k != "sku"}
        observed, exposed = _rate(situation, rest, (name, cell[name]), lines=lines, rows=rows, days=inside_days)
        if exposed >= LEAST_LINES:
            same = " and ".join(w for w in (_word(k, v) for k, v in rest.items()) if w)
            text = f"other {PLURAL[name]}" + (f" of {same}" if same else "")
            result.append(Rate("outside", name, rest, observed, float(statistic(exposed)), text))
    for name in INSIDE:
        if name not in cell and name in situation.row_codes and not (name == "warehouse" and "packaging_batch" in cell):
            result += _inside(situation, cell, name, own, lines=lines, rows=rows, days=inside_days)
    return result


def _differing(cell: Mapping[str, str]) -> list[str]:
    """Attributes to vary one at a time: the finest first; what another one implies is not varied."""
    implied = {"warehouse" if "packaging_batch" in cell else "", "product_line" if "sku" in cell else ""}
    return [name for name in ("packaging_batch", "sku", "carrier", "warehouse", "region", "product_line") if name in cell and name not in implied]


def _inside(
    situation: Situation, cell: dict[str, str], name: str, own: tuple[int, float], *, lines: np.ndarray, rows: slice, days: np.ndarray
) -> list[Rate]:
    """The cause's rate cut by one more attribute, with the chance of each part being so high if all were equal."""
    parts: list[Rate] = []
    named = situation.said.codes[name] >= 0
    mine = situation.in_cell(cell) & days & named
    total = int(mine.sum())
    for code, value in enumerate(situation.coding.values[name]):
        observed, exposed = _rate(situation, {**cell, name: value}, None, lines=lines, rows=rows, days=days)
        if exposed < LEAST_LINES or own[1] <= 0:
            continue
        expected = total * exposed / own[1]
        p = float(statistic(upper_tail(float(signed_root(np.array(observed), np.array(expected), np.array(0.02))))))
        parts.append(Rate("inside", name, {**cell, name: value}, observed, float(statistic(exposed)), _word(name, value) or str(code), p))
    return parts if len(parts) > 1 and sum(part.lines for part in parts) >= COMPARED_SHARE * own[1] else []


def _rate(
    situation: Situation, cell: Mapping[str, str], but: tuple[str, str] | None, *, lines: np.ndarray, rows: slice, days: np.ndarray
) -> tuple[int, float]:
    said = situation.in_cell(cell) & days
    here = situation.rows_in(cell, rows)
    if but is not None:
        code = situation.coding.code(*but)
        said &= (situation.said.codes[but[0]] >= 0) & (situation.said.codes[but[0]] != code)
        here = here & (situation.row_codes[but[0]][rows] >= 0) & (situation.row_codes[but[0]][rows] != code)
    return int(said.sum()), float(lines[here].sum())


def _word(name: str, value: str) -> str:
    return f"packaging batch {value}" if name == "packaging_batch" else value


def _words(cell: Mapping[str, str]) -> str:
    return ", ".join(_word(name, value) for name, value in cell.items()) or "the whole shop"
