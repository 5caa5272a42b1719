"""When nothing rings: the smallest excess that would have been seen, topic by topic, from the stored statistics.

Belongs here: the estimate and nothing else. It is an estimate: it asks how many people in three days would have crossed the
detector's own threshold today, at the rate and dispersion stored for the topic, if they had come to a topic that nothing else
troubles. Measured detection power (planted incidents) is another thing and belongs to rehearsals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from insights_assets.actions.model import number_of
from insights_assets.anomalies.detectors import DetectorSettings
from insights_assets.anomalies.incidents import RUNNING
from insights_assets.anomalies.statistics import signed_root, upper_tail

DAYS, TOPICS_SHOWN = 3, 6
#: A count above which no search is made: the topic is so busy that the answer would say nothing.
MOST = 5_000
Row = Mapping[str, Any]
_SHIPPED = DetectorSettings()


@dataclass(frozen=True)
class SmallestVisible:
    """People in three days: what is usual, and the fewest that would have opened an incident."""

    topic: str
    usual: float
    needed: int

    @property
    def times(self) -> float:
        return self.needed / self.usual


def smallest_visible(judged: Sequence[Row], settings: DetectorSettings = _SHIPPED) -> tuple[SmallestVisible, ...]:
    """For the busiest topics (rows of `anomalies.anomalies` of whole topics on one day), busiest first.

    Topics with a running incident are left out: they are not tested again while it runs.
    """
    found = []
    for row in judged:
        expected, window = number_of(row["expected"]), number_of(row["window_days"])
        if not expected or not window or row["state"] in RUNNING:
            continue
        usual = expected / window * DAYS
        needed = people_needed(usual, number_of(row["dispersion"]) or 0.0, number_of(row["scale_3d"]) or 1.0, float(row["p_bound"]), settings)
        if needed is not None:
            found.append(SmallestVisible(str(row["topic"]), round(usual, 1), needed))
    return tuple(sorted(found, key=lambda s: (-s.usual, s.topic))[:TOPICS_SHOWN])


def people_needed(usual: float, dispersion: float, scale: float, p_bound: float, settings: DetectorSettings = _SHIPPED) -> int | None:
    """The fewest people whose chance, support and lift would all open an incident; None where not even MOST would."""
    counts = np.arange(max(settings.support, 1), MOST + 1)
    # Dispersion of single days averages out over the window; what no baseline explains does not.
    alpha = np.full(len(counts), dispersion / DAYS + settings.drift)
    z = signed_root(counts, np.full(len(counts), usual), alpha) / max(scale, 1e-9)
    opens = (upper_tail(z, len(settings.windows)) <= p_bound) & (counts >= settings.lift * usual)
    first = np.flatnonzero(opens)
    return int(counts[first[0]]) if len(first) else None
