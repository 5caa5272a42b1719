"""Who has something to complain about, and when: from order lines to cases.

Belongs here: the usual rates of every topic, their lags behind order and delivery, and how an incident adds cases to
the order lines its cause could reach. A case is one customer with one matter; `reports.py` says where it is written
down. Times are not cut off here: a case may lie behind the last day, where `--next-day` finds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights_assets.simulator.catalogue import REGIONS
from insights_assets.simulator.incidents import Incident
from insights_assets.simulator.orders import OrderLines, in_cause
from insights_assets.simulator.plan import DAY_SECONDS, ShopClock, SimulationPlan, stream
from insights_assets.simulator.shop import Shop
from insights_assets.simulator.wording.grammar import TOPICS

TOPIC = {name: number for number, name in enumerate(TOPICS)}
NO_TOPIC = -1
NO_INCIDENT = -1
SAFETY_ALONE = 100  # incident number of the one safety report that stands alone
FLOOD = 101  # of the copied posts

# Share of order lines that usually meet each trouble: (default, {product tag: share}).
USUAL_RATES: dict[str, tuple[float, dict[str, float]]] = {
    "damaged_on_arrival": (0.0016, {"fragile": 0.0105}),
    "missing_accessories": (0.0014, {"kit": 0.0080, "appliance": 0.0032}),
    "wrong_item": (0.0020, {}),
    "product_quality": (0.0046, {"power": 0.0062}),
    "sizing_issue": (0.0, {"wear": 0.0105, "bed": 0.0018}),
    "billing_confusion": (0.0023, {}),
    "returns_and_refunds": (0.0022, {}),
    "customer_service": (0.0018, {}),
    "price_value": (0.0018, {}),
    "usability_confusion": (0.0004, {"kit": 0.0034, "appliance": 0.0026, "charger": 0.0022, "lamp": 0.0012}),
    "feature_request": (0.0042, {}),
}
# People without an order to name, as a share of order lines of the day.
ORDERLESS_RATES: dict[str, float] = {
    "app_or_site_problem": 0.0016,
    "availability": 0.0014,
    "usability_confusion": 0.0004,
}
DELAY_RATE_LATE, DELAY_RATE_IN_TIME = 0.12, 0.0014

# Days between an instant of the order and the complaint.
LAGS: dict[str, tuple[str, float, float]] = {
    "shipping_delay": ("promised", 0.2, 3.2),
    "damaged_on_arrival": ("delivered", 0.1, 3.8),
    "missing_accessories": ("delivered", 0.1, 3.5),
    "wrong_item": ("delivered", 0.1, 3.0),
    "product_quality": ("delivered", 1.0, 16.0),
    "sizing_issue": ("delivered", 0.5, 6.5),
    "billing_confusion": ("ordered", 0.3, 7.0),
    "returns_and_refunds": ("delivered", 8.0, 24.0),
    "customer_service": ("delivered", 1.0, 10.0),
    "price_value": ("delivered", 0.5, 9.0),
    "usability_confusion": ("delivered", 0.2, 5.0),
    "feature_request": ("delivered", 1.0, 12.0),
    "app_or_site_problem": ("ordered", 0.0, 0.3),
    "availability": ("ordered", 0.0, 0.8),
    "safety": ("delivered", 1.0, 9.0),
}
# No cause reaches more than this share of the order lines it could reach; a small shop needs more to be seen at all.
MOST_AT_REFERENCE, MOST = 0.15, 0.6
AFTER_DAYS = (5.0, 14.0)  # "works on arrival, fails after days"

# A second matter that fits into the same text.
COMPANIONS: dict[str, tuple[str, ...]] = {
    "shipping_delay": ("customer_service", "returns_and_refunds", "billing_confusion", "price_value"),
    "damaged_on_arrival": ("customer_service", "returns_and_refunds", "shipping_delay", "missing_accessories"),
    "missing_accessories": ("usability_confusion", "customer_service", "price_value", "wrong_item"),
    "wrong_item": ("returns_and_refunds", "customer_service", "shipping_delay"),
    "product_quality": ("price_value", "customer_service", "returns_and_refunds", "usability_confusion"),
    "sizing_issue": ("product_quality", "returns_and_refunds", "price_value"),
    "billing_confusion": ("customer_service", "app_or_site_problem", "returns_and_refunds"),
    "returns_and_refunds": ("customer_service", "billing_confusion", "app_or_site_problem"),
    "customer_service": ("shipping_delay", "returns_and_refunds", "app_or_site_problem"),
    "price_value": ("product_quality", "usability_confusion", "availability"),
    "usability_confusion": ("product_quality", "missing_accessories", "customer_service"),
    "app_or_site_problem": ("billing_confusion", "customer_service", "availability"),
    "availability": ("customer_service", "app_or_site_problem", "price_value"),
}
SECOND_TOPIC_SHARE = 0.18
MIXED_SHARE = 0.11


@dataclass
class Cases:
    """One case a row."""

    topic: np.ndarray
    second: np.ndarray  # NO_TOPIC for most
    line: np.ndarray  # row of the order lines; -1 without
    has_order: np.ndarray
    customer: np.ndarray
    region: np.ndarray
    product: np.ndarray
    incident: np.ndarray
    is_mixed: np.ndarray
    at: np.ndarray

    def __len__(self) -> int:
        return len(self.topic)

    @classmethod
    def joined(cls, parts: list[Cases]) -> Cases:
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__}
        )

    def taken(self, rows: np.ndarray) -> Cases:
        return Cases(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


def cases_from_lines(
    lines: OrderLines,
    rows: np.ndarray,
    topic: np.ndarray,
    at: np.ndarray,
    *,
    incident: int = -1,
    has_order: bool = True,
) -> Cases:
    """Cases of given order lines, without a second matter."""
    count = len(rows)
    return Cases(
        topic=topic.astype(np.int8),
        second=np.full(count, NO_TOPIC, dtype=np.int8),
        line=rows.astype(np.int64),
        has_order=np.full(count, has_order),
        customer=lines.customer[rows],
        region=lines.region[rows],
        product=lines.product[rows],
        incident=np.full(count, incident, dtype=np.int8),
        is_mixed=np.zeros(count, dtype=bool),
        at=at.astype(np.int64),
    )


def times_of(topic: str, lines: OrderLines, rows: np.ndarray, chance: np.ndarray, after: bool = False) -> np.ndarray:
    """When each of these lines would complain about a topic."""
    anchor, low, high = LAGS[topic]
    if after:
        low, high = AFTER_DAYS
    start = {"ordered": lines.ordered_at, "delivered": lines.delivered_at, "promised": lines.promised_at}[anchor][rows]
    if topic == "shipping_delay":
        # Most cry out while they wait; nobody does so long after the parcel came.
        span = np.maximum(lines.delivered_at[rows] + DAY_SECONDS // 4 - start, DAY_SECONDS // 8)
        return start + np.minimum(0.04 * DAY_SECONDS + span * chance, high * DAY_SECONDS).astype(np.int64)
    return start + ((low + (high - low) * chance**1.3) * DAY_SECONDS).astype(np.int64)


def is_late(lines: OrderLines) -> np.ndarray:
    return lines.delivered_at > lines.promised_at + DAY_SECONDS // 4


def incident_cases(shop: Shop, lines: OrderLines, block: str | int, strengths: dict[int, float]) -> Cases:
    """The cases that incidents add. The history block sets each incident's strength; later days reuse it."""
    plan, clock = shop.plan, shop.clock
    parts: list[Cases] = []
    for number, incident in enumerate(shop.incidents):
        rng = stream(plan.seed, "incident", number, block)
        chance, hit = rng.random(len(lines)), rng.random(len(lines))
        rows = np.flatnonzero(in_cause(shop, incident.cause, lines))
        anchor = clock.day_of(lines.shipped_at[rows] if incident.anchor == "shipped" else lines.ordered_at[rows])
        inside = anchor >= incident.start
        if incident.kind == "safety_pair":
            inside = clock.day_of(lines.delivered_at[rows]) < incident.start
        elif incident.end is not None:
            inside &= anchor < incident.end
        if incident.kind == "carrier_delay":
            inside &= (lines.slowed[rows] == number) & is_late(lines)[rows]
        rows, anchor = rows[inside], anchor[inside]
        if incident.kind == "safety_pair":
            parts.append(_safety_reports(shop, number, lines, rows if block == "history" else rows[:0], rng))
            continue
        weight = _profile(incident, anchor, plan.days)
        at = times_of(incident.topic, lines, rows, chance[rows], after=incident.flavour == "after")
        if block == "history":
            seen = weight[at < clock.end].sum()
            strengths[number] = float(incident.excess / seen) if seen > 0 else 0.0
        most = min(MOST, MOST_AT_REFERENCE * max(1.0, plan.scale**-0.4))
        likely = np.minimum(weight * strengths.get(number, 0.0), most if incident.has_order else MOST)
        chosen = _struck(likely, hit[rows])
        topics = np.full(int(chosen.sum()), TOPIC[incident.topic])
        parts.append(
            cases_from_lines(lines, rows[chosen], topics, at[chosen], incident=number, has_order=incident.has_order)
        )
    return Cases.joined(parts)


def _struck(likely: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Draws each row with its likelihood, and as many rows as these add up to: sizes do not hang on luck."""
    order = np.argsort(chance)
    steps = np.floor(np.cumsum(likely[order]) + (chance[0] if len(chance) else 0.0))
    struck = np.zeros(len(likely), dtype=bool)
    struck[order] = np.diff(steps, prepend=0.0) >= 1
    return struck


def _profile(incident: Incident, day: np.ndarray, days: int) -> np.ndarray:
    if incident.profile == "decay":
        return np.exp(-(day - incident.start) / 8.0)
    if incident.profile == "ramp":
        length = max((incident.end if incident.end is not None else days) - incident.start, 1)
        return np.clip((day - incident.start + 1) / length, 0.0, 1.2)
    return np.ones(len(day))


def _safety_reports(shop: Shop, number: int, lines: OrderLines, rows: np.ndarray, rng: np.random.Generator) -> Cases:
    """A few independent reports on one SKU within some days, by people who had it for a while."""
    incident, clock = shop.incidents[number], shop.clock
    recent = rows[lines.day[rows] >= incident.start - 45]
    _, first = np.unique(lines.customer[recent], return_index=True)
    recent = np.sort(recent[first])
    count = min(len(recent), max(1, round(incident.excess)))
    chosen = np.sort(rng.choice(recent, size=count, replace=False)) if count else recent[:0]
    at = clock.starts[incident.start] + (np.cumsum(rng.uniform(0.45, 1.2, size=count)) * DAY_SECONDS).astype(np.int64)
    return cases_from_lines(lines, chosen, np.full(count, TOPIC[incident.topic]), at, incident=number)


def lone_safety_report(shop: Shop, lines: OrderLines) -> Cases:
    """One safety report on one SKU that no other follows: urgent for a person, no incident."""
    plan, clock = shop.plan, shop.clock
    rng = stream(plan.seed, "safety-alone")
    used = {incident.cause.get("product_line") for incident in shop.incidents if incident.topic == "safety"}
    skus = [i for i, p in enumerate(shop.catalogue.products) if "power" in p.tags and p.line not in used]
    day = plan.days - 1 - int(rng.integers(44, 52))
    rows = np.flatnonzero((lines.product == int(rng.choice(skus))) & (clock.day_of(lines.delivered_at) < day))
    chosen = rng.choice(rows, size=min(1, len(rows)), replace=False)
    at = np.full(len(chosen), int(clock.starts[day]) + 15 * 3_600)
    return cases_from_lines(lines, chosen, np.full(len(chosen), TOPIC["safety"]), at, incident=SAFETY_ALONE)


def usual_cases(shop: Shop, lines: OrderLines, taken: np.ndarray, block: str | int) -> Cases:
    """The troubles of any week: rates by topic and product, on lines that no incident has taken."""
    rng = stream(shop.plan.seed, "usual", block)
    total = len(lines)
    names = list(USUAL_RATES)
    rates = np.array([[_rate(topic, product.tags) for topic in names] for product in shop.catalogue.products])
    edges = np.cumsum(rates, axis=1)
    draw = rng.random(total)
    chance = rng.random(total)
    free = ~taken
    hit = np.flatnonzero(free & (draw < edges[lines.product, -1]))
    which = (draw[hit, None] >= edges[lines.product[hit]]).sum(axis=1)
    parts: list[Cases] = []
    for number, topic in enumerate(names):
        rows = hit[which == number]
        at = times_of(topic, lines, rows, chance[rows])
        parts.append(cases_from_lines(lines, rows, np.full(len(rows), TOPIC[topic]), at))
    late = is_late(lines)
    delay = rng.random(total) < np.where(late, np.where(lines.slowed >= 0, 0.0, DELAY_RATE_LATE), DELAY_RATE_IN_TIME)
    free[hit] = False
    rows = np.flatnonzero(delay & free)
    at = times_of("shipping_delay", lines, rows, chance[rows])
    parts.append(cases_from_lines(lines, rows, np.full(len(rows), TOPIC["shipping_delay"]), at))
    for topic, rate in ORDERLESS_RATES.items():
        rows = np.flatnonzero(rng.random(total) < rate)
        at = times_of(topic, lines, rows, chance[rows])
        parts.append(cases_from_lines(lines, rows, np.full(len(rows), TOPIC[topic]), at, has_order=False))
    return Cases.joined(parts)


def _rate(topic: str, tags: frozenset[str]) -> float:
    default, by_tag = USUAL_RATES[topic]
    return next((rate for tag, rate in by_tag.items() if tag in tags), default)


def add_second_matters(plan: SimulationPlan, cases: Cases, block: str | int) -> Cases:
    """Some cases get a second topic or some praise in the same text."""
    rng = stream(plan.seed, "seconds", block)
    wants, mixes, pick = rng.random(len(cases)), rng.random(len(cases)), rng.random(len(cases))
    plain = (cases.topic != TOPIC["safety"]) & (cases.topic != TOPIC["feature_request"])
    for topic, companions in COMPANIONS.items():
        rows = np.flatnonzero((cases.topic == TOPIC[topic]) & (wants < SECOND_TOPIC_SHARE))
        numbers = np.array([TOPIC[name] for name in companions], dtype=np.int8)
        cases.second[rows] = numbers[(pick[rows] * len(companions)).astype(int)]
    cases.is_mixed = plain & (cases.second == NO_TOPIC) & (mixes < MIXED_SHARE)
    return cases


def in_daytime(at: np.ndarray, region: np.ndarray, clock: ShopClock, chance: np.ndarray) -> np.ndarray:
    """Moves most of what would be written in the small hours to the morning of the same day."""
    moved = at.copy()
    for number, place in enumerate(REGIONS):
        here = np.flatnonzero(region == number)
        hour = ((at[here] + clock.offset_at(place.zone, at[here])) % DAY_SECONDS) // 3_600
        night = (hour < 6) & (chance[here] < 0.85)
        moved[here[night]] += 7 * 3_600
    return moved
