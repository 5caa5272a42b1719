"""What one simulation is asked for, the shop's calendar of days and its streams of chance.

Belongs here: the parameters, day arithmetic in the shop's zone, and how every random draw gets its own named
stream, so that adding a draw in one module never changes what another one writes. Not here: what the shop sells
(`catalogue.py`) or what goes wrong in it (`incidents.py`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

SHOP_TIME_ZONE = "Europe/Berlin"
REPORTING_CURRENCY = "USD"
HORIZON_DAYS = 60  # how many days `--next-day` can add behind the history
DAY_SECONDS = 86_400
ORDER_LINES_A_RECORD = 2.2
REFERENCE_RECORDS = 50_000  # the size for which effect sizes of incidents are stated

# Share of each source among the feedback records.
SOURCE_SHARES: dict[str, float] = {
    "reviews": 0.32,
    "surveys": 0.22,
    "support_tickets": 0.12,
    "chats": 0.05,
    "returns": 0.08,
    "clickstream": 0.15,
    "social": 0.06,
}
FEEDBACK_SOURCES: tuple[str, ...] = tuple(SOURCE_SHARES)
TEXT_SOURCES: tuple[str, ...] = tuple(name for name in SOURCE_SHARES if name != "clickstream")

Progress = Callable[[str, int, int], None]


def no_progress(stage: str, done: int, total: int) -> None:
    """Default progress callback: says nothing."""


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """An independent generator for one named purpose under one seed."""
    keys = [zlib.crc32(str(part).encode()) for part in path]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed & 0xFFFFFFFF, *keys])))


@dataclass(frozen=True)
class SimulationPlan:
    """The size and place in time of one simulated history."""

    days: int
    records: int
    seed: int
    last_day: date

    def __post_init__(self) -> None:
        if self.days < 70:
            raise ValueError(
                f"days must be at least 70 (56 days of history before the first incident), not {self.days}"
            )
        if self.records < 1_000:
            raise ValueError(f"records must be at least 1000, not {self.records}")

    @property
    def first_day(self) -> date:
        return self.last_day - timedelta(days=self.days - 1)

    @property
    def scale(self) -> float:
        """Size against the size for which effects are stated."""
        return self.records / REFERENCE_RECORDS

    @property
    def order_lines(self) -> int:
        return round(self.records * ORDER_LINES_A_RECORD)

    def source_counts(self) -> dict[str, int]:
        """Feedback records of each source; they add up to `records` exactly."""
        counts = {name: int(self.records * share) for name, share in SOURCE_SHARES.items()}
        counts["reviews"] += self.records - sum(counts.values())
        return counts

    def day(self, index: int) -> date:
        return self.last_day + timedelta(days=index - self.days + 1)

    def excess(self, at_reference: float) -> float:
        """An incident's size at this shop's size: in proportion above the reference, less than that below it."""
        return at_reference * (self.scale if self.scale >= 1 else self.scale**0.75)


class ShopClock:
    """Turns instants into the shop's days and back; knows the clock changes of every zone the shop touches."""

    def __init__(self, plan: SimulationPlan) -> None:
        self.plan = plan
        zone = ZoneInfo(SHOP_TIME_ZONE)
        span = plan.days + HORIZON_DAYS + 1
        days = [plan.first_day + timedelta(days=i) for i in range(span)]
        self.starts = np.array(
            [int(datetime(d.year, d.month, d.day, tzinfo=zone).timestamp()) for d in days], dtype=np.int64
        )
        self.end = int(self.starts[plan.days])  # first instant after the last day
        self._offsets: dict[str, np.ndarray] = {}
        self._days = days

    def day_of(self, instants: np.ndarray) -> np.ndarray:
        """Index of the shop's day of each instant (0 is the first day)."""
        return np.searchsorted(self.starts, instants, side="right") - 1

    def offsets(self, zone_name: str) -> np.ndarray:
        """UTC offset in seconds of a zone at noon of each day; good to the hour of the change, which is enough."""
        if zone_name not in self._offsets:
            zone = ZoneInfo(zone_name)
            noons = [datetime(d.year, d.month, d.day, 12, tzinfo=zone) for d in self._days]
            self._offsets[zone_name] = np.array(
                [int(noon.utcoffset().total_seconds()) for noon in noons], dtype=np.int64
            )  # type: ignore[union-attr]
        return self._offsets[zone_name]

    def offset_at(self, zone_name: str, instants: np.ndarray) -> np.ndarray:
        index = np.clip(self.day_of(instants), 0, len(self._days) - 1)
        return self.offsets(zone_name)[index]
