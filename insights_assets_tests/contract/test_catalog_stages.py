"""Whole stages on tables with names, and the same on a folder: equal rows. The engine's own catalog stands for Unity Catalog (see `lake/test_unity.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.lake.removal import is_append_only
from insights_assets.lake.unity import UnityLake
from insights_assets.sources.tables import RAW
from insights_assets.tables import all_tables
from insights_assets_tests.contract.sail_catalog import OF_THE_ENGINE, Catalog
from insights_assets_tests.house import PRODUCTS, TestHouse, order, review

pytestmark = pytest.mark.slow
STAGES = ("sources", "canonical", "labels")
AS_OF = date(2026, 11, 22)


def fill(house: TestHouse, day: str) -> None:
    house.put("products", "products.jsonl", PRODUCTS)
    house.put("orders", f"orders-{day}.jsonl", [order(f"O{day}-{n}", "LMP-1", f"C{n}", day) for n in range(4)])
    house.put("reviews", f"reviews-{day}.jsonl", [review(f"R{day}-{n}", f"O{day}-{n}", f"C{n}", day, body=f"the lamp arrived broken, glass everywhere {n}") for n in range(4)])


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[dict[str, TestHouse]]:
    where: Path = tmp_path_factory.mktemp("catalog")
    mine = [spec for spec in all_tables() if spec.stage in STAGES]
    catalog = Catalog(OF_THE_ENGINE, str(where / "tables"), str(where / "volumes"))
    catalog.bootstrap(spark, mine)
    with pytest.MonkeyPatch.context() as patch:
        catalog.install(patch.setattr)
        named = UnityLake(OF_THE_ENGINE, lambda: spark)
        made = {"folder": TestHouse(where / "folder", spark, as_of=AS_OF), "catalog": TestHouse(where / "named", spark, as_of=AS_OF)}
        made["catalog"].lake = named
        for day, run_id in (("2026-11-05", "run-1"), ("2026-11-06", "run-2")):
            for house in made.values():
                fill(house, day)
                house.run(*STAGES, run_id=run_id)
        yield made
        for spec in mine:
            spark.sql(f"DROP TABLE IF EXISTS {named.name(spec)}")
        for house in made.values():
            house.operations.close()


def test_the_same_rows_stand_in_the_catalog_and_in_the_folder(houses: dict[str, TestHouse]) -> None:
    compared = 0
    for spec in all_tables():
        if spec.stage not in STAGES or not houses["folder"].lake.exists(spec):
            continue
        rows = {name: sorted(house.lake.read_arrow(spec).select(spec.stable_columns).to_pylist(), key=str) for name, house in houses.items()}
        assert rows["folder"] == rows["catalog"], str(spec)
        compared += bool(rows["folder"])
    assert compared >= 10


def test_a_run_over_nothing_new_writes_nothing(houses: dict[str, TestHouse]) -> None:
    lake = houses["catalog"].lake
    mine = [spec for spec in all_tables() if spec.stage in STAGES]
    before = {str(spec): lake.version(spec) for spec in mine}
    houses["catalog"].run(*STAGES, run_id="run-3")
    assert {str(spec): lake.version(spec) for spec in mine} == before
    assert is_append_only(lake, RAW["reviews"])
