"""The promise over many actions: of the last fifty at most so many late, the hours by stage, team and tier, and why one was late.

Belongs here: counting and summing up what `loop_time.py` says of each action. Does not belong here: hours of one action. Quantiles are
values that were seen, never between two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from insights_assets.actions import wording
from insights_assets.actions.loop_time import PROMISED, STAGES, Stamps, arrived_at, hours_by_stage, loop_hours, loop_rows
from insights_assets.shop.model import LoopPromise

#: The stage that stands for the whole loop in a summary.
WHOLE = "whole"
GROUPINGS: dict[str, Callable[[Stamps], str]] = {"all": lambda _: "all", "team": lambda stamp: stamp.owner, "tier": lambda stamp: str(stamp.tier)}


@dataclass(frozen=True)
class LateAction:
    """An action past the promise, and the stage that ate most of its hours. `is_waiting`: it has not arrived yet."""

    stamps: Stamps
    hours: float
    stage: str
    stage_hours: float
    since: datetime | None
    until: datetime | None
    is_waiting: bool = False

    def words(self, promise_hours: int, zone: ZoneInfo | None = None) -> str:
        """`82 h where 72 h are promised: approval took 48 h of them, from Mon 23 Nov, 21:00 to Wed 25 Nov, 21:00`"""
        so_far = " so far" if self.is_waiting else ""
        said = f"{self.hours:.0f} h{so_far} where {promise_hours} h are promised"
        if not self.stage:
            return said
        where = zone or ZoneInfo("UTC")
        span = f", from {wording.moment(self.since, where)} to {wording.moment(self.until, where)}" if self.since and self.until else ""
        goes_on = self.is_waiting and self.stage not in self.stamps.at
        if goes_on:
            span = f", since {wording.moment(self.since, where)}" if self.since else ""
        return f"{said}: {PROMISED[self.stage]} {'has taken' if goes_on else 'took'} {self.stage_hours:.0f} h of them{span}"


@dataclass(frozen=True)
class LoopResult:
    """The promise, counted: of the last `counted` actions `late` were late. Below the policy's number they are
    listed.
    """

    counted: int
    late: int
    answer: str
    p50_hours: float | None
    p90_hours: float | None
    slowest_stage: str
    listed: tuple[tuple[str, float], ...]
    late_actions: tuple[LateAction, ...] = ()


def judge_loop(stamps: Sequence[Stamps], promise: LoopPromise, now: datetime | None = None) -> LoopResult:
    """The last actions by the time they arrived, against the promise; `slowest_stage` ate most hours of the late
    ones. With `now` an action that is still on its way and past the promise counts too: it is late whatever happens.
    """
    last = last_actions(stamps, promise, now)
    late = [pair for pair in last if pair[1] > promise.promise_hours]
    hours = sorted(value for _, value in last)
    judged = [stamp for stamp, _ in (late or last)]
    few = len(last) < promise.listed_below
    answer = "too_few" if few else ("pass" if len(late) <= promise.late_at_most else "fail")
    return LoopResult(
        counted=len(last),
        late=len(late),
        answer=answer,
        p50_hours=quantile(hours, 0.5),
        p90_hours=quantile(hours, 0.9),
        slowest_stage=_slowest(judged, now),
        listed=tuple((stamp.action_id, value) for stamp, value in last) if few else (),
        late_actions=tuple(_late(stamp, value, now) for stamp, value in reversed(late)),
    )


def last_actions(stamps: Iterable[Stamps], promise: LoopPromise, now: datetime | None = None) -> list[tuple[Stamps, float]]:
    """The actions the promise counts, with their hours, oldest first."""
    counted: list[tuple[datetime, Stamps, float]] = []
    for stamp in stamps:
        hours = loop_hours(stamp, now)
        if hours is None:
            continue
        arrived = arrived_at(stamp)
        if arrived is not None:
            counted.append((arrived, stamp, hours))
        elif now is not None and hours > promise.promise_hours:
            counted.append((now, stamp, hours))
    counted.sort(key=lambda entry: (entry[0], entry[1].action_id))
    return [(stamp, hours) for _, stamp, hours in counted[-promise.of_last :]]


def summary_rows(stamps: Sequence[Stamps], promise: LoopPromise, now: datetime | None = None) -> list[dict[str, Any]]:
    """Rows of `actions.loop_summary`: n, p50 and p90 hours by stage, for all, each team and each tier; `whole` with its late ones.

    With `now` the whole also counts what is late already and still on its way.
    """
    rows = []
    for grouping, name_of in GROUPINGS.items():
        for name in sorted({name_of(stamp) for stamp in stamps}):
            mine = [stamp for stamp in stamps if name_of(stamp) == name]
            spent: dict[tuple[str, str], list[float]] = {}
            for row in loop_rows(mine):
                if row["hours"] is not None:
                    spent.setdefault((row["stage"], row["clock"]), []).append(row["hours"])
            for (stage, clock), hours in sorted(spent.items(), key=lambda entry: STAGES.index(entry[0][0])):
                rows.append(_summary(grouping, name, stage, clock, hours))
            last = last_actions(mine, promise, now)
            if last:
                late = sum(hours > promise.promise_hours for _, hours in last)
                rows.append({**_summary(grouping, name, WHOLE, "both", [hours for _, hours in last]), "late_count": late})
    return rows


def _summary(grouping: str, name: str, stage: str, clock: str, hours: list[float]) -> dict[str, Any]:
    ordered = sorted(hours)
    return {
        "grouping": grouping, "name": name, "stage": stage, "clock": clock, "action_count": len(ordered), "late_count": None,
        "p50_hours": quantile(ordered, 0.5), "p90_hours": quantile(ordered, 0.9),
    }  # fmt: skip


def _late(stamp: Stamps, hours: float, now: datetime | None) -> LateAction:
    spent = hours_by_stage(stamp, now)
    waiting = arrived_at(stamp) is None
    stage = max(sorted(spent), key=lambda name: spent[name]) if spent else ""
    until = stamp.at.get(stage) or (now if waiting else None)
    chain = ("event", "arrival", "detect") if stage in ("arrival", "detect") else ("decide", "approve", "route")
    before = [moment for name in chain if name != stage and (moment := stamp.at.get(name)) is not None and until is not None and moment <= until]
    return LateAction(stamp, hours, stage, spent.get(stage, 0.0), max(before, default=None), until, waiting)


def _slowest(stamps: Sequence[Stamps], now: datetime | None) -> str:
    spent: dict[str, float] = {}
    for stamp in stamps:
        for stage, hours in hours_by_stage(stamp, now).items():
            spent[stage] = spent.get(stage, 0.0) + hours
    return max(sorted(spent), key=lambda stage: spent[stage]) if spent else ""


def quantile(values: Sequence[float], q: float) -> float | None:
    """The smallest value that at least a share `q` of the sorted values does not exceed."""
    if not values:
        return None
    position = max(0, -(-int(q * 1000) * len(values) // 1000) - 1)
    return values[position]


def promise_words(result: LoopResult, promise: LoopPromise) -> str:
    """`3 of the last 50 actions were late (72 h from the first complaint); at most 5 may be`"""
    if not result.counted:
        return "No action has arrived yet, so there is nothing to count."
    many = result.counted != 1
    said = f"{result.late} of the last {result.counted} action{'s' if many else ''} {'were' if result.late != 1 else 'was'} late: more than {promise.promise_hours} h from the first complaint to where people work"
    if result.answer == "too_few":
        return f"{said}. Fewer than {promise.listed_below} have arrived, so they are listed and not judged."
    return f"{said}. At most {promise.late_at_most} of {promise.of_last} may be."


