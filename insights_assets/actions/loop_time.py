"""Loop time: the hours from the first complaint to the action, by stage, each stamp with its clock (R2, R96, R152).

Belongs here: the stage ledger of each action, the hours the promise counts, and the stage that ate them. Does not belong here: taking
the stamps (`loop_stamps.py`), the promise over many actions (`loop_promise.py`). Two clocks are told apart and never subtracted from
each other: `shop` (when it happened, as of the replayed day) and `wall` (when this house and people worked). Hours of an action are
the shop's hours to detection plus the wall's hours from decision to arrival; where a person must approve, it has not arrived before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

STAGES = ("event", "arrival", "label", "detect", "decide", "approve", "route", "acknowledge", "start", "fix")
CLOCKS = {"event": "shop", "arrival": "shop", "detect": "shop"}
#: Stages whose hours the promise counts, each with what it is called in a sentence.
PROMISED = {"arrival": "the way into the house", "detect": "detection", "approve": "approval", "route": "delivery"}
_CHAINS = (("event", "arrival", "detect"), ("decide", "approve", "route"))


@dataclass(frozen=True)
class Stamps:
    """The stamps of one action (UTC); a stage that was not reached is absent. `is_replayed`: detected in days before
    the house first ran, so the shop's clock to detection says what would have been. `is_open`: it is still on its way;
    `needs_approval`: it counts as arrived only when a person has approved it.
    """

    action_id: str
    insight_id: str
    kind: str
    owner: str
    tier: int
    at: Mapping[str, datetime]
    is_replayed: bool = False
    needs_approval: bool = False
    is_open: bool = False


def loop_rows(stamps: Iterable[Stamps]) -> list[dict[str, Any]]:
    """One row an action and reached stage: when, by which clock, hours since the stage before on the same clock.

    Stages follow each other as they happened: a draft that lies on the desk before it is approved is approved after its delivery.
    """
    rows = []
    for stamp in stamps:
        last: dict[str, datetime] = {}
        for stage in sorted((s for s in STAGES if s in stamp.at), key=lambda s: (CLOCKS.get(s, "wall"), stamp.at[s], STAGES.index(s))):
            moment, clock = stamp.at[stage], CLOCKS.get(stage, "wall")
            before = last.get(clock)
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
                    "hours": _hours(before, moment) if before is not None else None,
                    "is_replayed": stamp.is_replayed,
                }
            )
    return rows


#: States of an action that is still on its way to people; one that a budget, a gate or a person stopped is not.
ON_THEIR_WAY = ("planned", "awaiting_approval", "approved", "expired")


def stamps_of(rows: Iterable[Mapping[str, Any]], states: Mapping[str, str], asked: Collection[str]) -> list[Stamps]:
    """Back from rows of `actions.loop_time` to stamps, by action. `states`: of each action; `asked`: actions that need an approval."""
    at: dict[str, dict[str, datetime]] = {}
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        at.setdefault(str(row["action_id"]), {})[str(row["stage"])] = row["at"]
        first.setdefault(str(row["action_id"]), row)
    return [
        Stamps(
            action_id, str(row["insight_id"]), str(row["kind"]), str(row["owner"]), int(row["tier"]), at[action_id], bool(row["is_replayed"]),
            action_id in asked, states.get(action_id) in ON_THEIR_WAY,
        )
        for action_id, row in sorted(first.items())
    ]  # fmt: skip


def arrived_at(stamp: Stamps) -> datetime | None:
    """When the action was where it goes and could be worked on; None while it waits for its delivery or for a person."""
    route, approve = stamp.at.get("route"), stamp.at.get("approve")
    if route is None or (stamp.needs_approval and approve is None):
        return None
    return max(route, approve) if approve is not None else route


def loop_hours(stamp: Stamps, now: datetime | None = None) -> float | None:
    """Hours of the whole loop of one action; None until it has arrived where it goes, or without a first complaint.

    With `now` (the wall's) also of one that is still on its way: its hours so far.
    """
    at, arrived = stamp.at, arrived_at(stamp)
    end = arrived if arrived is not None else (now if stamp.is_open else None)
    if end is None or "event" not in at or "detect" not in at:
        return None
    inside = _hours(at["decide"], end) if "decide" in at else 0.0
    return round(_hours(at["event"], at["detect"]) + inside, 4)


def hours_by_stage(stamp: Stamps, now: datetime | None = None) -> dict[str, float]:
    """Where the hours of `loop_hours` went: stage -> hours. One that is still on its way spends them in the stage it waits for."""
    at, arrived = dict(stamp.at), arrived_at(stamp)
    if arrived is None and now is not None and stamp.is_open:
        at["approve" if stamp.needs_approval and "approve" not in at else "route"] = max(now, *stamp.at.values())
    spent: dict[str, float] = {}
    for chain in _CHAINS:
        reached = sorted((stage for stage in chain if stage in at), key=lambda stage: (at[stage], STAGES.index(stage)))
        for before, stage in pairwise(reached):
            if stage in PROMISED:
                spent[stage] = round(spent.get(stage, 0.0) + _hours(at[before], at[stage]), 4)
    return spent


def _hours(first: datetime, second: datetime) -> float:
    return round(max(0.0, (second - first).total_seconds() / 3600), 4)
