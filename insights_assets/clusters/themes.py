"""Themes and their identity: what a theme is, which theme a text belongs to, how one is founded, moves and is merged.

Belongs here: the rules of identity, as functions from a book of themes to a book of themes. Does not belong here: when
they are applied (`walk.py`), how groups are found (`discovery.py`), names (`naming.py`).

A theme never changes its id. Its centre follows its texts slowly, its name and founding facts stay, and only an
explicit event merges it into another; the other then receives what would have been its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from insights_assets.clusters.discovery import SAME, Group, centre
from insights_assets.clusters.embeddings import Vectors, on_grid, similarity

#: Share of the old centre kept when a week's texts move it.
INERTIA = 0.9
#: Fewer texts than this in a week do not move a centre.
LEAST_TO_MOVE = 3
#: Share of the founding texts that may lie outside the theme's own threshold.
OUTSIDE_SHARE = 0.05
#: The nearest theme is the parent of a new one from here on.
KIN = 0.50
#: Pairs of themes this near are proposed for a merge; a person or a model decides.
MERGE_CANDIDATE = 0.90


@dataclass(frozen=True)
class Theme:
    """One theme. `centroid` is (1, dimensions) on the grid; a text at `threshold` or above it may belong."""

    theme_id: str
    name: str
    topic: str
    centroid: Vectors
    threshold: float
    born_day: date
    founding_texts: int
    model_id: str
    parent: str | None = None
    merged_into: str | None = None
    top_terms: tuple[str, ...] = ()
    exemplar_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Places:
    """The themes of one topic as arrays, ready to be compared with: ids (k), centres (k, d), thresholds (k)."""

    theme_ids: tuple[str, ...]
    centroids: Vectors
    thresholds: NDArray[np.float64]

    def nearest(self, vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(n,) place of the most similar theme whose threshold is met, -1 for none; (n,) that similarity, else the
        greatest.
        """
        near = similarity(vectors, self.centroids).astype(np.float64)
        met = np.where(near >= self.thresholds, near, -2.0)
        best = met.argmax(axis=1)
        found = met[np.arange(len(met)), best] > -2.0
        return np.where(found, best, -1), np.where(found, met.max(axis=1), near.max(axis=1))


@dataclass(frozen=True)
class Book:
    """All themes by id. Immutable; every rule gives a new book."""

    themes: Mapping[str, Theme] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Theme]:
        return iter(sorted(self.themes.values(), key=lambda theme: (theme.born_day, theme.theme_id)))

    def __len__(self) -> int:
        return len(self.themes)

    def with_themes(self, themes: Iterable[Theme]) -> Book:
        return Book({**self.themes, **{theme.theme_id: theme for theme in themes}})

    def of_topic(self, topic: str) -> list[Theme]:
        """Oldest first, so that of two themes equally near the older one wins."""
        return [theme for theme in self if theme.topic == topic]

    def final(self, theme_id: str) -> str:
        """The theme that takes the records of a theme: itself, or what it was merged into."""
        seen = {theme_id}
        while (target := self.themes[theme_id].merged_into) is not None:
            if target in seen or target not in self.themes:
                raise ValueError(f"theme {theme_id} is merged into {target}, which leads nowhere")
            seen.add(target)
            theme_id = target
        return theme_id

    def places(self) -> dict[str, Places]:
        """Topic -> its themes as arrays. A merged theme's centre stays, in the name of the theme that took it over."""
        return {topic: places_of(self.of_topic(topic), self.final) for topic in sorted({theme.topic for theme in self})}


def places_of(themes: Sequence[Theme], final: Callable[[str], str] = str) -> Places:
    """Themes of one topic as arrays, in the order given; `final` says in whose name a theme takes records."""
    ids = tuple(final(theme.theme_id) for theme in themes)
    return Places(
        ids, np.concatenate([theme.centroid for theme in themes]), np.array([theme.threshold for theme in themes])
    )


def theme_id_of(topic: str, born_day: date, text_hashes: Iterable[str], taken: Iterable[str] = ()) -> str:
    """TH- and 8 hex digits of topic, born day and the founding texts, whatever their order.

    Two themes of one id would be one theme, so in the rare case that the digits are taken the next ones are drawn.
    """
    taken = set(taken)
    founding = "\n".join([topic, born_day.isoformat(), *sorted(set(text_hashes))])
    while True:
        theme_id = f"TH-{hashlib.sha256(founding.encode()).hexdigest()[:8]}"
        if theme_id not in taken:
            return theme_id
        founding += "\nagain"


def founded(
    book: Book, topic: str, born_day: date, group: Group, text_hashes: Sequence[str], *, floor: float, model_id: str
) -> Theme:
    """A new theme of a group whose rows have these text hashes; nameless, `naming` speaks later."""
    kin = book.of_topic(topic)
    parent = None
    if kin:
        near = similarity(group.centroid, np.concatenate([theme.centroid for theme in kin]))[0]
        if near.max() >= KIN:
            parent = kin[int(near.argmax())].theme_id
    return Theme(
        theme_id=theme_id_of(topic, born_day, text_hashes, book.themes),
        name="",
        topic=topic,
        centroid=group.centroid,
        threshold=_threshold(group.similarities, floor),
        born_day=born_day,
        founding_texts=len(group.rows),
        model_id=model_id,
        parent=parent,
    )


def widened(book: Book, topic: str, vectors: Vectors, centroid: Vectors, *, floor: float) -> Theme | None:
    """The theme that already says what a new group says, its threshold lowered to take the group in; None where it is
    news.
    """
    kin = [theme for theme in book.of_topic(topic) if theme.merged_into is None]
    if not kin:
        return None
    near = similarity(centroid, np.concatenate([theme.centroid for theme in kin]))[0]
    theme = kin[int(near.argmax())]
    if near.max() < SAME:
        return None
    reach = _threshold(similarity(vectors, theme.centroid)[:, 0], floor)
    return replace(theme, threshold=min(theme.threshold, reach))


def moved(theme: Theme, vectors: Vectors) -> Theme:
    """The theme after a week of its texts; (n, d), in an order that does not depend on the run."""
    if len(vectors) < LEAST_TO_MOVE:
        return theme
    step = INERTIA * theme.centroid.astype(np.float64) + (1 - INERTIA) * centre(vectors).astype(np.float64)
    return replace(theme, centroid=on_grid(step))


def rebased(theme: Theme, vectors: Vectors, *, floor: float, model_id: str) -> Theme:
    """The theme in the space of another embedding model, placed by its own members' vectors there; identity and name
    stay.

    Without a single member left it keeps its id and its past, and takes no further records.
    """
    middle = centre(vectors) if len(vectors) else np.zeros((1, vectors.shape[1]), dtype=np.float32)
    reach = _threshold(similarity(vectors, middle)[:, 0], floor) if len(vectors) else 1.0
    return replace(theme, centroid=middle, threshold=reach, model_id=model_id)


def merged(book: Book, theme_id: str, into: str) -> Book:
    """The book after somebody decided that two themes are one. Raises where a theme is unknown or it would close a
    ring.
    """
    for name in (theme_id, into):
        if name not in book.themes:
            raise LookupError(f"there is no theme {name}")
    if book.final(into) == theme_id:
        raise ValueError(f"theme {into} already leads to {theme_id}; merging {theme_id} into it would close a ring")
    if book.themes[theme_id].topic != book.themes[into].topic:
        raise ValueError(f"{theme_id} and {into} lie in different topics")
    return book.with_themes([replace(book.themes[theme_id], merged_into=into)])


def merge_candidates(book: Book) -> list[tuple[str, str, float]]:
    """Pairs (younger, older, similarity) of one topic whose centres nearly coincide, nearest first."""
    pairs = []
    for topic in {theme.topic for theme in book}:
        themes = [theme for theme in book.of_topic(topic) if theme.merged_into is None]
        if len(themes) > 1:
            matrix = np.concatenate([theme.centroid for theme in themes])
            near = similarity(matrix, matrix)
            for older, younger in zip(*np.nonzero(np.triu(near >= MERGE_CANDIDATE, k=1)), strict=True):
                pairs.append((themes[younger].theme_id, themes[older].theme_id, round(float(near[older, younger]), 4)))
    return sorted(pairs, key=lambda pair: (-pair[2], pair))


def _threshold(similarities: NDArray[np.float32], floor: float) -> float:
    quantile = float(np.quantile(similarities.astype(np.float64), OUTSIDE_SHARE))
    return round(max(floor, quantile), 4)
