"""Mentions beside what could have been complained about: both as rows with coded attributes, ready for arrays.

Belongs here: the coding, and one person counted once. Not here: what is expected of a topic on a day (`situations.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies import topics
from insights_assets.anomalies.lags import LagModel
from insights_assets.anomalies.panel import day_numbers

if TYPE_CHECKING:
    import pandas as pd

#: The same person speaking again about the topic within so many days is one complaint.
PERSON_DAYS = 14
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
    #: How much each counts in a baseline: other than 1 where an earlier classifier heard it (`splices.py`). None: all count 1.
    weight: np.ndarray | None = None

    @property
    def weights(self) -> np.ndarray:
        return np.ones(len(self.day)) if self.weight is None else self.weight

    def of(self, topic: str) -> Mentions:
        return self.take(np.flatnonzero(self.topic == topic))

    def take(self, rows: np.ndarray) -> Mentions:
        return Mentions(
            self.feedback_id[rows], self.topic[rows], self.person[rows], self.day[rows], self.known[rows], self.confidence[rows],
            {name: codes[rows] for name, codes in self.codes.items()}, None if self.weight is None else self.weight[rows],
        )  # fmt: skip


@dataclass(frozen=True)
class Lines:
    """What could complain, in order of day: rows of equal attributes, `units` order lines each (or records)."""

    day: np.ndarray
    units: np.ndarray
    codes: dict[str, np.ndarray]


@dataclass
class Ledger:
    """Mentions and lines under one coding, with the lag model that ties them. `lines` by basis."""

    coding: Coding
    mentions: Mentions
    lines: dict[str, Lines]
    lags: LagModel
    bases: frozenset[str]
    cache: dict[tuple[str, int, int], Any] = field(default_factory=dict)  # baselines of `situations.py`
    _by_topic: dict[str, Mentions] = field(default_factory=dict)

    def basis(self, topic: str) -> str:
        kind = topics.basis_of(topic, "sku", self.bases)
        return kind if kind in self.lines else "records"

    def lines_by(self, basis: str) -> Lines:
        return self.lines[basis]

    def of(self, topic: str) -> Mentions:
        if topic not in self._by_topic:
            self._by_topic[topic] = self.mentions.of(topic)
        return self._by_topic[topic]


def build_ledger(mentions: pd.DataFrame, sides: Mapping[str, pd.DataFrame], lags: LagModel, bases: frozenset[str]) -> Ledger:
    """`mentions`: feedback_id, topic, person, day, known_day, confidence and the cause attributes.

    `weight`, where there, is how much a mention counts in a baseline.
    `sides`: what could complain, by basis (shipped, ordered, sessions, or records in the share model): the attributes it has, `day`
    and `units`. At least one; `bases` are those of the exposure series.
    """
    values: dict[str, tuple[str, ...]] = {}
    for name in topics.CAUSE_ATTRIBUTES:
        seen: set[str] = set()
        for frame in (mentions, *sides.values()):
            if name in frame.columns:
                seen |= set(frame[name].dropna().unique())
        values[name] = tuple(sorted(seen))
    coding = Coding(values)
    said = Mentions(
        mentions["feedback_id"].to_numpy(dtype=object), mentions["topic"].to_numpy(dtype=object), mentions["person"].to_numpy(dtype=object),
        day_numbers(mentions["day"]), day_numbers(mentions["known_day"]), mentions["confidence"].to_numpy(dtype=np.float64),
        {name: _codes(mentions, name, coding) for name in topics.CAUSE_ATTRIBUTES},
        mentions["weight"].to_numpy(dtype=np.float64) if "weight" in mentions.columns else None,
    )  # fmt: skip
    return Ledger(coding, said, {basis: _lines(frame, coding) for basis, frame in sides.items()}, lags, bases)


def _lines(frame: pd.DataFrame, coding: Coding) -> Lines:
    dated = frame[frame["day"].notna()]
    day = day_numbers(dated["day"])
    order = np.argsort(day, kind="stable")
    codes = {name: _codes(dated, name, coding)[order] for name in topics.CAUSE_ATTRIBUTES if name in frame.columns}
    return Lines(day[order], dated["units"].to_numpy(dtype=np.float64)[order], codes)


def _codes(frame: pd.DataFrame, name: str, coding: Coding) -> np.ndarray:
    import pandas as pd

    if name not in frame.columns:
        return np.full(len(frame), -1, dtype=np.int32)
    return np.asarray(pd.Categorical(frame[name], categories=list(coding.values[name])).codes, dtype=np.int32)


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
    return Mentions(rows.feedback_id, rows.topic, rows.person, rows.day, rows.known, rows.confidence, codes, rows.weight)
