"""docs/databricks/unity-catalog.md and bundle.md: every `insights` command is run against the stand-in, every other command names what is there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from insights_assets.cli import main
from insights_assets.commands.unity_catalog import matrix_text
from insights_assets.governance.unity.roles import ROLES, group_of, matrix
from insights_assets.settings import Settings
from insights_assets.tables import all_tables
from insights_assets_tests.contract.bundle_reading import ROOT, TARGETS, bundle
from insights_assets_tests.contract.workspace_server import WorkspaceServer

PAGES = ("unity-catalog", "bundle")
MARKS = re.compile(r"(<!-- matrix -->\n).*?(<!-- /matrix -->)", re.S)


def page(name: str) -> Path:
    return ROOT / "docs" / "databricks" / f"{name}.md"


def typed(name: str) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", page(name).read_text(encoding="utf-8"), re.M | re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as found:
        found.world.groups = {group_of(env, role.name) for env in ("dev", "staging", "prod") for role in ROLES}
        found.world.my_groups = {group_of("prod", "pipeline"), group_of("dev", "pipeline")}
        found.world.secrets = {"insights": {"customer_key"}, "insights-dev": {"customer_key"}}
        found.world.files = {"/Volumes/insights_dev/files/wheels/.internal/insights_assets-0.1.0-py3-none-any.whl"}
        for name, value in {"HOST": found.url, "TOKEN": "a-token", "WAREHOUSE_ID": "w1"}.items():
            monkeypatch.setenv(f"INSIGHTS_DATABRICKS_{name}", value)
        monkeypatch.setenv("INSIGHTS_HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_run_in_their_order(name: str, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "unity-catalog":
        monkeypatch.setenv("INSIGHTS_DATABRICKS_ENV", "prod")
    ran = 0
    for line in typed(name):
        if line.startswith("export "):
            setting, value = line.removeprefix("export ").split("=", 1)
            assert setting.removeprefix("INSIGHTS_").lower() in Settings.model_fields, setting
            monkeypatch.setitem(os.environ, setting, value)
        elif line.startswith("insights "):
            result = CliRunner().invoke(main, shlex.split(line)[1:])
            assert result.exit_code == 0, f"{line}: {result.output[-800:]}"
            ran += 1
    assert ran >= 2 and server.world.tables, "the page's apply made the catalog"


def test_commands_of_the_databricks_cli_name_what_the_bundle_has() -> None:
    whole = {target: bundle(target) for target in TARGETS}
    found = [shlex.split(line) for line in typed("bundle") if line.startswith("databricks ")]
    assert len(found) >= 6
    for words in found:
        if words[1] == "secrets":
            scopes = {scope["name"] for one in whole.values() for scope in one["resources"]["secret_scopes"].values()}
            assert words[3] in scopes and words[4] in ("customer_key", "operations_url", "spark_remote")
            continue
        target = words[words.index("-t") + 1]
        resources = whole[target]["resources"]
        if words[2] == "run":
            assert words[3] in resources["jobs"] or words[3] in resources["apps"]
        if "--params" in words:
            names = {one["name"] for one in resources["jobs"][words[3]]["parameters"]}
            assert {pair.split("=")[0] for pair in words[words.index("--params") + 1].split(",")} <= names
        if "--var" in words:
            assert words[words.index("--var") + 1].split("=")[0] == "pipeline_principal"


def test_the_pages_matrix_is_the_commands() -> None:
    """Written anew by `python -m insights_assets_tests.contract.test_databricks_pages`."""
    found = MARKS.search(page("unity-catalog").read_text(encoding="utf-8"))
    assert found and found[0] == _with_matrix(found[0]), "tables or roles changed: `python -m insights_assets_tests.contract.test_databricks_pages` writes the matrix anew"
    assert matrix_text(matrix(all_tables())) in CliRunner().invoke(main, ["databricks", "bootstrap", "--matrix"]).output


def _with_matrix(text: str) -> str:
    return MARKS.sub(lambda found: f"{found[1]}{matrix_text(matrix(all_tables()))}\n{found[2]}", text)


if __name__ == "__main__":
    where = page("unity-catalog")
    where.write_text(_with_matrix(where.read_text(encoding="utf-8")), encoding="utf-8")
