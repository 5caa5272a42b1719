"""What the shop knows about a scope: its SKUs, money, flagship share, the calendar.

Belongs here: small look-ups over products, sales and events that priority and titles need. Not here: the arithmetic of risk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies.panel import day_numbers
from insights_assets.anomalies.priority import Event

if TYPE_CHECKING:
    import pandas as pd

#: Days that order values and the shop's margin are averaged over.
SALES_DAYS = 28
#: A policy or launch that began so many days before the onset (or one day after it) is named beside the issue.
RELATED_BEFORE, RELATED_AFTER = 10, 1

#: What a policy, and what a release of shop or app, can bring about.
POLICY_TOPICS = frozenset({"billing_confusion", "returns_and_refunds", "customer_service", "price_value"})
RELEASE_TOPICS = frozenset({"app_or_site_problem", "usability_confusion", "billing_confusion", "availability"})


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    product_line: str
    unit_margin: float
    is_flagship: bool


@dataclass(frozen=True)
class Business:
    """Products by SKU, sales by SKU and day, and the calendar."""

    products: Mapping[str, Product]
    sale_sku: np.ndarray
    sale_day: np.ndarray
    sale_lines: np.ndarray
    sale_amount: np.ndarray
    sale_quantity: np.ndarray
    events: tuple[Event, ...]

    def skus_of(self, cell: Mapping[str, str]) -> frozenset[str]:
        """SKUs a cell is limited to; empty where it is not limited by product."""
        if "sku" in cell:
            return frozenset({cell["sku"]})
        if "product_line" in cell:
            return frozenset(p.sku for p in self.products.values() if p.product_line == cell["product_line"])
        return frozenset()

    def order_value(self, cell: Mapping[str, str], day: int) -> float:
        """Mean amount of an order line of the cell's products in the SALES_DAYS up to `day`."""
        chosen = (self.sale_day > day - SALES_DAYS) & (self.sale_day <= day)
        skus = self.skus_of(cell)
        if skus:
            chosen &= np.isin(self.sale_sku, sorted(skus))
        lines = float(self.sale_lines[chosen].sum())
        return float(self.sale_amount[chosen].sum()) / lines if lines > 0 else 0.0

    def daily_margin(self, day: int) -> float:
        """The shop's margin a day, mean of the SALES_DAYS up to `day`. A SKU without margin counts 0."""
        chosen = (self.sale_day > day - SALES_DAYS) & (self.sale_day <= day)
        if not chosen.any():
            return 0.0
        days = len(np.unique(self.sale_day[chosen]))
        margin = np.array([self.products[s].unit_margin if s in self.products else 0.0 for s in self.sale_sku[chosen]])
        return float((margin * self.sale_quantity[chosen]).sum()) / days

    def flagship_share(self, skus: Mapping[str, int]) -> float:
        """Share of complaints (SKU -> people) that name a flagship."""
        total = sum(skus.values())
        return sum(n for sku, n in skus.items() if sku in self.products and self.products[sku].is_flagship) / total if total else 0.0

    def related_event(self, topic: str, cell: Mapping[str, str], onset: int) -> Event | None:
        """The policy or launch that began last before the onset and can have to do with it."""
        regions = frozenset({cell["region"]}) if "region" in cell else frozenset()
        skus = self.skus_of(cell)
        near = [
            event
            for event in self.events
            if onset - RELATED_BEFORE <= event.starts <= onset + RELATED_AFTER and event.touches(skus, regions) and _can_concern(event, topic, skus)
        ]
        return max(near, key=lambda e: (e.starts, e.event_id)) if near else None


def _can_concern(event: Event, topic: str, skus: frozenset[str]) -> bool:
    """A policy moves money and service, a release moves shop and app, the launch of a product moves that product."""
    if event.kind == "policy":
        return topic in POLICY_TOPICS
    if event.kind == "launch":
        return bool(event.skus & skus) if event.skus else topic in RELEASE_TOPICS
    return False


def events_of(calendar: pd.DataFrame) -> tuple[Event, ...]:
    """`calendar`: event_id, kind, name, starts_day, ends_day, skus, regions (lists). Events in the order in which they begin."""
    events = (
        Event(
            str(r["event_id"]), _text(r["kind"]), _text(r["name"]), int(day_numbers([r["starts_day"]])[0]),
            int(day_numbers([r["ends_day"] if r["ends_day"] is not None else r["starts_day"]])[0]), _set(r["skus"], upper=True), _set(r["regions"]),
        )
        for r in calendar.to_dict("records")
        if r["starts_day"] is not None
    )  # fmt: skip
    return tuple(sorted(events, key=lambda e: (e.starts, e.event_id)))


def business_of(products: pd.DataFrame, sales: pd.DataFrame, events: tuple[Event, ...]) -> Business:
    """`products`: canonical.products. `sales`: sku, ordered_day, lines, amount, quantity, in any order: sums over them are the same to the last
    digit."""
    sales = sales.sort_values(["ordered_day", "sku"], ignore_index=True)
    known = {
        str(r.sku): Product(str(r.sku), _text(r.name) or str(r.sku), _text(r.product_line), _number(r.unit_margin), bool(r.is_flagship))
        for r in products[["sku", "name", "product_line", "unit_margin", "is_flagship"]].itertuples(index=False)
    }
    return Business(
        known, sales["sku"].to_numpy(dtype=object), day_numbers(sales["ordered_day"]), sales["lines"].to_numpy(dtype=np.float64),
        np.nan_to_num(sales["amount"].to_numpy(dtype=np.float64)), np.nan_to_num(sales["quantity"].to_numpy(dtype=np.float64)),
        events,
    )  # fmt: skip


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else 0.0


def _set(value: Any, *, upper: bool = False) -> frozenset[str]:
    if value is None or isinstance(value, float):
        return frozenset()
    return frozenset(str(v).strip().upper() if upper else str(v).strip().lower() for v in value if v)
