"""When what happened to an insight: on the shop's clock the issue itself, on this machine's clock what was done about it.

Belongs here: gathering the moments and saying them. Does not belong here: adding up hours by stage (`actions/loop_time.py`). The two
clocks are never mixed: a history replayed today was detected weeks ago in the shop and acted on a minute ago here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from insights_assets.actions import wording
from insights_assets.actions.escaping import inert
from insights_assets.actions.model import Issue, day_of, text_of, time_of
from insights_assets.resources.operations.models import Snooze, Verdict
from insights_assets.resources.operations.sending_tables import Hold

Clock = Literal["shop", "house"]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Moment:
    """Something that happened. `at` in words, `order` sorts within its clock."""

    clock: Clock
    at: str
    what: str
    order: tuple[date, str]


def timeline(
    issue: Issue, row: Row, *, actions: Sequence[Row], deliveries: Sequence[Row], judged: Iterable[Verdict | Snooze | Hold], zone: ZoneInfo
) -> tuple[Moment, ...]:
    """All moments of an insight, the shop's first, each clock in order."""
    moments: list[Moment] = []

    def on(day: date | None, what: str) -> None:
        if day is not None:
            moments.append(Moment("shop", wording.day(day), what, (day, "24")))

    def at(clock: Clock, moment: datetime | None, what: str) -> None:
        if moment is not None:
            local = moment.astimezone(zone)
            moments.append(Moment(clock, wording.moment(moment, zone), what, (local.date(), f"{local:%H:%M:%S}")))

    at("shop", issue.first_said_at, "first record of the window was written")
    on(issue.onset_day, "onset: first day of the excess")
    at("shop", issue.detected_at, "detected: first day on which it could be seen, at its end")
    on(issue.last_seen_day, "last day that was not quiet")
    if issue.state == "resolved":
        on(day_of(row.get("judged_through_day")), "resolved")
    for action in actions:
        kind = action["kind"].replace("_", " ")
        # what was delivered has a moment of its own below
        so_far = "" if action["state"] == "delivered" else f", now {text_of(action['state']).replace('_', ' ')}"
        at("house", time_of(action.get("created_at")), f"{kind} decided{so_far}")
        at("house", time_of(action.get("approved_at")), f"{kind} approved")
    for delivery in deliveries:
        kind, place = delivery["kind"].replace("_", " "), inert(text_of(delivery["destination"]), 60)
        at("house", time_of(delivery.get("delivered_at")), f"{kind} {text_of(delivery['outcome']) or 'delivered'} at {place}")
    for judgement in judged:
        _judged(judgement, at)
    clocks: dict[Clock, int] = {"shop": 0, "house": 1}
    return tuple(sorted(moments, key=lambda m: (clocks[m.clock], m.order)))


def _judged(judgement: Verdict | Snooze | Hold, at: Any) -> None:
    if isinstance(judgement, Verdict):
        reason = f": {inert(judgement.reason, 160)}" if judgement.reason else ""
        other = f" of {inert(judgement.duplicate_of, 60)}" if judgement.duplicate_of else ""
        at("house", judgement.given_at, f"{judgement.verdict}{other} by {inert(judgement.given_by, 60)} ({judgement.given_through}){reason}")
    elif isinstance(judgement, Snooze):
        until = f"put off until {wording.day(judgement.until_day)}" if judgement.until_day else "woken"
        at("house", judgement.snoozed_at, f"{until} by {inert(judgement.snoozed_by, 60)}")
    else:
        at("house", judgement.placed_at, f"promotion hold {judgement.hold_id} placed")
        by = f" by {inert(judgement.released_by, 60)}" if judgement.released_by else ""
        at("house", judgement.released_at, f"promotion hold {judgement.hold_id} {judgement.state}{by}")
