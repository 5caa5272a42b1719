"""One workspace for a whole page: Unity Catalog, SQL, jobs, files and secrets behind one address, with the tables really there.

Belongs here: putting the stand-ins of `workspace_server.py` (what a workspace says) and `databricks_server.py` (what it runs) behind one door, and
one catalog (`sail_catalog.py`) behind both: what a statement makes is there for whoever works in the workspace. Its Spark is the embedded engine.
"""

from __future__ import annotations

import base64
import os
import shlex
from pathlib import Path
from typing import Any

from insights_assets.governance.unity.roles import ROLES, group_of
from insights_assets_tests.contract.databricks_files import ApiError, Volume
from insights_assets_tests.contract.databricks_server import DatabricksServer
from insights_assets_tests.contract.sail_catalog import Catalog
from insights_assets_tests.contract.workspace_server import Refusal, WorkspaceServer


class WholeWorkspace(DatabricksServer):
    """`with WholeWorkspace(folder, token, catalog=…) as workspace`; `remote` is its Spark Connect address."""

    def __init__(self, folder: Path, token: str, catalog: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, token)
        self.folder, self._spark_here = folder, None
        self.volume = Volume(folder / "Volumes")
        self.catalog = Catalog(catalog, str(folder / "tables"), str(self.volume.root))
        self.unity = WorkspaceServer(token)
        self.unity._http.server_close()  # its answers are given here
        world = self.unity.world
        world.groups = {group_of(env, role.name) for env in ("dev", "staging", "prod") for role in ROLES}
        world.my_groups = {group_of(env, "pipeline") for env in ("dev", "staging", "prod")}
        world.warehouses = {"1234567890abcdef": "RUNNING"}
        world.grants = self.catalog.rights
        self._kept = os.environ.copy()

    def __enter__(self) -> WholeWorkspace:
        os.environ.update(self.catalog.engine_settings)
        try:
            super().__enter__()
        finally:
            for name in self.catalog.engine_settings:
                del os.environ[name]
        self.jobs.platform |= self.catalog.variable()
        return self

    def __exit__(self, *given: object) -> None:
        if self._spark_here is not None:
            self._spark_here.stop()  # else `getOrCreate` would hand it out for ever, its server being gone
        super().__exit__(*given)

    @property
    def variable(self) -> str:
        """The catalog for a process that a shell starts."""
        return " ".join(f"{name}={shlex.quote(value)}" for name, value in self.catalog.variable().items())

    @property
    def remote(self) -> str:
        return str(self.jobs.platform["SPARK_REMOTE"])

    def answer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path.startswith("/api/2.0/secrets/scopes/create"):
            if body["scope"] in self.unity.world.secrets:
                raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Scope {body['scope']} already exists!")
            self.unity.world.secrets[body["scope"]] = set()
            return {}
        if path == "/api/2.0/secrets/put":
            if body["scope"] not in self.unity.world.secrets:
                raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Scope {body['scope']} does not exist!")
            value = body.get("string_value") or base64.b64decode(body["bytes_value"]).decode()
            self.secrets[body["scope"], body["key"]] = value
            self.unity.world.secrets[body["scope"]].add(body["key"])
            return {}
        if path == "/api/2.0/secrets/scopes/delete":
            if self.unity.world.secrets.pop(body["scope"], None) is None:
                raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Scope {body['scope']} does not exist!")
            return {}
        try:
            return super().answer(method, path, body)
        except ApiError as error:
            if error.code != "ENDPOINT_NOT_FOUND":
                raise
        try:
            found = self.unity.answer(method, path, body, body)
        except Refusal as refusal:
            raise ApiError(refusal.status, refusal.code, refusal.message) from None
        if path == "/api/2.0/sql/statements/" and method == "POST" and found["status"]["state"] == "SUCCEEDED":
            self._make(body["statement"])
        return found

    def _make(self, sql: str) -> None:
        """What a statement leaves on the storage, by a session of the workspace's own Spark; rights are written by whoever read them."""
        if sql.startswith(("CREATE TABLE", "CREATE VOLUME")):
            self.catalog.take(sql, self._session() if sql.startswith("CREATE TABLE") else None)

    def _session(self) -> Any:
        """A session of its own. Where the process has none yet it is what `getOrCreate` gives, until it is stopped."""
        from pyspark.sql.connect.session import SparkSession

        if self._spark_here is None:
            self._spark_here = SparkSession.builder.remote(self.remote).create()
        return self._spark_here
