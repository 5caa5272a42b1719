"""Where an excess sits: a likelihood-ratio scan over combinations of attributes, with explain-away and ties.

Belongs here: the search in one window of one topic, its statuses, closure under implication and the comparison rates of a
ticket. Not here: what was expected (`leaves.py`) or which alarms belong together (`issues.py`).

Method and thresholds: design section 7; score >= 10 and enough excess name a cause, 5 to 10 a possible one, below that the
issue is not localised. Measured there: nothing can be told from fewer than about a dozen excess complaints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from insights_assets.anomalies.situations import Situation
from insights_assets.anomalies.topics import CAUSE_ATTRIBUTES, SESSION_TOPICS

CAUSE, POSSIBLE, TIED, NOT_LOCALISED = "cause", "possible", "tied", "not_localised"
#: What one attribute implies; a cause is always stored with what it implies.
IMPLIES: dict[str, tuple[str, ...]] = {"packaging_batch": ("warehouse",), "sku": ("product_line",)}
Cell = Mapping[str, str]


@dataclass(frozen=True)
class CauseSettings:
    """Thresholds of the scan. Scores are natural-log likelihood ratios; counts are people."""

    depth: int = 3
    searched_depth: int = 2  # combinations looked at outright; the last attribute is found by refining the best of them
    support: int = 5
    risk_ratio: float = 1.3
    stop: float = 5.0
    certain: float = 10.0
    certain_dispersed: float = 3.0
    dispersion: float = 0.05
    excess_for_cause: float = 12.0
    share_for_cause: float = 0.4  # of the topic's excess that nothing else explains; less is a ripple in a wide rise
    refine_share: float = 0.6  # of a cell's known excess that must sit in its part before the part is the cause
    refine_whole: float = 0.9  # the same where the rest of the cell is clearly up too
    at_most: int = 3
    outside_weight: float = 5.0
    tie: float = 2.0
    overlap: float = 0.9


@dataclass(frozen=True)
class Candidate:
    """One cell with its evidence in the window. `expected` is at the level of what lies outside the cell."""

    cell: dict[str, str]
    observed: float
    expected: float
    score: float
    dispersed_score: float
    alternatives: tuple[dict[str, str], ...] = ()
    share: float = 1.0  # of the topic's excess that no other cell explains

    @property
    def excess(self) -> float:
        return self.observed - self.expected

    @property
    def lift(self) -> float:
        return self.observed / max(self.expected, 1e-9)


@dataclass(frozen=True)
class _Window:
    said: dict[str, np.ndarray]  # attribute -> codes of the window's people
    rows: dict[str, np.ndarray]
    expected: np.ndarray  # (line rows,)


def scan(
    situation: Situation, start: int, end: int, settings: CauseSettings = CauseSettings(), explained: Sequence[tuple[Cell, float]] = ()
) -> list[Candidate]:
    """Up to `at_most` cells that explain the excess in the days [start, end], strongest first.

    `explained`: cells with the lift that is accounted for already (other issues of the topic); their excess is not looked at.
    """
    inside = (situation.said.day >= start) & (situation.said.day <= end)
    if inside.sum() < settings.support:
        return []
    rows = situation.window_rows(start, end)
    expected = situation.row_weight[rows] * situation.lag_weight(start, end, rows) * situation.rate
    window = _Window(
        {name: codes[inside] for name, codes in situation.said.codes.items()}, {name: codes[rows] for name, codes in situation.row_codes.items()}, expected
    )
    for cell, lift in explained:
        expected[situation.rows_in(cell, rows)] *= max(1.0, 1.0 + (lift - 1.0) * situation.channel_factor(cell))
    found: list[Candidate] = []
    for _ in range(settings.at_most):
        ranked = _rank(situation, window, settings)
        if not ranked or ranked[0].score < settings.stop:
            break
        best = _refined(situation, window, ranked[0], settings)
        found.append(_with_alternatives(situation, window, best, ranked, settings))
        # Explain away: from now on this is what is expected of the cell, for people who do not name all of it too.
        hit = situation.rows_in(best.cell, rows)
        expected[hit] *= 1.0 + (best.lift - 1.0) * situation.channel_factor(best.cell)
    # What no cell explains is a wide rise; a cell is a cause of its issue only if it holds a good part of both together.
    left = max(float(inside.sum()) - float(expected.sum()), 0.0)
    return [replace(c, share=c.excess / max(c.excess + left, 1e-9)) for c in found]


def status_of(candidate: Candidate | None, settings: CauseSettings = CauseSettings()) -> str:
    """cause, possible, tied or not_localised."""
    if candidate is None:
        return NOT_LOCALISED
    sure = candidate.score >= settings.certain and candidate.dispersed_score >= settings.certain_dispersed
    if not sure or candidate.excess < settings.excess_for_cause or candidate.share < settings.share_for_cause:
        return POSSIBLE
    if "channel" in candidate.cell:
        return POSSIBLE  # how people speak: where an issue shows, seldom why
    return TIED if candidate.alternatives else CAUSE


def closed(situation: Situation, cell: Cell) -> dict[str, str]:
    """The cell with what its attributes imply: a batch brings its warehouse, a SKU its product line."""
    whole = dict(cell)
    for name, implied in IMPLIES.items():
        for other in implied:
            if name in whole and other not in whole and other in situation.row_codes:
                value = only_value(situation, {name: whole[name]}, other)
                if value is not None:
                    whole[other] = value
    return {name: whole[name] for name in CAUSE_ATTRIBUTES if name in whole}


def only_value(situation: Situation, cell: Cell, attribute: str) -> str | None:
    """The value of the attribute that all lines of the cell share, or None."""
    if attribute not in situation.row_codes:
        return None
    codes = situation.row_codes[attribute][situation.rows_in(cell)]
    codes = np.unique(codes[codes >= 0])
    return situation.coding.values[attribute][int(codes[0])] if len(codes) == 1 else None


def _cuboids(situation: Situation, depth: int) -> list[tuple[str, ...]]:
    """Combinations of attributes worth a look: none that holds both an attribute and what it implies."""
    channel = {"channel"} - (set(CAUSE_ATTRIBUTES) if situation.topic in SESSION_TOPICS else set())  # sessions come by one channel
    names = [name for name in CAUSE_ATTRIBUTES if situation.coding.size(name) > 1 and name in {*situation.row_codes, *channel}]
    cuboids = []
    for size in range(1, depth + 1):
        for group in combinations(names, size):
            implied = {other for name in group for other in IMPLIES.get(name, ())}
            # A channel is how people speak, not what happened to them: it is looked at alone.
            if implied & set(group) or ("channel" in group and size > 1):
                continue
            cuboids.append(group)
    return cuboids


def _rank(situation: Situation, window: _Window, settings: CauseSettings) -> list[Candidate]:
    ranked: list[Candidate] = []
    for group in _cuboids(situation, settings.searched_depth):
        ranked += _cells(situation, window, group, settings)
    ranked.sort(key=lambda c: (-c.score, len(c.cell), sorted(c.cell.items())))
    return ranked


def _refined(situation: Situation, window: _Window, best: Candidate, settings: CauseSettings) -> Candidate:
    """The part of a cell that holds its excess, judged among people who name the attribute.

    Whole cells gather people who name little, so a coarse cell can outscore its own cause; within it, parts compare fairly.
    """
    while len(best.cell) < settings.depth and "channel" not in best.cell:
        inside, rows = _inside(window.said, best.cell, situation), _inside(window.rows, best.cell, situation)
        finer: list[tuple[float, Candidate]] = []
        implied = {other for name in best.cell for other in IMPLIES.get(name, ())}
        for name in window.rows:
            if name in best.cell or name in implied:
                continue
            people, lines = window.said[name][inside], window.rows[name][rows]
            size = situation.coding.size(name)
            observed = np.bincount(people[people >= 0], minlength=size).astype(np.float64)
            usual = np.bincount(lines[lines >= 0], weights=window.expected[rows][lines >= 0], minlength=size)
            if observed.sum() < settings.support or usual.sum() <= 0 or (usual > 0).sum() < 2:
                continue
            even = usual * observed.sum() / usual.sum()
            code = int(np.argmax(np.where(observed >= settings.support, observed * np.log(np.maximum(observed, 1e-9) / np.maximum(even, 0.05)), -np.inf)))
            o, e, n = observed[code], max(even[code], 0.05), observed.sum()
            if o < settings.support or o <= settings.risk_ratio * e:
                continue
            rest = n - o
            gain = o * np.log(o / e) + (rest * np.log(rest / max(n - e, 0.05)) if rest > 0 else 0.0)
            base = usual * situation.covered((*best.cell, name))
            excess = np.maximum(observed - base, 0.0)
            left, beside = float(rest), max(float(base.sum() - base[code]), 0.05)
            rest_up = left > beside and left * np.log(left / beside) - (left - beside) >= settings.stop
            share = settings.refine_whole if rest_up else settings.refine_share
            if gain - np.log((usual > 0).sum()) - 1.0 < settings.stop or excess[code] < share * excess.sum():
                continue
            cell = {**{k: v for k, v in best.cell.items() if k not in IMPLIES.get(name, ())}, name: situation.coding.values[name][code]}
            found = [c for c in _cells(situation, window, tuple(cell), settings) if c.cell == cell]
            if found:
                finer.append((float(gain), found[0]))
        if not finer:
            break
        best = max(finer, key=lambda pair: (pair[0], sorted(pair[1].cell.items())))[1]
    return best


def _cells(situation: Situation, window: _Window, group: tuple[str, ...], settings: CauseSettings) -> list[Candidate]:
    sizes = [situation.coding.size(name) for name in group]
    said, said_ok = _keys([window.said[name] for name in group], sizes)
    carried = tuple(name for name in group if name in window.rows)
    total_size = int(np.prod(sizes))
    observed = np.bincount(said[said_ok], minlength=total_size) if total_size <= 2_000_000 else None
    if observed is None or observed.max(initial=0) < settings.support:
        return []
    if carried == group:
        rows, rows_ok = _keys([window.rows[name] for name in group], sizes)
        expected = np.bincount(rows[rows_ok], weights=window.expected[rows_ok], minlength=total_size)
    else:  # a channel alone: its usual share of everything
        expected = window.expected.sum() * situation.channel_share[:total_size]
    expected = expected * situation.covered(group)
    hot = np.flatnonzero(observed >= settings.support)
    o, e = observed[hot].astype(np.float64), expected[hot]
    k = settings.outside_weight
    level = (observed.sum() - o + k) / (expected.sum() - e + k)
    e = np.maximum(e * level, 0.05)
    gain = np.where(o > e, o * np.log(o / e) - (o - e), 0.0)
    penalty = np.log(max(int((expected > 0).sum()), 1)) + len(group)
    size = 1.0 / settings.dispersion
    dispersed = np.where(o > e, o * np.log(o / e) - (o + size) * np.log((o + size) / (e + size)), 0.0) - penalty
    keep = (o >= settings.risk_ratio * e) & (gain - penalty > 0)
    cells = []
    for i in np.flatnonzero(keep):
        codes = np.unravel_index(int(hot[i]), sizes)
        cell = {name: situation.coding.values[name][int(c)] for name, c in zip(group, codes, strict=True)}
        cells.append(Candidate(cell, float(o[i]), float(e[i]), float(gain[i] - penalty), float(dispersed[i])))
    return cells


def _keys(codes: list[np.ndarray], sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    key, known = codes[0], codes[0] >= 0
    for values, size in zip(codes[1:], sizes[1:], strict=True):
        key = key * size + values
        known = known & (values >= 0)
    return key, known


def _with_alternatives(situation: Situation, window: _Window, best: Candidate, others: list[Candidate], settings: CauseSettings) -> Candidate:
    """Cells that cannot be told from the best one: as good a score, and the same people on the same lines."""
    mine = closed(situation, best.cell)
    hit = _inside(window.said, best.cell, situation)
    alternatives: list[dict[str, str]] = []
    for other in others:
        if other.score < best.score - settings.tie or len(alternatives) >= settings.at_most:
            break
        whole = closed(situation, other.cell)
        if whole == mine or whole in alternatives:
            continue
        theirs = _inside(window.said, other.cell, situation)
        # People who do not name one of the attributes can decide nothing between the two.
        both = _known(window.said, best.cell) & _known(window.said, other.cell)
        together, either = (hit & theirs & both).sum(), ((hit | theirs) & both).sum()
        nested = set(mine.items()) <= set(whole.items()) or set(whole.items()) <= set(mine.items())
        if either and together >= settings.overlap * either and not nested:
            alternatives.append(whole)
    return replace(best, alternatives=tuple(alternatives))


def _inside(codes: dict[str, np.ndarray], cell: Cell, situation: Situation) -> np.ndarray:
    return np.logical_and.reduce([codes[name] == situation.coding.code(name, value) for name, value in cell.items()])


def _known(codes: dict[str, np.ndarray], cell: Cell) -> np.ndarray:
    return np.logical_and.reduce([codes[name] >= 0 for name in cell])
