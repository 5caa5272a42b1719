"""The graph as people browse it: every asset is documented, owned and grouped as the flow; nothing depends on the environment."""

from __future__ import annotations

import os
import subprocess
import sys

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap  # what the UI is told of a code location
from dagster._serdes import serialize_value

from insights_assets.definitions import WHOLE_LOOP, build_definitions
from insights_assets.flow import STAGES
from insights_assets.tables import all_tables


@pytest.fixture(scope="module")
def specs() -> list[dg.AssetSpec]:
    return list(build_definitions().resolve_all_asset_specs())


def test_every_asset_says_what_it_is(specs: list[dg.AssetSpec]) -> None:
    stages = {stage.name for stage in STAGES}
    for spec in specs:
        name = spec.key.to_user_string()
        assert spec.description and len(spec.description) > 20, name
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.group_name in stages, name
        assert spec.group_name == spec.key.path[0], name
        assert spec.tags.get("medallion") in {"raw", "bronze", "silver", "gold"}, name
        assert spec.code_version, name


def test_every_table_is_an_asset_with_its_columns(specs: list[dg.AssetSpec]) -> None:
    by_key = {spec.key.to_user_string().replace("/", "."): spec for spec in specs}
    for table in all_tables():
        schema = by_key[str(table)].metadata["dagster/column_schema"]
        assert [column.name for column in schema.columns] == table.column_names


def test_lineage_runs_with_the_flow(specs: list[dg.AssetSpec]) -> None:
    order = {stage.name: index for index, stage in enumerate(STAGES)}
    keys = {spec.key for spec in specs}
    for spec in specs:
        for dep in spec.deps:
            assert dep.asset_key in keys, f"{spec.key} reads {dep.asset_key}, which no asset writes"
            assert order[dep.asset_key.path[0]] <= order[spec.key.path[0]], f"{spec.key} reads back from {dep.asset_key}"


def test_every_table_has_a_blocking_schema_check() -> None:
    checks = build_definitions().resolve_asset_graph()
    for table in all_tables():
        key = dg.AssetCheckKey(dg.AssetKey(table.key_path), "schema_matches_spec")
        assert checks.get(key).blocking, str(table)


def test_the_token_in_a_sparks_address_is_no_part_of_what_dagster_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_SPARK_REMOTE", "sc://adb-1.azuredatabricks.net:443/;token=dapi-nobody-may-see;x-databricks-cluster-id=1")
    monkeypatch.setenv("INSIGHTS_HOME", "/a/home/that/is/shown")
    shown = serialize_value(RepositorySnap.from_def(build_definitions().get_repository_def()))
    assert "/a/home/that/is/shown" in shown and "dapi-nobody-may-see" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["embedded", "spark", "databricks"])
def test_definitions_load_with_an_empty_environment(profile: str) -> None:
    code = (
        "from insights_assets.definitions import build_definitions\n"
        f"defs = build_definitions(); defs.resolve_job_def({WHOLE_LOOP!r}); print(len(list(defs.resolve_all_asset_specs())))\n"
        "import sys; heavy = {'sklearn', 'matplotlib', 'streamlit', 'pysail', 'igraph', 'openai'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": os.environ["PATH"], "INSIGHTS_PROFILE": profile},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30
