"""R80: each kind of slice limits the whole run, from order lines to insights' exposure, and a sliced home is idempotent."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import FEEDBACK, ORDERS, SESSIONS, SHIPMENTS
from insights_assets.shop import default_shop_path
from insights_assets_tests.house import TestHouse

pytestmark = pytest.mark.slow


def write(house: TestHouse, source: str, records: list[dict[str, Any]]) -> None:
    folder = house.landing / source
    folder.mkdir(parents=True)
    (folder / f"{source}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def house_with(tmp_path: Path, spark: Any, **limits: list[str]) -> TestHouse:
    shop = Path(shutil.copytree(default_shop_path(), tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")))
    text = (shop / "shop.yaml").read_text(encoding="utf-8")
    for name, values in limits.items():
        assert f"  {name}: []" in text
        text = text.replace(f"  {name}: []", f"  {name}: {json.dumps(values)}")
    (shop / "shop.yaml").write_text(text, encoding="utf-8")
    house = TestHouse(tmp_path / "home", spark, as_of=date(2026, 11, 20), shop=shop)
    orders = [("O1", "LMP-1", "DE"), ("O2", "KNT-2", "de"), ("O3", "LMP-1", "fr"), ("O4", "KNT-2", "FR")]
    write(house, "products", [{"sku": "LMP-1", "name": "Lamp", "product_line": "Lamps"}, {"sku": "KNT-2", "name": "Jumper", "product_line": "Knitwear"}])
    write(house, "orders", [{"order_id": o, "sku": s, "region": r, "ordered_at": "2026-11-01T10:00:00Z", "customer_id": f"C{o}", "quantity": 1, "unit_price": 10, "currency": "USD"} for o, s, r in orders])
    write(house, "fulfilments", [{"fulfilment_id": f"F{o}", "order_id": o, "sku": s if o != "O4" else None, "shipped_at": "2026-11-02T10:00:00Z"} for o, s, _ in orders])
    write(house, "reviews", [
        # R1 and R3 name neither region nor product: they have those of their order.
        {"review_id": f"R{o[1]}", "created_at": "2026-11-05T10:00:00Z", "rating": 1, "body": f"It broke, order {o}, what a pity", "order_id": o, "customer_id": f"C{o}",
         "channel": "amazon" if o in ("O1", "O4") else "website", **({} if o in ("O1", "O3") else {"region": r, "sku": s})}
        for o, s, r in orders
    ] + [{"review_id": "R9", "created_at": "2026-11-05T10:00:00Z", "rating": 1, "body": "No order, no region, no product here", "customer_id": "C9", "channel": "website"}])
    write(house, "clickstream", [{"event_id": f"E{r}", "session_id": f"S{r}", "occurred_at": "2026-11-05T10:00:00Z", "event": "error", "region": r, "sku": "LMP-1"} for r in ("de", "fr")])
    house.run("sources", "canonical")
    return house


def refs(house: TestHouse, spec: Any, name: str) -> set[str]:
    return {row[name] for row in house.rows(spec)}


@pytest.mark.parametrize(("limits", "reviews", "orders", "parcels", "sessions"), [
    ({}, {"R1", "R2", "R3", "R4", "R9"}, {"O1", "O2", "O3", "O4"}, {"FO1", "FO2", "FO3", "FO4"}, {"Sde", "Sfr"}),
    ({"region": ["DE"]}, {"R1", "R2"}, {"O1", "O2"}, {"FO1", "FO2"}, {"Sde"}),
    ({"product_line": ["Knitwear"]}, {"R2", "R4"}, {"O2", "O4"}, {"FO2", "FO4"}, {"Sde", "Sfr"}),
    ({"channel": ["marketplace"]}, {"R1", "R4"}, {"O1", "O2", "O3", "O4"}, {"FO1", "FO2", "FO3", "FO4"}, {"Sde", "Sfr"}),
    ({"region": ["fr"], "product_line": ["lamps"], "channel": ["storefront"]}, {"R3"}, {"O3"}, {"FO3"}, {"Sfr"}),
])  # fmt: skip
def test_a_slice_limits_voices_orders_parcels_and_sessions(
    tmp_path: Path, spark: Any, limits: dict[str, list[str]], reviews: set[str], orders: set[str], parcels: set[str], sessions: set[str]
) -> None:
    house = house_with(tmp_path, spark, **limits)
    assert {row["record_ref"] for row in house.rows(FEEDBACK) if row["source"] == "reviews"} == reviews
    assert refs(house, ORDERS, "order_id") == orders
    assert refs(house, SHIPMENTS, "fulfilment_id") == parcels
    assert refs(house, SESSIONS, "session_id") == sessions
    versions = {spec: house.lake.version(spec) for spec in (FEEDBACK, ORDERS, SHIPMENTS, SESSIONS)}
    steps = house.run("sources", "canonical", run_id="run-2")
    assert versions == {spec: house.lake.version(spec) for spec in versions}
    outcome = next(one for one in steps["canonical__feedback"].outcomes if one.name == "slice_holds_records")
    assert outcome.passed


def test_a_slice_that_is_widened_brings_in_what_it_lacked(tmp_path: Path, spark: Any) -> None:
    from insights_assets.shop import load_shop

    house = house_with(tmp_path, spark, region=["de"])
    shop = house.settings.shop
    assert shop is not None
    path = shop / "shop.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace('region: ["de"]', "region: []"), encoding="utf-8")
    house.shop = load_shop(shop)
    house.run("sources", "canonical", run_id="run-2")
    assert len(house.rows(FEEDBACK)) == 7 and len(house.rows(ORDERS)) == 4 and len(house.rows(SHIPMENTS)) == 4


def test_a_slice_that_leaves_nothing_is_told(tmp_path: Path, spark: Any) -> None:
    house = house_with(tmp_path, spark, region=["Atlantis"])
    steps = house.run("canonical", run_id="run-2")
    outcome = next(one for one in steps["canonical__feedback"].outcomes if one.name == "slice_holds_records")
    assert not outcome.passed and outcome.metadata == {"region": "Atlantis"}
