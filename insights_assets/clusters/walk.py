"""The walk through the days: each whole day is judged once, with only what was known by its end.

Belongs here: the calendar of the rules (when themes are looked for, founded, moved), and placing records by the themes
of their day. Does not belong here: the rules themselves (`themes.py`), Spark, tables.

Of every day: a record is compared with the themes known before that day. At the end of a week (Sunday) the centres
follow their texts, and among the texts of the last four weeks that found no theme, groups of at least 15 texts from at
least two weeks become themes; at the end of any other day only in a topic whose themeless texts suddenly multiply, and
only what is of these days. Themeless records of those four weeks then join the theme they founded. One run over a year
and a run every day give the same themes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from insights_assets.clusters.discovery import RESOLUTION, groups
from insights_assets.clusters.embeddings import Vectors
from insights_assets.clusters.themes import Book, Places, Theme, founded, moved, places_of, widened

BUFFER_DAYS = 28
LEAST_TEXTS = 15
LEAST_WEEKS = 2
ALERT_DAYS = 3
ALERT_TEXTS = 30
EXEMPLARS = 5
ALERT_LIFT = 3.0  # against the same topic's themeless texts of an ordinary day

Names = Callable[[Theme, NDArray[np.int64], NDArray[np.int64]], Theme]


@dataclass(frozen=True)
class Rules:
    """What a walk goes by: the model's least similarity and id, who names the newborn (theme, own rows, other rows of
    its topic).
    """

    floor: float
    model_id: str
    name: Names | None = None
    resolution: float = RESOLUTION


@dataclass(frozen=True)
class Heard:
    """Distinct complaint texts by topic and day, sorted by (day, topic, text hash). All of length n; vectors are (n,
    d).
    """

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
class Placed:
    """Of n texts: theme or None; similarity to its centre, or to the nearest one on the text's own day (-1 where there
    was none); the day whose judging gave it.
    """

    theme_ids: NDArray[np.object_]
    similarities: NDArray[np.float64]
    since_days: NDArray[np.int64]


@dataclass(frozen=True)
class Timeline:
    """What a record of any day is compared with: the themes in force from a day on, and the births that looked back."""

    from_days: tuple[int, ...]  # ascending
    places: tuple[Mapping[str, Places], ...]
    births: tuple[tuple[int, Mapping[str, Places]], ...] = ()  # (last day looked back on, the newborn by topic)

    def place(self, topic: str, day: int, vectors: Vectors, *, retry_only: bool = False) -> Placed:
        """The themes of (n, d) texts of one topic and day.

        `retry_only`: the texts were compared on their day and found nothing; only the births since then are tried.
        """
        size = len(vectors)
        themes: NDArray[np.object_] = np.full(size, None, dtype=object)
        near, since = np.full(size, -1.0), np.full(size, day)
        first = max(0, int(np.searchsorted(self.from_days, day, side="right")) - 1)
        own_day = None if retry_only else self.places[first]
        trials = [] if own_day is None else [(day, own_day)]
        trials += [birth for birth in self.births if birth[0] - BUFFER_DAYS < day <= birth[0]]
        for judged, trial in trials:
            rows = np.flatnonzero(np.equal(themes, None))
            places = trial.get(topic)
            if places is None or not len(rows):
                continue
            best, score = places.nearest(vectors[rows])
            hit = best >= 0
            # A text that finds nothing keeps how near it was on its own day, whenever births are tried.
            near[rows] = np.where(hit | (trial is own_day), score, near[rows])
            themes[rows[hit]] = [places.theme_ids[choice] for choice in best[hit]]
            since[rows[hit]] = judged
        return Placed(themes, np.round(near, 4), since)


def walk(book: Book, heard: Heard, first_day: date, last_day: date, rules: Rules) -> tuple[Book, Timeline]:
    """Judge the days `first_day` to `last_day`; `heard` also holds the four weeks before, with the themes found then.

    Returns the book at the end and the timeline by which any record of these days is to be placed.
    """
    walker = _Walker(book, heard, rules, first_day.toordinal())
    for day in range(first_day.toordinal(), last_day.toordinal() + 1):
        walker.judge(day)
    return walker.book, walker.timeline()


class _Walker:
    """The state of one walk: the book, and what theme each heard text has so far."""

    def __init__(self, book: Book, heard: Heard, rules: Rules, first_day: int) -> None:
        self.book = book
        self._heard, self._rules = heard, rules
        self._themes = heard.theme_ids.copy()
        self._from_days = [first_day]
        self._places: list[Mapping[str, Places]] = [book.places()]
        self._births: list[tuple[int, Mapping[str, Places]]] = []

    def timeline(self) -> Timeline:
        return Timeline(tuple(self._from_days), tuple(self._places), tuple(self._births))

    def judge(self, day: int) -> None:
        before = self.book
        self._compare(np.arange(*np.searchsorted(self._heard.days, [day, day + 1])), self._places[-1])
        if _is_sunday(day):
            self._follow_week(day)
        self._look_for_births(day)
        if self.book is not before:
            self._from_days.append(day + 1)
            self._places.append(self.book.places())

    def _compare(self, rows: NDArray[np.int64], places: Mapping[str, Places]) -> None:
        topics = self._heard.topics[rows]
        for topic in sorted(set(topics) & set(places)):
            own = rows[topics == topic]
            best, _ = places[topic].nearest(self._heard.vectors[own])
            self._themes[own] = [places[topic].theme_ids[choice] if choice >= 0 else None for choice in best]

    def _follow_week(self, day: int) -> None:
        start, end = np.searchsorted(self._heard.days, [day - 6, day + 1])
        changed = []
        for theme in self.book:
            after = moved(theme, self._heard.vectors[start + np.flatnonzero(self._themes[start:end] == theme.theme_id)])
            if after is not theme:
                changed.append(after)
        if changed:
            self.book = self.book.with_themes(changed)

    def _look_for_births(self, day: int) -> None:
        window = np.arange(*np.searchsorted(self._heard.days, [day - BUFFER_DAYS + 1, day + 1]))
        themeless = window[np.equal(self._themes[window], None)]
        newborn: dict[str, Places] = {}
        for topic in sorted(set(self._heard.topics[themeless])):
            rows = themeless[self._heard.topics[themeless] == topic]
            if _is_sunday(day) or _multiplies(self._heard.days[rows], day):
                arrived = self._births_in(topic, rows, day, window)
                if arrived:
                    newborn[topic] = places_of(arrived)
        if newborn:
            self._compare(themeless, newborn)
            self._births.append((day, newborn))

    def _births_in(self, topic: str, rows: NDArray[np.int64], day: int, window: NDArray[np.int64]) -> list[Theme]:
        heard, rules = self._heard, self._rules
        rows = _first_of_each_text(heard, rows)
        arrived: list[Theme] = []
        for group in groups(heard.vectors[rows], least=LEAST_TEXTS, floor=rules.floor, resolution=rules.resolution):
            members = rows[group.rows]
            if not _is_news(heard.days[members], day):
                continue
            theme = widened(self.book, topic, heard.vectors[members], group.centroid, floor=rules.floor)
            if theme is None:
                hashes = heard.text_hashes[members].tolist()
                born = date.fromordinal(day)
                theme = founded(self.book, topic, born, group, hashes, floor=rules.floor, model_id=rules.model_id)
                nearest = members[np.argsort(-group.similarities, kind="stable")[:EXEMPLARS]]
                theme = replace(theme, exemplar_ids=tuple(heard.feedback_ids[nearest]))
                if rules.name is not None:
                    others = window[(heard.topics[window] == topic) & ~np.isin(window, members)]
                    theme = rules.name(theme, members, others)
            self.book = self.book.with_themes([theme])
            arrived.append(theme)
        return arrived


def _is_sunday(day: int) -> bool:
    return day % 7 == 0  # 0001-01-01 was a Monday


def _is_news(days: NDArray[np.int64], day: int) -> bool:
    """Whether a group may become a theme: it lasted into a second week, or it is a sudden matter of these days."""
    if _is_sunday(day) and len(np.unique((days - 1) // 7)) >= LEAST_WEEKS:
        return True
    return np.count_nonzero(days > day - ALERT_DAYS) >= ALERT_TEXTS


def _multiplies(days: NDArray[np.int64], day: int) -> bool:
    """Whether a topic's themeless texts of the last days are many, and many against the weeks before."""
    recent = np.count_nonzero(days > day - ALERT_DAYS)
    usual = np.count_nonzero(days <= day - ALERT_DAYS) / (BUFFER_DAYS - ALERT_DAYS) * ALERT_DAYS
    return recent >= ALERT_TEXTS and recent >= ALERT_LIFT * usual


def _first_of_each_text(heard: Heard, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each distinct text once, by its first day; rows stay in order."""
    _, first = np.unique(heard.text_hashes[rows].astype(str), return_index=True)
    return rows[np.sort(first)]
