"""Loop time: the hours from the first complaint to the action, by stage, each stamp with its clock (R2, R96, R152).

Belongs here: the stage ledger of each action and the count-based promise. Does not belong here: taking the stamps. Two
clocks are told apart and never subtracted from each other: `shop` (when it happened, as of the replayed day) and `wall`
(when this house worked). Hours of an action are the shop's hours to detection plus the wall's hours from decision to
arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from insights_assets.shop.model import LoopPromise

STAGES = ("event", "arrival", "label", "detect", "decide", "approve", "route", "acknowledge", "fix")
CLOCKS = {"event": "shop", "arrival": "shop", "detect": "shop"}


@dataclass(frozen=True)
class Stamps:
    """The stamps of one action (UTC); a stage that was not reached is absent. `is_replayed`: detected in days before
    the house first ran, so the shop's clock to detection says what would have been."""

    action_id: str
    insight_id: str
    kind: str
    owner: str
    tier: int
    at: Mapping[str, datetime]
    is_replayed: bool = False


def loop_rows(stamps: Iterable[Stamps]) -> list[dict[str, Any]]:
    """One row an action and reached stage: when, by which clock, hours since the stage before on the same clock."""
    rows = []
    for stamp in stamps:
        last: dict[str, datetime] = {}
        for stage in STAGES:
            moment = stamp.at.get(stage)
            if moment is None:
                continue
            clock = CLOCKS.get(stage, "wall")
            before = last.get(clock)
            hours = max(0.0, (moment - before).total_seconds() / 3600) if before is not None else None
            last[clock] = moment
            rows.append(
                {
                    "action_id": stamp.action_id,
                    "insight_id": stamp.insight_id,
                    "kind": stamp.kind,
                    "owner": stamp.owner,
                    "tier": stamp.tier,
                    "stage": stage,
                    "at": moment,
                    "clock": clock,
                    "hours": round(hours, 4) if hours is not None else None,
                    "is_replayed": stamp.is_replayed,
                }
            )
    return rows


def loop_hours(stamp: Stamps) -> float | None:
    """Hours of the whole loop of one action; None until it has arrived where it goes, or without a first complaint."""
    at = stamp.at
    if "route" not in at or "event" not in at or "detect" not in at:
        return None
    inside = (at["route"] - at["decide"]).total_seconds() if "decide" in at else 0.0
    return round(max(0.0, (at["detect"] - at["event"]).total_seconds() + max(0.0, inside)) / 3600, 4)


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


def judge_loop(stamps: Sequence[Stamps], promise: LoopPromise) -> LoopResult:
    """The last actions by the time they arrived, against the promise; `slowest_stage` ate most hours of the late
    ones.
    """
    arrived = [(stamp, hours) for stamp in stamps if (hours := loop_hours(stamp)) is not None]
    arrived.sort(key=lambda pair: (pair[0].at["route"], pair[0].action_id))
    last = arrived[-promise.of_last :]
    late = [pair for pair in last if pair[1] > promise.promise_hours]
    hours = sorted(value for _, value in last)
    judged = [stamp for stamp, _ in (late or last)]
    few = len(last) < promise.listed_below
    answer = "too_few" if few else ("pass" if len(late) <= promise.late_at_most else "fail")
    return LoopResult(
        counted=len(last),
        late=len(late),
        answer=answer,
        p50_hours=_quantile(hours, 0.5),
        p90_hours=_quantile(hours, 0.9),
        slowest_stage=_slowest(judged),
        listed=tuple((stamp.action_id, value) for stamp, value in last) if few else (),
    )


def _slowest(stamps: Sequence[Stamps]) -> str:
    spent: dict[str, float] = {}
    for row in loop_rows(stamps):
        if row["hours"] is not None:
            spent[row["stage"]] = spent.get(row["stage"], 0.0) + row["hours"]
    return max(sorted(spent), key=lambda stage: spent[stage]) if spent else ""


def _quantile(values: Sequence[float], q: float) -> float | None:
    """The smallest value that at least a share `q` of the values does not exceed."""
    if not values:
        return None
    position = max(0, -(-int(q * 1000) * len(values) // 1000) - 1)
    return values[position]
