"""How right labels are, topic by topic, with n and intervals; and the gate's answer: pass, fail or too few (R82, R144).

Wilson, E. B. (1927), for the intervals. Weighted by inclusion weights, with the effective number of records (Kish 1965) as n, so
that a stratified sample does not pass for a larger one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Z95 = 1.959964
Gate = Literal["pass", "fail", "too_few"]


@dataclass(frozen=True)
class Judged:
    """One reviewed record: the topics the label had, the right ones, and how many records it stands for."""

    said: frozenset[str]
    right: frozenset[str]
    weight: float = 1.0


@dataclass(frozen=True)
class Quality:
    """Precision and recall of one topic over reviewed records; None where there is nothing to divide by."""

    topic: str
    n: int
    predicted: int
    actual: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None

    @property
    def f1(self) -> float | None:
        if self.precision is None or self.recall is None or self.precision + self.recall == 0:
            return None
        return round(2 * self.precision * self.recall / (self.precision + self.recall), 4)


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % Wilson interval of a share seen over n (effective) records."""
    if n <= 0:
        return 0.0, 1.0
    z2 = Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)


def quality(judged: Sequence[Judged], topics: Iterable[str]) -> list[Quality]:
    """Each topic's figures. Records of weight 0 (picked for their doubt) are left out: they would make every topic look worse."""
    counted = [record for record in judged if record.weight > 0]
    return [_topic_quality(topic, counted) for topic in topics]


def micro(judged: Sequence[Judged]) -> Quality:
    """All topics together: every (record, topic) pair counts."""
    pairs = [
        (topic in record.said, topic in record.right, record.weight) for record in judged if record.weight > 0 for topic in sorted(record.said | record.right)
    ]
    return _figures("micro", pairs)


def _topic_quality(topic: str, records: Sequence[Judged]) -> Quality:
    pairs = [(topic in record.said, topic in record.right, record.weight) for record in records]
    return _figures(topic, [pair for pair in pairs if pair[0] or pair[1]])


def _figures(name: str, pairs: Sequence[tuple[bool, bool, float]]) -> Quality:
    predicted = [(right, weight) for said, right, weight in pairs if said]
    actual = [(said, weight) for said, right, weight in pairs if right]
    precision, recall = _share(predicted), _share(actual)
    return Quality(name, len(pairs), len(predicted), len(actual), *precision, *recall)


def _share(outcomes: Sequence[tuple[bool, float]]) -> tuple[float | None, float | None, float | None]:
    total = sum(weight for _, weight in outcomes)
    if total == 0:
        return None, None, None
    share = sum(weight for hit, weight in outcomes if hit) / total
    effective = total * total / sum(weight * weight for _, weight in outcomes)
    return round(share, 4), *wilson(share, effective)


def gate(found: Quality, *, precision_low: float, recall_low: float, reviewed: int) -> tuple[Gate, str]:
    """The gate's answer for a topic and why. Too few is not a pass: it publishes provisionally and proposes instead of acting."""
    if min(found.predicted, found.actual) < reviewed or found.precision_low is None or found.recall_low is None:
        return "too_few", f"{min(found.predicted, found.actual)} of {reviewed} reviewed"
    if found.precision_low < precision_low:
        return "fail", f"precision at least {found.precision_low:.2f}, wanted {precision_low:.2f}"
    if found.recall_low < recall_low:
        return "fail", f"recall at least {found.recall_low:.2f}, wanted {recall_low:.2f}"
    return "pass", f"precision at least {found.precision_low:.2f}, recall at least {found.recall_low:.2f}"


def calibration_error(probability: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: how far stated confidence is from the share that was right (Naeini et al. 2015)."""
    import numpy as np

    if not len(probability):
        return 0.0
    place = np.minimum((probability * bins).astype(int), bins - 1)
    size = np.bincount(place, minlength=bins)
    stated = np.bincount(place, probability, minlength=bins)
    right = np.bincount(place, truth.astype(float), minlength=bins)
    return round(float(np.abs(stated - right).sum() / size.sum()), 4)


@dataclass(frozen=True)
class Bin:
    """A bin of stated confidence: how many said so, what they said on average, how many of them were right (weighted)."""

    low: float
    high: float
    n: int
    weight: float
    stated: float
    right: float
    right_low: float
    right_high: float


def reliability(said: Iterable[tuple[float, bool, float]], bins: int = 15) -> list[Bin]:
    """The reliability table of (stated confidence, was it right, weight), bins of equal width, empty ones left out."""
    placed: dict[int, list[tuple[float, bool, float]]] = {}
    for stated, right, weight in said:
        if weight > 0:
            placed.setdefault(min(int(stated * bins), bins - 1), []).append((stated, right, weight))
    found = []
    for place, entries in sorted(placed.items()):
        total = sum(weight for _, _, weight in entries)
        effective = total * total / sum(weight * weight for _, _, weight in entries)
        share = sum(weight for _, right, weight in entries if right) / total
        stated_mean = sum(stated * weight for stated, _, weight in entries) / total
        found.append(Bin(round(place / bins, 4), round((place + 1) / bins, 4), len(entries), round(total, 4), round(stated_mean, 4), round(share, 4), *wilson(share, effective)))
    return found


def expected_error(table: Sequence[Bin]) -> float | None:
    """Expected calibration error of a reliability table: the weighted mean distance between stated and right; None of nothing."""
    total = sum(one.weight for one in table)
    return round(sum(one.weight * abs(one.stated - one.right) for one in table) / total, 4) if total else None
