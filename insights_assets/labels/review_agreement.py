"""How far reviewers agree where two read the same record: Krippendorff's alpha by field, and the plain share that agrees (R142).

Belongs here: pure statistics over answers that stand. Does not belong here: who should read what twice (`review_sampling.py`). A
label's quality cannot be told apart better than people agree, so the report shows both beside each other.

Krippendorff (2004): alpha = 1 - observed / expected disagreement. Topics are sets, compared by MASI (Passonneau 2006); urgency
is ordered, by the squared distance of its ranks; sentiment is nominal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from insights_assets.labels.review import FIELDS, Standing

#: From here on agreement is called reliable; from the other tentative (Krippendorff 2004, chapter 11).
RELIABLE, TENTATIVE = 0.8, 0.667
URGENCIES = ("low", "normal", "high", "critical")


@dataclass(frozen=True)
class Agreement:
    """Agreement on a field over `n` records that two or more people read. None where there is nothing to compare."""

    field: str
    n: int
    raw: float | None
    alpha: float | None


def alpha(units: Iterable[Sequence[Hashable]], distance: Callable[[Any, Any], float]) -> float | None:
    """Krippendorff's alpha over units, each with the values its readers gave. None without two readers of one; 1 where nobody differs."""
    paired = [list(values) for values in units if len(values) > 1]
    counts: Counter[Hashable] = Counter(value for values in paired for value in values)
    total = sum(counts.values())
    if not paired:
        return None
    observed = sum(2 * sum(distance(a, b) for a, b in combinations(values, 2)) / (len(values) - 1) for values in paired) / total
    expected = sum(2 * counts[a] * counts[b] * distance(a, b) for a, b in combinations(sorted(counts, key=repr), 2)) / (total * (total - 1))
    return 1.0 if expected == 0 else round(1 - observed / expected, 4)


def nominal(one: Any, other: Any) -> float:
    return float(one != other)


def ordered(one: Any, other: Any) -> float:
    """Squared distance of two urgencies."""
    places = [URGENCIES.index(value) if value in URGENCIES else 0 for value in (one, other)]
    return float((places[0] - places[1]) ** 2)


def masi(one: frozenset[str], other: frozenset[str]) -> float:
    """Distance of two sets of topics: 0 the same, 1 nothing shared; a part of the other counts as near."""
    if one == other:
        return 0.0
    shared, either = len(one & other), len(one | other)
    nearness = 2 / 3 if one <= other or other <= one else 1 / 3 if shared else 0.0
    return 1 - shared / either * nearness


_DISTANCES: Mapping[str, Callable[[Any, Any], float]] = {"topics": masi, "sentiment": nominal, "urgency": ordered}


def agreement(records: Iterable[Standing]) -> list[Agreement]:
    """Agreement on each field, by every reviewer's own standing answer."""
    kept = list(records)
    found = []
    for field in FIELDS:
        units = []
        for record in kept:
            values = [given[field].value["value"] for _, given in sorted(record.by_reviewer.items()) if field in given]
            if len(values) > 1:
                units.append([frozenset(value) if field == "topics" else value for value in values])
        pairs = [a == b for values in units for a, b in combinations(values, 2)]
        found.append(Agreement(field, len(units), round(sum(pairs) / len(pairs), 4) if pairs else None, alpha(units, _DISTANCES[field])))
    return found


def word_for(value: float | None) -> str:
    """What an alpha is called."""
    if value is None:
        return "nobody read a record of another yet"
    return "reliable" if value >= RELIABLE else "tentative" if value >= TENTATIVE else "not reliable"
