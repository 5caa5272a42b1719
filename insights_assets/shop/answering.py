"""The `answers` section of `policy.yaml`: how long people have to answer, and what silence means.

Belongs here: those limits as frozen values, their defaults, and reading them. Does not belong here: who may answer
(`owners.yaml`, `actions/roles.py`) and carrying an answer out (`actions/inbox.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from insights_assets.shop.reading import Node


@dataclass(frozen=True)
class AnswerLimits:
    """`approval_hours`: by tier, how long an approval can be given; an expired one is asked again by a person alone.

    `unknown_after_days`: a ticket that was closed without a verdict is asked about once and counts as unknown so many days later.
    `snooze_days`: how long something sleeps when the answer names no day (a button).
    """

    approval_hours: Mapping[int, int] = field(default_factory=lambda: {1: 24, 2: 72, 3: 168})
    unknown_after_days: int = 7
    snooze_days: int = 7


def read_answers(node: Node | None) -> AnswerLimits:
    """The section; what it leaves out keeps its default, so that a shop written before it had one still reads."""
    if node is None:
        return AnswerLimits()
    default = AnswerLimits()
    top = node.mapping((), ("approval_hours", "unknown_after_days", "snooze_days"))
    hours = dict(default.approval_hours)
    if "approval_hours" in top:
        entries = top["approval_hours"].mapping([str(tier) for tier in hours])
        hours = {tier: entries[str(tier)].whole(1, 8760) for tier in hours}
    return AnswerLimits(
        approval_hours=hours,
        unknown_after_days=top["unknown_after_days"].whole(1, 365) if "unknown_after_days" in top else default.unknown_after_days,
        snooze_days=top["snooze_days"].whole(1, 365) if "snooze_days" in top else default.snooze_days,
    )
