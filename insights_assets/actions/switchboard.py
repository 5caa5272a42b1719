"""Whether a new alert goes out by itself, joins another message, or waits for a digest: the rules against alert fatigue (R134).

Belongs here: inhibition, grouping, the budgets of a team's week and a channel's hour, quiet hours, in that order. Does not belong here:
telling again what was told (`alerts.py`), the decision that there is an alert at all (`policy.py`). Tier 1 and safety pass every rule
but grouping, and a group they join goes out at once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from insights_assets.actions.alerts import HOUR, SAFETY, Seen, is_urgent, waits_for_morning
from insights_assets.actions.model import Issue, PlannedAction
from insights_assets.shop.model import Shop

WEEK = timedelta(days=7)
#: How the group of safety reports ends; see `place`.
_SAFETY_GROUP = f" | {SAFETY}"


class Switchboard:
    """Routes the alerts of one run, dearest first; each call remembers what it let through."""

    def __init__(
        self,
        issues: Mapping[str, Issue],
        skus: Mapping[str, frozenset[str]],
        shop: Shop,
        as_of: date,
        now: datetime,
        *,
        known: Iterable[PlannedAction],
        decided_days: Mapping[str, date],
        seen: Mapping[str, Seen],
        told: Collection[str],
    ) -> None:
        """`issues`: those on which actions are opened. `skus`: insight id -> the products it touches. `told`: Tier 1 issues that are told."""
        self._shop, self._as_of, self._now, self._skus = shop, as_of, now, skus
        alerts = [action for action in known if action.kind == "notification"]
        self._spent_in_week = Counter(
            action.owner for action in alerts if action.state == "planned" and _within(decided_days.get(action.action_id), as_of)
        )  # fmt: skip
        lately = [state for state in seen.values() if state.told_at is not None and now - state.told_at < HOUR]
        self._spent_in_hour = Counter(state.channel for state in lately)
        self._urgent_in_hour = Counter(state.channel for state in lately if state.told_tier == 1 or state.told_group.endswith(_SAFETY_GROUP))
        self.leads: dict[tuple[str, str], str] = {}
        self.places: dict[str, tuple[str, str]] = {}
        for action in alerts:
            issue = issues.get(action.insight_id)
            if action.state == "planned" and issue is not None and issue.is_open:
                state = seen.get(action.insight_id)
                place = (state.channel, state.told_group) if state is not None and state.told_group else self.place(action, issue)
                self.leads.setdefault(place, action.insight_id)
                self.places[action.insight_id] = place
        self._loudest: dict[str, str] = {}
        for key in sorted(told):
            for sku in sorted(skus.get(key, ())):
                self._loudest.setdefault(sku, key)

    def route(self, action: PlannedAction, issue: Issue) -> PlannedAction:
        """The alert as it goes out, or where it went instead, with the reason in words."""
        urgent = is_urgent(issue)
        louder = self.inhibitor(issue)
        if louder:
            return replace(action, state="inhibited", state_reason=f"Tier 1 of the same product is told: {louder}")
        place = self.place(action, issue)
        lead = self.leads.get(place)
        if lead is not None and lead != issue.insight_id:
            return replace(action, state="grouped", told_with=lead, state_reason=f"told with {lead}")
        team, limits = self._shop.owners[action.owner], self._shop.policy.alerts
        if not urgent and self._spent_in_week[action.owner] >= team.alert_budget_per_week:
            return self._digest(action, place[0], f"{team.name} had {team.alert_budget_per_week} alerts this week")
        free = limits.new_per_channel_and_hour - self._spent_in_hour[place[0]] - max(0, limits.kept_for_urgent - self._urgent_in_hour[place[0]])
        if not urgent and free <= 0:
            where = action.destination if action.destination != "desk" else team.name
            return self._digest(action, place[0], f"{where} has its {limits.new_per_channel_and_hour} alerts of this hour")
        self._spent_in_week[action.owner] += 1
        self._spent_in_hour[place[0]] += 1
        self._urgent_in_hour[place[0]] += urgent
        self.leads[place] = issue.insight_id
        self.places[issue.insight_id] = place
        wait = None if urgent else waits_for_morning(action.destination, self._now, self._shop)
        return replace(action, not_before=wait)

    def inhibitor(self, issue: Issue) -> str:
        """The Tier 1 issue that is told instead, where it has all products of this one; empty for urgent issues."""
        if is_urgent(issue):
            return ""
        if not {"sku", "product_line"} & set(issue.attributes):
            return ""  # it is about a place or the whole shop, not about the product that most of its customers happened to buy
        touched = sorted(self._skus.get(issue.insight_id, ()))
        loud = [self._loudest.get(sku, "") for sku in touched]
        return loud[0] if loud and all(loud) else ""

    def place(self, action: PlannedAction, issue: Issue) -> tuple[str, str]:
        """(channel, group): alerts of one place are one message. On the desk every team has its own channel."""
        channel = action.destination if action.destination != "desk" else f"desk:{action.owner}"
        return channel, f"{family_of(issue)} | {issue.topic}"

    def is_led(self, action: PlannedAction) -> bool:
        """Whether the message that a grouped alert belongs to still stands."""
        return action.told_with in self.leads.values()

    def _digest(self, action: PlannedAction, channel: str, reason: str) -> PlannedAction:
        return replace(action, state="digest", state_reason=reason, told_with=digest_id(channel, self._as_of))


def family_of(issue: Issue) -> str:
    """What issues are grouped by: the product line, else the product, else the place; issues of different places stay apart."""
    known = issue.attributes
    for name in ("product_line", "sku"):
        if name in known:
            return known[name]
    return ", ".join(f"{name} {value}" for name, value in sorted(known.items())) or "the whole shop"


def digest_id(channel: str, day: date) -> str:
    """The one digest of a channel and day."""
    return f"DIG-{hashlib.sha256(f'digest{chr(0)}{channel}{chr(0)}{day.isoformat()}'.encode()).hexdigest()[:8]}"


def _within(day: date | None, as_of: date) -> bool:
    return day is not None and as_of - day < WEEK
