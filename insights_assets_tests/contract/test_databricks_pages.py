"""docs/databricks/unity-catalog.md, bundle.md and jobs.md: every command is run, in the page's order, against stand-ins of the workspace."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from insights_assets.cli import main
from insights_assets.commands.unity_catalog import matrix_text
from insights_assets.governance.unity.roles import ROLES, group_of, matrix
from insights_assets.tables import catalog_tables
from insights_assets_tests import commanding
from insights_assets_tests.contract.bundle_reading import ROOT
from insights_assets_tests.contract.page_walk import Typed, install, typed, walk
from insights_assets_tests.contract.whole_workspace import WholeWorkspace
from insights_assets_tests.contract.workspace_server import WorkspaceServer

TOKEN = "dapi-a-token-that-nobody-may-see"
MARKS = re.compile(r"(<!-- matrix -->\n).*?(<!-- /matrix -->)", re.S)


def page(name: str) -> Path:
    return ROOT / "docs" / "databricks" / f"{name}.md"


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
def test_the_commands_of_unity_catalog_run_in_their_order(server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_DATABRICKS_ENV", "prod")
    lines = typed(page("unity-catalog"))
    assert len(lines) >= 5 and all(line.startswith("insights ") for line in lines)
    for line in lines:
        result = CliRunner().invoke(main, shlex.split(line)[1:])
        assert result.exit_code == 0, f"{line}: {result.output[-800:]}"
    assert server.world.tables, "the page's apply made the catalog"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[WholeWorkspace]:
    with WholeWorkspace(tmp_path / "workspace", TOKEN, "insights_dev") as found:
        yield found


def walked(name: str, tmp_path: Path, workspace: WholeWorkspace, instead: dict[str, str]) -> list[Typed]:
    """A page typed on a machine that is set up and signed in, with a wheel that was built."""
    machine = tmp_path / "machine"
    (machine / "dist").mkdir(parents=True)
    (machine / "dist" / "insights_assets-0.1.0-py3-none-any.whl").write_bytes(b"a wheel")
    ours = f"export PYTHONPATH={ROOT} {workspace.variable};"
    install(machine, {
        "bin/databricks": f'{ours} {commanding.line("databricks", "insights_assets_tests.contract.databricks_cli")}',
        "bin/insights": f'{ours} {commanding.line("insights", "insights_assets_tests.contract.sail_catalog")}', "bin/python": f'{ours} exec {sys.executable} "$@"',
    })  # fmt: skip
    environment = {
        "PATH": f"{machine}/bin:{os.environ['PATH']}", "HOME": str(machine), "LANG": "C.UTF-8", "DATABRICKS_HOST": workspace.url, "DATABRICKS_TOKEN": TOKEN,
        "INSIGHTS_CUSTOMER_KEY_SECRET": "a-customer-key", "INSIGHTS_DATABRICKS_WAREHOUSE_ID": "1234567890abcdef",
    }  # fmt: skip
    return walk(page(name), machine, {**instead, "/Volumes/": f"{workspace.folder}/Volumes/"}, environment, 800)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_commands_of_the_bundle_run_in_their_order(tmp_path: Path, workspace: WholeWorkspace) -> None:
    # Importing the module that writes the jobs' file is enough here: `test_bundle.py` holds the file to what it would write.
    found = walked("bundle", tmp_path, workspace, {"python -m insights_assets_tests.contract.bundle_reading": "python -c 'import insights_assets_tests.contract.bundle_reading'"})
    (doctor,) = [one for one in found if one.on_page.startswith("insights doctor")]
    assert "ok    secrets" in doctor.output and "FAIL" not in doctor.output, doctor.output
    assert workspace.secrets["insights-dev", "customer_key"] == "a-customer-key"
    assert (workspace.folder / "Volumes/insights_dev/files/wheels/.internal/insights_assets-0.1.0-py3-none-any.whl").exists()
    assert workspace.unity.world.secrets == {}, "taken back"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_commands_of_jobs_run_in_their_order(tmp_path: Path, workspace: WholeWorkspace) -> None:
    # The wheel is built by the test of the page start.md.
    found = walked("jobs", tmp_path, workspace, {"python -m pip wheel --no-deps --no-build-isolation -w dist .": "ls dist"})
    assert len(found) >= 9 and "as Databricks jobs" in found[-1].output
    assert len(workspace.secrets["insights", "customer_key"]) == 64


def test_the_pages_matrix_is_the_commands() -> None:
    """Written anew by `python -m insights_assets_tests.contract.test_databricks_pages`."""
    found = MARKS.search(page("unity-catalog").read_text(encoding="utf-8"))
    assert found and found[0] == _with_matrix(found[0]), "tables or roles changed: `python -m insights_assets_tests.contract.test_databricks_pages` writes the matrix anew"
    assert matrix_text(matrix(catalog_tables())) in CliRunner().invoke(main, ["databricks", "bootstrap", "--matrix"]).output


def _with_matrix(text: str) -> str:
    return MARKS.sub(lambda found: f"{found[1]}{matrix_text(matrix(catalog_tables()))}\n{found[2]}", text)


if __name__ == "__main__":
    where = page("unity-catalog")
    where.write_text(_with_matrix(where.read_text(encoding="utf-8")), encoding="utf-8")
