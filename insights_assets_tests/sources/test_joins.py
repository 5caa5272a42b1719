"""A source whose columns lie in several files: composed, incremental, idempotent; a joined file that comes later completes its records."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import FEEDBACK, ORDERS, QUARANTINE, SOURCE_COMPLETENESS
from insights_assets.shop import default_shop_path
from insights_assets.sources.tables import BRONZE, RAW
from insights_assets_tests.house import TestHouse

pytestmark = pytest.mark.slow

MAPPING = """sources:
  reviews:
    folder: dump
    files: ["opinions*.csv"]
    delimiter: ";"
    joins:
      - {file: "orders*.csv", on: order, columns: {buyer: buyer, lamp: sku}}
      - {file: "people*.csv", on: {buyer: number}, columns: {code: customer_id, mail: customer_email}}
    derived: {review_id: {concat: [order, n], with: "/"}}
    columns: {stars: rating, said: body, order: order_id, at: created_at}
    values: {channel: {web: storefront}}
    constants: {region: de}
    times: {created_at: "%d.%m.%Y %H:%M"}
    time_zone: Europe/Berlin
  orders:
    - folder: dump
      files: ["lines*.csv"]
      columns: {day: ordered_at, price: unit_price}
      repeats: {quantity: sum}
unused: {"dump/readme.txt": a note to people}
"""
OPINIONS = "order;n;stars;said;at;channel\nO1;1;1;Came in pieces;01.11.2026 12:00;web\nO2;1;2;Came late;02.11.2026 12:00;web\nO9;1;2;Never came;03.11.2026 12:00;web\n"
LINES = "order_id,sku,quantity,day,price,currency\nO1,LMP-1,1,2026-10-20,10,USD\nO1,LMP-1,2,2026-10-20,10,USD\nO1,LMP-2,1,2026-10-20,5,USD\nO2,LMP-1,1,2026-10-21,10,USD\n"


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> TestHouse:
    shop = Path(shutil.copytree(default_shop_path(), tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")))
    (shop / "sources.yaml").write_text(MAPPING, encoding="utf-8")
    house = TestHouse(tmp_path / "home", spark, as_of=date(2026, 11, 20), shop=shop)
    put(house, "opinions.csv", OPINIONS)
    put(house, "lines.csv", LINES)
    put(house, "readme.txt", "hello")
    return house


def put(house: TestHouse, name: str, text: str) -> None:
    path = house.landing / "dump" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def reviews(house: TestHouse) -> dict[str, dict[str, Any]]:
    return {row["record_ref"]: row for row in house.rows(BRONZE["reviews"])}


def account(house: TestHouse, source: str = "reviews") -> tuple[int, int, int, int, int]:
    row = next(row for row in house.rows(SOURCE_COMPLETENESS) if row["source"] == source)
    return row["raw_count"], row["bronze_count"], row["superseded_count"], row["quarantined_count"], row["unexplained_count"]


def test_joined_files_complete_their_records_whenever_they_come(house: TestHouse) -> None:
    house.run("sources", "canonical")
    first = reviews(house)
    assert set(first) == {"O1/1", "O2/1", "O9/1"}
    assert first["O1/1"]["created_at"] == datetime(2026, 11, 1, 11, tzinfo=UTC)  # noon in Berlin
    assert (first["O1/1"]["channel"], first["O1/1"]["region"], first["O1/1"]["rating"], first["O1/1"]["customer_id"]) == ("storefront", "de", 1.0, None)
    assert account(house) == (3, 3, 0, 0, 0)

    put(house, "orders_1.csv", "order;buyer;lamp\nO1;B1;LMP-1\nO2;B2;LMP-1\nO2;B2;LMP-2\nO2;broken line\n")
    house.run("sources", "canonical", run_id="run-2")
    second = reviews(house)
    # Two rows of O2 agree on the buyer and differ in the lamp: what they differ in cannot be known.
    assert {ref: row["sku"] for ref, row in second.items()} == {"O1/1": "LMP-1", "O2/1": None, "O9/1": None}
    bad = [row for row in house.rows(QUARANTINE) if row["source"] == "reviews"]
    assert [(row["source_file"], row["line"]) for row in bad] == [("dump/orders_1.csv", 5)]
    assert bad[0]["reason"] == "orders*.csv (joined): 2 fields, the header has 3"
    assert account(house)[4] == 0

    put(house, "people.csv", "number;code;mail\nB1;C1;one@mail.test\nB2;C2;two@mail.test\n")
    house.run("sources", "canonical", run_id="run-3")
    third = reviews(house)
    assert {ref: row["customer_id"] for ref, row in third.items()} == {"O1/1": "C1", "O2/1": "C2", "O9/1": None}
    feedback = {row["record_ref"]: row for row in house.rows(FEEDBACK)}
    assert feedback["O1/1"]["customer_key"] and not feedback["O9/1"]["customer_key"]
    assert account(house)[4] == 0 and account(house)[1] == 3

    versions = {spec: house.lake.version(spec) for spec in (RAW["reviews"], BRONZE["reviews"], FEEDBACK, QUARANTINE)}
    steps = house.run("sources", "canonical", run_id="run-4")
    assert versions == {spec: house.lake.version(spec) for spec in versions}
    assert steps["sources__reviews"].notes[RAW["reviews"]] == {"files_read": 0, "files_known": 1, "lines_appended": 0}


def test_all_at_once_equals_one_after_the_other(house: TestHouse, tmp_path: Path, spark: Any) -> None:
    other = TestHouse(tmp_path / "other", spark, as_of=house.as_of, shop=house.settings.shop)
    later = {"orders_1.csv": "order;buyer;lamp\nO1;B1;LMP-1\nO2;B2;LMP-1\n", "people.csv": "number;code;mail\nB1;C1;one@mail.test\n"}
    for name, text in {"opinions.csv": OPINIONS, "lines.csv": LINES, **later}.items():
        put(other, name, text)
    other.run("sources", "canonical")
    for name, text in later.items():
        house.run("sources", "canonical")
        put(house, name, text)
    house.run("sources", "canonical", run_id="run-9")

    def stable(of: TestHouse, spec: Any) -> list[dict[str, Any]]:
        table = of.lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key])
        return table.select(spec.stable_columns).to_pylist()

    for spec in (BRONZE["reviews"], BRONZE["orders"], FEEDBACK, ORDERS):
        assert stable(house, spec) == stable(other, spec), spec


def test_rows_of_one_order_line_are_one_record_and_none_is_lost(house: TestHouse) -> None:
    house.run("sources", "canonical")
    rows = {row["record_ref"]: row["quantity"] for row in house.rows(BRONZE["orders"])}
    assert rows == {"O1|LMP-1": 3, "O1|LMP-2": 1, "O2|LMP-1": 1}
    payload = next(row["payload"] for row in house.rows(RAW["orders"]) if row["record_ref"] == "O1|LMP-1")
    assert payload.count('"quantity"') == 2


def test_a_mended_mapping_is_read_into_a_home_that_has_the_files(house: TestHouse) -> None:
    path = house.settings.shop / "sources.yaml"
    path.write_text(MAPPING.replace("concat: [order, n]", "concat: [no_such_column]"), encoding="utf-8")
    house.shop = _loaded(house)
    house.run("sources", "canonical")
    reasons = {row["reason"] for row in house.rows(QUARANTINE)}
    assert reasons == {"review_id is empty but required", "the file has no column 'no_such_column', which shop/sources.yaml names"}
    path.write_text(MAPPING, encoding="utf-8")
    house.shop = _loaded(house)
    house.run("sources", "canonical", run_id="run-2")
    assert set(reviews(house)) == {"O1/1", "O2/1", "O9/1"}
    assert account(house) == (7, 3, 0, 4, 0)
    path.write_text(MAPPING.replace("region: de", "region: at"), encoding="utf-8")
    house.shop = _loaded(house)
    house.run("sources", "canonical", run_id="run-3")
    assert {row["region"] for row in house.rows(FEEDBACK)} == {"at"}
    assert account(house)[4] == 0


def test_a_file_rewritten_in_place_brings_its_new_version(house: TestHouse) -> None:
    (house.landing / "products").mkdir()
    catalogue = house.landing / "products" / "products.csv"
    catalogue.write_text("sku,name,unit_price\nLMP-1,Lamp,10\nLMP-2,Lamp two,12\n")
    house.run("sources")
    catalogue.write_text("sku,name,unit_price\nLMP-1,Lamp,11\nLMP-2,Lamp two,12\n")
    house.run("sources", run_id="run-2")
    assert {row["sku"]: row["unit_price"] for row in house.rows(BRONZE["products"])} == {"LMP-1": 11.0, "LMP-2": 12.0}
    catalogue.write_text("sku,name,unit_price\nLMP-2,Lamp two,12\nLMP-1,Lamp,11\n")
    house.run("sources", run_id="run-3")
    steps = house.run("sources", run_id="run-4")
    assert steps["sources__products"].notes[RAW["products"]]["files_read"] == 0  # no news in it, and that is remembered


def test_what_was_removed_is_not_brought_back_by_a_mapping_or_a_join(house: TestHouse) -> None:
    """Retention and erasure leave a hash; a mapped payload has another hash under another mapping, so its file stays closed."""
    from insights_assets.sources.tables import REMOVED_ROWS

    house.run("sources")
    gone = [{"source": "reviews", "payload_sha256": row["payload_sha256"], "file_sha256": row["file_sha256"], "reason": "erasure"} for row in house.rows(RAW["reviews"])]
    house.lake.write(REMOVED_ROWS, house.lake.spark.createDataFrame(
        [(row["source"], row["payload_sha256"], row["file_sha256"], row["reason"], datetime(2026, 11, 20), "run-x") for row in gone],
        "source string, payload_sha256 string, file_sha256 string, reason string, removed_at timestamp, run_id string",
    ))
    path = house.settings.shop / "sources.yaml"
    path.write_text(MAPPING.replace("region: de", "region: at"), encoding="utf-8")
    house.shop = _loaded(house)
    put(house, "people.csv", "number;code;mail\nB1;C1;one@mail.test\n")
    version = house.lake.version(RAW["reviews"])
    house.run("sources", run_id="run-2")
    assert house.lake.version(RAW["reviews"]) == version


def _loaded(house: TestHouse) -> Any:
    from insights_assets.shop import load_shop

    return load_shop(house.settings.shop)
