"""Network: one hidden layer from the meaning of a clause to topics and tones, fitted and run in plain numpy.

Belongs here: its arithmetic and fitting. Does not belong here: what goes in (`meaning`), calibration (`training`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

HIDDEN = 192
ROUNDS = 14
_BATCH = 256
_RATE, _DECAY = 2e-3, 1e-4
_DROPPED_IN, _DROPPED_HIDDEN = 0.1, 0.3  # shares left out at random while fitting, so that no single word decides alone
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Network:
    """Weights of both layers."""

    into: np.ndarray
    into_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """One row of logits an input row."""
        hidden = np.maximum(inputs @ self.into + self.into_bias, 0.0)
        return hidden @ self.out + self.out_bias

    def parts(self) -> Mapping[str, np.ndarray]:
        """The weights by name, to be stored."""
        return {"into": self.into, "into_bias": self.into_bias, "out": self.out, "out_bias": self.out_bias}


def fit(inputs: np.ndarray, truth: np.ndarray, weight: np.ndarray, seed: int) -> Network:
    """Adam on the logistic loss of every output at once (Kingma & Ba 2015), dropout (Srivastava et al. 2014)."""
    draw = np.random.default_rng(seed)
    inputs = inputs.astype(np.float32)
    truth = truth.astype(np.float32)
    scale = (weight / weight.mean()).astype(np.float32)[:, None]
    count, width = inputs.shape
    share = np.clip(np.average(truth, axis=0, weights=weight), 1e-3, 1 - 1e-3)
    parameters = [
        (draw.standard_normal((width, HIDDEN)) * np.sqrt(2.0 / width)).astype(np.float32), np.zeros(HIDDEN, np.float32),
        (draw.standard_normal((HIDDEN, truth.shape[1])) * np.sqrt(1.0 / HIDDEN)).astype(np.float32),
        np.log(share / (1 - share)).astype(np.float32),
    ]
    first = [np.zeros_like(one) for one in parameters]
    second = [np.zeros_like(one) for one in parameters]
    steps = 0
    total = ROUNDS * ((count + _BATCH - 1) // _BATCH)
    for _ in range(ROUNDS):
        order = draw.permutation(count)
        for start in range(0, count, _BATCH):
            rows = order[start : start + _BATCH]
            steps += 1
            gradients = _gradients(parameters, inputs[rows], truth[rows], scale[rows], draw)
            rate = _RATE * (1.0 - steps / (total + 1)) * np.sqrt(1 - _SECOND**steps) / (1 - _FIRST**steps)
            for number, gradient in enumerate(gradients):
                first[number] += (1 - _FIRST) * (gradient - first[number])
                second[number] += (1 - _SECOND) * (gradient * gradient - second[number])
                parameters[number] -= rate * first[number] / (np.sqrt(second[number]) + _TINY)
                if parameters[number].ndim == 2:
                    parameters[number] *= 1 - _DECAY * rate / _RATE
    return Network(*parameters)


def _gradients(
    parameters: list[np.ndarray], inputs: np.ndarray, truth: np.ndarray, scale: np.ndarray, draw: np.random.Generator
) -> list[np.ndarray]:
    into, into_bias, out, out_bias = parameters
    kept_in = (draw.random(inputs.shape, dtype=np.float32) >= _DROPPED_IN) / np.float32(1 - _DROPPED_IN)
    seen = inputs * kept_in
    before = seen @ into + into_bias
    kept = ((draw.random(before.shape, dtype=np.float32) >= _DROPPED_HIDDEN) & (before > 0)) / np.float32(1 - _DROPPED_HIDDEN)
    hidden = before * kept
    wrong = (1.0 / (1.0 + np.exp(-np.clip(hidden @ out + out_bias, -30, 30))) - truth) * scale / len(truth)
    back = (wrong @ out.T) * kept
    return [seen.T @ back, back.sum(axis=0), hidden.T @ wrong, wrong.sum(axis=0)]
