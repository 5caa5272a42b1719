"""The walk through the days: each whole day is judged once, with only what was known by its end.

Belongs here: the calendar of the rules (when themes are looked for, founded, moved), and placing records by the themes of their
day. Does not belong here: the rules themselves (`themes.py`), Spark, tables.

Of every day: a record is compared with the themes known before that day. At the end of a week (Sunday) the centres follow their
texts, and among the texts of the last four weeks that found no theme, groups of at least 15 texts from at least two weeks
become themes; at the end of any other day only in a topic whose themeless texts suddenly multiply. Themeless records of those
four weeks then join the theme they founded. One run over a year and a run every day give the same themes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from insights_assets.clusters.discovery import groups
from insights_assets.clusters.embeddings import Vectors
from insights_assets.clusters.themes import Book, Places, Theme, founded, moved, places_of, widened

BUFFER_DAYS = 28
LEAST_TEXTS = 15
LEAST_WEEKS = 2
ALERT_DAYS = 3
ALERT_TEXTS = 30
ALERT_LIFT = 3.0  # against the same topic's themeless texts of an ordinary day

Names = Callable[[Theme, Sequence[int], Sequence[int]], Theme]


@dataclass(frozen=True)
class Heard:
    """Distinct complaint texts by topic and day, sorted by (day, topic, text hash). All of length n; vectors are (n, d)."""

    days: NDArray[np.int64]  # date.toordinal of known_day
    topics: NDArray[np.object_]
    text_hashes: NDArray[np.object_]
    feedback_ids: NDArray[np.object_]
    texts: NDArray[np.object_]
    vectors: Vectors
    theme_ids: NDArray[np.object_]  # what earlier runs found; None where nothing, or not yet compared

    def __len__(self) -> int:
        return len(self.days)


@dataclass(frozen=True)
class Timeline:
    """What a record of any day is compared with: the themes in force from a day on, and the births that looked back."""

    from_days: tuple[int, ...]  # ascending
    places: tuple[Mapping[str, Places], ...]
    births: tuple[tuple[int, Mapping[str, Places]], ...] = ()  # (last day looked back on, the newborn by topic)

    def place(self, topic: str, day: int, vectors: Vectors, *, retry_only: bool = False) -> tuple[list[str | None], NDArray[np.float64]]:
        """Theme (or None) and similarity of texts of one topic and day.

        `retry_only`: the texts were compared on their day and found nothing; only the births since then are tried.
        """
        found: list[str | None] = [None] * len(vectors)
        near = np.full(len(vectors), -1.0)
        first = max(0, int(np.searchsorted(self.from_days, day, side="right")) - 1)
        trials = [] if retry_only else [self.places[first]]
        trials += [born for last, born in self.births if last - BUFFER_DAYS < day <= last]
        for trial in trials:
            open_rows = np.flatnonzero([theme is None for theme in found])
            places = trial.get(topic)
            if places is None or not len(open_rows):
                continue
            best, score = places.nearest(vectors[open_rows])
            near[open_rows] = np.maximum(near[open_rows], score)
            for row, choice in zip(open_rows, best, strict=True):
                if choice >= 0:
                    found[row] = places.theme_ids[choice]
            hit = best >= 0
            near[open_rows[hit]] = score[hit]
        return found, np.round(near, 4)


@dataclass
class _Steps:
    from_days: list[int] = field(default_factory=list)
    places: list[Mapping[str, Places]] = field(default_factory=list)
    births: list[tuple[int, Mapping[str, Places]]] = field(default_factory=list)


def walk(
    book: Book, heard: Heard, first_day: date, last_day: date, *, floor: float, model_id: str, name: Names | None = None,
) -> tuple[Book, Timeline]:
    """Judge the days `first_day` to `last_day`; `heard` also holds the four weeks before, with the themes found then.

    Returns the book at the end and the timeline by which any record of these days is to be placed.
    """
    theme_ids = heard.theme_ids.copy()
    steps = _Steps([first_day.toordinal()], [book.places()])
    for day in range(first_day.toordinal(), last_day.toordinal() + 1):
        now = steps.places[-1]
        today = np.arange(*np.searchsorted(heard.days, [day, day + 1]))
        for topic in sorted(set(heard.topics[today])):
            rows = today[heard.topics[today] == topic]
            if topic in now:
                best, _ = now[topic].nearest(heard.vectors[rows])
                theme_ids[rows] = [now[topic].theme_ids[choice] if choice >= 0 else None for choice in best]
        before = book
        if _is_sunday(day):
            book = _follow_week(book, heard, theme_ids, day)
        book = _look_for_births(book, heard, theme_ids, day, steps, floor, model_id, name)
        if book is not before:
            steps.from_days.append(day + 1)
            steps.places.append(book.places())
    return book, Timeline(tuple(steps.from_days), tuple(steps.places), tuple(steps.births))


def _is_sunday(day: int) -> bool:
    return day % 7 == 0  # 0001-01-01 was a Monday


def _follow_week(book: Book, heard: Heard, theme_ids: NDArray[np.object_], day: int) -> Book:
    start, end = np.searchsorted(heard.days, [day - 6, day + 1])
    changed = []
    for theme in book:
        rows = start + np.flatnonzero(theme_ids[start:end] == theme.theme_id)
        after = moved(theme, heard.vectors[rows])
        if after is not theme:
            changed.append(after)
    return book.with_themes(changed) if changed else book


def _look_for_births(
    book: Book, heard: Heard, theme_ids: NDArray[np.object_], day: int, steps: _Steps, floor: float, model_id: str, name: Names | None
) -> Book:
    start, end = np.searchsorted(heard.days, [day - BUFFER_DAYS + 1, day + 1])
    window = np.arange(start, end)
    themeless = window[np.equal(theme_ids[window], None)]
    newborn: dict[str, Places] = {}
    for topic in sorted(set(heard.topics[themeless])):
        rows = themeless[heard.topics[themeless] == topic]
        weekly = _is_sunday(day)
        if not weekly and not _multiplies(heard.days[rows], day):
            continue
        rows = _first_of_each_text(heard, rows)
        arrived: list[Theme] = []
        for group in groups(heard.vectors[rows], least=LEAST_TEXTS, floor=floor):
            members = rows[group.rows]
            days = heard.days[members]
            if weekly and len(np.unique((days - 1) // 7)) < LEAST_WEEKS:
                continue
            if not weekly and np.count_nonzero(days > day - ALERT_DAYS) < LEAST_TEXTS:
                continue
            theme = widened(book, topic, heard.vectors[members], group.centroid, floor=floor)
            if theme is None:
                theme = founded(book, topic, date.fromordinal(day), group, list(heard.text_hashes[members]), floor=floor, model_id=model_id)
                nearest = members[np.argsort(-group.similarities, kind="stable")[:5]]
                theme = replace(theme, exemplar_ids=tuple(heard.feedback_ids[nearest]))
                if name is not None:
                    others = window[(heard.topics[window] == topic) & ~np.isin(window, members)]
                    theme = name(theme, members, others)
            book = book.with_themes([theme])
            arrived.append(theme)
        if arrived:
            newborn[topic] = places_of(arrived)
            every = themeless[heard.topics[themeless] == topic]
            best, _ = newborn[topic].nearest(heard.vectors[every])
            theme_ids[every] = [newborn[topic].theme_ids[choice] if choice >= 0 else None for choice in best]
    if newborn:
        steps.births.append((day, newborn))
    return book


def _multiplies(days: NDArray[np.int64], day: int) -> bool:
    """Whether a topic's themeless texts of the last days are many, and many against the weeks before."""
    recent = np.count_nonzero(days > day - ALERT_DAYS)
    usual = np.count_nonzero(days <= day - ALERT_DAYS) / (BUFFER_DAYS - ALERT_DAYS) * ALERT_DAYS
    return recent >= ALERT_TEXTS and recent >= ALERT_LIFT * usual


def _first_of_each_text(heard: Heard, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each distinct text once, by its first day; rows stay in order."""
    _, first = np.unique(heard.text_hashes[rows].astype(str), return_index=True)
    return rows[np.sort(first)]
