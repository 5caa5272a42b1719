"""Where a case is written down: from cases to records of the sources.

Belongs here: which source a customer turns to, who writes twice, who posts the same words in two places, and the many
records in which nobody complains. Not here: words (`wording/`) or columns (`feedback_rows.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights_assets.simulator.cases import (
    FLOOD,
    NO_TOPIC,
    TOPIC,
    Cases,
    cases_from_lines,
    in_daytime,
)
from insights_assets.simulator.orders import OrderLines
from insights_assets.simulator.plan import DAY_SECONDS, FEEDBACK_SOURCES, TEXT_SOURCES, stream
from insights_assets.simulator.shop import Shop

SOURCE = {name: number for number, name in enumerate(FEEDBACK_SOURCES)}
_ORDER = ("reviews", "surveys", "support_tickets", "chats", "returns", "social")
# Where customers take each matter first; shares in the order above.
FIRST_SOURCE: dict[str, tuple[float, ...]] = {
    "shipping_delay": (0.12, 0.08, 0.48, 0.18, 0.00, 0.14),
    "damaged_on_arrival": (0.26, 0.06, 0.33, 0.09, 0.20, 0.06),
    "missing_accessories": (0.22, 0.08, 0.44, 0.12, 0.08, 0.06),
    "wrong_item": (0.18, 0.06, 0.38, 0.10, 0.24, 0.04),
    "product_quality": (0.38, 0.10, 0.20, 0.06, 0.20, 0.06),
    "sizing_issue": (0.36, 0.08, 0.10, 0.06, 0.38, 0.02),
    "billing_confusion": (0.06, 0.14, 0.52, 0.18, 0.00, 0.10),
    "returns_and_refunds": (0.12, 0.14, 0.48, 0.16, 0.00, 0.10),
    "customer_service": (0.22, 0.28, 0.26, 0.06, 0.00, 0.18),
    "price_value": (0.46, 0.36, 0.06, 0.02, 0.00, 0.10),
    "usability_confusion": (0.34, 0.16, 0.32, 0.12, 0.04, 0.02),
    "app_or_site_problem": (0.06, 0.18, 0.42, 0.18, 0.00, 0.16),
    "availability": (0.06, 0.22, 0.30, 0.22, 0.00, 0.20),
    "feature_request": (0.40, 0.24, 0.18, 0.08, 0.00, 0.10),
    "safety": (0.25, 0.00, 0.65, 0.10, 0.00, 0.00),
}
SECOND_REPORT_SHARE = 0.24
SAME_WORDS_SHARE = 0.35
# What the records are about in which nobody complains: praise, other, feature_request, and none (no words at all).
QUIET_MIX: dict[str, tuple[float, float, float, float]] = {
    "reviews": (0.70, 0.14, 0.01, 0.15),
    "surveys": (0.36, 0.12, 0.01, 0.51),
    "support_tickets": (0.08, 0.92, 0.00, 0.00),
    "chats": (0.10, 0.90, 0.00, 0.00),
    "returns": (0.00, 0.55, 0.00, 0.45),
    "social": (0.58, 0.42, 0.00, 0.00),
}
_QUIET_TOPICS = np.array([TOPIC["praise"], TOPIC["other"], TOPIC["feature_request"], NO_TOPIC], dtype=np.int8)
# Days after delivery at which they are written.
_QUIET_LAGS: dict[str, tuple[float, float]] = {
    "reviews": (2, 14),
    "surveys": (1, 5),
    "support_tickets": (-3, 6),
    "chats": (-3, 5),
    "returns": (1, 9),
    "social": (0, 12),
}


@dataclass
class Reports:
    """One record a row: in which source, when, about which case, and whether it repeats the words of the first one."""

    source: np.ndarray
    case: np.ndarray
    at: np.ndarray
    repeats: np.ndarray  # written in the words of the case's first record
    is_shared: np.ndarray  # another record repeats these words

    def __len__(self) -> int:
        return len(self.source)

    @classmethod
    def joined(cls, parts: list[Reports]) -> Reports:
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__}
        )

    def taken(self, rows: np.ndarray) -> Reports:
        return Reports(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


def report_cases(shop: Shop, cases: Cases, offset: int, block: str | int) -> Reports:
    """The records of complaints and wishes; `offset` is the number of the first case."""
    clock = shop.clock
    rng = stream(shop.plan.seed, "reports", block)
    total = len(cases)
    first = np.zeros(total, dtype=np.int8)
    other = np.zeros(total, dtype=np.int8)
    draw, again = rng.random(total), rng.random(total)
    for topic, shares in FIRST_SOURCE.items():
        rows = np.flatnonzero(cases.topic == TOPIC[topic])
        edges = np.cumsum(shares) / sum(shares)
        numbers = np.array([SOURCE[name] for name in _ORDER], dtype=np.int8)
        first[rows] = numbers[np.minimum(np.searchsorted(edges, draw[rows], side="right"), len(numbers) - 1)]
        other[rows] = numbers[np.minimum(np.searchsorted(edges, again[rows], side="right"), len(numbers) - 1)]
    at = in_daytime(cases.at, cases.region, clock, rng.random(total))
    # Safety reports stay single records, so that "two independent" means two.
    writes_again = (rng.random(total) < SECOND_REPORT_SHARE) & (other != first) & (cases.topic != TOPIC["safety"])
    same_words = rng.random(total) < SAME_WORDS_SHARE
    for name in ("chats", "returns"):
        same_words &= (first != SOURCE[name]) & (other != SOURCE[name])
    pause = (0.05 + 1.9 * rng.random(total) ** 2) * DAY_SECONDS
    later = in_daytime(at + pause.astype(np.int64), cases.region, clock, rng.random(total))
    rows = np.flatnonzero(writes_again)
    shared = writes_again & same_words
    number = np.arange(total, dtype=np.int64) + offset
    return Reports(
        source=np.concatenate([first, other[rows]]),
        case=np.concatenate([number, number[rows]]),
        at=np.concatenate([at, later[rows]]),
        repeats=np.concatenate([np.zeros(total, dtype=bool), same_words[rows]]),
        is_shared=np.concatenate([shared, np.zeros(len(rows), dtype=bool)]),
    )


def quiet_reports(
    shop: Shop,
    lines: OrderLines,
    wanted: dict[str, int],
    window: tuple[int, int],
    *,
    busy: np.ndarray,
    offset: int,
    block: str | int,
) -> tuple[Cases, Reports]:
    """As many records without a complaint as each source still wants, by people on no busy line, inside a window."""
    case_parts: list[Cases] = []
    report_parts: list[Reports] = []
    for name in TEXT_SOURCES:
        rng = stream(shop.plan.seed, "quiet", name, block)
        rows, at = _quiet_moments(_QUIET_LAGS[name], max(wanted[name], 0), lines, window, rng, busy=busy)
        mix = np.cumsum(QUIET_MIX[name])
        topic = _QUIET_TOPICS[np.minimum(np.searchsorted(mix, rng.random(len(rows)), side="right"), 3)]
        cases = cases_from_lines(lines, rows, topic, at)
        moved = in_daytime(cases.at, cases.region, shop.clock, rng.random(len(rows)))
        # A morning that lies behind the window stays where it was.
        cases.at = np.where(moved < window[1], moved, cases.at)
        number = offset + sum(len(part) for part in case_parts) + np.arange(len(rows), dtype=np.int64)
        none = np.zeros(len(rows), dtype=bool)
        case_parts.append(cases)
        report_parts.append(Reports(np.full(len(rows), SOURCE[name], dtype=np.int8), number, cases.at, none, none))
    return Cases.joined(case_parts), Reports.joined(report_parts)


def _quiet_moments(
    lag: tuple[float, float],
    count: int,
    lines: OrderLines,
    window: tuple[int, int],
    rng: np.random.Generator,
    *,
    busy: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    low, high = lag
    anchor = lines.delivered_at
    able = np.flatnonzero(~busy & (anchor + high * DAY_SECONDS >= window[0]) & (anchor + low * DAY_SECONDS < window[1]))
    rows = np.empty(0, dtype=np.int64)
    at = np.empty(0, dtype=np.int64)
    for _ in range(200):
        if len(rows) >= count or not len(able):
            break
        more = able[rng.integers(0, len(able), size=(count - len(rows)) * 3 // 2 + 50)]
        when = anchor[more] + ((low + (high - low) * rng.random(len(more))) * DAY_SECONDS).astype(np.int64)
        inside = (when >= np.maximum(window[0], lines.ordered_at[more])) & (when < window[1])
        rows, at = np.concatenate([rows, more[inside]]), np.concatenate([at, when[inside]])
    return rows[:count], at[:count]


def flood_reports(shop: Shop, lines: OrderLines, offset: int) -> tuple[Cases, Reports]:
    """The decoy of copied posts: two days, one topic, hardly any authors."""
    decoys, clock = shop.decoys, shop.clock
    rng = stream(shop.plan.seed, "flood")
    count = decoys.flood_posts
    rows = np.zeros(count, dtype=np.int64)
    at = np.sort(clock.starts[decoys.flood_start] + (rng.uniform(0.3, 1.9, count) * DAY_SECONDS).astype(np.int64))
    cases = cases_from_lines(
        lines, rows, np.full(count, TOPIC[decoys.flood_topic]), at, incident=FLOOD, has_order=False
    )
    cases.line[:] = -1
    cases.region[:] = 0
    none = np.zeros(count, dtype=bool)
    number = offset + np.arange(count, dtype=np.int64)
    return cases, Reports(np.full(count, SOURCE["social"], dtype=np.int8), number, at, none, none)


def is_complaint(cases: Cases) -> np.ndarray:
    """Cases in which an order went wrong for somebody; wishes, praise and questions are none."""
    calm = [TOPIC["praise"], TOPIC["other"], TOPIC["feature_request"], NO_TOPIC]
    return ~np.isin(cases.topic, calm) & (cases.incident != FLOOD)
