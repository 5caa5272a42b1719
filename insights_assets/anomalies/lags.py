"""How long after its order or parcel a complaint comes: the distribution that turns shipped lines into exposure.

Belongs here: estimating P(lag) per topic from complaints known by a day, and pushing daily units through it. Not here:
counting the lags (`series.py`) or using the exposure (`detectors.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

#: Complaints later than this many days after the parcel left are counted at the longest lag.
MAX_LAG = 60
#: Weight, in complaints, of the shape that a topic is shrunk to; and of the plain shape that the pool is shrunk to.
POOL_WEIGHT = 100.0
SHAPE_WEIGHT = 50.0
#: The estimate is renewed once a week, from what was known by then, so that a day's judgement has one distribution.
REFRESH_DAYS = 7


def plain_shape() -> np.ndarray:
    """The shape assumed before anything is known: a peak about a week after the parcel left. Shape (MAX_LAG + 1,), sum 1."""
    lag = np.arange(MAX_LAG + 1, dtype=np.float64)
    shape = (lag + 1.0) * np.exp(-lag / 5.0)
    return shape / shape.sum()


@dataclass
class LagModel:
    """Lag counts with the day each became known; answers P(lag) of a topic as of a day.

    `topic`, `basis`: strings (n,); `lag`, `known`: days (n,); `count`: complaints (n,).
    """

    topic: np.ndarray
    basis: np.ndarray
    lag: np.ndarray
    known: np.ndarray
    count: np.ndarray
    _cache: dict[tuple[str, str, int], np.ndarray] = field(default_factory=dict)

    def anchor(self, day: int) -> int:
        """The last refresh day at or before `day`."""
        return day - day % REFRESH_DAYS

    def at(self, topic: str, basis: str, day: int) -> np.ndarray:
        """P(lag) for lag 0..MAX_LAG days, sum 1, from complaints known by the last refresh day."""
        if basis in ("sessions", "records"):
            return np.concatenate([[1.0], np.zeros(MAX_LAG)])
        key = (topic, basis, self.anchor(day))
        if key not in self._cache:
            known = (self.known <= key[2]) & (self.basis == basis)
            pool = self._histogram(known) + SHAPE_WEIGHT * plain_shape()
            pool /= pool.sum()
            own = self._histogram(known & (self.topic == topic)) + POOL_WEIGHT * pool
            self._cache[key] = own / own.sum()
        return self._cache[key]

    def _histogram(self, mask: np.ndarray) -> np.ndarray:
        lag = np.clip(self.lag[mask], 0, MAX_LAG)
        return np.bincount(lag, weights=self.count[mask], minlength=MAX_LAG + 1)[: MAX_LAG + 1].astype(np.float64)


def no_lags() -> LagModel:
    """A model without any complaint behind it."""
    empty = np.zeros(0, dtype=np.int64)
    return LagModel(np.zeros(0, dtype=object), np.zeros(0, dtype=object), empty, empty, empty.astype(np.float64))


def spread(units: np.ndarray, chances: np.ndarray, keep: int) -> np.ndarray:
    """Units by day pushed through P(lag): what is exposed on each of the last `keep` days.

    `units` (rows, days), the last column being the last day wanted; returns (rows, keep).
    """
    days = units.shape[1]
    lag = np.arange(days)[None, :] - np.arange(days)[:, None]  # from unit day (row) to complaint day (column)
    weights = np.where((lag >= 0) & (lag < len(chances)), chances[np.clip(lag, 0, len(chances) - 1)], 0.0)
    return units @ weights[:, days - keep :]
