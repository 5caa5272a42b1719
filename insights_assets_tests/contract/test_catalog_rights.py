"""Rights in the stand-in's catalog: what `bootstrap` grants is what a lake may do there, and what it does not grant is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from insights_assets.governance.unity.roles import ROLES, Role, holds_raw
from insights_assets.lake.unity import UnityLake
from insights_assets.tables import catalog_tables, table
from insights_assets_tests.contract.catalog_rights import Rights
from insights_assets_tests.contract.sail_catalog import OF_THE_ENGINE, Catalog

pytestmark = pytest.mark.slow
TEXT, MATRIX = table("canonical.feedback_text"), table("governance.access_matrix")
Opens = Callable[..., UnityLake]


@pytest.fixture
def opens(tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> Opens:
    """A lake as a member of some groups has it."""
    made = Catalog(OF_THE_ENGINE, str(tmp_path / "tables"), str(tmp_path / "volumes"))
    made.bootstrap(spark, (TEXT, MATRIX))

    def opened(*roles: str) -> UnityLake:
        replace(made, groups=tuple(f"insights-dev-{role}" for role in roles)).install(monkeypatch.setattr)
        return UnityLake(made.name, lambda: spark)

    return opened


def test_the_pipeline_reads_and_writes(opens: Opens) -> None:
    lake = opens("pipeline")
    row = dict.fromkeys(TEXT.column_names) | {"feedback_id": "f1", "received_day": date(2026, 11, 1)}
    assert lake.write(TEXT, pd.DataFrame([row]), days=[date(2026, 11, 1)]).rows == 1 and lake.row_count(TEXT) == 1


@pytest.mark.parametrize("role", [role for role in ROLES if role.name != "pipeline"], ids=lambda role: role.name)
@pytest.mark.parametrize("spec", [TEXT, MATRIX], ids=str)
def test_nobody_else_writes_and_few_read_a_table_itself(opens: Opens, role: Role, spec: Any) -> None:
    lake = opens(role.name)
    with pytest.raises(PermissionError, match=r"INSUFFICIENT_PERMISSIONS.*does not have"):
        lake._written(spec, lambda _: pytest.fail("it was written"))
    may = (role.tables == "unmasked" and not holds_raw(spec)) or (role.tables == "raw" and holds_raw(spec))
    if may:
        assert lake.row_count(spec) == 0
    else:
        with pytest.raises(PermissionError, match=f"does not have (SELECT|USE SCHEMA|USE CATALOG) on {OF_THE_ENGINE}"):
            lake.row_count(spec)


def test_a_right_that_is_taken_back_is_gone(opens: Opens, tmp_path: Path) -> None:
    lake = opens("pipeline")
    assert lake.row_count(MATRIX) == 0
    rights = Rights.at(tmp_path / "tables" / OF_THE_ENGINE / "_rights.json")
    assert rights.take(f"REVOKE SELECT ON SCHEMA `{OF_THE_ENGINE}`.`governance` FROM `insights-dev-pipeline`")
    with pytest.raises(PermissionError, match=r"does not have SELECT on sail\.governance\.access_matrix"):
        lake.row_count(MATRIX)


def test_without_the_use_rights_a_right_on_the_table_does_nothing() -> None:
    rights = Rights()
    for sql in ("GRANT SELECT ON TABLE `c`.`s`.`t` TO `g`", "GRANT USE SCHEMA ON SCHEMA `c`.`s` TO `g`"):
        assert rights.take(sql)
    assert rights.lacking(["g"], "SELECT", "c", "s", "t") == "USE CATALOG on c"
    rights.take("GRANT USE CATALOG ON CATALOG `c` TO `h`")
    assert rights.lacking(["g", "h"], "SELECT", "c", "s", "t") is None, "whoever is in both groups"
    assert rights.lacking(["g", "h"], "MODIFY", "c", "s", "t") == "MODIFY on c.s.t"


def test_every_table_of_the_catalog_is_the_pipelines_to_write(tmp_path: Path) -> None:
    """By the rights alone, over all tables: what the graph needs is granted, nothing else has to be."""
    from insights_assets.governance.unity.statements import Plan, bootstrap

    rights = Rights()
    for statement in bootstrap(Plan("c"), catalog_tables()):
        rights.take(statement.sql)
    for spec in catalog_tables():
        for right in ("SELECT", "MODIFY"):
            assert rights.lacking(["insights-dev-pipeline"], right, "c", spec.stage, spec.name) is None
