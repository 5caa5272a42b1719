"""A stand-in for what a Databricks workspace answers about Unity Catalog and itself, over real HTTP on loopback, for the real SDK.

Belongs here: the few read endpoints that `insights doctor --profile databricks` asks, and SQL statements as far as `bootstrap --apply` sends
them: they are read by sqlglot and change what the read endpoints say afterwards. Jobs, DBFS and files are `databricks_server.py`'s.

What has thereby not met the real service: whether a warehouse takes each statement, what its errors say beyond the marks that are quoted here,
how grants and masks act on a query, quotas, sign-in other than by token.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import sqlglot
from sqlglot import exp

from insights_assets_tests.contract.catalog_rights import NAME, Rights, parts


@dataclass
class World:
    """What the workspace holds."""

    user: str = "pipeline@shop.example"
    groups: set[str] = field(default_factory=set)
    my_groups: set[str] = field(default_factory=set)
    catalogs: dict[str, str] = field(default_factory=dict)
    schemas: set[tuple[str, ...]] = field(default_factory=set)
    volumes: set[tuple[str, ...]] = field(default_factory=set)
    tables: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    views: dict[tuple[str, ...], str] = field(default_factory=dict)
    functions: dict[tuple[str, ...], str] = field(default_factory=dict)
    masks: dict[tuple[str, ...], str] = field(default_factory=dict)
    grants: Rights = field(default_factory=Rights)
    warehouses: dict[str, str] = field(default_factory=lambda: {"w1": "RUNNING"})
    policies: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, set[str]] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    quota: dict[str, tuple[int, int]] = field(default_factory=lambda: {"schema-quota": (20, 10000), "table-quota": (200, 10000)})


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class WorkspaceServer:
    """`with WorkspaceServer() as server`. `refuse_sql` maps a piece of a statement to the error it ends with; `slow` answers PENDING first."""

    def __init__(self, token: str = "a-token") -> None:
        self.world, self.token = World(), token
        self.calls: list[tuple[str, str]] = []
        self.statements: list[str] = []
        self.refuse_sql: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.forbid: set[str] = set()
        self.slow = False
        self._answers: dict[str, dict[str, Any]] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def methods(self) -> set[str]:
        return {method for method, _ in self.calls}

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((method, path))
        if any(part in path for part in self.forbid):
            raise Refusal(403, "PERMISSION_DENIED", "User does not have permission")
        if method == "POST" and path == "/api/2.0/sql/statements/":
            return self._execute(body)
        if method == "GET" and path.startswith("/api/2.0/sql/statements/"):
            return self._answers[path.rsplit("/", 1)[-1]]
        if method not in ("GET", "HEAD"):
            raise Refusal(404, "ENDPOINT_NOT_FOUND", f"{method} {path} is no endpoint of this stand-in")
        return self._read(path, query)

    def _read(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        world = self.world
        unity = path.removeprefix("/api/2.1/unity-catalog/")
        scope = (query.get("catalog_name", ""), query.get("schema_name", ""))
        if path.endswith("/scim/v2/Me"):
            return {"userName": world.user, "groups": [{"display": name, "value": name} for name in sorted(world.my_groups)]}
        if path.endswith("/scim/v2/Groups"):
            wanted = re.fullmatch(r'displayName eq "(.+)"', query["filter"])
            assert wanted
            found = [wanted[1]] if wanted[1] in world.groups and query["startIndex"] == "1" else []
            return {"Resources": [{"id": name, "displayName": name} for name in found]}
        if unity == "catalogs":
            return {"catalogs": [{"name": name} for name in world.catalogs]}
        if unity.startswith("catalogs/"):
            name = unity.removeprefix("catalogs/")
            return {"name": name, "owner": self._of(world.catalogs, name, "Catalog", "CATALOG_DOES_NOT_EXIST")}
        if unity == "schemas":
            return {"schemas": [{"name": name[1]} for name in sorted(world.schemas) if name[0] == scope[0]]}
        if unity == "volumes":
            return {"volumes": [{"name": name[2]} for name in sorted(world.volumes) if name[:2] == scope]}
        if unity == "tables":
            tables = [{"name": name[2], "table_type": "MANAGED", "columns": [{"name": one} for one in columns]} for name, columns in world.tables.items() if name[:2] == scope]
            return {"tables": tables + [{"name": name[2], "table_type": "VIEW"} for name in world.views if name[:2] == scope]}
        if unity.startswith("permissions/"):
            _, kind, name = unity.split("/", 2)
            held = world.grants.get((kind, *name.split(".")), {})
            return {"privilege_assignments": [{"principal": who, "privileges": sorted(rights)} for who, rights in held.items() if rights]}
        if unity.startswith("resource-quotas/"):
            count, limit = self._of(world.quota, unity.rsplit("/", 1)[-1], "Quota", "NOT_FOUND")
            return {"quota_info": {"quota_name": unity.rsplit("/", 1)[-1], "quota_count": count, "quota_limit": limit}}
        if path.startswith("/api/2.0/sql/warehouses/"):
            name = path.rsplit("/", 1)[-1]
            return {"id": name, "name": f"warehouse {name}", "state": self._of(world.warehouses, name, "Warehouse", "RESOURCE_DOES_NOT_EXIST"), "warehouse_type": "PRO"}
        if path == "/api/2.0/policies/clusters/get":
            return {"policy_id": query["policy_id"], "name": self._of(world.policies, query["policy_id"], "Policy", "RESOURCE_DOES_NOT_EXIST")}
        if path == "/api/2.0/secrets/list":
            return {"secrets": [{"key": key} for key in self._of(world.secrets, query["scope"], "Scope", "RESOURCE_DOES_NOT_EXIST")]}
        if path == "/api/2.0/secrets/get":
            value = self._of(self.values, f"{query['scope']}/{query['key']}", "Secret", "RESOURCE_DOES_NOT_EXIST")
            return {"key": query["key"], "value": base64.b64encode(value.encode()).decode()}
        if path.startswith("/api/2.0/serving-endpoints/"):
            name = path.rsplit("/", 1)[-1]
            return {"name": name, "state": {"ready": self._of(world.endpoints, name, "Endpoint", "RESOURCE_DOES_NOT_EXIST")}}
        if path.startswith("/api/2.0/fs/files/"):
            if path.removeprefix("/api/2.0/fs/files") not in world.files:
                raise Refusal(404, "NOT_FOUND", "The file being accessed is not found")
            return {}
        raise Refusal(404, "ENDPOINT_NOT_FOUND", f"{path} is no endpoint of this stand-in")

    @staticmethod
    def _of(held: dict[str, Any], name: str, kind: str, code: str) -> Any:
        if name not in held:
            raise Refusal(404, code, f"{kind} '{name}' does not exist.")
        return held[name]

    # -- statements ----------------------------------------------------------------------------------------------------------

    def _execute(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["warehouse_id"] not in self.world.warehouses:
            raise Refusal(404, "RESOURCE_DOES_NOT_EXIST", f"Warehouse {body['warehouse_id']} was not found")
        sql = body["statement"]
        self.statements.append(sql)
        name = f"s{len(self.statements)}"
        ended: dict[str, Any] = {"statement_id": name, "status": {"state": "SUCCEEDED"}, "result": {"data_array": []}}
        refused = next((words for part, words in self.refuse_sql.items() if part in sql), None)
        if refused is not None:
            ended = {"statement_id": name, "status": {"state": "FAILED", "error": {"error_code": "BAD_REQUEST", "message": refused}}}
        else:
            ended["result"]["data_array"] = self._run(sql)
        self._answers[name] = ended
        return {"statement_id": name, "status": {"state": "PENDING"}} if self.slow else ended

    def _run(self, sql: str) -> list[list[str]]:
        """Carry a statement out on the world; gives the rows of a query. Whatever is not understood is an error of the test."""
        world = self.world
        if sql.startswith("SELECT table_schema"):
            return [[name[1], name[2], column, kind] for name, columns in world.tables.items() for column, kind in columns.items()]
        if made := re.match(rf"CREATE CATALOG IF NOT EXISTS {NAME}", sql):
            world.catalogs.setdefault(parts(made[1])[0], "insights-deployer")
        elif made := re.match(rf"CREATE SCHEMA IF NOT EXISTS {NAME}", sql):
            world.schemas.add(parts(made[1]))
        elif made := re.match(rf"CREATE VOLUME IF NOT EXISTS {NAME}", sql):
            world.volumes.add(parts(made[1]))
        elif made := re.match(rf"CREATE OR REPLACE FUNCTION {NAME}", sql):
            world.functions[parts(made[1])] = sql
        elif made := re.match(rf"CREATE OR REPLACE VIEW {NAME}", sql):
            world.views[parts(made[1])] = sql
        elif made := re.match(rf"CREATE TABLE IF NOT EXISTS {NAME}", sql):
            world.tables.setdefault(parts(made[1]), columns_of(sql))
        elif made := re.match(rf"ALTER TABLE {NAME} ADD COLUMNS \((.+)\)$", sql):
            world.tables[parts(made[1])] |= columns_of(f"CREATE TABLE x ({made[2]})")
        elif made := re.match(rf"ALTER TABLE {NAME} ALTER COLUMN {NAME} SET MASK {NAME}", sql):
            world.masks[(*parts(made[1]), *parts(made[2]))] = made[3]
        elif not self._takes_rights(sql) and not re.match(r"ALTER (CATALOG `\w+` DISABLE PREDICTIVE OPTIMIZATION|TABLE \S+ (ALTER COLUMN \S+ )?SET TAGS \()", sql):
            raise AssertionError(f"the stand-in does not know this statement: {sql[:200]}")
        return []

    def _takes_rights(self, sql: str) -> bool:
        try:
            return self.world.grants.take(sql, self.world.groups)
        except LookupError as error:
            raise Refusal(400, "BAD_REQUEST", f"[PRINCIPAL_DOES_NOT_EXIST] Could not find principal with name {error}") from None


def columns_of(sql: str) -> dict[str, str]:
    """Column -> type of a CREATE TABLE, in the words of information_schema."""
    schema = sqlglot.parse_one(sql, dialect="databricks").find(exp.Schema)
    assert schema is not None
    return {one.name: one.kind.sql(dialect="databricks").lower().replace(" ", "") for one in schema.expressions if isinstance(one, exp.ColumnDef) and one.kind}


class _Handler(BaseHTTPRequestHandler):
    owner: WorkspaceServer
    protocol_version = "HTTP/1.1"
    # One packet an answer: headers and body apart wait for each other's receipt.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """The ledger is `calls`."""

    def _serve(self) -> None:
        where = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        status, answer = 200, {}
        try:
            if self.headers.get("Authorization") != f"Bearer {self.owner.token}":
                raise Refusal(401, "UNAUTHENTICATED", "Invalid access token")
            answer = self.owner.answer(self.command, unquote(where.path), dict(parse_qsl(where.query)), body)
        except Refusal as refusal:
            status, answer = refusal.status, {"error_code": refusal.code, "message": refusal.message}
        sent = b"" if self.command == "HEAD" else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = _serve
