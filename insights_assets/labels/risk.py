"""Risk: how likely the set of topics that a text was given is wrong, from what the classifier says of it.

Belongs here: what calibrated probabilities expect, by how far the given topics lead the others in the text as a whole, the curve that
weighs both, and fitting it. Does not belong here: what no score knows (words never met, a rule that says otherwise) and the order of asking
(`routing`), probabilities (`calibration`).

Probabilities alone are a poor order among texts that are nearly sure: each topic's curve is fitted by itself, so two rivals may both be said
to be likely, or neither. The lead in raw scores compares them with each other. The curve is fitted in training on texts whose wording the
weights had not seen, and comes with the model; a model without one is weighed by its probabilities alone.
"""

from __future__ import annotations

import numpy as np

FEWEST = 30  # wrong and right texts that a curve needs of each
#: What a curve weighs, in order.
WEIGHED = ("error", "lead", "bias")


def error_of(chance: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Chance that a set of topics is wrong: texts x topics in, one number a text out. The three likeliest faults count; the rest is noise."""
    faults = np.where(said, 1.0 - chance, chance)
    if faults.shape[1] > 3:
        faults = -np.partition(-faults, 2, axis=1)[:, :3]
    return np.asarray(1.0 - np.prod(1.0 - np.clip(faults, 0.0, 1.0), axis=1))


def lead_of(whole: np.ndarray, said: np.ndarray, judged: np.ndarray | None = None) -> np.ndarray:
    """By how much the weakest given topic is ahead of the strongest other in the text as a whole; of nothing given, how far all are below zero.

    `judged`: which topics count; one that a rule gives needs no score.
    """
    counts = np.ones(said.shape, dtype=bool) if judged is None else judged
    given = np.where(said & counts, whole, np.inf).min(axis=1, initial=np.inf)
    others = np.where(~said & counts, whole, -np.inf).max(axis=1, initial=-np.inf)
    return np.asarray(np.where(np.isinf(given), 0.0, given) - np.where(np.isinf(others), 0.0, others))


def risk_of(chance: np.ndarray, whole: np.ndarray, said: np.ndarray, curve: np.ndarray | None, judged: np.ndarray | None = None) -> np.ndarray:
    """The risk of each text's set of topics: by the model's curve where it has one."""
    expected = error_of(chance, said)
    return expected if curve is None else _sigmoid(_weighed(expected, lead_of(whole, said, judged)) @ curve)


def risk_curve(chance: np.ndarray, whole: np.ndarray, said: np.ndarray, truth: np.ndarray) -> np.ndarray | None:
    """The curve (`WEIGHED`) from texts that the scores had not seen; None where they say too little, or a lead would speak for a fault."""
    from sklearn.linear_model import LogisticRegression

    wrong = (said != (truth == 1)).any(axis=1)
    if min(wrong.sum(), (~wrong).sum()) < FEWEST:
        return None
    fitted = LogisticRegression(C=1.0, max_iter=500).fit(_weighed(error_of(chance, said), lead_of(whole, said))[:, :-1], wrong)
    error, lead = fitted.coef_[0]
    return np.round([error, lead, fitted.intercept_[0]], 6) if error >= 0 >= lead else None


def _weighed(expected: np.ndarray, lead: np.ndarray) -> np.ndarray:
    bounded = np.clip(expected, 1e-4, 1 - 1e-4)
    return np.stack([np.log(bounded / (1 - bounded)), lead, np.ones(len(lead))], axis=1)


def _sigmoid(value: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(value, -30.0, 30.0))))
