"""Groups among texts nobody has a theme for: a graph of nearest neighbours and its communities.

Belongs here: from vectors to groups. Does not belong here: identity, days, names; a group has none of these.

The Leiden method needs no number of groups and leaves no noise class; on public intents it beat density clustering,
which called 35 to 76 % of short texts noise. Its groups are then trimmed to what lies close to their centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insights_assets.clusters.embeddings import Vectors, on_grid, similarity

if TYPE_CHECKING:
    from scipy import sparse

NEIGHBOURS = 15
#: Within one topic. Over a whole corpus 4 gives groups of the same size (measured on public intents and the sample
#: shop).
RESOLUTION = 1.0
SEED = 7
ROUNDS = 5
#: Groups whose centres are this near say one thing: communities split even what is all alike.
SAME = 0.62
#: Rows of the similarity matrix computed at once; bounds memory, changes nothing.
BLOCK = 2_000


@dataclass(frozen=True)
class Group:
    """Texts that belong together: their rows (sorted), their centre on the grid, and how near each lies to it."""

    rows: NDArray[np.int64]
    centroid: Vectors  # (1, dimensions)
    similarities: NDArray[np.float32]  # (rows,)


def groups(vectors: Vectors, *, least: int, floor: float, resolution: float = RESOLUTION) -> list[Group]:
    """Groups of at least `least` rows that lie within `floor` of their centre, largest first. (n, d) on the grid."""
    known = np.flatnonzero(np.any(vectors != 0, axis=1))
    if len(known) < least:
        return []
    community = _joined(vectors[known], communities(vectors[known], resolution=resolution))
    found = [_trimmed(vectors, known[community == number], least, floor) for number in range(community.max() + 1)]
    return sorted((g for g in found if g is not None), key=lambda group: (-len(group.rows), int(group.rows[0])))


def communities(vectors: Vectors, *, resolution: float = RESOLUTION) -> NDArray[np.int64]:
    """(n,) community of each row, from 0. Seeded, and independent of threads because similarities are exact."""
    import random

    import igraph

    graph = neighbour_graph(vectors).tocoo()
    upper = graph.row < graph.col
    network = igraph.Graph(n=len(vectors), edges=np.stack([graph.row[upper], graph.col[upper]], axis=1))
    igraph.set_random_number_generator(random.Random(SEED))
    try:
        found = network.community_leiden(
            "modularity", weights=graph.data[upper].tolist(), resolution=resolution, n_iterations=ROUNDS
        )
    finally:
        igraph.set_random_number_generator(random)
    return np.asarray(found.membership, dtype=np.int64)


def _joined(vectors: Vectors, community: NDArray[np.int64]) -> NDArray[np.int64]:
    """Communities with those whose centres nearly coincide made one, nearest pair first; (n,) numbered from 0."""
    members = {number: np.flatnonzero(community == number) for number in range(community.max() + 1)}
    centres = {number: centre(vectors[rows]) for number, rows in members.items()}
    while len(members) > 1:
        numbers = sorted(members)
        near = similarity(np.concatenate([centres[n] for n in numbers]), np.concatenate([centres[n] for n in numbers]))
        np.fill_diagonal(near, -2.0)
        left, right = divmod(int(near.argmax()), len(numbers))
        if near[left, right] < SAME:
            break
        keep, drop = numbers[min(left, right)], numbers[max(left, right)]
        members[keep] = np.sort(np.concatenate([members[keep], members.pop(drop)]))
        centres[keep] = centre(vectors[members[keep]])
        del centres[drop]
    out = np.empty(len(vectors), dtype=np.int64)
    for place, number in enumerate(sorted(members)):
        out[members[number]] = place
    return out


def neighbour_graph(vectors: Vectors, neighbours: int = NEIGHBOURS) -> sparse.csr_matrix:
    """(n, n) symmetric: cosine similarity where either row is among the other's nearest; only positive ones."""
    from scipy import sparse

    count = len(vectors)
    neighbours = min(neighbours, count - 1)
    nearest = np.empty((count, neighbours), dtype=np.int64)
    weight = np.empty((count, neighbours), dtype=np.float32)
    for start in range(0, count, BLOCK):
        near = similarity(vectors[start : start + BLOCK], vectors)
        near[np.arange(len(near)), np.arange(start, start + len(near))] = -2.0
        best = np.argpartition(-near, neighbours - 1, axis=1)[:, :neighbours]
        nearest[start : start + BLOCK] = best
        weight[start : start + BLOCK] = np.take_along_axis(near, best, axis=1)
    rows = np.repeat(np.arange(count), neighbours)
    graph = sparse.csr_matrix((np.maximum(weight.ravel(), 0.0), (rows, nearest.ravel())), shape=(count, count))
    graph = graph.maximum(graph.T)
    graph.eliminate_zeros()
    return graph


def centre(vectors: Vectors) -> Vectors:
    """(1, dimensions): the mean direction of some rows, on the grid; rows are added in the order given."""
    return on_grid(vectors.sum(axis=0, dtype=np.float64, keepdims=True))


def _trimmed(vectors: Vectors, rows: NDArray[np.int64], least: int, floor: float) -> Group | None:
    """The group without the rows far from its centre; nothing where too few are left."""
    for _ in range(3):
        if len(rows) < least:
            return None
        middle = centre(vectors[rows])
        near = similarity(vectors[rows], middle)[:, 0]
        if (near >= floor).all():
            return Group(rows, middle, near)
        rows = rows[near >= floor]
    middle = centre(vectors[rows]) if len(rows) else middle
    near = similarity(vectors[rows], middle)[:, 0]
    return Group(rows, middle, near) if len(rows) >= least else None
