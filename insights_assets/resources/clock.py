"""Clocks. The only place that asks the machine for the time; everything else is given a clock or a date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def shop_today(clock: Clock, zone: str) -> date:
    """Today's date where the shop is."""
    return clock().astimezone(ZoneInfo(zone)).date()


def end_of_day(day: date, zone: str) -> datetime:
    """The last microsecond of a day in the shop's zone, in UTC: what `--as-of` means."""
    return datetime.combine(day, time(23, 59, 59, 999999), ZoneInfo(zone)).astimezone(UTC)
