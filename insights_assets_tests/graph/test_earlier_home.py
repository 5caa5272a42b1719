"""A home that an earlier version of the product made, met by a run of this one: brought forward before a body looks at it, or left alone with a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from insights_assets.canonical import assets as canonical
from insights_assets.canonical.tables import ORDERS, PRODUCTS
from insights_assets.lake.ddl import may_be_null
from insights_assets.lake.lake import Lake
from insights_assets.lake.spec import TableSpec
from insights_assets.sources import assets as sources
from insights_assets_tests.contract.feedback_run import environment, failure_of, house, instance_of, write_landing

pytestmark = pytest.mark.slow
STEPS = [*sources.ASSETS, canonical.products, canonical.orders]


def without(spec: TableSpec, *names: str) -> TableSpec:
    return replace(spec, columns=tuple(column for column in spec.columns if column.name not in names))


def run(home: Path) -> dg.ExecuteInProcessResult:
    with environment(), instance_of(home) as instance:
        return dg.materialize(STEPS, resources={"house": house(home)}, instance=instance, raise_on_error=False)


def test_tables_of_an_earlier_version_are_widened_and_their_rows_made_anew(tmp_path: Path, spark: Any) -> None:
    home = tmp_path / "home"
    write_landing(home / "landing")
    lake = Lake(home / "lake", lambda: spark)
    before = without(PRODUCTS, "unit_margin", "launched_on")
    row = {"sku": "LMP-1", "name": "lamps one", "product_line": "lamps", "aliases": None, "unit_price": 1.0, "is_flagship": None}
    lake.write(before, pd.DataFrame([row])[before.column_names])
    lake.ensure(without(ORDERS, next(column.name for column in ORDERS.columns if may_be_null(ORDERS, column))))
    result = run(home)
    assert result.success, failure_of(result)
    found = {row["sku"]: row for row in Lake(home / "lake", lambda: spark).read_arrow(PRODUCTS).to_pylist()}
    assert found["LMP-1"]["unit_price"] == 20 and found["LMP-1"]["unit_margin"] == 8, "the body compared with what was stored, and made it anew"
    assert Lake(home / "lake", lambda: spark).row_count(ORDERS) == 60
    checks = {(check.asset_key.path[-1], check.check_name): check.passed for check in result.get_asset_check_evaluations()}
    assert checks["products", "schema_matches_spec"] and checks["orders", "schema_matches_spec"]


def test_a_table_that_cannot_be_brought_forward_stops_the_run_with_what_to_do_and_that_does(tmp_path: Path, spark: Any) -> None:
    home = tmp_path / "home"
    write_landing(home / "landing")
    lake = Lake(home / "lake", lambda: spark)
    other = replace(PRODUCTS, columns=tuple(replace(column, type="string") if column.name == "unit_price" else column for column in PRODUCTS.columns))
    lake.ensure(other)
    result = run(home)
    told = failure_of(result)
    assert not result.success and "canonical.products" in told and "unit_price is string there and double in this version" in told
    assert f"take {lake.path(PRODUCTS)} away" in told and lake.version(PRODUCTS) == 0
    lake.path(PRODUCTS).rename(tmp_path / "taken away")
    result = run(home)
    assert result.success, failure_of(result)
    assert Lake(home / "lake", lambda: spark).row_count(PRODUCTS) == 2
