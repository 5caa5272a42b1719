"""Vectors: what an embedding model offers, and the form in which vectors are kept and compared.

Belongs here: the `Embedder` seam, the grid that makes comparing exact, packing to bytes. Does not belong here: any
particular model (`word_space.py` holds the local one), and what is done with vectors.

Two orders of summation give two values for one float sum, so "at least 0.62 similar" would differ between a laptop and
a cluster, or between two batch sizes. Vectors are therefore kept on a grid of 1/2048: a product of two grid points is a
multiple of 2**-22, every partial sum of a cosine lies within [-1, 1], and float32 holds such numbers exactly. Any
engine, thread count or batch size then gives the same similarity to the last bit, and the same themes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

GRID = 2048.0
Vectors = NDArray[np.float32]


@runtime_checkable
class Embedder(Protocol):
    """An embedding model: the local word space, a hosted one, or a network on disk."""

    @property
    def model_id(self) -> str:
        """Changes whenever the vectors of any text may change."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    @property
    def similarity_floor(self) -> float:
        """Below this cosine two texts say different things, whatever a theme's own spread; a property of the model's
        family.
        """

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(texts, dimensions) float32, each row of length 1, or zero where nothing of the text is known."""


def on_grid(vectors: NDArray[np.floating]) -> Vectors:
    """The same directions with every coordinate a multiple of 1/2048 and length at most 1. Shape (n, dimensions).

    >>> on_grid(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.599609375, 0.7998046875], [0.0, 0.0]]
    """
    wide = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    unit = np.divide(wide, length, out=np.zeros_like(wide), where=length > 0)
    # Towards zero: rounding to nearest could make a row longer than 1, and then partial sums would need one bit more.
    return (np.trunc(unit * GRID) / GRID).astype(np.float32)


def similarity(left: Vectors, right: Vectors) -> Vectors:
    """Exact cosine similarity of grid vectors: (n, d) and (m, d) give (n, m)."""
    return left @ right.T


def pack(vectors: Vectors) -> list[bytes]:
    """Grid vectors as float16 bytes, one a row; float16 holds every grid point between -1 and 1."""
    return [row.tobytes() for row in vectors.astype("<f2")]


def unpack(packed: Iterable[bytes], dimensions: int) -> Vectors:
    """(n, dimensions) float32 from packed rows."""
    rows = list(packed)
    return np.frombuffer(b"".join(rows), dtype="<f2").reshape(len(rows), dimensions).astype(np.float32)
