"""A small synthetic shop for the tests: shipped lines, complaints with a known truth, and the three small tables made of them.

Belongs here: the generator and the pandas twin of `series.py`, so that plain functions are tested without an engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

LINES = ("glass lamps", "ceramics", "chargers", "knitwear", "bedding", "craft kits")
REGIONS = ("us-east", "us-west", "uk", "de", "fr", "es")
WAREHOUSES = ("WH-LEJ", "WH-VLC", "WH-BHX")
CARRIERS = ("Velopost", "Kranich", "Meridian")
CHANNELS = ("storefront", "email", "chat", "survey", "return")
TOPICS = ("damaged_on_arrival", "shipping_delay", "product_quality", "sizing_issue", "missing_accessories", "billing_confusion", "returns_and_refunds")
START = int(np.datetime64("2026-07-27", "D").astype(np.int64))


@dataclass(frozen=True)
class Plant:
    """Excess complaints of a topic among the lines that match `cell`, ordered in days [start, end) of the history."""

    topic: str
    cell: dict[str, str]
    start: int
    end: int
    rate: float  # extra complaints per matching line shipped in that time


@dataclass
class World:
    shipments: pd.DataFrame  # lines that left, with shipped_day
    orders: pd.DataFrame  # lines that were ordered, with ordered_day
    mentions: pd.DataFrame
    days: int
    first: int = START
    plants: tuple[Plant, ...] = ()
    units: dict[str, float] = field(default_factory=dict)


def make_world(
    seed: int, *, days: int = 120, lines_a_day: int = 900, complaint_rate: float = 0.03, plants: tuple[Plant, ...] = (),
    promotion: tuple[int, int] | None = None,
) -> World:
    """One history. Batches last ten days in each warehouse; a SKU has its own complaint rate; weekends are weaker."""
    rng = np.random.default_rng(seed)
    weekday = np.array([1.1, 1.05, 1.0, 0.95, 1.05, 0.8, 0.9])
    size = rng.poisson(lines_a_day * weekday[np.arange(days) % 7] * np.linspace(0.9, 1.15, days))
    if promotion:
        size[promotion[0] : promotion[1]] *= 2
    ordered = np.repeat(np.arange(days), size)
    n = len(ordered)
    line = rng.choice(len(LINES), n, p=[0.2, 0.2, 0.15, 0.15, 0.15, 0.15])
    if promotion:
        inside = (ordered >= promotion[0]) & (ordered < promotion[1]) & (rng.random(n) < 0.5)
        line[inside] = 1
    region, carrier = rng.choice(len(REGIONS), n), rng.choice(len(CARRIERS), n, p=[0.45, 0.3, 0.25])
    warehouse = (region // 2 + (rng.random(n) < 0.3)) % len(WAREHOUSES)
    sku = rng.integers(0, 8, n)
    shipped = ordered + 1 + rng.integers(0, 2, n)
    batch = shipped // 10
    frame = pd.DataFrame(
        {
            "order_id": [f"O{i}" for i in range(n)], "customer_key": [f"C{i}" for i in rng.integers(0, n, n)],
            "product_line": np.array(LINES)[line], "sku": [f"{LINES[a][:3].upper()}-{b}" for a, b in zip(line, sku, strict=True)],
            "region": np.array(REGIONS)[region], "warehouse": np.array(WAREHOUSES)[warehouse], "carrier": np.array(CARRIERS)[carrier],
            "packaging_batch": [f"{WAREHOUSES[w][3:]}-PB{b:02d}" for w, b in zip(warehouse, batch, strict=True)],
            "ordered": ordered, "shipped": shipped,
        }
    )  # fmt: skip
    character = rng.lognormal(0, 0.35, (len(TOPICS), len(LINES), 8))
    mentions = []
    for t, topic in enumerate(TOPICS):
        chance = complaint_rate / len(TOPICS) * character[t, line, sku] * rng.lognormal(0, 0.15, days + 3)[shipped]
        for plant in plants:
            if plant.topic == topic:
                match = (ordered >= plant.start) & (ordered < plant.end)
                for name, value in plant.cell.items():
                    match &= (frame[name] == value).to_numpy()
                chance = chance + plant.rate * match
        hit = np.flatnonzero(rng.random(n) < chance)
        part = frame.iloc[hit].copy()
        part["topic"] = topic
        part["day"] = part["shipped"] + 1 + rng.gamma(2.0, 3.0, len(hit)).astype(int)
        part["known_day"] = part["day"] + (rng.random(len(hit)) < 0.1)
        mentions.append(part)
    said = pd.concat(mentions, ignore_index=True)
    said["channel"] = np.array(CHANNELS)[rng.choice(len(CHANNELS), len(said), p=[0.35, 0.2, 0.1, 0.2, 0.15])]
    said = said[said["known_day"] < days].reset_index(drop=True)
    unknown = rng.random(len(said)) < 0.25  # a quarter of the voices name no order
    said.loc[unknown, ["order_id", "warehouse", "carrier", "packaging_batch"]] = None
    said["feedback_id"] = [f"F{i:06d}" for i in range(len(said))]
    said["person"] = said["customer_key"]
    said["confidence"] = np.round(rng.uniform(0.6, 0.99, len(said)), 3)
    for name in ("day", "known_day"):
        said[name] = (said[name].to_numpy() + START).astype("datetime64[D]").astype(object)
    for name in ("ordered", "shipped"):
        frame = frame.assign(**{f"{name}_day": (frame[name].to_numpy() + START).astype("datetime64[D]").astype(object)})
    return World(frame[frame["shipped"] < days].reset_index(drop=True), frame, said, days, plants=plants)


def known_by(world: World, day: int) -> World:
    """The world with everything deleted that became known after `day` of its history."""
    known = np.array(world.mentions["known_day"].to_list(), dtype="datetime64[D]").astype(int) <= START + day
    return World(
        world.shipments[world.shipments["shipped"] <= day], world.orders[world.orders["ordered"] <= day],
        world.mentions[known].reset_index(drop=True), world.days, plants=world.plants,
    )  # fmt: skip


def small_tables(world: World) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """topic_series, exposure_series and complaint_lags of a world, counted by pandas."""

    said, shipped = world.mentions, world.shipments
    series, exposure = [], []
    for attribute in ("all", "product_line", "warehouse", "carrier", "region", "channel", "sku"):
        cut = said.assign(attribute=attribute, value="all" if attribute == "all" else said[attribute]).dropna(subset=["value"])
        cut = cut.drop_duplicates(["topic", "value", "person"])
        series.append(cut.groupby(["topic", "attribute", "value", "day", "known_day"]).size().rename("observed").reset_index())
        records = said.assign(attribute=attribute, value="all" if attribute == "all" else said[attribute]).dropna(subset=["value"])
        exposure.append(records.groupby(["attribute", "value", "day", "known_day"]).size().rename("units").reset_index().assign(basis="records"))
        if attribute == "channel":
            continue
        for basis, table in (("shipped", shipped), ("ordered", world.orders)):
            if basis == "ordered" and attribute in ("warehouse", "carrier"):
                continue
            lines = table.assign(attribute=attribute, value="all" if attribute == "all" else table[attribute], day=table[f"{basis}_day"])
            counted = lines.groupby(["attribute", "value", "day"]).size().rename("units").reset_index()
            exposure.append(counted.assign(basis=basis, known_day=counted["day"]))
    dated = said.dropna(subset=["order_id"])
    lags = []
    for basis in ("shipped", "ordered"):
        days = np.array(dated["day"].to_list(), dtype="datetime64[D]").astype(int) - (dated[basis].to_numpy() + START)
        chosen = dated.assign(basis=basis, lag_days=np.clip(days, 0, 60))
        lags.append(chosen.groupby(["topic", "basis", "lag_days", "known_day"]).size().rename("count").reset_index())
    return pd.concat(series, ignore_index=True), pd.concat(exposure, ignore_index=True), pd.concat(lags, ignore_index=True)
