"""`bootstrap --apply` takes back what the product's groups hold beyond the matrix, and `--revokes` only says so: by the real SDK against a workspace."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from insights_assets.cli import main
from insights_assets.governance.unity.roles import ROLES, group_of
from insights_assets.tables import catalog_tables
from insights_assets_tests.contract.workspace_server import WorkspaceServer

pytestmark = pytest.mark.slow
BEYOND = (
    "GRANT SELECT ON TABLE `insights_dev`.`canonical`.`feedback_text` TO `insights-dev-console`", "GRANT MANAGE ON CATALOG `insights_dev` TO `insights-dev-ops`",
    "GRANT SELECT ON SCHEMA `insights_dev`.`internals` TO `insights-dev-leader`", "GRANT READ VOLUME ON VOLUME `insights_dev`.`files`.`scratch` TO `insights-dev-analyst`",
    "GRANT SELECT ON VIEW `insights_dev`.`people_labels`.`gone` TO `insights-dev-ops`",
)  # fmt: skip
#: Of somebody else, or on what the bundle owns.
OTHERS = (
    "GRANT SELECT ON SCHEMA `insights_dev`.`labels` TO `auditors`", "GRANT WRITE VOLUME ON VOLUME `insights_dev`.`files`.`jobs` TO `insights-dev-pipeline`",
    "GRANT SELECT ON SCHEMA `insights_dev`.`theirs` TO `insights-dev-ops`",
)  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WorkspaceServer]:
    """A catalog after bootstrap, with a view and a volume that bootstrap did not make."""
    with WorkspaceServer() as found:
        found.world.groups = {*(group_of("dev", role.name) for role in ROLES), "auditors"}
        for name, value in {"HOST": found.url, "TOKEN": "a-token", "WAREHOUSE_ID": "w1"}.items():
            monkeypatch.setenv(f"INSIGHTS_DATABRICKS_{name}", value)
        monkeypatch.setenv("INSIGHTS_HOME", str(tmp_path / "home"))
        assert insights("--apply").exit_code == 0
        found.world.views["insights_dev", "people_labels", "gone"] = ""
        found.world.volumes.add(("insights_dev", "files", "jobs"))
        found.world.schemas.add(("insights_dev", "theirs"))
        yield found


def insights(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["databricks", "bootstrap", *arguments])


def test_what_is_beyond_the_matrix_goes_and_all_else_stays(server: WorkspaceServer) -> None:
    for sql in OTHERS:
        server.world.grants.take(sql)
    wanted = copy.deepcopy(dict(server.world.grants))
    for sql in BEYOND:
        server.world.grants.take(sql)
    result = insights("--apply", "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["statements"]["revoke"] == len(BEYOND), result.output
    left = {name: {group: rights for group, rights in held.items() if rights} for name, held in server.world.grants.items()}
    assert {name: held for name, held in left.items() if held} == wanted
    assert "REVOKE" in server.statements[-1] and server.statements[-1 - len(BEYOND)].startswith("GRANT"), "what goes, goes last"
    again = json.loads(insights("--apply", "--json").stdout)
    assert "revoke" not in again["statements"], "nothing is left to take back"


def test_revokes_are_printed_without_a_change(server: WorkspaceServer) -> None:
    for sql in BEYOND:
        server.world.grants.take(sql)
    before, count = copy.deepcopy(dict(server.world.grants)), len(server.statements)
    server.calls.clear()
    printed = insights("--revokes")
    assert printed.exit_code == 0 and printed.output.count("REVOKE ") == len(BEYOND)
    assert "REVOKE SELECT ON VIEW `insights_dev`.`people_labels`.`gone` FROM `insights-dev-ops`;" in printed.output
    assert dict(server.world.grants) == before and len(server.statements) == count and server.methods == {"GET"}
    assert len(json.loads(insights("--revokes", "--json").output)) == len(BEYOND)


def test_a_workspace_without_the_catalog_holds_nothing_of_it(server: WorkspaceServer) -> None:
    assert insights("--revokes", "--catalog", "insights_new").output == ""


def test_each_object_is_asked_once(server: WorkspaceServer) -> None:
    server.calls.clear()
    insights("--revokes")
    asked = [path for _, path in server.calls if "/permissions/" in path]
    assert len(asked) == len(set(asked)) and len(asked) > 2 * len(catalog_tables())


def test_who_may_not_see_grants_is_told(server: WorkspaceServer) -> None:
    server.forbid = {"permissions/"}
    result = insights("--revokes")
    assert result.exit_code == 1 and "cannot be asked what is granted" in result.output
