"""What orders, parcels and a catalogue that come later change about stored rows, against building all of them anew."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random
from typing import Any

from insights_assets.canonical.lineage import SHIPMENT, attach_orders, shipment_of_line, told_otherwise

DAY = date(2026, 1, 1)
VOICES = "order_id string, own_sku string, region string, received_day date"
ORDERS = "order_id string, sku string, region string"
PARCELS = "order_id string, sku string, fulfilment_id string, warehouse string, packaging_batch string, carrier string, shipped_day date"
PRODUCTS = "sku string, product_line string"
SKUS = ("A", "B", "C")


def a_parcel(chance: Random, number: int, order: str) -> tuple[Any, ...]:
    left = DAY + timedelta(days=chance.randrange(3)) if chance.random() < 0.6 else None
    return (order, chance.choice(SKUS), f"F{number}", chance.choice("NS"), chance.choice(("b1", "b2")) if left else None, "fast" if left else None, left)


def drawn(chance: Random) -> tuple[list[Any], list[Any], list[Any], list[Any], list[Any]]:
    """Voices, a day each; order lines and parcels before; those that came, of which some are written of otherwise."""
    names = [f"O{number}" for number in range(150)]
    voices = [(chance.choice([*names, None]), chance.choice([*SKUS, None]), chance.choice(("uk", None)), DAY + timedelta(days=number)) for number in range(600)]
    lines = [(name, sku, "de") for name in names for sku in SKUS if chance.random() < 0.5]
    first, later = lines[::2] + lines[1::4], lines[3::4]
    parcels = [a_parcel(chance, number, chance.choice(names)) for number in range(250)]
    moved = []
    for order, sku, name, *_ in chance.sample(parcels, 80):
        moved.append((order, sku, name, *a_parcel(chance, 0, order)[3:]))
    return voices, first, later, parcels, moved + [a_parcel(chance, number, chance.choice(names)) for number in range(250, 330)]


def test_just_the_days_that_building_anew_would_change_are_stale(spark: Any) -> None:
    chance = Random(11)
    changed: Counter[str] = Counter()
    voices, first, later, parcels, came = drawn(chance)
    catalogue = spark.createDataFrame([(sku, "lamps") for sku in SKUS], PRODUCTS)
    said = spark.createDataFrame(voices, VOICES)

    def told(lines: list[Any], shipped: list[Any]) -> Any:
        return attach_orders(said, spark.createDataFrame(lines, ORDERS), spark.createDataFrame(shipped, PARCELS), catalogue)

    newest = list({row[2]: row for row in parcels + came}.values())
    before, after = (sorted(map(tuple, told(*given).select("received_day", "order_ref_status", "sku", "sku_source", "region", *SHIPMENT).collect())) for given in ((first, parcels), (first + later, newest)))
    differ = {old[0] for old, new in zip(before, after, strict=True) if old != new}
    changed.update("order" if old[:5] != new[:5] else "parcel" if old[5] is None else "written otherwise" for old, new in zip(before, after, strict=True) if old != new)
    assert min(changed[kind] for kind in ("parcel", "order", "written otherwise")) > 5 and len(differ) < 500, changed
    stale = told_otherwise(told(first, parcels), spark.createDataFrame(later, ORDERS), spark.createDataFrame(came, PARCELS), None)
    assert {row[0] for part in stale for row in part.collect()} == differ
    assert told_otherwise(told(first, parcels), None, None, None) == [], "where nothing came there is nothing to look for"


def test_of_parcels_of_a_line_the_first_that_left_counts(spark: Any) -> None:
    parcels = [
        ("O1", "A", "F1", "N", None, None, None),
        ("O1", "A", "F2", "N", "b1", "fast", DAY + timedelta(days=1)),
        ("O1", "A", "F3", "S", "b2", "fast", DAY),
    ]
    assert [row["fulfilment_id"] for row in shipment_of_line(spark.createDataFrame(parcels, PARCELS)).collect()] == ["F3"]
    assert [row["fulfilment_id"] for row in shipment_of_line(spark.createDataFrame(parcels[:1], PARCELS)).collect()] == ["F1"], "one that has not left is better than none"
