"""A house for tests: run stage bodies without Dagster on a fresh home, and small landing files with known contents."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from insights_assets.lake.lake import Lake
from insights_assets.resources import table_assets
from insights_assets.resources.operations import open_operations
from insights_assets.resources.step import Step
from insights_assets.settings import Settings
from insights_assets.shop import load_shop

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def in_order(names: list[str]) -> list[str]:
    """Bodies after those that write what they read."""
    writer = {spec: name for name in names for spec in table_assets.BODIES[name][2]}
    waits_for = {name: {writer[spec] for spec in table_assets.BODIES[name][1] if writer.get(spec, name) != name} for name in names}
    return list(TopologicalSorter(waits_for).static_order())


class TestHouse:
    """Bodies of the assets run in flow order on one home; `lake` is what they wrote."""

    __test__ = False

    def __init__(self, home: Path, spark: Any, *, as_of: date, previous_as_of: date | None = None, **settings: Any) -> None:
        self.settings = Settings(home=home, as_of=as_of, customer_key_secret="test", **settings)
        self.landing = self.settings.landing_path
        self.lake = Lake(self.settings.lake_path, lambda: spark)
        self.operations = open_operations(self.settings.operations_target, clock=lambda: NOW)
        self.operations.migrate()
        self.shop = load_shop(self.settings.shop)
        self.as_of = as_of
        self.previous_as_of = previous_as_of

    def step(self, name: str, run_id: str = "run-1") -> Step:
        _, reads, writes = table_assets.BODIES[name]
        return Step(
            lake=self.lake, settings=self.settings, shop=self.shop, operations=self.operations, as_of=self.as_of, run_id=run_id, clock=lambda: NOW,
            reads=frozenset(reads), writes=frozenset(writes), previous_as_of=self.previous_as_of,
        )

    def run(self, *stages: str, run_id: str = "run-1", without: frozenset[str] = frozenset()) -> dict[str, Step]:
        """Run every body of the stages but those left out; returns the steps by asset step name."""
        import importlib

        for stage in stages:
            importlib.import_module(f"insights_assets.{stage}.assets")
        done = {}
        # By stage and by what is read, as a run does; not by the order of import, which another test may have begun.
        for stage in stages:
            for name in in_order([name for name in table_assets.BODIES if name.partition("__")[0] == stage and name not in without]):
                step = self.step(name, run_id)
                table_assets.BODIES[name][0](step)
                done[name] = step
        self.previous_as_of = self.as_of
        return done

    def rows(self, spec: Any) -> list[dict[str, Any]]:
        return self.lake.read_arrow(spec).to_pylist()

    def put(self, source: str, name: str, rows: list[dict[str, Any]]) -> Path:
        """A jsonl landing file."""
        path = self.landing / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path


def filled_home(name: str, tmp_path: Path, fill: Callable[[Path], TestHouse], *, called: str = "home") -> Path:
    """A test's own copy of a home that is filled once a session: the tests judge what is done to it, not how it came to be."""
    kept = tmp_path.parent / f"filled-{name}"
    if not kept.exists():
        making = tmp_path.parent / f"filling-{name}"
        shutil.rmtree(making, ignore_errors=True)
        fill(making).operations.close()
        making.rename(kept)
    return Path(shutil.copytree(kept, tmp_path / called))


PRODUCTS = [
    {"sku": "LMP-1", "name": "Aurora glass lamp", "product_line": "glass lamps", "aliases": "aurora|glass lamp", "unit_price": 80, "unit_margin": 30, "is_flagship": True, "launched_on": "2024-01-01"},
    {"sku": "KNT-2", "name": "Harbour jumper", "product_line": "knitwear", "aliases": "jumper", "unit_price": 50, "unit_margin": 20, "is_flagship": False, "launched_on": "2024-01-01"},
]


def order(order_id: str, sku: str, customer: str, day: str = "2026-11-01", **changes: Any) -> dict[str, Any]:
    base = {
        "order_id": order_id, "ordered_at": f"{day}T10:00:00Z", "customer_id": customer, "customer_name": f"Wilhelmina {customer}son",
        "customer_email": f"{customer.lower()}@mail.test", "region": "de", "currency": "USD", "sku": sku, "quantity": 1, "unit_price": 80,
    }
    return {**base, **changes}


def parcel(fulfilment_id: str, order_id: str, sku: str, day: str = "2026-11-02", **changes: Any) -> dict[str, Any]:
    base = {
        "fulfilment_id": fulfilment_id, "order_id": order_id, "sku": sku, "warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07", "carrier": "NordPost",
        "shipped_at": f"{day}T18:00:00Z", "delivered_at": None, "promised_at": f"{day}T18:00:00Z", "status": "shipped",
    }
    return {**base, **changes}


def review(review_id: str, order_id: str | None, customer: str | None, day: str = "2026-11-05", **changes: Any) -> dict[str, Any]:
    base = {
        "review_id": review_id, "created_at": f"{day}T09:00:00+01:00", "channel": "storefront", "rating": 1, "title": "Arrived in pieces",
        "body": "The glass was shattered when I opened the parcel.", "sku": None, "order_id": order_id, "customer_id": customer, "customer_name": None,
        "customer_email": None, "region": "de", "locale": "en_GB",
    }
    return {**base, **changes}
