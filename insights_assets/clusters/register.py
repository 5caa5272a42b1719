"""The book of themes as it is kept: rows of clusters.themes, and the decisions to merge that people left in the
operational database.

Belongs here: reading and writing the book. Does not belong here: what happens to it (`themes.py`, `walk.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from insights_assets.clusters.complaints import NO_TOPIC
from insights_assets.clusters.embeddings import pack, unpack
from insights_assets.clusters.themes import Book, Theme, merged

if TYPE_CHECKING:
    import pandas as pd

MERGES = "clusters:merges"


class Facts(Protocol):
    """The key and value table of the operational database."""

    def get(self, key: str) -> str | None: ...

    def put(self, key: str, value: str) -> None: ...


def read_book(rows: pd.DataFrame) -> tuple[Book, date | None]:
    """The stored book and the last day it was judged through; None before the first theme."""
    themes = [_theme(row) for row in rows.to_dict("records")]
    judged = max(rows["judged_through"]) if len(rows) else None
    return Book().with_themes(themes), judged


def rows_of(
    book: Book, judged_through: date, sizes: Mapping[str, tuple[int, date]], run_id: str
) -> list[dict[str, Any]]:
    """Rows of clusters.themes; `sizes` is theme_id -> (records that count, latest known day)."""
    return [
        {
            "theme_id": theme.theme_id,
            "name": theme.name,
            "topic": theme.topic,
            "is_topic_candidate": theme.topic == NO_TOPIC,
            "size": sizes.get(theme.theme_id, (0, None))[0],
            "born_day": theme.born_day,
            "last_seen_day": sizes.get(theme.theme_id, (0, None))[1],
            "parent": theme.parent,
            "merged_into": theme.merged_into,
            "founding_texts": theme.founding_texts,
            "top_terms": list(theme.top_terms),
            "exemplar_ids": list(theme.exemplar_ids),
            "centroid": pack(theme.centroid)[0],
            "threshold": theme.threshold,
            "model_id": theme.model_id,
            "judged_through": judged_through,
            "run_id": run_id,
        }
        for theme in book
    ]


def decide_merge(facts: Facts, theme_id: str, into: str) -> None:
    """Record somebody's decision that two themes are one; the next run carries it out."""
    decided = _decisions(facts)
    if [theme_id, into] not in decided:
        facts.put(MERGES, json.dumps([*decided, [theme_id, into]]))


def with_decisions(book: Book, facts: Facts) -> Book:
    """The book after all decisions to merge, in the order they were taken; those about unknown themes wait."""
    for theme_id, into in _decisions(facts):
        known = theme_id in book.themes and into in book.themes
        if known and book.themes[theme_id].merged_into is None:
            book = merged(book, theme_id, into)
    return book


def _decisions(facts: Facts) -> list[list[str]]:
    stored = facts.get(MERGES)
    return json.loads(stored) if stored else []


def _theme(row: Mapping[str, Any]) -> Theme:
    # Two bytes a number: the length of the vector is that of the model it was made with.
    theme = Theme(
        theme_id=row["theme_id"],
        name=row["name"],
        topic=row["topic"],
        centroid=unpack([row["centroid"]], len(row["centroid"]) // 2),
        threshold=row["threshold"],
        born_day=row["born_day"],
        founding_texts=int(row["founding_texts"]),
        model_id=row["model_id"],
        top_terms=tuple(row["top_terms"]),
        exemplar_ids=tuple(row["exemplar_ids"]),
    )
    return replace(theme, parent=row["parent"] or None, merged_into=row["merged_into"] or None)
