"""The grid: the same similarity whatever the order of summation, and bytes that come back as they were."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.clusters.embeddings import Embedder, on_grid, pack, similarity, unpack
from insights_assets.clusters.word_space import WordSpace


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300))
def test_similarity_does_not_depend_on_order_batch_or_precision(seed: int, dimensions: int) -> None:
    draw = np.random.default_rng(seed)
    vectors = on_grid(draw.standard_normal((7, dimensions)) * draw.uniform(0.001, 1000))
    whole = similarity(vectors, vectors)
    shuffled = draw.permutation(dimensions)
    assert np.array_equal(whole, similarity(vectors[:, shuffled], vectors[:, shuffled]))
    assert np.array_equal(whole, np.concatenate([similarity(vectors[i : i + 1], vectors) for i in range(7)]))
    assert np.array_equal(whole.astype(np.float64), vectors.astype(np.float64) @ vectors.T.astype(np.float64))
    assert whole.max() <= 1.0


def test_off_the_grid_the_order_does_matter() -> None:
    """The reason for the grid, so that it is not dropped as a nicety: plain float32 rows give other sums in another
    order.
    """
    rows = np.random.default_rng(3).standard_normal((200, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    backwards = rows[:, ::-1].copy()
    assert not np.array_equal(np.einsum("ij,kj->ik", rows, rows), np.einsum("ij,kj->ik", backwards, backwards))


def test_directions_survive_the_grid() -> None:
    rows = np.random.default_rng(1).standard_normal((50, 128))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", on_grid(rows), unit).min() > 0.99


@given(st.integers(0, 1000), st.integers(1, 20))
def test_packed_vectors_come_back(seed: int, rows: int) -> None:
    vectors = on_grid(np.random.default_rng(seed).standard_normal((rows, 16)))
    assert np.array_equal(unpack(pack(vectors), 16), vectors)
    assert {len(row) for row in pack(vectors)} == {32}


def test_nothing_packs_to_nothing() -> None:
    assert unpack([], 16).shape == (0, 16)


def test_the_word_space_is_an_embedder() -> None:
    assert issubclass(WordSpace, object)
    from insights_assets.clusters.learning_words import learn

    assert isinstance(learn(["the box was torn", "the box was wet"]), Embedder)
