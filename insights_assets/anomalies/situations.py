"""One topic as known on one day: who complained about what, and what was to be expected of every place.

Belongs here: the baseline of a topic (rate, the week's shape, main effects of product, region, warehouse, carrier; what complaints do not name) and
the windows cut from it. Not here: searching causes (`causes.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from insights_assets.anomalies import topics
from insights_assets.anomalies.lags import MAX_LAG
from insights_assets.anomalies.leaves import PERSON_DAYS, Cell, Coding, Ledger, Mentions, one_per_person
from insights_assets.anomalies.panel import COMPLETE_AT, COVERED_SHARE

#: Days a baseline rests on.
BASELINE_DAYS = 56
#: Days a situation reaches back: the baseline before the longest window of an issue.
REACH = 84
#: Main effects of the baseline, in the order they are fitted; shrunk to 1 by so many complaints.
EFFECTS = ("product_line", "sku", "region", "warehouse", "carrier")
EFFECT_WEIGHT = 10.0
#: A weekday's own share of the week is shrunk to an even week by so many complaints (`detectors.dow_weight`).
SEASON_WEIGHT = 15.0


@dataclass(frozen=True)
class Baseline:
    """What is usual for one topic: fitted on up to 56 days before `end`, with what was known by `known`."""

    rate: float  # complaints per effect-weighted, lag-weighted line
    people: float  # people it rests on
    weight: np.ndarray  # (all line rows,): units times main effects
    named: dict[str, np.ndarray]  # attribute -> (people,) whether they name it
    channel_share: np.ndarray
    completeness: np.ndarray  # (age in days,): share of a day's people known by that age
    season: np.ndarray  # (7,): how much more than an even week a weekday brings; column 0 is the weekday of day 0


@dataclass
class Situation:
    """One topic as known on one day: people with their attributes, and expected complaints of every line row.

    Built once a topic and day; windows are cut from it. Rows are the lines young enough to matter, by day.
    """

    topic: str
    day: int
    coding: Coding
    said: Mentions  # one row a person and complaint, known by `day`
    row_day: np.ndarray
    row_codes: dict[str, np.ndarray]
    row_units: np.ndarray
    row_weight: np.ndarray  # units times main effects
    chances: np.ndarray  # P(lag)
    baseline: Baseline
    longest_lag: int = 0  # lag within which 99.9 % of complaints come
    usual_a_day: float = 0.0  # expected people a day over the whole topic, lately

    @property
    def rate(self) -> float:
        return self.baseline.rate

    @property
    def baseline_people(self) -> float:
        return self.baseline.people

    @property
    def channel_share(self) -> np.ndarray:
        return self.baseline.channel_share

    def covered(self, attributes: tuple[str, ...]) -> float:
        """Share of the topic's complaints that name all these attributes."""
        named = [self.baseline.named[name] for name in attributes if name in self.baseline.named]
        if not named:
            return 1.0
        n = len(named[0])
        every = np.logical_and.reduce(named) if n else np.zeros(0, dtype=bool)
        return float((every.sum() + 1.0) / (n + 1.0))

    def in_cell(self, cell: Cell) -> np.ndarray:
        """Which mentions are known to lie in the cell."""
        return _match(self.said.codes, cell, self.coding, len(self.said.day))

    def rows_in(self, cell: Cell, rows: slice = slice(None)) -> np.ndarray:
        """Which line rows lie in the cell; a channel is no attribute of a line and does not restrict."""
        carried = {name: value for name, value in cell.items() if name in self.row_codes}
        return _match({name: self.row_codes[name][rows] for name in carried}, carried, self.coding, len(self.row_day[rows]))

    def channel_factor(self, cell: Cell) -> float:
        """The channel's usual share of the topic, where the cell names one that lines do not carry."""
        if "channel" not in cell or "channel" in self.row_codes:
            return 1.0
        code = self.coding.code("channel", cell["channel"])
        return float(self.channel_share[code]) if 0 <= code < len(self.channel_share) else 0.0

    def window_rows(self, start: int, end: int) -> slice:
        """The line rows whose complaints can fall into the days [start, end]; rows are in order of day."""
        low, high = np.searchsorted(self.row_day, [start - self.longest_lag, end + 1])
        return slice(int(low), int(high))

    def lag_weight(self, start: int, end: int, rows: slice = slice(None)) -> np.ndarray:
        """Share of each line row's complaints that falls into the days [start, end] of such weekdays and is known by now. Shape (rows,)."""
        known = self.heard_share(np.arange(start, end + 1))
        ages = max(self.day - start + len(self.chances), 1)
        lags = np.arange(ages + len(known)) + start - self.day  # of a row of age a, on the window's day j: lags[a + j]
        inside = (lags >= 0) & (lags < len(self.chances))
        spread = np.where(inside, self.chances[np.clip(lags, 0, len(self.chances) - 1)], 0.0)
        table = np.append(np.correlate(spread, known, "valid")[: ages + 1], 0.0)  # by age; the last entry is for what is older
        return np.asarray(table[np.minimum(self.day - self.row_day[rows], len(table) - 1)])

    def heard_share(self, days: np.ndarray) -> np.ndarray:
        """What each day brings by its weekday, times the share of it that is known by now."""
        known = self.baseline.completeness[np.clip(self.day - days, 0, len(self.baseline.completeness) - 1)]
        return np.asarray(known * self.baseline.season[days % 7])

    def daily(self, cell: Cell, start: int) -> tuple[np.ndarray, np.ndarray]:
        """People and expected complaints of the cell on each day from `start` to now."""
        days = self.day - start + 1
        hit = self.in_cell(cell) & (self.said.day >= start)
        observed = np.bincount(self.said.day[hit] - start, minlength=days)[:days].astype(np.float64)
        inside = self.rows_in(cell) & (self.row_day <= self.day) & (self.row_day > start - len(self.chances))
        width = days + len(self.chances)
        units = np.bincount(self.row_day[inside] - (start - len(self.chances)), weights=self.row_weight[inside], minlength=width)[:width]
        expected = np.convolve(units, self.chances)[len(self.chances) : len(self.chances) + days]
        factor = self.rate * self.covered(tuple(cell)) * self.channel_factor(cell)
        return observed, expected * self.heard_share(np.arange(start, self.day + 1)) * factor

    def expected(self, cell: Cell, start: int, end: int, boosts: Sequence[tuple[Cell, float]] = ()) -> float:
        """Expected people of the cell in the days [start, end]; `boosts` are cells with the lift already accounted for."""
        rows = self.window_rows(start, end)
        weight = self.row_weight[rows] * self.lag_weight(start, end, rows)
        for boosted, lift in boosts:
            weight = np.where(self.rows_in(boosted, rows), weight * max(1.0, 1.0 + (lift - 1.0) * self.channel_factor(boosted)), weight)
        inside = self.rows_in(cell, rows)
        return float(weight[inside].sum()) * self.rate * self.covered(tuple(cell)) * self.channel_factor(cell)

    def beside(self, cell: Cell, places: Sequence[Cell], start: int, end: int) -> tuple[float, float]:
        """(people, expected people) of the cell outside the places, among those who name what it takes to tell."""
        rows = self.window_rows(start, end)
        weight = self.row_weight[rows] * self.lag_weight(start, end, rows)
        said, lines = self.in_cell(cell) & (self.said.day >= start) & (self.said.day <= end), self.rows_in(cell, rows)
        names = tuple(dict.fromkeys([*cell, *(name for place in places for name in place)]))
        for name in names:
            said = said & (self.said.codes[name] >= 0)
        for place in places:
            said, lines = said & ~self.in_cell(place), lines & ~self.rows_in(place, rows)
        return float(said.sum()), float(weight[lines].sum()) * self.rate * self.covered(names) * self.channel_factor(cell)

    def people(self, cell: Cell, start: int, end: int) -> np.ndarray:
        """Positions in `said` of the cell's people in the days [start, end]."""
        return np.flatnonzero(self.in_cell(cell) & (self.said.day >= start) & (self.said.day <= end))


def situate(ledger: Ledger, topic: str, day: int, *, baseline_end: int) -> Situation:
    """The topic as known by the end of `day`, with a baseline of up to 56 days that ends before `baseline_end`."""
    mine = ledger.of(topic)
    known = (mine.known <= day) & (mine.day <= day) & (mine.day > day - REACH - PERSON_DAYS)
    said = one_per_person(mine.take(np.flatnonzero(known)))
    lines = ledger.lines_by(ledger.basis(topic))
    low, high = np.searchsorted(lines.day, [day - REACH - MAX_LAG + 1, day + 1])
    near = slice(int(low), int(high))
    codes = {name: values[near] for name, values in lines.codes.items()}
    chances = ledger.lags.at(topic, ledger.basis(topic), day)
    baseline = usual(ledger, topic, day, baseline_end)
    longest = int(np.searchsorted(np.cumsum(chances), 0.999))
    situation = Situation(topic, day, ledger.coding, said, lines.day[near], codes, lines.units[near], baseline.weight[near], chances, baseline, longest)
    situation.usual_a_day = situation.expected({}, day - 6, day) / 7.0
    return situation


def usual(ledger: Ledger, topic: str, day: int, end: int) -> Baseline:
    """The baseline of a topic. It is renewed once a week, with the lag model, so a day has one baseline however it is reached."""
    known = max(ledger.lags.anchor(day), min(day, end))
    key = (topic, end, known)
    if key not in ledger.cache:
        if len(ledger.cache) > 32:
            ledger.cache.clear()
        ledger.cache[key] = _fit(ledger, topic, known, end)
    return ledger.cache[key]


def _fit(ledger: Ledger, topic: str, known: int, end: int) -> Baseline:
    """Baseline rate and main effects by two rounds of proportional fitting."""
    mine = ledger.of(topic)
    lines = ledger.lines_by(ledger.basis(topic))
    chances = ledger.lags.at(topic, ledger.basis(topic), known)
    # Days whose complaints mostly come from lines before the data begin train nothing, as long as two weeks remain without them.
    first = int(lines.day[0]) + int(np.searchsorted(np.cumsum(chances), COVERED_SHARE)) if len(lines.day) else end
    start = max(end - BASELINE_DAYS, known - REACH, min(first, end - 14))
    heard = (mine.known <= known) & (mine.day < end) & (mine.day >= start - PERSON_DAYS)
    said = one_per_person(mine.take(np.flatnonzero(heard)))
    said = said.take(np.flatnonzero(said.day >= start))
    late = np.clip(said.known - said.day, 0, COMPLETE_AT)[said.day <= known - COMPLETE_AT - 1]
    counts = np.bincount(late.astype(np.int64), minlength=COMPLETE_AT + 1).astype(np.float64)
    counts[0] += 50.0  # before anything is known, records are taken to be known on their day
    share = np.bincount(said.codes["channel"][said.codes["channel"] >= 0], minlength=ledger.coding.size("channel")) + 0.5
    cumulative = np.concatenate([[0.0], np.cumsum(chances)])
    exposed = lines.units * (
        cumulative[np.clip(end - lines.day, 0, len(chances))] - cumulative[np.clip(start - lines.day, 0, len(chances))]
    )
    weight, counts_as = np.ones(len(exposed)), said.weights
    low, high = np.searchsorted(lines.day, [start - MAX_LAG, end])
    touched = slice(int(low), int(high))
    for _ in range(2):
        for name in EFFECTS:
            if name not in lines.codes or not ledger.coding.size(name):
                continue
            codes, who, size = lines.codes[name], said.codes[name], ledger.coding.size(name)
            observed = np.bincount(who[who >= 0], weights=counts_as[who >= 0], minlength=size).astype(np.float64)
            base = np.bincount(codes[touched] + 1, weights=exposed[touched] * weight[touched], minlength=size + 1)[1:]
            effect = (observed + EFFECT_WEIGHT) / (base * observed.sum() / max(base.sum(), 1e-9) + EFFECT_WEIGHT)
            weight *= np.append(effect, 1.0)[codes]  # code -1 takes the last: no effect where nothing is said
    total = float(counts_as.sum())
    rate = (total + 0.5) / max(float((exposed * weight).sum()), 1e-9)
    season = np.ones(7)  # sessions and records carry their week in the denominator
    if ledger.basis(topic) in ("shipped", "ordered"):
        season = _season(said, lines.day[touched], lines.units[touched] * weight[touched] * rate, chances, start=start, end=end)
    named = {name: said.codes[name] >= 0 for name in topics.CAUSE_ATTRIBUTES}
    return Baseline(rate, total, lines.units * weight, named, share / share.sum(), np.cumsum(counts) / counts.sum(), season)


def _season(said: Mentions, row_day: np.ndarray, row_expected: np.ndarray, chances: np.ndarray, *, start: int, end: int) -> np.ndarray:
    """The week's shape in the days [start, end): people over what lines of those ages would bring in an even week. Shape (7,)."""
    before = len(chances)
    units = np.bincount(row_day - (start - before), weights=row_expected, minlength=before + end - start)[: before + end - start]
    expected = np.convolve(units, chances)[before : before + end - start]
    heard = np.bincount(said.day % 7, weights=said.weights, minlength=7)
    even = np.bincount(np.arange(start, end) % 7, weights=expected, minlength=7)
    return np.asarray((heard + SEASON_WEIGHT) / (even + SEASON_WEIGHT))


def _match(codes: dict[str, np.ndarray], cell: Cell, coding: Coding, n: int) -> np.ndarray:
    mask = np.ones(n, dtype=bool)
    for name, value in cell.items():
        mask &= codes[name] == coding.code(name, value)
    return mask
