"""The sections of `policy.yaml` that say how often people are called: `alerts`, `quiet_hours`, `digest`, `escalation`.

Belongs here: those limits as frozen values, their defaults, and reading them; a shop without a section keeps its defaults. Does not
belong here: holding anything back (`actions/alerts.py`) or raising anything (`actions/escalation.py`). Times of day are the shop's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from insights_assets.shop.reading import Node


@dataclass(frozen=True)
class AlertLimits:
    """When an alert goes out again, what counts as flapping, and how many new ones a channel gets within an hour (R134).

    `kept_for_urgent`: of an hour's alerts, so many are kept for Tier 1 and safety, which pass even when none is left. `again_at_growth`: share by which the customers of a message must have grown. `reopens_within_days`: a recurrence within so many
    days of closing is the same issue; later it is a new one that links to the old.
    """

    new_per_channel_and_hour: int = 5
    kept_for_urgent: int = 2
    again_after_hours: int = 24
    again_at_growth: float = 0.5
    flapping_changes: int = 4
    flapping_within_hours: int = 24
    reopens_within_days: int = 14
    told_together_at_most: int = 10


@dataclass(frozen=True)
class QuietHours:
    """From when until when nobody is called, but for Tier 1 and safety. May go over midnight."""

    starts: time = time(20)
    ends: time = time(7)

    def cover(self, moment: time) -> bool:
        if self.starts <= self.ends:
            return self.starts <= moment < self.ends
        return moment >= self.starts or moment < self.ends

    def end_after(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours end that hold at `now` (UTC); None where none hold."""
        local = now.astimezone(zone)
        return next_time(now, self.ends, zone) if self.cover(local.time()) else None


@dataclass(frozen=True)
class DigestTime:
    """When a channel gets what was held back, in one message."""

    at: time = time(9)


@dataclass(frozen=True)
class EscalationRules:
    """How far up a ticket goes that nobody acknowledges (R97), and from when on an insight without owner is a fault."""

    steps: int = 2
    no_owner_hours: int = 24


def next_time(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The next time (UTC) at which the shop's clock shows `at`, after `now`."""
    local = now.astimezone(zone)
    found = datetime.combine(local.date(), at, zone)
    if found <= local:
        found = datetime.combine(local.date() + timedelta(days=1), at, zone)
    return found.astimezone(UTC)


def time_of_day(node: Node) -> time:
    """A time of day in quotes."""
    try:
        return time.fromisoformat(node.text())
    except ValueError:
        node.fail("is not a time of day", 'write it in quotes, e.g. "12:00"')


def read_alerts(node: Node | None) -> AlertLimits:
    if node is None:
        return AlertLimits()
    whole = {
        "new_per_channel_and_hour": (1, 1000), "kept_for_urgent": (0, 1000), "again_after_hours": (1, 8760), "reopens_within_days": (1, 365), "told_together_at_most": (1, 100),
    }  # fmt: skip
    fields = node.mapping((), (*whole, "again_at_growth", "flapping"))
    found: dict[str, int | float] = {name: fields[name].whole(*whole[name]) for name in whole if name in fields}
    if "again_at_growth" in fields:
        found["again_at_growth"] = fields["again_at_growth"].number(0.01, 100)
    if "flapping" in fields:
        flapping = fields["flapping"].mapping(("changes", "within_hours"))
        # Two changes are one opening and one closing: every issue that ends would be flapping.
        found["flapping_changes"] = flapping["changes"].whole(3, 1000)
        found["flapping_within_hours"] = flapping["within_hours"].whole(1, 8760)
    limits = AlertLimits(**found)  # type: ignore[arg-type]
    if limits.kept_for_urgent >= limits.new_per_channel_and_hour:
        place = fields.get("kept_for_urgent") or node
        place.fail("leaves nothing for any other alert", f"write less than new_per_channel_and_hour, {limits.new_per_channel_and_hour}")
    return limits


def read_quiet_hours(node: Node | None) -> QuietHours:
    if node is None:
        return QuietHours()
    fields = node.mapping(("from", "until"))
    starts, ends = time_of_day(fields["from"]), time_of_day(fields["until"])
    if starts == ends:
        node.fail("covers the whole day or nothing", "let `until` differ from `from`")
    return QuietHours(starts, ends)


def read_digest(node: Node | None, quiet: QuietHours) -> DigestTime:
    if node is None:
        # A shop that chose its own quiet hours but no digest gets it when they end.
        return DigestTime() if not quiet.cover(DigestTime().at) else DigestTime(quiet.ends)
    fields = node.mapping(("at",))
    at = time_of_day(fields["at"])
    if quiet.cover(at):
        fields["at"].fail("falls into the quiet hours", f"name a time from {quiet.ends:%H:%M} to {quiet.starts:%H:%M}")
    return DigestTime(at)


def read_escalation(node: Node | None) -> EscalationRules:
    if node is None:
        return EscalationRules()
    fields = node.mapping((), ("steps", "no_owner_hours"))
    limits = {"steps": (1, 5), "no_owner_hours": (1, 8760)}
    return EscalationRules(**{name: value.whole(*limits[name]) for name, value in fields.items()})

