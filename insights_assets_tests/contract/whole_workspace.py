"""One workspace for a whole page: Unity Catalog, SQL, jobs, files and secrets behind one address, with the tables really there.

Belongs here: putting the stand-ins of `workspace_server.py` (what a workspace says) and `databricks_server.py` (what it runs) behind one door, and
the files that CREATE TABLE and CREATE VOLUME leave. Its Spark is the embedded engine with a catalog of that name (`sail_catalog.py`).
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Any

from insights_assets.governance.unity.roles import ROLES, group_of
from insights_assets_tests.contract import sail_catalog
from insights_assets_tests.contract.databricks_files import ApiError, Volume
from insights_assets_tests.contract.databricks_server import DatabricksServer
from insights_assets_tests.contract.workspace_server import Refusal, WorkspaceServer

_MADE = re.compile(r"CREATE (?:TABLE|VOLUME) IF NOT EXISTS `(\w+)`\.`(\w+)`\.`(\w+)`")


class WholeWorkspace(DatabricksServer):
    """`with WholeWorkspace(folder, token, catalog=…) as workspace`; `remote` is its Spark Connect address."""

    def __init__(self, folder: Path, token: str, catalog: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, token)
        self.folder, self.catalog = folder, catalog
        self.volume = Volume(folder / "Volumes")
        self.unity = WorkspaceServer(token)
        self.unity._http.server_close()  # its answers are given here
        world = self.unity.world
        world.groups = {group_of(env, role.name) for env in ("dev", "staging", "prod") for role in ROLES}
        world.my_groups = {group_of(env, "pipeline") for env in ("dev", "staging", "prod")}
        world.warehouses = {"1234567890abcdef": "RUNNING"}
        self._kept = os.environ.copy()

    def __enter__(self) -> WholeWorkspace:
        os.environ.update(sail_catalog.engine_settings(self.catalog))
        try:
            super().__enter__()
        finally:
            for name in sail_catalog.engine_settings(self.catalog):
                del os.environ[name]
        self.jobs.platform[sail_catalog.FOLDER] = str(self.folder)
        return self

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
        """What a statement leaves on the storage."""
        from deltalake import DeltaTable, Schema

        from insights_assets.tables import all_tables

        made = _MADE.match(sql)
        if made is None:
            return
        catalog, stage, name = made.groups()
        if sql.startswith("CREATE VOLUME"):
            Path(sail_catalog.volume(self.folder, catalog, name)).mkdir(parents=True, exist_ok=True)
            return
        spec = next(spec for spec in all_tables() if (spec.stage, spec.name) == (stage, name))
        place = sail_catalog.tables(self.folder, catalog) / stage / name
        if not place.exists():
            DeltaTable.create(
                str(place), schema=Schema.from_arrow(spec.arrow_schema), partition_by=[spec.partition_by] if spec.partition_by else None,
                configuration=spec.delta_configuration,
            )  # fmt: skip
