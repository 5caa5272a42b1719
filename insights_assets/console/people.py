"""People a day in the place of an insight: what its plot shows, counted as the detector counts.

Belongs here: cutting mentions to the place an insight is measured in, one person once. Does not belong here: reading mentions
(`reading.py`), drawing (`plots.py`), and any count of another kind than the detector's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.actions.model import Issue, map_of

if TYPE_CHECKING:
    import pandas as pd

#: Cause states in which an insight is measured in its cause; in the others where the alarm rang.
CERTAIN = ("cause", "tied")


@dataclass(frozen=True)
class DayCount:
    """People of one day."""

    day: date
    people: int


@dataclass(frozen=True)
class Place:
    """What an insight is measured by: a topic and attribute values; safety by its reports alone."""

    topic: str
    attributes: Mapping[str, str]
    only: frozenset[str] | None = None


def place_of(issue: Issue, issue_days: Sequence[Mapping[str, Any]]) -> Place:
    """The place by the last row of `anomalies.issue_days`, else by the insight's own cause and scope."""
    mine = [row for row in issue_days if row["insight_id"] == issue.insight_id]
    last = max(mine, key=lambda row: row["as_of_day"], default=None)
    certain = issue.cause_status in CERTAIN
    topic = issue.topic if last is None else last["signal_topic"] or issue.topic
    attributes = dict(issue.cause if certain else issue.scope)
    if last is not None:
        attributes = map_of(last["cell"] if certain else last["scope"]) or ({} if not certain else attributes)
    reports = frozenset(last["reports"] or ()) if last is not None else frozenset()
    return Place(topic, attributes, reports or None)


def daily_people(mentions: pd.DataFrame | None, place: Place, first: date, last: date) -> tuple[DayCount, ...]:
    """People on each day from `first` to `last`, days without any included; empty where mentions cannot be known."""
    if mentions is None:
        return ()
    kept = _one_per_person(mentions[mentions["topic"] == place.topic])
    for name, value in place.attributes.items():
        kept = kept[kept[name] == value]
    if place.only is not None:
        kept = mentions[mentions["feedback_id"].isin(place.only) & (mentions["topic"] == place.topic)]
    days = kept["day"].value_counts().to_dict()
    span = (last - first).days + 1
    return tuple(DayCount(day, int(days.get(day, 0))) for day in (first + timedelta(days=n) for n in range(span)))


def _one_per_person(mentions: pd.DataFrame) -> pd.DataFrame:
    """The first mention of each person's run with what later ones of the run know more about it: the detector's own rule."""
    import pandas as pd

    from insights_assets.anomalies.leaves import Mentions, one_per_person
    from insights_assets.anomalies.panel import day_numbers
    from insights_assets.anomalies.topics import CAUSE_ATTRIBUTES

    if mentions.empty:
        return mentions
    coded = {name: pd.Categorical(mentions[name]) for name in CAUSE_ATTRIBUTES}
    said = one_per_person(
        Mentions(
            mentions["feedback_id"].to_numpy(dtype=object),
            mentions["topic"].to_numpy(dtype=object),
            mentions["person"].to_numpy(dtype=object),
            day_numbers(mentions["day"]),
            day_numbers(mentions["known_day"]),
            mentions["confidence"].to_numpy(dtype=np.float64),
            {name: np.asarray(column.codes, dtype=np.int64) for name, column in coded.items()},
        )
    )
    values = {name: pd.Categorical.from_codes(said.codes[name], categories=coded[name].categories) for name in CAUSE_ATTRIBUTES}
    days = np.asarray(said.day, dtype="datetime64[D]").astype(object)
    return pd.DataFrame({"feedback_id": said.feedback_id, "day": days, **{n: v.astype(object) for n, v in values.items()}})


def usual_per_day(issue: Issue) -> float | None:
    """What would be usual on one day of the insight's window; None where nothing is usual (safety) or nothing is known."""
    if issue.expected_count is None or not issue.window_days or issue.expected_count <= 0:
        return None
    return issue.expected_count / issue.window_days
