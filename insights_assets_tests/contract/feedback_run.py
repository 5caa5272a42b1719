"""One small shop and one heavy step: what the contract tests run here, over Connect and as a job.

Belongs here: the landing files, the tables before the heavy step, and running that step alone on a Dagster instance of its own. Does not
belong here: any expectation. Settings come from the environment, as they do for every run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from insights_assets.canonical import assets as canonical
from insights_assets.canonical.tables import CONVERSATIONS, DUPLICATES, FEEDBACK, FEEDBACK_TEXT
from insights_assets.resources.house import Engine, House
from insights_assets.settings import Settings
from insights_assets.sources import assets as sources

STEP = "canonical__feedback"
TABLES = (FEEDBACK, FEEDBACK_TEXT, CONVERSATIONS, DUPLICATES)
AS_OF = date(2026, 10, 31)
SECRET = "a-customer-key-that-nobody-may-see"


@contextmanager
def environment(**more: str) -> Iterator[None]:
    """The settings of one installation for the time of a block: this shop's key, and nothing of the surrounding environment."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("INSIGHTS_", "DATABRICKS_"))}
    try:
        for name in kept:
            del os.environ[name]
        os.environ.update({"INSIGHTS_CUSTOMER_KEY_SECRET": SECRET, **{f"INSIGHTS_{name}": value for name, value in more.items()}})
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(("INSIGHTS_", "DATABRICKS_"))]:
            del os.environ[name]
        os.environ.update(kept)


def write_landing(folder: Path) -> None:
    """Five sources over ten days: orders, their parcels, reviews (some twice, one of an unknown order), chats, products."""
    orders, parcels, reviews, chats = [], [], [], []
    for n in range(60):
        day, customer, sku = date(2026, 10, 1) + timedelta(n % 10), n % 20, ("LMP-1", "KNT-2")[n % 2]
        name, email = f"Wilhelmina Okonkwo{customer}", f"w{customer}@mail.test"
        who = {"customer_id": f"C{customer}", "customer_name": name, "customer_email": email, "region": "de"}
        orders.append({"order_id": f"O{n}", "ordered_at": f"{day}T10:00:00Z", "currency": "USD", "sku": sku, "quantity": 1, "unit_price": 20, **who})
        parcels.append({
            "fulfilment_id": f"F{n}", "order_id": f"O{n}", "sku": sku, "warehouse": "WH-LEJ", "packaging_batch": f"LEJ-PB0{n % 4}", "carrier": "nord",
            "shipped_at": f"{day}T20:00:00Z", "delivered_at": None, "promised_at": f"{day + timedelta(3)}T00:00:00Z", "status": "shipped",
        })
        if n % 2 == 0:
            reviews.append({
                "review_id": f"R{n}", "created_at": f"{day + timedelta(2)}T09:00:00+02:00", "channel": "storefront", "rating": 1 + n % 5, "title": "Broken",
                "body": f"{name} here, the lamp came in pieces. Write to {email}, please." if n % 4 else "The lamp came in pieces and nobody answers.",
                "sku": sku, "order_id": "O999" if n == 10 else f"O{n}", "locale": "en", **who,
            })
        if n % 5 == 0:
            said = [("customer", f"{day}T12:00:00Z", f"This is {name}, where is my parcel?"), ("agent", "", "On its way.")]
            turns = [{"speaker": speaker, "at": at, "text": text} for speaker, at, text in said]
            chats.append({"chat_id": f"H{n}", "started_at": f"{day}T12:00:00Z", "turns": turns, "order_id": f"O{n}", **who})
    products = [
        {"sku": sku, "name": f"{line} one", "product_line": line, "aliases": "", "unit_price": 20, "unit_margin": 8}
        for sku, line in (("LMP-1", "lamps"), ("KNT-2", "knitwear"))
    ]
    for source, records in {"orders": orders, "fulfilments": parcels, "reviews": reviews, "chats": chats, "products": products}.items():
        target = folder / source / f"{source}.jsonl"
        target.parent.mkdir(parents=True)
        target.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def house(home: Path) -> House:
    """The house as the definitions bind it."""
    return House(engine=Engine(remote=Settings().spark_remote), home=str(home), as_of=AS_OF.isoformat())


def instance_of(home: Path) -> dg.DagsterInstance:
    """A Dagster instance on disk, so that its event log can be searched and read by another process."""
    (home / "dagster").mkdir(exist_ok=True)
    return dg.DagsterInstance.local_temp(str(home / "dagster"))


def prepare(home: Path) -> None:
    """Every table that the heavy step reads."""
    write_landing(home / "landing")
    before = [*sources.ASSETS, canonical.products, canonical.sessions, canonical.orders, canonical.shipments]
    with instance_of(home) as instance:
        dg.materialize(before, resources={"house": house(home)}, instance=instance)


def run_heavy_step(home: Path) -> dg.ExecuteInProcessResult:
    """canonical.feedback and the tables written with it, once."""
    with instance_of(home) as instance:
        return dg.materialize([canonical.feedback], resources={"house": house(home)}, instance=instance, raise_on_error=False)


def rows(home: Path, spark: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of the step's tables by key, without the columns that may differ between two runs."""
    from insights_assets.lake.lake import Lake

    lake = Lake(home / "lake", lambda: spark)
    return {str(spec): lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key]).select(spec.stable_columns).to_pylist() for spec in TABLES}


def reported(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What the step told Dagster: metadata and data version of each table, outcome and metadata of each check."""
    told: dict[str, Any] = {}
    for event in result.get_asset_materialization_events():
        made = event.step_materialization_data.materialization
        version = (made.tags or {}).get("dagster/data_version")
        told[made.asset_key.to_user_string()] = {"metadata": _plain(made.metadata), "version": version}
    for check in result.get_asset_check_evaluations():
        name = f"{check.asset_key.to_user_string()}:{check.check_name}"
        told[name] = {"metadata": _plain(check.metadata), "passed": check.passed, "severity": check.severity.value}
    return told


def _plain(metadata: Any) -> dict[str, Any]:
    return {name: value.value for name, value in metadata.items()}


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """The step's error, whole."""
    return " | ".join(str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure)
