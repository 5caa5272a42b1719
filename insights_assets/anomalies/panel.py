"""The monitored series in arrays, and what was known of them on a day.

Belongs here: turning the small tables `topic_series`, `exposure_series` and `complaint_lags` into matrices, and the as-of
view of one day. Not here: judging (`detectors.py`), or the reading of tables (`assets.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from insights_assets.anomalies import topics
from insights_assets.anomalies.lags import MAX_LAG, LagModel, no_lags, spread

if TYPE_CHECKING:
    import pandas as pd

#: Days a view reaches back: the 56 of the baseline and the longest window.
HISTORY = 64
#: A series is judged once so many people spoke in its view.
BORN_AT = 5
#: A day trains once the lines behind so large a share of its complaints are in the data.
COVERED_SHARE = 0.8
#: Ages, in days, up to which a late record is waited for in the completeness of recent days.
COMPLETE_AT = 14


def day_numbers(values: Iterable[object]) -> np.ndarray:
    """Dates (any pandas or Python form) as whole days since 1970."""
    return np.asarray(np.array(list(values), dtype="datetime64[D]").astype(np.int64))


@dataclass(frozen=True)
class SeriesKey:
    """One monitored series: a topic cut by one value of one attribute (`all` has the value `all`)."""

    topic: str
    attribute: str
    value: str


@dataclass(frozen=True)
class View:
    """What is known of every series on one day: people and exposure of the last HISTORY days, (series, HISTORY)."""

    day: int
    observed: np.ndarray
    exposure: np.ndarray
    completeness: np.ndarray  # (HISTORY,): the share of that day's records known by now
    covered: np.ndarray  # bool: the parcels and orders that could complain that day are in the data


@dataclass
class Panel:
    """All series with their events. Day numbers are days since 1970 in the shop's zone."""

    keys: tuple[SeriesKey, ...]
    basis: tuple[str, ...]
    lags: LagModel
    event_series: np.ndarray
    event_day: np.ndarray
    event_known: np.ndarray
    event_count: np.ndarray
    units: dict[str, np.ndarray]  # basis -> (row, day) units of shipped, ordered, sessions
    unit_rows: dict[str, dict[tuple[str, str], int]]  # basis -> (attribute, value) -> row of units
    record_series: np.ndarray  # events of the share model: which series, on which day, known when, how many
    record_day: np.ndarray
    record_known: np.ndarray
    record_count: np.ndarray
    first_day: int
    last_day: int
    splice_variance: np.ndarray = field(default_factory=lambda: np.zeros(0))  # (series,): doubt about counts of an earlier classifier, relative
    parent: np.ndarray = field(init=False)  # the `all` series of the topic where it has the same basis, else -1
    _spread: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.splice_variance) != len(self.keys):
            self.splice_variance = np.zeros(len(self.keys))
        roof = {key.topic: i for i, key in enumerate(self.keys) if key.attribute == "all"}
        self.parent = np.array(
            [
                roof[key.topic] if roof.get(key.topic, i) != i and self.basis[roof[key.topic]] == self.basis[i] else -1
                for i, key in enumerate(self.keys)
            ],
            dtype=np.int64,
        )
        self.topic_names = sorted({key.topic for key in self.keys})
        self.topic_of = np.array([self.topic_names.index(key.topic) for key in self.keys], dtype=np.int64)
        self.available = frozenset(name for name, table in self.units.items() if len(table)) | {"records"}
        self.members: dict[tuple[str, str], list[int]] = {}
        for i, key in enumerate(self.keys):
            self.members.setdefault((key.topic, self.basis[i]), []).append(i)
        self.is_roof = np.array([key.attribute == "all" for key in self.keys], dtype=bool)
        self.is_sku = np.array([key.attribute == "sku" for key in self.keys], dtype=bool)
        self.is_lagged = np.array([basis in ("shipped", "ordered") for basis in self.basis], dtype=bool)
        self.uses_records = np.array([basis == "records" for basis in self.basis], dtype=bool)

    def view(self, day: int) -> View:
        """Everything known by the end of `day`, and nothing else."""
        observed = self._counts(self.event_series, self.event_day, self.event_known, self.event_count, day)
        exposure = self._exposed(day)
        if self.uses_records.any():
            records = self._counts(self.record_series, self.record_day, self.record_known, self.record_count, day)
            exposure = np.where(self.uses_records[:, None], records, exposure)
        return View(day, observed, exposure, self._completeness(day), self._covered(day))

    def _counts(self, series: np.ndarray, days: np.ndarray, known: np.ndarray, count: np.ndarray, day: int) -> np.ndarray:
        column = days - (day - HISTORY + 1)
        inside = (column >= 0) & (column < HISTORY) & (known <= day)
        flat = series[inside] * HISTORY + column[inside]
        size = len(self.keys) * HISTORY
        return np.bincount(flat, weights=count[inside], minlength=size).reshape(len(self.keys), HISTORY)

    def _exposed(self, day: int) -> np.ndarray:
        """Lag-weighted units of each series on the last HISTORY days; computed once a refresh of the lag model."""
        anchor = self.lags.anchor(day)
        if anchor not in self._spread:
            self._spread.clear()
            self._spread[anchor] = self._spread_from(anchor)
        shift = day - anchor
        return self._spread[anchor][:, shift : shift + HISTORY]

    def _covered(self, day: int) -> np.ndarray:
        """Which days can train: those that look back far enough into the lines delivered. Shape (series, HISTORY).

        In a shop's first weeks most complaints would come from parcels sent before its data begin.
        """
        anchor = self.lags.anchor(day)
        covered = np.ones((len(self.keys), HISTORY), dtype=bool)
        days = np.arange(day - HISTORY + 1, day + 1)
        for topic in self.topic_names:
            # A channel is measured by records, but its complaints come from the same parcels.
            basis = topics.basis_of(topic, "all", self.available)
            filled = np.flatnonzero(self.units[basis].sum(axis=0) > 0) if len(self.units.get(basis, ())) else np.zeros(0, dtype=int)
            if basis in ("shipped", "ordered") and len(filled):
                age = days - (self.first_day + int(filled[0]))
                share = np.cumsum(self.lags.at(topic, basis, anchor))
                covered[self.topic_of == self.topic_names.index(topic)] = (age >= 0) & (share[np.clip(age, 0, len(share) - 1)] >= COVERED_SHARE)
        return covered

    def _spread_from(self, anchor: int) -> np.ndarray:
        last = anchor + 6
        keep = HISTORY + 6
        result = np.zeros((len(self.keys), keep))
        for (topic, basis), members in self.members.items():
            if basis == "records":
                continue
            rows = [self.unit_rows[basis].get((self.keys[i].attribute, self.keys[i].value), -1) for i in members]
            units = self._unit_window(basis, last, keep + MAX_LAG)[rows]  # row -1 is the empty one
            result[members] = spread(units, self.lags.at(topic, basis, anchor), keep)
        return result

    def _unit_window(self, basis: str, last: int, width: int) -> np.ndarray:
        """The basis's units over `width` days up to `last`, zero outside the data, plus one empty row at the end."""
        source = self.units[basis]
        window = np.zeros((source.shape[0] + 1, width))
        start = last - width + 1
        low, high = max(start, self.first_day), min(last, self.last_day)
        if low <= high:
            window[:-1, low - start : high - start + 1] = source[:, low - self.first_day : high - self.first_day + 1]
        return window

    def _completeness(self, day: int) -> np.ndarray:
        """Share of a day's people that is known at each age, from days old enough to be complete. Shape (HISTORY,)."""
        roof = self.is_roof[self.event_series] & (self.event_known <= day)
        settled = roof & (self.event_day <= day - COMPLETE_AT - 1) & (self.event_day > day - HISTORY)
        lateness = np.clip(self.event_known[settled] - self.event_day[settled], 0, COMPLETE_AT)
        counts = np.bincount(lateness.astype(np.int64), weights=self.event_count[settled], minlength=COMPLETE_AT + 1)
        counts[0] += 50.0  # before anything is known, records are taken to be known on their day
        share = np.cumsum(counts) / counts.sum()
        ages = np.clip(np.arange(HISTORY)[::-1], 0, COMPLETE_AT)
        return np.asarray(share[ages])


def build_panel(
    topic_series: pd.DataFrame, exposure_series: pd.DataFrame, complaint_lags: pd.DataFrame, *, as_of: int | None = None,
    splice_variance: Mapping[str, float] | None = None,
) -> Panel:
    """The panel of three small tables (columns as in `tables.py`). Rows known after `as_of` are left out.

    `splice_variance`: by topic, the doubt about counts that were made under an earlier classifier (`splices.doubt`).
    """
    series = topic_series[~topic_series["topic"].isin(topics.NEVER_MONITORED)]
    day, known = day_numbers(series["day"]), day_numbers(series["known_day"])
    exposed_day = day_numbers(exposure_series["day"])
    exposed_known = np.maximum(exposed_day, day_numbers(exposure_series["known_day"]))
    if as_of is not None:
        series, day, known = series[known <= as_of], day[known <= as_of], known[known <= as_of]
        keep = np.where(exposure_series["basis"].to_numpy() == "records", exposed_known, exposed_day) <= as_of
        exposure_series, exposed_day, exposed_known = exposure_series[keep], exposed_day[keep], exposed_known[keep]
    available = frozenset(exposure_series["basis"].unique())
    totals = series.groupby(["topic", "attribute", "value"], sort=True)["observed"].sum()
    enough = totals[(totals >= BORN_AT)].reset_index()
    keys = tuple(SeriesKey(t, a, v) for t, a, v in zip(enough["topic"], enough["attribute"], enough["value"], strict=True))
    index = {key: i for i, key in enumerate(keys)}
    place = np.array([index.get(SeriesKey(t, a, v), -1) for t, a, v in zip(series["topic"], series["attribute"], series["value"], strict=True)], dtype=np.int64)
    kept = place >= 0
    basis = tuple(topics.basis_of(key.topic, key.attribute, available) for key in keys)
    every = np.concatenate([day[kept], exposed_day]) if len(exposed_day) or kept.any() else np.zeros(1, dtype=np.int64)
    first, last = int(every.min()), int(every.max())
    units, rows = _units(exposure_series, exposed_day, first, last)
    shares = _shares(exposure_series, exposed_day, exposed_known, keys, basis)
    doubts = np.array([(splice_variance or {}).get(key.topic, 0.0) for key in keys])
    return Panel(
        keys, basis, lag_model(complaint_lags, as_of), place[kept], day[kept], known[kept],
        series["observed"].to_numpy(dtype=np.float64)[kept], units, rows, *shares, first, last, doubts,
    )  # fmt: skip


def _units(frame: pd.DataFrame, day: np.ndarray, first: int, last: int) -> tuple[dict[str, np.ndarray], dict[str, dict[tuple[str, str], int]]]:
    units: dict[str, np.ndarray] = {}
    rows: dict[str, dict[tuple[str, str], int]] = {}
    kinds = frame["basis"].to_numpy()
    for basis in ("shipped", "ordered", "sessions"):
        chosen = kinds == basis
        part = frame[chosen]
        names = list(zip(part["attribute"], part["value"], strict=True))
        rows[basis] = {name: i for i, name in enumerate(sorted(set(names)))}
        units[basis] = np.zeros((len(rows[basis]), last - first + 1))
        place = np.array([rows[basis][name] for name in names], dtype=np.int64)
        np.add.at(units[basis], (place, day[chosen] - first), part["units"].to_numpy(dtype=np.float64))
    return units, rows


def _shares(
    frame: pd.DataFrame, day: np.ndarray, known: np.ndarray, keys: tuple[SeriesKey, ...], basis: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Events of the share model: the records of each (attribute, value), once for every series that is measured by them."""
    members: dict[tuple[str, str], list[int]] = {}
    for i, key in enumerate(keys):
        if basis[i] == "records":
            members.setdefault((key.attribute, key.value), []).append(i)
    chosen = np.flatnonzero(frame["basis"].to_numpy() == "records")
    names = list(zip(frame["attribute"].to_numpy()[chosen], frame["value"].to_numpy()[chosen], strict=True))
    fan = np.array([len(members.get(name, ())) for name in names], dtype=np.int64)
    series = np.array([i for name in names for i in members.get(name, ())], dtype=np.int64)
    source = np.repeat(chosen, fan)
    return series, day[source], known[source], frame["units"].to_numpy(dtype=np.float64)[source]


def lag_model(frame: pd.DataFrame, as_of: int | None) -> LagModel:
    """The lag model of `complaint_lags`, without what became known after `as_of`."""
    if frame.empty:
        return no_lags()
    known = day_numbers(frame["known_day"])
    keep = np.ones(len(known), dtype=bool) if as_of is None else known <= as_of
    part = frame[keep]
    return LagModel(
        part["topic"].to_numpy(dtype=object), part["basis"].to_numpy(dtype=object), part["lag_days"].to_numpy(dtype=np.int64),
        known[keep], part["count"].to_numpy(dtype=np.float64),
    )  # fmt: skip
