"""What the shop's own systems deliver: orders, fulfilments, stock, products, calendar, fx.

Belongs here: the columns of these sources and the cut of the arrays into files. Not here: feedback.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from insights_assets.simulator.catalogue import (
    CARRIERS,
    FX_TO_REPORTING,
    REGION_NAMES,
    REGIONS,
    WAREHOUSES,
    Catalogue,
)
from insights_assets.simulator.files import (
    csv_line,
    dated_file,
    json_line,
    month_file,
    write_csv_table,
    write_lines,
    write_parquet,
)
from insights_assets.simulator.plan import REPORTING_CURRENCY, SHOP_TIME_ZONE, SimulationPlan, stream
from insights_assets.simulator.world import World


def order_id(plan: SimulationPlan, day: int, number: int) -> str:
    return f"LL-{plan.day(day):%y%m%d}-{number:05d}"


def iso_strings(at: np.ndarray, offset: np.ndarray, zulu: bool = False) -> np.ndarray:
    """ISO times with an offset for each instant."""
    local = np.datetime_as_string((at + offset).astype("datetime64[s]"))
    if zulu:
        return np.char.add(local, "Z")
    values, index = np.unique(offset, return_inverse=True)
    suffixes = [f"{'+' if v >= 0 else '-'}{abs(v) // 3600:02d}:{abs(v) % 3600 // 60:02d}" for v in values.tolist()]
    return np.char.add(local, np.array(suffixes)[index])


def _numbered(prefix: str, plan: SimulationPlan, day: np.ndarray, number: np.ndarray) -> np.ndarray:
    days = np.arange(int(day.min()), int(day.max()) + 1)
    names = np.array([f"{prefix}-{plan.day(int(d)):%y%m%d}-" for d in days])
    return np.char.add(names[day - days[0]], np.char.mod("%05d", number))


def _texts(values: tuple[str, ...] | list[str], index: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(list(values))).cast(pa.string())


def order_table(world: World, rows: np.ndarray) -> pa.Table:
    """Order lines as the `orders` source has them."""
    lines, plan = world.lines, world.plan
    customers, which = np.unique(lines.customer[rows], return_inverse=True)
    names = [world.shop.customers.name(int(c)) for c in customers]
    mails = [world.shop.customers.email(int(c)) for c in customers]
    keys = [world.shop.customers.key(int(c)) for c in customers]
    at, region, product = lines.ordered_at[rows], lines.region[rows], lines.product[rows]
    cents = world.shop.catalogue.price_cents[region, product]
    return pa.table(
        {
            "order_id": pa.array(_numbered("LL", plan, lines.day[rows], lines.order_number[rows])),
            "ordered_at": pa.array(iso_strings(at, world.shop.clock.offset_at(SHOP_TIME_ZONE, at))),
            "customer_id": _texts(keys, which),
            "customer_name": _texts(names, which),
            "customer_email": _texts(mails, which),
            "region": _texts(REGION_NAMES, region),
            "currency": _texts([r.currency for r in REGIONS], region),
            "sku": _texts([p.sku for p in world.shop.catalogue.products], product),
            "quantity": pa.array(lines.quantity[rows].astype(np.int64)),
            "unit_price": pa.array(np.round(cents / 100, 2)),
        }
    )


def fulfilment_table(world: World, rows: np.ndarray, now: int) -> pa.Table:
    """Shipments as they stand at one instant: what has not happened yet is empty."""
    lines, plan = world.lines, world.plan
    shipped, delivered = lines.shipped_at[rows] < now, lines.delivered_at[rows] < now
    zero = np.zeros(len(rows), dtype=np.int64)

    def instants(at: np.ndarray, known: np.ndarray) -> pa.Array:
        return pa.array(iso_strings(at[rows], zero, zulu=True), mask=~known)

    def known_text(values: list[str], index: np.ndarray) -> pa.Array:
        return pa.DictionaryArray.from_arrays(
            pa.array(index[rows].astype(np.int32), mask=~shipped), pa.array(values)
        ).cast(pa.string())

    return pa.table(
        {
            "fulfilment_id": pa.array(_numbered("F", plan, lines.day[rows], lines.line_number[rows])),
            "order_id": pa.array(_numbered("LL", plan, lines.day[rows], lines.order_number[rows])),
            "sku": _texts([p.sku for p in world.shop.catalogue.products], lines.product[rows]),
            "warehouse": _texts(WAREHOUSES, lines.warehouse[rows]),
            "packaging_batch": known_text([b.code for b in world.shop.batches], lines.batch),
            "carrier": known_text(list(CARRIERS), lines.carrier),
            "shipped_at": instants(lines.shipped_at, shipped),
            "delivered_at": instants(lines.delivered_at, delivered),
            "promised_at": instants(lines.promised_at, np.ones(len(rows), dtype=bool)),
            "status": _texts(["pending", "shipped", "delivered"], shipped.astype(np.int32) + delivered),
        }
    )


def write_orders(world: World, landing: Path) -> None:
    """The history's orders and fulfilments, a file a month of ordering."""
    months = np.array([world.plan.day(i).strftime("%Y-%m") for i in range(world.plan.days)])
    for month in np.unique(months):
        inside = np.flatnonzero(months == month)
        rows = np.arange(*np.searchsorted(world.lines.day, [inside[0], inside[-1] + 1]))
        day = world.plan.day(int(inside[0]))
        write_csv_table(landing / "orders" / month_file("orders", day), order_table(world, rows))
        write_parquet(
            landing / "fulfilments" / month_file("fulfilments", day),
            fulfilment_table(world, rows, world.shop.clock.end),
        )


def write_orders_of_day(world: World, landing: Path, extra_day: int) -> dict[str, int]:
    """One added day: its orders, and every shipment that moved on that day."""
    day = world.plan.days - 1 + extra_day
    date = world.plan.day(day)
    start, end = world.window(extra_day)
    lines = world.lines
    rows = np.flatnonzero(lines.day == day)
    write_csv_table(landing / "orders" / dated_file("orders", date), order_table(world, rows))
    moved = (lines.shipped_at >= start) & (lines.shipped_at < end) | (lines.delivered_at >= start) & (
        lines.delivered_at < end
    )
    moved = np.flatnonzero((moved | (lines.day == day)) & (lines.day <= day))
    write_parquet(landing / "fulfilments" / dated_file("fulfilments", date), fulfilment_table(world, moved, end))
    return {"orders": len(rows), "fulfilments": len(moved)}


def write_products(catalogue: Catalogue, plan: SimulationPlan, landing: Path) -> int:
    rng = stream(plan.seed, "launches")
    rows = []
    for product in catalogue.products:
        launched = plan.first_day.toordinal() - int(rng.integers(60, 1_200))
        rows.append(
            json_line(
                {
                    "sku": product.sku,
                    "name": f"{product.name} {product.noun['en']}",
                    "product_line": product.line,
                    "aliases": product.aliases(),
                    "unit_price": product.price,
                    "unit_margin": round(product.price * product.margin, 2),
                    "is_flagship": product.is_flagship,
                    "launched_on": str(plan.first_day.fromordinal(launched)),
                }
            )
        )
    write_lines(landing / "products" / "products.jsonl", rows)
    return len(rows)


def write_calendar(world: World, landing: Path) -> int:
    """Events that are decided by the last day, those of the near future among them."""
    rows = []
    clock = world.shop.clock
    for number, event in enumerate(world.shop.events, start=1):
        last = len(clock.starts) - 1
        start = int(clock.starts[max(event.start, 0)]) + event.hour * 3_600
        end = int(clock.starts[min(event.end, last)])
        offset = clock.offset_at(SHOP_TIME_ZONE, np.array([start, end]))
        starts_at, ends_at = iso_strings(np.array([start, end]), offset).tolist()
        row = {
            "event_id": f"EV{number:03d}",
            "kind": event.kind,
            "name": event.name,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "skus": list(event.skus),
            "regions": list(event.regions),
            "budget": event.budget,
            "channel": event.channel,
        }
        rows.append(json_line(row))
    write_lines(landing / "calendar" / "calendar.jsonl", rows)
    return len(rows)


def write_fx(plan: SimulationPlan, landing: Path, extra_day: int | None = None) -> int:
    """A rate a day and currency: a slow random walk."""
    total = plan.days + (extra_day or 0)
    rates: dict[str, np.ndarray] = {}
    for currency, level in FX_TO_REPORTING.items():
        steps = np.array([stream(plan.seed, "fx", currency, d).normal(0, 0.0022) for d in range(total)])
        rates[currency] = np.round(level * np.exp(np.cumsum(steps)), 5)
    days = range(plan.days) if extra_day is None else [total - 1]
    files: dict[str, list[str]] = {}
    count = 0
    for index in days:
        day = plan.day(index)
        name = month_file("fx", day) if extra_day is None else dated_file("fx", day)
        lines = files.setdefault(name, ["day,from_currency,to_currency,rate"])
        for currency, walk in rates.items():
            lines.append(f"{day},{currency},{REPORTING_CURRENCY},{walk[index]:.5f}")
            count += 1
    for name, lines in files.items():
        write_lines(landing / "fx" / name, lines)
    return count


def stock_rows(world: World, days: range, block: str | int) -> list[tuple[int, str, str, int, str]]:
    """Weekly counts of every SKU and warehouse, and now and then an empty shelf."""
    plan, clock = world.plan, world.shop.clock
    rng = stream(plan.seed, "stock", block)
    rows: list[tuple[int, str, str, int, str]] = []
    for product in world.shop.catalogue.products:
        for warehouse in WAREHOUSES:
            for day in days:
                if plan.day(day).weekday() == 0:
                    rows.append(
                        (
                            int(clock.starts[day]) + 5 * 3_600,
                            product.sku,
                            warehouse,
                            int(rng.integers(12, 420)),
                            "count",
                        )
                    )
            if rng.random() < 0.0022 * len(days):
                gone = int(rng.choice(np.array(days)))
                moment = int(clock.starts[gone]) + int(rng.integers(8, 20)) * 3_600
                rows.append((moment, product.sku, warehouse, 0, "stock_out"))
                back = moment + int(rng.integers(2, 9)) * 86_400
                if back < int(clock.starts[days[-1] + 1]):
                    rows.append((back, product.sku, warehouse, int(rng.integers(40, 300)), "back_in_stock"))
    return sorted(rows)


def write_stock(world: World, landing: Path, extra_day: int | None = None) -> int:
    plan, clock = world.plan, world.shop.clock
    last = plan.days - 1 + (extra_day or 0)
    days = range(plan.days) if extra_day is None else range(last, last + 1)
    files: dict[str, list[str]] = {}
    rows = stock_rows(world, days, "history" if extra_day is None else extra_day)
    for number, (at, sku, warehouse, on_hand, event) in enumerate(rows, start=1):
        day = plan.day(int(clock.day_of(np.array([at]))[0]))
        name = month_file("stock", day) if extra_day is None else dated_file("stock", day)
        lines = files.setdefault(name, ["event_id,occurred_at,sku,warehouse,on_hand,event"])
        lines.append(csv_line([f"ST{day:%y%m%d}-{number:05d}", at, sku, warehouse, on_hand, event]))
    for name, lines in files.items():
        write_lines(landing / "stock" / name, lines)
    return len(rows)
