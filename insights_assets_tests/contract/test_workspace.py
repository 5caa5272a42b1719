"""`insights databricks bootstrap --apply` and `insights doctor --profile databricks`, by the real SDK against a workspace on loopback."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from insights_assets.cli import main
from insights_assets.governance.unity import applying
from insights_assets.governance.unity.examining import Finding, examine
from insights_assets.governance.unity.roles import ROLES, group_of
from insights_assets.governance.unity.statements import Plan, Statement, bootstrap
from insights_assets.resources.jobs import open_workspace
from insights_assets.settings import Settings
from insights_assets.tables import catalog_tables
from insights_assets_tests.contract.workspace_server import WorkspaceServer, World, columns_of

pytestmark = pytest.mark.slow
WHEEL = "/Volumes/insights_dev/files/wheels/insights_assets-0.1.0-py3-none-any.whl"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as found:
        found.world.groups = {group_of("dev", role.name) for role in ROLES}
        for name, value in {"HOST": found.url, "TOKEN": "a-token", "WAREHOUSE_ID": "w1"}.items():
            monkeypatch.setenv(f"INSIGHTS_DATABRICKS_{name}", value)
        monkeypatch.setenv("INSIGHTS_HOME", str(tmp_path / "home"))
        yield found


def insights(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def apply() -> Result:
    return insights("databricks", "bootstrap", "--apply", "--json")


def test_without_apply_nothing_is_sent(server: WorkspaceServer) -> None:
    for more in ((), ("--matrix",), ("--groups",), ("--json",)):
        assert insights("databricks", "bootstrap", *more).exit_code == 0
    assert server.calls == []


def test_apply_makes_everything_once_however_often_it_is_run(server: WorkspaceServer) -> None:
    first = apply()
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["statements"]["table"] == len(catalog_tables())
    world = server.world
    made = (dict(world.tables), set(world.schemas), dict(world.views), json.dumps({str(k): {g: sorted(r) for g, r in v.items()} for k, v in world.grants.items()}))
    assert {(name[1], name[2]) for name in world.tables} == {(spec.stage, spec.name) for spec in catalog_tables()}
    count = len(server.statements)
    assert apply().exit_code == 0
    assert made == (dict(world.tables), set(world.schemas), dict(world.views), json.dumps({str(k): {g: sorted(r) for g, r in v.items()} for k, v in world.grants.items()}))
    assert len(server.statements) == 2 * count + 1, "the second time it first asks what is there"


def test_a_column_that_a_release_brings_is_added(server: WorkspaceServer) -> None:
    apply()
    name = ("insights_dev", "canonical", "feedback")
    del server.world.tables[name]["language"]
    assert json.loads(apply().stdout)["statements"]["column"] == 1
    assert server.world.tables[name]["language"] == "string"
    added = next(sql for sql in server.statements if "ADD COLUMNS" in sql)
    views = [index for index, sql in enumerate(server.statements) if sql.startswith("CREATE OR REPLACE VIEW") and index > server.statements.index(added)]
    assert len(views) == len(catalog_tables()), "views come after what they read"


def test_a_column_of_another_type_stops_before_anything_is_run(server: WorkspaceServer) -> None:
    apply()
    server.world.tables["insights_dev", "canonical", "feedback"]["rating"] = "string"
    before = len(server.statements)
    result = apply()
    assert result.exit_code == 1 and "canonical.feedback.rating is string in the catalog" in result.output
    assert len(server.statements) == before + 1


def test_the_catalogs_own_words_of_a_type_are_understood() -> None:
    for spec in catalog_tables():
        for one in bootstrap(Plan("c"), [spec]):
            if one.kind == "table":
                from insights_assets.lake.types import arrow_type

                assert {name: arrow_type(kind) for name, kind in columns_of(one.sql).items()} == {column.name: arrow_type(column.type) for column in spec.columns}


@pytest.mark.parametrize(("words", "advice"), [
    ("PERMISSION_DENIED: User does not have CREATE SCHEMA on Catalog", "CREATE CATALOG on the metastore"),
    ("[PARSE_SYNTAX_ERROR] Syntax error at or near 'CLUSTER'", "current SQL warehouse"),
    ("Something nobody foresaw", "apply again: what is there stays"),
])  # fmt: skip
def test_the_first_error_stops_it_and_says_where_and_what_to_do(server: WorkspaceServer, words: str, advice: str) -> None:
    server.refuse_sql["CREATE TABLE IF NOT EXISTS `insights_dev`.`canonical`.`orders`"] = words
    result = apply()
    assert result.exit_code == 1 and f"table canonical.orders: {words}" in result.output and advice in result.output
    assert "canonical`.`orders`" in server.statements[-1], "nothing after it was sent"
    server.refuse_sql.clear()
    assert apply().exit_code == 0, "and going on needs no clearing up"


def test_groups_that_are_missing_are_named_before_anything_is_run(server: WorkspaceServer) -> None:
    server.world.groups.remove("insights-dev-leader")
    result = apply()
    assert result.exit_code == 1 and "no group insights-dev-leader" in result.output and not server.statements


def test_a_statement_that_takes_long_is_waited_for_and_one_that_takes_too_long_is_cancelled(server: WorkspaceServer) -> None:
    server.slow = True
    statement = Statement("schema", "x", "CREATE SCHEMA IF NOT EXISTS `c`.`x`")
    workspace = open_workspace(Settings())
    assert list(applying.run(workspace, "w1", statement, pause=0.01)) == []
    server._answers = {name: {"statement_id": name, "status": {"state": "RUNNING"}} for name in ("s1", "s2")}
    server.answer = _never_ends(server)  # type: ignore[method-assign]
    with pytest.raises(applying.StatementRefused, match="schema x: not done after 0 s, so it was cancelled"):
        list(applying.run(workspace, "w1", statement, patience=0.05, pause=0.02))
    assert ("POST", "/api/2.0/sql/statements/s2/cancel") in server.calls


def _never_ends(server: WorkspaceServer) -> Any:
    def answer(method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        server.calls.append((method, path))
        return {} if path.endswith("/cancel") else {"statement_id": "s2", "status": {"state": "RUNNING"}}

    return answer


@pytest.mark.parametrize(("given", "said"), [((), "needs a SQL warehouse"), (("--warehouse", "gone"), "Warehouse gone was not found")])
def test_a_warehouse_is_needed(server: WorkspaceServer, given: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSIGHTS_DATABRICKS_WAREHOUSE_ID")
    result = insights("databricks", "bootstrap", "--apply", *given)
    assert result.exit_code == (2 if not given else 1) and said in result.output


# -- the doctor ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bootstrapped() -> World:
    """What `bootstrap --apply` leaves, made once."""
    with WorkspaceServer() as found:
        found.world.groups = {group_of("dev", role.name) for role in ROLES}
        workspace = open_workspace(Settings(databricks_host=found.url, databricks_token="a-token"))
        applying.apply(workspace, "w1", bootstrap(Plan("insights_dev"), catalog_tables()), lambda _: None)
        return found.world


@pytest.fixture
def ready(server: WorkspaceServer, bootstrapped: World, monkeypatch: pytest.MonkeyPatch) -> WorkspaceServer:
    """A workspace after bootstrap and deploy."""
    server.world = copy.deepcopy(bootstrapped)
    server.world.my_groups = {group_of("dev", "pipeline"), "admins"}
    server.world.secrets = {"insights": {"customer_key"}}
    server.world.files = {WHEEL}
    server.world.policies = {"p1": "insights jobs"}
    given = {
        "CATALOG": "insights_dev", "WHEEL": WHEEL, "JOB_FILE": "/Volumes/insights_dev/files/wheels/job.py", "CLUSTER": json.dumps({"policy_id": "p1", "num_workers": 1, "spark_version": "16.4.x"}),
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"INSIGHTS_DATABRICKS_{name}", value)
    monkeypatch.setenv("INSIGHTS_HEAVY_STEPS", "job")
    monkeypatch.setenv("INSIGHTS_SPARK_REMOTE", "sc://workspace:443/;token=x")
    server.calls.clear()
    return server


def looked(settings: Settings | None = None) -> dict[str, Finding]:
    settings = settings or Settings()
    return {finding.check: finding for finding in examine(open_workspace(settings), settings)}


def test_a_ready_workspace_is_ok_in_every_line_and_only_looked_at(ready: WorkspaceServer) -> None:
    found = looked()
    assert {finding.level for finding in found.values()} == {"ok"}, [finding for finding in found.values() if finding.level != "ok"]
    assert {"sign-in", "groups", "catalog", "schemas", "tables", "volumes", "grants", "quota", "lake", "warehouse", "compute", "secrets", "wheel", "deployment"} == set(found)
    assert ready.methods <= {"GET", "HEAD"}


def test_the_command_has_the_lines_of_the_machine_and_the_workspace_and_an_honest_exit_code(server: WorkspaceServer) -> None:
    result = insights("doctor", "--profile", "databricks", "--json")
    lines = {line["check"]: line for line in json.loads(result.stdout)}
    assert result.exit_code == 1 and lines["catalog"]["level"] == "fail" and not lines["catalog"]["ok"]
    assert lines["python"]["level"] == "ok" and lines["compute"]["level"] == "warn" and lines["compute"]["ok"]
    assert server.methods == {"GET"}
    plain = insights("doctor", "--profile", "databricks").output
    assert "FAIL  catalog" in plain and "warn  compute" in plain and "bootstrap --env dev --catalog insights_dev --apply" in plain


def _drop(server: WorkspaceServer, kind: str) -> None:
    world = server.world
    changes: dict[str, Any] = {
        "groups": lambda: world.groups.discard("insights-dev-ops"), "schemas": lambda: world.schemas.discard(("insights_dev", "people_labels")),
        "tables": lambda: world.tables.pop(("insights_dev", "labels", "review_queue")), "columns": lambda: world.tables["insights_dev", "labels", "review_queue"].pop("text"),
        "volumes": lambda: world.volumes.discard(("insights_dev", "files", "scratch")), "secrets": world.secrets.clear, "key": world.secrets["insights"].clear,
        "wheel": world.files.clear, "policy": world.policies.clear, "warehouse": lambda: world.warehouses.update(w1="DELETED"),
        "grant": lambda: world.grants["schema", "insights_dev", "labels"]["insights-dev-pipeline"].discard("MODIFY"),
        "quota": lambda: world.quota.update({"table-quota": (9900, 10000)}), "owner": lambda: world.catalogs.update(insights_dev="ann@shop.example"),
        "more": lambda: world.grants["schema", "insights_dev", "sources"].update({"ann@shop.example": {"SELECT"}}),
        "leader": lambda: world.grants["schema", "insights_dev", "people_labels"].update({"insights-dev-leader": {"SELECT"}}),
        "member": world.my_groups.clear,
    }  # fmt: skip
    changes[kind]()


@pytest.mark.parametrize(("kind", "check", "level", "says"), [
    ("groups", "groups", "fail", "insights-dev-ops"), ("schemas", "schemas", "fail", "people_labels missing"), ("tables", "tables", "fail", "1 tables and 0 columns"),
    ("columns", "tables", "fail", "labels.review_queue.text"), ("volumes", "volumes", "fail", "scratch missing"), ("secrets", "secrets", "fail", "no secret scope insights"),
    ("key", "secrets", "fail", "put-secret insights customer_key"), ("wheel", "wheel", "fail", "bundle deploy -t dev"), ("policy", "compute", "fail", "p1"),
    ("warehouse", "warehouse", "fail", "is deleted"), ("grant", "grants", "fail", "insights-dev-pipeline lacks MODIFY on labels"), ("quota", "quota", "warn", "ask Databricks for more"),
    ("owner", "catalog", "warn", "a person as owner reads every row"), ("more", "grants", "warn", "ann@shop.example has SELECT on sources"),
    ("leader", "grants", "warn", "insights-dev-leader has SELECT on people_labels"), ("member", "sign-in", "warn", "no member of insights-dev-pipeline"),
])  # fmt: skip
def test_each_thing_that_is_missing_or_too_much_is_one_line_that_says_what_to_do(ready: WorkspaceServer, kind: str, check: str, level: str, says: str) -> None:
    _drop(ready, kind)
    found = looked()
    assert found[check].level == level and says in found[check].says, found[check]
    assert [name for name, finding in found.items() if finding.level != "ok"] == [check], "and no other line changes"
    assert ready.methods <= {"GET", "HEAD"}


def test_what_may_not_be_looked_at_is_no_failure(ready: WorkspaceServer) -> None:
    ready.forbid = {"resource-quotas", "permissions/"}
    found = looked()
    assert found["grants"].level == found["quota"].level == "warn" and "may not be looked at" in found["grants"].says


def test_a_wrong_token_is_one_line_and_the_end(ready: WorkspaceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_DATABRICKS_TOKEN", "another")
    (line,) = looked().values()
    assert line.level == "fail" and "refuses the credentials" in line.says and "another" not in line.says


def test_without_a_host_the_doctor_says_what_to_set(server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("INSIGHTS_DATABRICKS_HOST", "INSIGHTS_DATABRICKS_TOKEN", "DATABRICKS_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    result = insights("doctor", "--profile", "databricks")
    assert result.exit_code == 1 and "set INSIGHTS_DATABRICKS_HOST" in result.output


@pytest.mark.parametrize(("state", "level"), [("READY", "ok"), ("NOT_READY", "fail")])
def test_a_model_deployment_of_the_workspace_is_looked_up(ready: WorkspaceServer, monkeypatch: pytest.MonkeyPatch, state: str, level: str) -> None:
    ready.world.endpoints["labels"] = state
    for name, value in {"MODEL": "compatible", "MODEL_ENDPOINT": f"{ready.url}/serving-endpoints", "MODEL_DEPLOYMENT": "labels", "MODEL_KEY": "k"}.items():
        monkeypatch.setenv(f"INSIGHTS_{name}", value)
    assert looked()["deployment"].level == level


def test_runs_that_would_miss_the_catalog_are_told(ready: WorkspaceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSIGHTS_SPARK_REMOTE")
    assert looked()["lake"].level == "fail"
    monkeypatch.delenv("INSIGHTS_DATABRICKS_CATALOG")
    assert looked()["lake"].level == "warn"
