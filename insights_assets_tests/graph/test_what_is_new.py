"""Steps that look only at what was rewritten give the tables of those that look at everything: files late and anew, orders and parcels
behind their complaints, a product moved and a rate mended, a corrected label, on a home that remembers its last run, on one that forgets it
before each and, as far as facts go, on one that is given all files at once.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.lake.lake import Lake
from insights_assets.resources.operations import open_operations
from insights_assets.simulator import simulate_next_day
from insights_assets_tests import commanding
from insights_assets_tests.shared_homes import LAST_DAY, SECRET, published_rows, sample_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
#: Of the first new day these come a day later than the complaints that name what is in them.
HELD_BACK = ("orders", "fulfilments", "support_tickets")
#: A product of the catalogue is of another line from the second day on, and a rate of before was wrong.
MOVED_TO, MENDED_RATE = "lamps of glass", 2.5
#: When a house came to know of a thing depends on when it was told.
WHEN_KNOWN = {"known_at", "known_day"}


def run(folder: Path, days: int) -> None:
    done = commanding.insights(
        "run", "--landing", str(folder / "landing"), "--home", str(folder / "home"), "--as-of", (LAST_DAY + timedelta(days=days)).isoformat(), "--json",
        environment={"INSIGHTS_CUSTOMER_KEY_SECRET": SECRET},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def forget(folder: Path) -> int:
    """Take the home's memory of its last run away; what it did itself stays."""
    with sqlite3.connect(folder / "home" / "operations.db") as database:
        return database.execute("DELETE FROM home_facts WHERE name LIKE 'memo:%' OR name LIKE 'refused_until:%' OR name LIKE 'checked:%'").rowcount


def first_new_day(landing: Path, aside: Path) -> None:
    """Some of the day's files are held back; of three complaints one names an order, one a parcel and one a buyer that are in those."""
    simulate_next_day(landing)
    day = (LAST_DAY + timedelta(days=1)).isoformat()
    for source in HELD_BACK:
        for file in (landing / source).glob(f"*{day}*"):
            (aside / source).mkdir(parents=True)
            shutil.move(file, aside / source / file.name)
    with gzip.open(next((aside / "orders").iterdir()), "rt", encoding="utf-8", newline="") as file:
        orders = list(csv.DictReader(file))
    ordered, buyer = orders[0], next(order for order in orders if order["customer_email"] not in addresses_of_orders(landing))
    parcels = pq.read_table(next((aside / "fulfilments").iterdir())).to_pylist()
    sent = next(parcel for parcel in parcels if parcel["packaging_batch"] and not parcel["delivered_at"] and parcel["order_id"] < f"LL-{LAST_DAY:%y%m%d}")
    written = [
        {"review_id": "order-behind", "order_id": ordered["order_id"], "sku": ordered["sku"], "body": "I ordered this today and the money was taken twice."},
        {"review_id": "parcel-behind", "order_id": sent["order_id"], "sku": sent["sku"], "body": "Ordered days ago and there is still no word of my parcel."},
    ]
    nobody = {"customer_id": "", "customer_name": "", "order_id": ""}
    said = f"the shade is scratched, please answer {surname(buyer)} soon"
    written.append({**nobody, "review_id": "buyer-behind", "customer_email": buyer["customer_email"], "body": said})
    # A file without a day: what it holds was received as it was written, each on a day that nothing else of the next files touches.
    write_reviews(landing, "own", [{**review, "created_at": f"{LAST_DAY - timedelta(days=3 + number)}T15:00:00Z"} for number, review in enumerate(written)])


def addresses_of_orders(landing: Path) -> set[str]:
    found = set()
    for path in (landing / "orders").iterdir():
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            found |= {row["customer_email"] for row in csv.DictReader(file)}
    return found


def surname(order: dict[str, str]) -> str:
    return order["customer_name"].split()[-1].lower()


def second_new_day(landing: Path, aside: Path) -> None:
    simulate_next_day(landing)
    shutil.copytree(aside, landing, dirs_exist_ok=True)
    said = [row for row in old_reviews(landing) if len(row["body"] or "") > 40]
    late = [
        {**said[0], "body": "The parcel arrived torn open and the lamp was broken into pieces."},  # a record of weeks ago, told otherwise
        {**said[1], "review_id": "late-1", "body": "It never came, and nobody answers my messages about the delay."},
    ]
    day = (LAST_DAY + timedelta(days=2)).isoformat()
    write_reviews(landing, f"{day}-late", late)
    product = json.loads((landing / "products" / "products.jsonl").read_text(encoding="utf-8").splitlines()[0])
    (landing / "products" / f"products-{day}.jsonl").write_text(json.dumps({**product, "product_line": MOVED_TO}) + "\n", encoding="utf-8")
    (landing / "fx" / f"fx-{day}-mended.csv").write_text(f"day,from_currency,to_currency,rate\n{LAST_DAY},EUR,USD,{MENDED_RATE}\n", encoding="utf-8")


def old_reviews(landing: Path) -> list[dict[str, str]]:
    with (landing / "reviews" / "reviews-2026-10.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_reviews(landing: Path, name: str, reviews: list[dict[str, str]]) -> None:
    """What a review does not say is as in an old one."""
    old = old_reviews(landing)[0]
    with (landing / "reviews" / f"reviews-{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(old))
        writer.writeheader()
        writer.writerows({**old, **review} for review in reviews)


def correct(folder: Path, spark: Any) -> None:
    """Somebody says that a complaint of the last week is about something else."""
    lake = Lake(folder / "home" / "lake", lambda: spark)
    chosen = lake.read(FEEDBACK).where(f"kind = 'text' AND received_day > DATE'{LAST_DAY - timedelta(days=7)}'").orderBy("feedback_id").limit(1)
    feedback_id = chosen.select("feedback_id").toArrow().column(0)[0].as_py()
    operations = open_operations(f"sqlite:///{folder / 'home' / 'operations.db'}")
    operations.corrections.add_many([{"feedback_id": feedback_id, "field": "topics", "value": ["damaged_on_arrival"], "previous_value": None}], by="ana", through="test")


def whenever_known(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without when a house came to know of them; counts of records are by that day, so they are left out."""
    return [{name: value for name, value in row.items() if name not in WHEN_KNOWN} for row in rows if row.get("basis") != "records"]


def test_what_is_new_is_all_that_has_to_be_looked_at(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, spark: Any) -> None:
    sample = sample_run(tmp_path_factory)
    remembers, forgets = tmp_path / "remembers", tmp_path / "forgets"
    for folder in (remembers, forgets):
        shutil.copytree(sample, folder)
    for days, files in ((1, first_new_day), (2, second_new_day)):
        for folder in (remembers, forgets):
            files(folder / "landing", folder / "aside")
            if days == 2:
                correct(folder, spark)
            if folder is forgets:
                assert forget(folder), "there is a memory to lose"
            run(folder, days)
        kept, anew = published_rows(remembers / "home", spark), published_rows(forgets / "home", spark)
        assert kept.keys() == anew.keys()
        assert [name for name in kept if kept[name] != anew[name]] == [], f"day {days}"
        told = {row["record_ref"]: row for row in kept["canonical.feedback"]}
        assert told["order-behind"]["order_ref_status"] == ("broken" if days == 1 else "valid")
        assert told["parcel-behind"]["order_ref_status"] == "valid"
        assert bool(told["parcel-behind"]["packaging_batch"]) == (days == 2), "a parcel that left is known by its batch"
        keys = {row["customer_key"] for row in kept["canonical.orders"]}
        assert (told["buyer-behind"]["customer_key"] in keys) == (days == 2), "an address is the customer's who ordered by it"
        assert ("[name]" in told["buyer-behind"]["text"]) == (days == 2), "whose name is then known"
    at_once = tmp_path / "at_once"
    shutil.copytree(remembers / "landing", at_once / "landing")
    run(at_once, 2)
    other = published_rows(at_once / "home", spark)
    facts = [name for name in other if name.startswith(("canonical.", "sources.")) or name == "anomalies.exposure_series"]
    assert [name for name in facts if whenever_known(kept[name]) != whenever_known(other[name])] == [], "day by day as if all had come at once"
    moved = [[row for row in kept[f"canonical.{name}"] if row["product_line"] == MOVED_TO] for name in ("orders", "shipments", "feedback")]
    assert all(len(rows) > 5 for rows in moved), [len(rows) for rows in moved]
    of_the_day = [row for row in kept["canonical.orders"] if row["ordered_day"] == LAST_DAY and row["currency"] == "EUR"]
    assert of_the_day and all(row["amount"] == round(row["quantity"] * row["unit_price"] * MENDED_RATE, 2) for row in of_the_day)
    said = [row["text"] for row in kept["canonical.feedback"]]
    assert any("torn open" in str(text) for text in said) and any("never came" in str(text) for text in said), "late ones are there"
