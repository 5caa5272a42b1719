"""What alert rules remember between runs: flapping, and whether a message that went out goes out again.

Belongs here: pure functions from issues, what was remembered and a time to what is remembered next. Does not belong here: whether a
new alert goes out at all (`switchboard.py`), what it says (`finish.py`), when a ticket nobody answers goes up (`escalation.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from insights_assets.actions.model import Issue, PlannedAction
from insights_assets.shop.alerting import AlertLimits
from insights_assets.shop.model import Shop

#: The topic whose reports reach a person at any volume, and that nothing here ever holds back.
SAFETY = "safety"
#: More changes than this are not kept: what matters is whether there were enough lately.
CHANGES_KEPT = 50
#: A channel's budget is counted over so long, and a message that grows is not sent again sooner.
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Seen:
    """What is remembered of an issue. `changes`: when it opened or closed lately. `told_*`: what its message said when it last went out."""

    insight_id: str
    is_open: bool = True
    tier: int = 3
    changes: tuple[datetime, ...] = ()
    channel: str = ""
    told_group: str = ""
    first_told_at: datetime | None = None
    told_at: datetime | None = None
    told_tier: int | None = None
    told_volume: int | None = None
    told_reopened: int = 0
    told_members: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Seen:
        """From a row of the operational database as a dict."""
        changes = tuple(datetime.fromisoformat(text).astimezone(UTC) for text in row["changes"])
        return cls(
            **{
                **row, "changes": changes, "channel": row["channel"] or "", "told_group": row["told_group"] or "",
                "told_members": tuple(row["told_members"]),
            }
        )  # fmt: skip

    def as_row(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "changes": [moment.isoformat() for moment in self.changes],
            "channel": self.channel or None, "told_group": self.told_group or None, "told_members": list(self.told_members),
        }  # fmt: skip


@dataclass(frozen=True)
class Telling:
    """A message that goes out now: for the first time, or again with a reason. `members`: the other issues it tells of."""

    again: str = ""
    before: datetime | None = None
    members: tuple[Issue, ...] = field(default=())


def is_urgent(issue: Issue) -> bool:
    """Tier 1 and safety: never held back, by no rule."""
    return issue.tier == 1 or issue.topic == SAFETY


def observe(issues: Iterable[Issue], seen: Mapping[str, Seen], now: datetime, limits: AlertLimits) -> dict[str, Seen]:
    """Every issue as it is now beside what was remembered: a change of open or closed is noted with its time."""
    since = now - timedelta(hours=limits.flapping_within_hours)
    found = dict(seen)
    for issue in issues:
        before = seen.get(issue.insight_id)
        if before is None:
            found[issue.insight_id] = Seen(issue.insight_id, issue.is_open, issue.tier)
            continue
        changes = tuple(moment for moment in before.changes if moment > since)
        if before.is_open != issue.is_open:
            changes = (*changes, now)[-CHANGES_KEPT:]
        found[issue.insight_id] = replace(before, is_open=issue.is_open, changes=changes)
    return found


def is_flapping(state: Seen, now: datetime, limits: AlertLimits) -> bool:
    since = now - timedelta(hours=limits.flapping_within_hours)
    return sum(since < moment <= now for moment in state.changes) >= limits.flapping_changes


def steadied(issue: Issue, state: Seen, now: datetime, limits: AlertLimits) -> Issue:
    """A flapping issue stays open and is marked, so that ticket, hold and alert do not flap with it."""
    if not is_flapping(state, now, limits):
        return issue
    return replace(issue, is_flapping=True, state=issue.state if issue.is_open else "watching")


def still_asleep(snoozed: Iterable[str], issues: Mapping[str, Issue], seen: Mapping[str, Seen]) -> frozenset[str]:
    """The issues that still sleep: one that became Tier 1 since, or is a danger, wakes whoever put it off."""
    return frozenset(
        key for key in snoozed if key in issues and not (is_urgent(issues[key]) and (issues[key].topic == SAFETY or seen[key].tier > issues[key].tier))
    )  # fmt: skip


def tell(
    planned: Iterable[PlannedAction],
    issues: Mapping[str, Issue],
    seen: Mapping[str, Seen],
    now: datetime,
    shop: Shop,
    *,
    told_before: Mapping[str, datetime],
    answered: Mapping[str, datetime],
    asleep: Collection[str] = (),
    places: Mapping[str, tuple[str, str]] | None = None,
) -> tuple[dict[str, Seen], dict[str, Telling]]:
    """What is remembered after this run, and which messages go out (action id -> what they tell).

    `told_before`: action id -> when an earlier run decided it, for alerts that are out already. `answered`: insight id -> when somebody
    acknowledged it. `places`: insight id -> (channel, group) of each alert.
    """
    alerts = [action for action in planned if action.kind == "notification" and action.insight_id in issues]
    joined: dict[str, list[Issue]] = {}
    for action in alerts:
        if action.state == "grouped" and issues[action.insight_id].is_open:
            joined.setdefault(action.told_with, []).append(issues[action.insight_id])
    found = {key: replace(state, tier=issues[key].tier) if key in issues and key not in asleep else state for key, state in seen.items()}
    spent = Counter(state.channel for state in found.values() if state.told_at is not None and now - state.told_at < HOUR)
    tellings: dict[str, Telling] = {}
    again: list[tuple[PlannedAction, Issue, Seen, Seen, tuple[Issue, ...]]] = []
    for action in alerts:
        if action.state != "planned":
            continue
        issue, state = issues[action.insight_id], found[action.insight_id]
        members = tuple(sorted(joined.get(issue.insight_id, ()), key=lambda member: (member.tier, -member.customers_count, member.insight_id)))
        channel, group = (places or {}).get(issue.insight_id, (state.channel, state.told_group))
        said = replace(
            state, channel=channel, told_group=group, told_at=now, told_tier=min(i.tier for i in (issue, *members)),
            told_volume=sum(i.customers_count for i in (issue, *members)), told_reopened=issue.reopened_count,
            told_members=tuple(sorted(member.insight_id for member in members)),
        )  # fmt: skip
        if state.told_at is not None:
            again.append((action, issue, state, said, members))
        elif action.action_id in told_before:  # told by an earlier version of the house, or by a run that could not remember it
            found[issue.insight_id] = replace(said, told_at=told_before[action.action_id], first_told_at=told_before[action.action_id])
        else:
            # What waits for the morning is told then, so a whole night has no more alerts than an hour of the day.
            goes_out = action.not_before or now
            found[issue.insight_id] = replace(said, told_at=goes_out, first_told_at=goes_out)
            tellings[action.action_id] = Telling(members=members)
            spent[channel] += 1
    for action, issue, state, said, members in again:
        reason = _cannot_wait(state, said, members)
        is_free = spent[said.channel] < shop.policy.alerts.new_per_channel_and_hour
        if not reason and is_free and issue.insight_id not in asleep and (is_urgent(issue) or not waits_for_morning(action.destination, now, shop)):
            reason = _worth_telling(state, said, issue, now, shop.policy.alerts, answered=issue.insight_id in answered)
        if reason:
            found[issue.insight_id] = said
            was_told = state.told_at is not None and state.told_at <= now  # else it still waited for the morning
            tellings[action.action_id] = Telling(reason, state.told_at if was_told else None, members)
            spent[said.channel] += 1
    return found, tellings


def _cannot_wait(state: Seen, now_is: Seen, members: Iterable[Issue]) -> str:
    """Why a message goes out again at once, in words; empty where it can wait."""
    if any(is_urgent(member) and member.insight_id not in state.told_members for member in members):
        return "a further issue came to it that cannot wait"
    was, is_now = state.told_tier or 3, now_is.told_tier or 3
    return f"it is Tier {is_now} now, it was Tier {was}" if is_now < was else ""


def _worth_telling(state: Seen, now_is: Seen, issue: Issue, now: datetime, limits: AlertLimits, *, answered: bool) -> str:
    """Why an open issue is told again when there is room for it: it came back, it grew, or a day went by without an answer."""
    if issue.is_flapping or not issue.is_open or state.told_at is None or now - state.told_at < HOUR:
        return ""
    if issue.reopened_count > state.told_reopened:
        return "it was over and is back"
    volume, told = now_is.told_volume or 0, state.told_volume or 0
    if volume >= told * (1 + limits.again_at_growth) and volume > told:
        return f"{volume} customers now, {told} when it was told"
    if not answered and now - state.told_at >= timedelta(hours=limits.again_after_hours):
        return f"nobody answered within {limits.again_after_hours} hours"
    return ""


def waits_for_morning(destination: str, now: datetime, shop: Shop) -> datetime | None:
    """When something for this destination goes out that is not urgent: the end of the quiet hours, or None for now. Files wake nobody."""
    return None if destination == "desk" else shop.policy.quiet_hours.end_after(now, shop.zone)
