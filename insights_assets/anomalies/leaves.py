"""Complaints of one topic beside what could have complained: rows with coded attributes, and what was expected of them.

Belongs here: the coded arrays of mentions and shipped lines, one person counted once, and the expectation of a topic as of a
day (baseline rate, main effects of product, region, warehouse, carrier; coverage of what complaints do not name). Not here:
searching causes (`causes.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from insights_assets.anomalies import topics
from insights_assets.anomalies.lags import MAX_LAG, LagModel
from insights_assets.anomalies.panel import COMPLETE_AT, day_numbers

if TYPE_CHECKING:
    import pandas as pd

#: Days an evaluation reaches back: baseline before the longest window of an issue.
REACH = 84
#: The same person speaking again about the topic within so many days is one complaint.
PERSON_DAYS = 14
#: Main effects of the baseline, in the order they are fitted; shrunk to 1 by so many complaints.
EFFECTS = ("product_line", "sku", "region", "warehouse", "carrier")
EFFECT_WEIGHT = 10.0
Cell = Mapping[str, str]


@dataclass(frozen=True)
class Coding:
    """Values of each cause attribute in order of name; a code is a position in it, -1 where a record does not say."""

    values: dict[str, tuple[str, ...]]

    def code(self, attribute: str, value: str) -> int:
        try:
            return self.values[attribute].index(value)
        except (KeyError, ValueError):
            return -2  # a value that nothing carries matches nothing

    def size(self, attribute: str) -> int:
        return len(self.values.get(attribute, ()))


@dataclass(frozen=True)
class Mentions:
    """Mentions of all topics; arrays (n,), row i of each belongs to record `feedback_id[i]`."""

    feedback_id: np.ndarray
    topic: np.ndarray
    person: np.ndarray
    day: np.ndarray
    known: np.ndarray
    confidence: np.ndarray
    codes: dict[str, np.ndarray]

    def of(self, topic: str) -> Mentions:
        return self.take(np.flatnonzero(self.topic == topic))

    def take(self, rows: np.ndarray) -> Mentions:
        return Mentions(
            self.feedback_id[rows], self.topic[rows], self.person[rows], self.day[rows], self.known[rows], self.confidence[rows],
            {name: codes[rows] for name, codes in self.codes.items()},
        )  # fmt: skip


@dataclass(frozen=True)
class Lines:
    """What could complain: rows of equal attributes and days. `units` order lines each (or records, in the share model)."""

    days: dict[str, np.ndarray]  # basis -> day of each row
    units: np.ndarray
    codes: dict[str, np.ndarray]


@dataclass(frozen=True)
class Ledger:
    """Mentions and lines under one coding, with the lag model that ties them."""

    coding: Coding
    mentions: Mentions
    lines: Lines
    lags: LagModel
    bases: frozenset[str]

    def basis(self, topic: str) -> str:
        kind = topics.basis_of(topic, "sku", self.bases)
        return kind if kind in self.lines.days else "records"


def build_ledger(mentions: pd.DataFrame, lines: pd.DataFrame, lags: LagModel, bases: frozenset[str]) -> Ledger:
    """`mentions`: feedback_id, topic, person, day, known_day, confidence and the cause attributes. `lines`: the attributes,
    units, and shipped_day and ordered_day (or `day` where the share model stands in)."""
    values: dict[str, tuple[str, ...]] = {}
    for name in topics.CAUSE_ATTRIBUTES:
        seen: set[str] = set()
        for frame in (mentions, lines):
            if name in frame.columns:
                seen |= set(frame[name].dropna().unique())
        values[name] = tuple(sorted(seen))
    coding = Coding(values)
    said = Mentions(
        mentions["feedback_id"].to_numpy(dtype=object), mentions["topic"].to_numpy(dtype=object), mentions["person"].to_numpy(dtype=object),
        day_numbers(mentions["day"]), day_numbers(mentions["known_day"]), mentions["confidence"].to_numpy(dtype=np.float64),
        {name: _codes(mentions, name, coding) for name in topics.CAUSE_ATTRIBUTES},
    )  # fmt: skip
    days = {}
    for basis, column in (("shipped", "shipped_day"), ("ordered", "ordered_day"), ("records", "day")):
        if column in lines.columns:
            days[basis] = day_numbers(lines[column])
    carried = {name: _codes(lines, name, coding) for name in topics.CAUSE_ATTRIBUTES if name in lines.columns}
    return Ledger(coding, said, Lines(days, lines["units"].to_numpy(dtype=np.float64), carried), lags, bases)


def _codes(frame: pd.DataFrame, name: str, coding: Coding) -> np.ndarray:
    import pandas as pd

    if name not in frame.columns:
        return np.full(len(frame), -1, dtype=np.int64)
    return np.asarray(pd.Categorical(frame[name], categories=list(coding.values[name])).codes, dtype=np.int64)


@dataclass
class Situation:
    """One topic as known on one day: people with their attributes, and expected complaints of every leaf, day by day.

    A leaf is a row of lines aggregated over days. Built once a topic and day; windows are cut from it.
    """

    topic: str
    day: int
    coding: Coding
    said: Mentions  # one row a person and complaint, known by `day`
    row_day: np.ndarray  # day of each line row
    row_units: np.ndarray
    row_codes: dict[str, np.ndarray]
    row_weight: np.ndarray  # units times main effects
    chances: np.ndarray  # P(lag)
    rate: float  # complaints per effect-weighted, lag-weighted line
    coverage: dict[str, np.ndarray] = field(default_factory=dict)  # attribute -> (mentions of the baseline,) said or not
    channel_share: np.ndarray = field(default_factory=lambda: np.zeros(0))
    completeness: np.ndarray = field(default_factory=lambda: np.ones(1))

    def covered(self, attributes: tuple[str, ...]) -> float:
        """Share of the topic's complaints that name all these attributes."""
        named = [self.coverage[name] for name in attributes if name in self.coverage]
        if not named:
            return 1.0
        n = len(named[0])
        every = np.logical_and.reduce(named) if n else np.zeros(0, dtype=bool)
        return float((every.sum() + 1.0) / (n + 1.0))

    def in_cell(self, cell: Cell) -> np.ndarray:
        """Which mentions are known to lie in the cell."""
        return _match(self.said.codes, cell, self.coding, len(self.said.day))

    def rows_in(self, cell: Cell) -> np.ndarray:
        """Which line rows lie in the cell; a channel is no attribute of a line and does not restrict."""
        return _match(self.row_codes, {k: v for k, v in cell.items() if k in self.row_codes}, self.coding, len(self.row_day))

    def channel_factor(self, cell: Cell) -> float:
        """The channel's usual share of the topic, where the cell names one that lines do not carry."""
        if "channel" not in cell or "channel" in self.row_codes:
            return 1.0
        code = self.coding.code("channel", cell["channel"])
        return float(self.channel_share[code]) if 0 <= code < len(self.channel_share) else 0.0

    def lag_weight(self, start: int, end: int) -> np.ndarray:
        """Share of each line row's complaints that falls into the days [start, end] and is known by now. Shape (rows,)."""
        share = np.zeros(len(self.row_day))
        cumulative = np.concatenate([[0.0], np.cumsum(self.chances)])
        ages = np.arange(start, end + 1)
        known = self.completeness[np.clip(self.day - ages, 0, len(self.completeness) - 1)]
        if np.all(known > 0.999):
            high = np.clip(end - self.row_day + 1, 0, len(self.chances))
            low = np.clip(start - self.row_day, 0, len(self.chances))
            return np.asarray(cumulative[high] - cumulative[low])
        table = np.zeros(self.day - int(self.row_day.min(initial=self.day)) + 2)
        for offset in range(len(table)):
            lag = ages - (self.day - offset)
            inside = (lag >= 0) & (lag < len(self.chances))
            table[offset] = float((self.chances[lag[inside]] * known[inside]).sum())
        age = self.day - self.row_day
        within = age >= 0
        share[within] = table[age[within]]
        return share

    def daily(self, cell: Cell, start: int) -> tuple[np.ndarray, np.ndarray]:
        """People and expected complaints of the cell on each day from `start` to now."""
        days = self.day - start + 1
        hit = self.in_cell(cell) & (self.said.day >= start)
        observed = np.bincount(self.said.day[hit] - start, minlength=days)[:days].astype(np.float64)
        inside = self.rows_in(cell) & (self.row_day <= self.day) & (self.row_day > start - len(self.chances))
        width = days + len(self.chances)
        units = np.bincount(self.row_day[inside] - (start - len(self.chances)), weights=self.row_weight[inside], minlength=width)[:width]
        expected = np.convolve(units, self.chances)[len(self.chances) : len(self.chances) + days]
        ages = np.arange(days)[::-1]
        known = self.completeness[np.clip(ages, 0, len(self.completeness) - 1)]
        factor = self.rate * self.covered(tuple(cell)) * self.channel_factor(cell)
        return observed, expected * known * factor

    def people(self, cell: Cell, start: int, end: int) -> np.ndarray:
        """Positions in `said` of the cell's people in the days [start, end]."""
        return np.flatnonzero(self.in_cell(cell) & (self.said.day >= start) & (self.said.day <= end))


def situate(ledger: Ledger, topic: str, day: int, *, baseline_end: int) -> Situation:
    """The topic as known by the end of `day`, with a baseline of up to 56 days that ends before `baseline_end`."""
    mine = ledger.mentions.of(topic)
    known = (mine.known <= day) & (mine.day <= day) & (mine.day > day - REACH - PERSON_DAYS)
    said = one_per_person(mine.take(np.flatnonzero(known)))
    basis = ledger.basis(topic)
    row_day = ledger.lines.days[basis]
    near = (row_day <= day) & (row_day > day - REACH - MAX_LAG) & (ledger.lines.units > 0)
    codes = {name: values[near] for name, values in ledger.lines.codes.items()}
    chances = ledger.lags.at(topic, basis, day)
    late = np.clip(said.known - said.day, 0, COMPLETE_AT)
    settled = said.day <= day - COMPLETE_AT - 1
    counts = np.bincount(late[settled], minlength=COMPLETE_AT + 1).astype(np.float64)
    counts[0] += 50.0
    start = max(baseline_end - 56, day - REACH)
    situation = Situation(
        topic, day, ledger.coding, said, row_day[near], ledger.lines.units[near], codes, ledger.lines.units[near].copy(), chances, 0.0,
        completeness=np.cumsum(counts) / counts.sum(),
    )  # fmt: skip
    past = (said.day >= start) & (said.day < baseline_end)
    situation.coverage = {name: said.codes[name][past] >= 0 for name in topics.CAUSE_ATTRIBUTES}
    channels = said.codes["channel"][past]
    share = np.bincount(channels[channels >= 0], minlength=ledger.coding.size("channel")).astype(np.float64) + 0.5
    situation.channel_share = share / share.sum()
    _fit_effects(situation, past, start, baseline_end - 1)
    return situation


def one_per_person(mentions: Mentions) -> Mentions:
    """The first mention of each person's run (gaps under PERSON_DAYS), with what later ones of the run know more about it."""
    n = len(mentions.day)
    if n == 0:
        return mentions
    order = np.lexsort((mentions.feedback_id, mentions.known, mentions.day, mentions.person))
    person, day = mentions.person[order], mentions.day[order]
    fresh = np.ones(n, dtype=bool)
    fresh[1:] = (person[1:] != person[:-1]) | (day[1:] - day[:-1] >= PERSON_DAYS)
    heads = np.flatnonzero(fresh)
    rows = mentions.take(order[heads])
    codes = {name: np.maximum.reduceat(values[order], heads) for name, values in mentions.codes.items()}
    return Mentions(rows.feedback_id, rows.topic, rows.person, rows.day, rows.known, rows.confidence, codes)


def _match(codes: dict[str, np.ndarray], cell: Cell, coding: Coding, n: int) -> np.ndarray:
    mask = np.ones(n, dtype=bool)
    for name, value in cell.items():
        mask &= codes[name] == coding.code(name, value)
    return mask


def _fit_effects(situation: Situation, past: np.ndarray, start: int, end: int) -> None:
    """Baseline rate and main effects by two rounds of proportional fitting; sets `row_weight` and `rate`."""
    exposed = situation.row_units * situation.lag_weight(start, end)
    weight = np.ones(len(exposed))
    total = float(past.sum())
    for _ in range(2):
        for name in EFFECTS:
            if name not in situation.row_codes or not situation.coding.size(name):
                continue
            codes, said = situation.row_codes[name], situation.said.codes[name][past]
            size, here = situation.coding.size(name), codes >= 0
            observed = np.bincount(said[said >= 0], minlength=size).astype(np.float64)
            base = np.bincount(codes[here], weights=(exposed * weight)[here], minlength=size)
            expected = base * observed.sum() / max(base.sum(), 1e-9)
            effect = (observed + EFFECT_WEIGHT) / (expected + EFFECT_WEIGHT)
            weight[here] *= effect[codes[here]]
    situation.row_weight = situation.row_units * weight
    situation.rate = (total + 0.5) / max(float((exposed * weight).sum()), 1e-9)
