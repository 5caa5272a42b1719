"""Orders and their shipments, as arrays.

Belongs here: who ordered what when, from where it was sent, in which batch, by whom, and when it came. A block of
order lines is either the whole history or one day added behind it; both are drawn by the same code from their own
streams. Not here: files (`shop_files.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights_assets.simulator.catalogue import (
    CARRIER_SHARES,
    CARRIERS,
    REGION_NAMES,
    REGIONS,
    WAREHOUSE_SHARES,
    WAREHOUSES,
)
from insights_assets.simulator.incidents import Incident
from insights_assets.simulator.logistics import draw_batches
from insights_assets.simulator.plan import DAY_SECONDS, stream
from insights_assets.simulator.shop import Shop

SECOND_LINE_SHARE = 0.24
# Orders an hour of the shop's day, from midnight.
HOURS = np.array([2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 11, 10, 10, 11, 12, 14, 16, 17, 15, 9, 5], dtype=float)
_CONTINENT = np.array([["america", "britain", "europe"].index(region.continent) for region in REGIONS])
_HOUSE_CONTINENT = np.array([2, 2, 1, 0])  # by warehouse, same coding


@dataclass
class OrderLines:
    """One order line a row. Instants are epoch seconds; indexes point into the catalogue's tuples."""

    day: np.ndarray
    ordered_at: np.ndarray
    order_number: np.ndarray  # within the day
    line_number: np.ndarray  # within the day, of the fulfilment
    customer: np.ndarray
    region: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    warehouse: np.ndarray
    batch: np.ndarray
    carrier: np.ndarray
    shipped_at: np.ndarray
    delivered_at: np.ndarray
    promised_at: np.ndarray
    slowed: np.ndarray  # index of the incident that slowed the shipment, -1 for none

    def __len__(self) -> int:
        return len(self.day)

    @classmethod
    def joined(cls, blocks: list[OrderLines]) -> OrderLines:
        return cls(
            **{name: np.concatenate([getattr(block, name) for block in blocks]) for name in cls.__dataclass_fields__}
        )


def draw_orders(shop: Shop, extra_day: int | None = None) -> OrderLines:
    """The order lines of the history, or of one day behind it."""
    plan, clock, weights = shop.plan, shop.clock, shop.weights
    rng = stream(plan.seed, "orders", "history" if extra_day is None else extra_day)
    products = weights.shape[1]
    history = weights[: plan.days]
    if extra_day is None:
        counts = rng.multinomial(plan.order_lines, (history / history.sum()).ravel())
        day = np.repeat(np.repeat(np.arange(plan.days), products), counts)
        product = np.repeat(np.tile(np.arange(products), plan.days), counts)
    else:
        counts = rng.poisson(weights[extra_day] * (plan.order_lines / history.sum()))
        day = np.full(int(counts.sum()), extra_day)
        product = np.repeat(np.arange(products), counts)
    total = len(day)
    second = rng.choice(24, size=total, p=HOURS / HOURS.sum()) * 3_600 + rng.integers(0, 3_600, total)
    ordered_at = clock.starts[day] + second
    order = np.lexsort((product, ordered_at))
    day, product, ordered_at = day[order].astype(np.int32), product[order].astype(np.int16), ordered_at[order]

    head = _order_heads(day, product, rng)
    region = rng.choice(len(REGIONS), size=total, p=[r.share for r in REGIONS]).astype(np.int8)[head]
    customer = shop.customers.draw(region, rng.random(total)[head])
    ordered_at = ordered_at[head]
    is_head = head == np.arange(total)
    first_of_day = np.searchsorted(day, day)
    heads_before = np.cumsum(is_head)
    order_number = heads_before - np.where(first_of_day > 0, heads_before[first_of_day - 1], 0)
    line_number = np.arange(total) - first_of_day + 1
    quantity = rng.choice([1, 2, 3], size=total, p=[0.88, 0.09, 0.03]).astype(np.int8)

    warehouse = _draw_by_row(WAREHOUSE_SHARES, region, rng)
    carrier = _draw_by_row(CARRIER_SHARES, region, rng)
    far = _HOUSE_CONTINENT[warehouse] != _CONTINENT[region]
    shipped_at = ordered_at + ((0.3 + 1.3 * rng.random(total)) * DAY_SECONDS).astype(np.int64)
    transit = np.where(far, 2.7, 1.7) + rng.gamma(2.0, 0.5, total)
    promised_at = ordered_at + np.where(far, 6, 5) * DAY_SECONDS
    shipped_day = clock.day_of(shipped_at)
    slowed = np.full(total, -1, dtype=np.int8)
    for number, incident in enumerate(shop.incidents):
        if incident.kind == "carrier_delay":
            hit = _carrier_cell(incident, carrier, region) & (shipped_day >= incident.start)
            hit &= (shipped_day < incident.end) if incident.end is not None else True
            hit &= rng.random(total) < 0.75
            slowed[hit] = number
            transit = transit + np.where(hit, 3.5 + 3.5 * rng.random(total), 0)
    delivered_at = shipped_at + (transit * DAY_SECONDS).astype(np.int64)
    batch = draw_batches(shop.batches, warehouse, shipped_day, rng)
    return OrderLines(
        day=day,
        ordered_at=ordered_at,
        order_number=order_number.astype(np.int32),
        line_number=line_number.astype(np.int32),
        customer=customer,
        region=region,
        product=product,
        quantity=quantity,
        warehouse=warehouse,
        batch=batch,
        carrier=carrier,
        shipped_at=shipped_at,
        delivered_at=delivered_at,
        promised_at=promised_at,
        slowed=slowed,
    )


def _order_heads(day: np.ndarray, product: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each line the index of its order's first line: some lines join the line before them (never the same SKU)."""
    total = len(day)
    joins = rng.random(total) < SECOND_LINE_SHARE
    joins[:1] = False
    joins[1:] &= (day[1:] == day[:-1]) & (product[1:] != product[:-1])
    joins[1:] &= ~joins[:-1]
    return np.arange(total) - joins.astype(np.int64)


def _draw_by_row(shares: np.ndarray, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    edges = np.cumsum(shares, axis=1)
    edges = edges / edges[:, -1:]
    return np.minimum((rng.random(len(row))[:, None] > edges[row]).sum(axis=1), shares.shape[1] - 1).astype(np.int8)


def _carrier_cell(incident: Incident, carrier: np.ndarray, region: np.ndarray) -> np.ndarray:
    cell = np.ones(len(carrier), dtype=bool)
    if "carrier" in incident.cause:
        cell &= carrier == CARRIERS.index(incident.cause["carrier"])
    if "region" in incident.cause:
        cell &= region == REGION_NAMES.index(incident.cause["region"])
    return cell


def in_cause(shop: Shop, cause: dict[str, str], lines: OrderLines) -> np.ndarray:
    """Which order lines carry every attribute of a cause."""
    catalogue = shop.catalogue
    cell = np.ones(len(lines), dtype=bool)
    for attribute, value in cause.items():
        if attribute == "warehouse":
            cell &= lines.warehouse == WAREHOUSES.index(value)
        elif attribute == "packaging_batch":
            cell &= lines.batch == [batch.code for batch in shop.batches].index(value)
        elif attribute == "carrier":
            cell &= lines.carrier == CARRIERS.index(value)
        elif attribute == "region":
            cell &= lines.region == REGION_NAMES.index(value)
        elif attribute == "product_line":
            cell &= catalogue.line_of[lines.product] == catalogue.line_index(value)
        else:
            cell &= lines.product == catalogue.sku_index(value)
    return cell
