"""Whether a candidate beats the active version on the same reviewed records: pass, fail or too few (R144; section 3, gate then activate).

Belongs here: pure paired statistics. Does not belong here: labelling the sample, promoting. Both versions label the same records,
none of which the candidate was trained on, so what is counted are the records on which they differ: McNemar (1947), exact, for
the records; a seeded bootstrap over records for micro-F1; and no topic may get worse beyond chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import comb

import numpy as np

from insights_assets.labels.evaluation import Gate

LEVEL = 0.05
#: Fewer differing records than this cannot be told from chance at LEVEL, however they fall.
LEAST_DIFFERENT = 5
DRAWS = 2_000
#: A topic is held to "no worse" from so many records on that have it or were given it by either.
LEAST_OF_TOPIC = 10


@dataclass(frozen=True)
class Paired:
    """One reviewed record: what the candidate said, what the active version said, what is right."""

    candidate: frozenset[str]
    active: frozenset[str]
    right: frozenset[str]


@dataclass(frozen=True)
class Comparison:
    """The gate's answer with its figures. `worse_topics`: topic -> why."""

    answer: Gate
    reason: str
    records: int
    better: int
    worse: int
    candidate_f1: float
    active_f1: float
    gain_low: float
    p_value: float
    worse_topics: dict[str, str] = field(default_factory=dict)


def binomial_tail(hits: int, trials: int) -> float:
    """P of at least `hits` heads in `trials` fair tosses."""
    return float(min(1.0, sum(comb(trials, k) for k in range(hits, trials + 1)) / 2**trials))


def compare(pairs: Sequence[Paired], reviewed: int) -> Comparison:
    """Judge a candidate. `reviewed`: records below which the answer is too few."""
    better = sum(pair.candidate == pair.right and pair.active != pair.right for pair in pairs)
    worse = sum(pair.candidate != pair.right and pair.active == pair.right for pair in pairs)
    counts = _counts(pairs)
    new, old = _f1(counts[:, :3].sum(axis=0)), _f1(counts[:, 3:].sum(axis=0))
    low = _gain_low(counts)
    p_value = binomial_tail(better, better + worse)
    worse_topics = _worse_topics(pairs)
    figures = {
        "records": len(pairs), "better": better, "worse": worse, "candidate_f1": round(new, 4), "active_f1": round(old, 4), "gain_low": round(low, 4),
        "p_value": round(p_value, 6), "worse_topics": worse_topics,
    }
    said = f"right on {better} records where the active one is wrong, wrong on {worse} where it is right; micro-F1 {new:.3f} against {old:.3f}"
    answer: Gate
    if len(pairs) < reviewed:
        answer, reason = "too_few", f"{len(pairs)} of {reviewed} reviewed records that it was not trained on"
    elif worse_topics:
        answer, reason = "fail", f"worse on {'; '.join(f'{topic} ({why})' for topic, why in sorted(worse_topics.items()))}; {said}"
    elif better + worse < LEAST_DIFFERENT:
        answer, reason = "too_few", f"the two differ on {better + worse} records; {LEAST_DIFFERENT} are needed to tell them apart"
    elif p_value <= LEVEL and low > 0:
        answer, reason = "pass", said
    else:
        answer, reason = "fail", f"not better beyond chance: {said}"
    return Comparison(answer, reason, **figures)  # type: ignore[arg-type]


def _counts(pairs: Sequence[Paired]) -> np.ndarray:
    """Per record: hits, false and missed topics of the candidate, then of the active version. Shape (n, 6)."""
    rows = [
        [len(said & pair.right) if kind == 0 else len(said - pair.right) if kind == 1 else len(pair.right - said) for said in (pair.candidate, pair.active) for kind in range(3)]
        for pair in pairs
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 6)


def _f1(counts: np.ndarray) -> float:
    hits, false, missed = counts
    return float(2 * hits / max(1.0, 2 * hits + false + missed))


def _gain_low(counts: np.ndarray) -> float:
    """The 5 % bound of the gain in micro-F1, over resampled records."""
    if not len(counts):
        return 0.0
    drawn = np.random.default_rng(0).multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=DRAWS)
    sums = drawn @ counts
    new = 2 * sums[:, 0] / np.maximum(1, 2 * sums[:, 0] + sums[:, 1] + sums[:, 2])
    old = 2 * sums[:, 3] / np.maximum(1, 2 * sums[:, 3] + sums[:, 4] + sums[:, 5])
    return float(np.quantile(new - old, LEVEL))


def _worse_topics(pairs: Sequence[Paired]) -> dict[str, str]:
    """Topics on which the candidate errs more often than the active version beyond chance."""
    found = {}
    for topic in sorted({topic for pair in pairs for topic in pair.candidate | pair.active | pair.right}):
        own = [(topic in pair.candidate, topic in pair.active, topic in pair.right) for pair in pairs if topic in pair.candidate | pair.active | pair.right]
        lost = sum(new != right and old == right for new, old, right in own)
        won = sum(new == right and old != right for new, old, right in own)
        if len(own) >= LEAST_OF_TOPIC and lost > won and binomial_tail(lost, lost + won) <= LEVEL:
            found[topic] = f"wrong on {lost} records where the active one is right, the other way round on {won}"
    return found
