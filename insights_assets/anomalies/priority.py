"""What an issue is worth a day, how sure that is, when harm comes, and its tier (R130 to R135).

Belongs here: the arithmetic of money at risk and its 10 % bound, with every factor kept. Not here: the parameters, which the
shop decides (`shop/policy.yaml`), or the words (`insights.py`).

risk a day = excess people a day x silent factor x cost per affected order x flagship x peak x trend (design section 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from insights_assets.anomalies.rounding import money, score, statistic
from insights_assets.anomalies.statistics import gamma_quantile
from insights_assets.anomalies.topics import WISHES


class Cost(Protocol):
    """What one complaint of a topic costs; `shop.model.CostParameters` is one."""

    @property
    def p_refund(self) -> float: ...
    @property
    def p_churn(self) -> float: ...
    @property
    def handling(self) -> float: ...
    @property
    def silent_factor(self) -> float: ...


@dataclass(frozen=True)
class PriorityRules:
    """Factors and floors. Shares are of the shop's daily margin; days of the shop."""

    flagship_most: float = 1.5
    season_factor: float = 1.5
    promotion_factor: float = 1.3
    peak_most: float = 2.0
    trend_days: float = 3.0
    trend_bounds: tuple[float, float] = (0.7, 1.5)
    trend_weight: float = 20.0  # people at which half of a trend is believed
    falling_z: float = 1.645
    dispersion: float = 0.05
    tier_1_share: float = 0.005
    tier_2_share: float = 0.0005
    harm_days: int = 14
    safety_tier_1: int = 2
    by_wish: frozenset[str] = WISHES  # Tier 3 unless the money is that of a Tier 1


@dataclass(frozen=True)
class Event:
    """An entry of the calendar; days since 1970, both ends included. Empty skus and regions touch everything."""

    event_id: str
    kind: str
    name: str
    starts: int
    ends: int
    skus: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    def touches(self, skus: frozenset[str], regions: frozenset[str]) -> bool:
        """Whether it concerns any of these; an empty set stands for everything."""
        return (not self.skus or not skus or bool(self.skus & skus)) and (not self.regions or not regions or bool(self.regions & regions))


@dataclass(frozen=True)
class Excess:
    """People above what is usual, a day: median and 10 % bound; `trend` multiplies them."""

    per_day: float
    per_day_p10: float
    trend: float
    is_rising: bool


@dataclass(frozen=True)
class Risk:
    """Money at risk a day with its parts; `risk_per_day` is their sum, in the reporting currency."""

    risk_per_day: float
    risk_per_day_p10: float
    revenue_risk_per_day: float
    churn_risk_per_day: float
    operational_risk: float
    flagship_factor: float
    peak_factor: float
    cost_per_order: float


def excess_of(observed: Sequence[float], expected: Sequence[float], rules: PriorityRules = PriorityRules()) -> Excess:
    """Excess of the last days of an issue (daily people and expectations, same length, oldest first).

    The rate ratio is Gamma distributed with the counts taken for what dispersion leaves of them, so tiny series shrink.
    """
    o, e = np.asarray(observed, dtype=np.float64), np.maximum(np.asarray(expected, dtype=np.float64), 1e-6)
    days = len(o)
    total_o, total_e = float(o.sum()), float(e.sum())
    worth = 1.0 + rules.dispersion * total_e
    middle, low = (gamma_quantile(p, total_o / worth + 0.5, worth / total_e) for p in (0.5, 0.1))
    per_day = max(middle - 1.0, 0.0) * total_e / days
    per_day_p10 = max(low - 1.0, 0.0) * total_e / days
    half = max(days // 2, 1)
    old, new = float(o[:-half].sum()), float(o[-half:].sum())
    change = float(np.log((new + 1.0) / (e[-half:].sum() + 1.0)) - np.log((old + 1.0) / (e[:-half].sum() + 1.0))) if days > 1 else 0.0
    # A few people make no trend: it counts in full only once dozens speak, and falls only where chance does not explain it.
    slope = change / max(days / 2.0, 1.0) * total_o / (total_o + rules.trend_weight)
    trend = float(np.clip(np.exp(slope * rules.trend_days), *rules.trend_bounds))
    is_falling = change < -rules.falling_z * np.sqrt(1.0 / (old + 1.0) + 1.0 / (new + 1.0))
    return Excess(float(statistic(per_day)), float(statistic(per_day_p10)), score(trend), not is_falling)


def risk_of(
    excess: Excess, cost: Cost, order_value: float, customer_value: float, *, flagship_share: float, peak: float, rules: PriorityRules = PriorityRules()
) -> Risk:
    """Expected money at risk a day.

    `order_value`: mean amount of an order line of the scope. `flagship_share`: share of its complaints on flagship SKUs.
    """
    flagship = 1.0 + (rules.flagship_most - 1.0) * float(np.clip(flagship_share, 0.0, 1.0))
    context = flagship * peak * excess.trend
    people = excess.per_day * cost.silent_factor * context
    revenue, churn, handling = people * cost.p_refund * order_value, people * cost.p_churn * customer_value, people * cost.handling
    per_order = cost.p_refund * order_value + cost.p_churn * customer_value + cost.handling
    low = excess.per_day_p10 * cost.silent_factor * context * per_order
    parts = money(revenue), money(churn), money(handling)
    return Risk(money(sum(parts)), money(low), *parts, score(flagship), score(peak), money(per_order))


def tier_of(topic: str, risk: Risk, daily_margin: float, is_rising: bool, *, reports: int = 0, rules: PriorityRules = PriorityRules()) -> int:
    """1, 2 or 3. Safety goes by reports; everything else by the low bound against the shop's daily margin."""
    if topic == "safety":
        return 1 if reports >= rules.safety_tier_1 else 2
    share = risk.risk_per_day_p10 / daily_margin if daily_margin > 0 else 0.0
    if topic in rules.by_wish:
        return 2 if share >= rules.tier_1_share and is_rising else 3
    if share >= rules.tier_1_share and is_rising:
        return 1
    return 2 if share >= rules.tier_2_share else 3


def peak_of(events: Sequence[Event], day: int, people: Mapping[str, int], regions: frozenset[str], rules: PriorityRules = PriorityRules()) -> float:
    """1 to `peak_most`: seasons and promotions that run on `day`, each by the share of complaints (SKU -> people) it touches."""
    total = sum(people.values())
    factors = {"season": 1.0, "promotion": 1.0}
    for event in events:
        if event.kind in factors and event.starts <= day <= event.ends and event.touches(frozenset(), regions):
            most = rules.season_factor if event.kind == "season" else rules.promotion_factor
            share = 1.0 if not event.skus else (sum(n for sku, n in people.items() if sku in event.skus) / total if total else 0.0)
            factors[event.kind] = max(factors[event.kind], 1.0 + (most - 1.0) * share)
    return min(factors["season"] * factors["promotion"], rules.peak_most)


def harm_of(
    events: Sequence[Event], day: int, skus: frozenset[str], regions: frozenset[str], rules: PriorityRules = PriorityRules()
) -> tuple[int, str]:
    """The day by which it must be settled, and why: the next promotion or season end that touches the scope, else 14 days."""
    candidates: list[tuple[int, str]] = []
    for event in sorted(events, key=lambda e: (e.starts, e.event_id)):
        if not event.touches(skus, regions):
            continue
        if event.kind == "promotion" and event.starts <= day <= event.ends:
            candidates.append((event.ends, f"promotion {event.name} runs until then"))
        elif event.kind == "promotion" and day < event.starts:
            candidates.append((event.starts, f"promotion {event.name} begins"))
        elif event.kind == "season" and event.starts <= day <= event.ends:
            candidates.append((event.ends, f"season {event.name} ends"))
    near = [c for c in candidates if c[0] - day <= 2 * rules.harm_days]
    return min(near) if near else (day + rules.harm_days, f"no promotion or season end within reach; {rules.harm_days} days by default")


def confidence_of(label_confidence: float, p_value: float, status: str, reports: int = 0) -> float:
    """0 to 1: how sure that this is a real issue of this topic.

    The mean confidence of its labels, lowered where the figures are weak or the place is unknown.
    """
    if reports:
        return score(label_confidence)
    strength = min(1.0, max(0.0, -np.log10(max(p_value, 1e-12)) / 6.0))
    placed = {"cause": 1.0, "tied": 0.9, "possible": 0.8, "not_localised": 0.75}.get(status, 0.75)
    return score(label_confidence * (0.6 + 0.4 * strength) * placed)


def rules_of(tiers: Mapping[int, object], harm_days: int, safety_tier_1: int) -> PriorityRules:
    """The rules as the shop's policy has them."""
    share = {tier: float(getattr(value, "risk_share_of_daily_margin")) for tier, value in tiers.items()}  # noqa: B009
    return PriorityRules(tier_1_share=share[1], tier_2_share=share[2], harm_days=harm_days, safety_tier_1=safety_tier_1)
