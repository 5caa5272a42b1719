"""The statistics of counts that detectors, cause search and forecasts share: negative binomial deviance, tails, quantiles, Benjamini-Hochberg.

Belongs here: pure functions of arrays. Not here: what is counted. All of it rests on `scipy.special`: importing `scipy.stats` takes longer than
what a day asks of it.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, gammaincinv, nbdtrik, ndtr, ndtri, stdtr, stdtrit

#: Smallest p-value that is stored; below it the normal tail says nothing about counts.
SMALLEST_P = 1e-12


def signed_root(count: np.ndarray, mean: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """z of a count against a mean with variance mean + alpha mean^2: the signed root of the negative binomial deviance.

    Half a count is taken off (continuity). Shapes broadcast; entries without a mean give 0.
    """
    x = np.maximum(np.asarray(count, dtype=np.float64) - 0.5, 1e-9)
    m = np.maximum(np.asarray(mean, dtype=np.float64), 1e-9)
    k = 1.0 / np.maximum(alpha, 1e-9)
    deviance = 2.0 * (x * np.log(x / m) - (x + k) * np.log((x + k) / (m + k)))
    z = np.sign(x - m) * np.sqrt(np.maximum(deviance, 0.0))
    return np.where(np.asarray(mean) > 0, z, 0.0)


def upper_tail(z: np.ndarray | float, tests: int = 1) -> np.ndarray:
    """P of a standard normal above z, times the number of windows looked at; between SMALLEST_P and 1."""
    return np.clip(tests * ndtr(-np.asarray(z, dtype=np.float64)), SMALLEST_P, 1.0)


def z_of(p: float, tests: int = 1) -> float:
    """The z at which `upper_tail` is this chance."""
    return -float(ndtri(p / tests))


def count_quantile(p: float, size: float, chance: np.ndarray | float) -> np.ndarray:
    """The least count that a negative binomial (as `scipy.stats.nbinom(size, chance)`) stays at or below with probability p."""
    reached = np.maximum(np.ceil(nbdtrik(p, size, chance)), 0.0)
    below = np.maximum(reached - 1.0, 0.0)  # the inverse may end a hair above a whole number
    return np.asarray(np.where(betainc(size, below + 1.0, chance) >= p, below, reached))


def gamma_quantile(p: float, shape: float, scale: float) -> float:
    """The value below which a Gamma variable lies with probability p."""
    return float(gammaincinv(shape, p)) * scale


def student_quantile(p: float, freedom: int) -> float:
    """The value below which a Student variable lies with probability p."""
    return float(stdtrit(freedom, p))


def student_tail(t: float, freedom: int) -> float:
    """P of a Student variable above t."""
    return float(stdtr(freedom, -t))


def benjamini_hochberg(p: np.ndarray, q: float) -> np.ndarray:
    """Which of the p-values are rejected at false discovery rate q. Shape (n,) bool."""
    n = len(p)
    if n == 0:
        return np.zeros(0, dtype=bool)
    ordered = np.sort(p)
    below = ordered <= q * np.arange(1, n + 1) / n
    if not below.any():
        return np.zeros(n, dtype=bool)
    return np.asarray(p <= ordered[np.flatnonzero(below)[-1]])
