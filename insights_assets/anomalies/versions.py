"""What a change of the labeller alone does to a topic's count: a ratio with its interval, from records that both versions labelled.

Belongs here: pure statistics of paired counts. Does not belong here: which records those are (`splices.py`, the change preview).
Both versions read the same records, so what makes the ratio uncertain are the records on which they differ, not the number of complaints:
the variance of the log of a ratio of paired proportions, (lost + gained) / (before x after) (Nam and Blackwelder 2002).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959964


@dataclass(frozen=True)
class Ratio:
    """People of a topic under the new version for one under the old; `variance` is that of its logarithm."""

    factor: float = 1.0
    variance: float = 0.0

    @property
    def low(self) -> float:
        return self.factor * math.exp(-Z95 * math.sqrt(self.variance))

    @property
    def high(self) -> float:
        return self.factor * math.exp(Z95 * math.sqrt(self.variance))

    def then(self, later: Ratio) -> Ratio:
        """Two changes one after the other."""
        return Ratio(self.factor * later.factor, self.variance + later.variance)


def paired_ratio(common: float, lost: float, gained: float) -> Ratio:
    """From people with the topic under both versions, under the old one only, under the new one only. Half a person is added to each side.

    Half a differing record more keeps a topic of five people without any difference from looking certain.
    """
    before, after = common + lost + 0.5, common + gained + 0.5
    return Ratio(after / before, (lost + gained + 0.5) / (before * after))
