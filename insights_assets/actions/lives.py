"""The life of an issue beyond today: when it closed, whether it came back, and which earlier one it repeats.

Belongs here: re-opened or new-with-a-link, in data and in words. Does not belong here: the state machine that re-opens
(`anomalies/incidents.py`: a recurrence within the policy's days keeps its id) and what is done about it (`policy.py`, `holds.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.model import Issue, day_of, number_of

#: Where an issue sits. A packaging batch may differ between an issue and its recurrence: the next batch of the same fault is the same fault.
PLACE = ("sku", "product_line", "warehouse", "carrier", "region", "channel")


@dataclass(frozen=True)
class Life:
    """When an issue closed first and last, and when and how often it re-opened. Days are the shop's."""

    first_closed_day: date | None = None
    closed_day: date | None = None
    reopened_count: int = 0
    reopened_day: date | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Life:
        """From a row of `gather.life_rows`."""
        return cls(
            day_of(row["first_closed_day"]), day_of(row["closed_day"]), int(number_of(row["reopened_count"]) or 0), day_of(row["reopened_day"]),
        )  # fmt: skip


def with_lives(issues: Iterable[Issue], lives: Mapping[str, Life]) -> list[Issue]:
    """Issues with what happened to them before, and the earlier issue that a new one repeats."""
    lived = []
    for issue in issues:
        life = lives.get(issue.insight_id, Life())
        lived.append(
            replace(
                issue, first_closed_day=life.first_closed_day, closed_day=life.closed_day, reopened_count=life.reopened_count, reopened_day=life.reopened_day,
            )
        )  # fmt: skip
    return [_linked(issue, lived) for issue in lived]


def is_recurrence(later: Issue, earlier: Issue) -> bool:
    """Whether two issues are the same complaint of the same place: one topic, something in common, nothing that differs."""
    if later.topic != earlier.topic:
        return False
    mine, theirs = ({name: value for name, value in issue.attributes.items() if name in PLACE} for issue in (later, earlier))
    if not mine and not theirs:
        return not (later.attributes or earlier.attributes)
    shared = set(mine) & set(theirs)
    return bool(shared) and all(mine[name] == theirs[name] for name in shared)


def _linked(issue: Issue, issues: Iterable[Issue]) -> Issue:
    """The issue with the latest one before it that it repeats."""
    if issue.opened_day is None:
        return issue
    before = [
        (other.closed_day, other.insight_id)
        for other in issues
        if other.closed_day is not None and other.insight_id != issue.insight_id and not other.is_open and other.closed_day < issue.opened_day and is_recurrence(issue, other)
    ]
    if not before:
        return issue
    closed, earlier = max(before)
    return replace(issue, links_to=earlier, links_closed_day=closed)


def state_word(issue: Issue) -> str:
    """`issue_state` of an action's row: flapping, reopened, open or closed."""
    if issue.is_flapping:
        return "flapping"
    if not issue.is_open:
        return "closed"
    return "reopened" if issue.reopened_count else "open"


def history_words(issue: Issue) -> str:
    """What a ticket says of before; empty for an issue that is simply new."""
    said = []
    if issue.is_flapping:
        said.append("flapping: it opens and closes again and again, so it stays open until it has been steady for a day")
    if issue.reopened_count and issue.reopened_day is not None:
        times = "" if issue.reopened_count == 1 else f" for the {wording.ordinal(issue.reopened_count)} time"
        closed = f", first closed on {wording.day(issue.first_closed_day)}" if issue.first_closed_day else ""
        said.append(f"re-opened on {wording.day(issue.reopened_day)}{times}{closed}")
    if issue.links_to and issue.links_closed_day is not None:
        said.append(f"links to {issue.links_to}, the same {wording.saying(issue.topic)}, closed on {wording.day(issue.links_closed_day)} {issue.links_closed_day.year}")
    return "; ".join(said)
