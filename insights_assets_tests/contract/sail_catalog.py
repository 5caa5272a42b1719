"""The stand-in of Unity Catalog: tables by name, volumes and rights in a folder, the same for every process and session of a workspace.

Belongs here: carrying out what `bootstrap` says (tables by its own SQL, volumes as folders, grants), and what a process has to be told, because the
embedded engine keeps a catalog a session, knows no rights and no DESCRIBE HISTORY. Everything else is the product's own (`lake/unity.py`) and the
engine's. Does not belong here: any expectation, and what a workspace says over HTTP (`workspace_server.py`).
What only Databricks can answer (managed locations, RESTORE and history in its own words, row filters and masks at work) is thereby not met.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from insights_assets_tests.contract.catalog_rights import Rights

#: Variable that names the catalog to a process of the workspace.
VARIABLE = "STAND_IN_CATALOG"
#: What the engine calls its own catalog; one of another name has to be told to it (`engine_settings`).
OF_THE_ENGINE = "sail"
PIPELINE = tuple(f"insights-{env}-pipeline" for env in ("dev", "staging", "prod"))
_NAME = r"`(?P<catalog>[^`]+)`\.`(?P<stage>\w+)`\.`(?P<name>\w+)`"
_MADE = re.compile(rf"CREATE (?P<kind>TABLE|VOLUME) IF NOT EXISTS {_NAME}")
_DELTA_ONLY = re.compile(rf"(?:DESCRIBE HISTORY|RESTORE TABLE|SHOW TBLPROPERTIES) {_NAME}(?: LIMIT 1| TO VERSION AS OF (?P<version>\d+))?")
#: The engine fails on a union of a commented and a computed column, so its copies of the tables go without column comments.
_COMMENT = re.compile(r" COMMENT '(?:[^'\\]|\\.)*'(?=,\n|\n\))")


@dataclass(frozen=True)
class Catalog:
    """Where the rows of the tables and the files of the volumes lie; `groups` are those of whoever works in this process."""

    name: str
    tables: str
    volumes: str
    groups: tuple[str, ...] = PIPELINE
    #: Delta's own statements as they were sent.
    sent: list[str] = field(default_factory=list, compare=False)

    def variable(self) -> dict[str, str]:
        """The environment of a process in whose workspace this catalog is."""
        return {VARIABLE: json.dumps([self.name, self.tables, self.volumes, self.groups])}

    @classmethod
    def of(cls, text: str) -> Self:
        name, tables, volumes, groups = json.loads(text)
        return cls(name, tables, volumes, tuple(groups))

    @property
    def engine_settings(self) -> dict[str, str]:
        """Environment of an engine whose catalog has this name."""
        return {"SAIL_CATALOG__LIST": f'[{{name="{self.name}", type="memory", initial_database=["default"]}}]', "SAIL_CATALOG__DEFAULT_CATALOG": f'"{self.name}"'}

    def place(self, stage: str, name: str) -> Path:
        return Path(self.tables, self.name, stage, name)

    def volume(self, name: str) -> Path:
        return Path(self.volumes, self.name, "files", name)

    @property
    def rights(self) -> Rights:
        return Rights.at(Path(self.tables, self.name, "_rights.json"))

    def bootstrap(self, spark: Any, specs: Iterable[Any]) -> None:
        """What `bootstrap --apply` leaves, for some tables."""
        from insights_assets.governance.unity.statements import Plan, bootstrap

        for statement in bootstrap(Plan(self.name), specs):
            self.take(statement.sql, spark)

    def take(self, sql: str, spark: Any) -> None:
        """What a statement of `bootstrap` leaves behind; those that leave no table, folder or right are passed over."""
        made = _MADE.match(sql)
        if made is None:
            self.rights.take(sql)
        elif made["kind"] == "VOLUME":
            self.volume(made["name"]).mkdir(parents=True, exist_ok=True)
        elif not (self.place(made["stage"], made["name"]) / "_delta_log").is_dir():
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{made['catalog']}`.`{made['stage']}`")
            spark.sql(f"DROP TABLE IF EXISTS `{made['catalog']}`.`{made['stage']}`.`{made['name']}`")
            here = f"\nLOCATION '{self.place(made['stage'], made['name'])}'\nTBLPROPERTIES ("
            spark.sql(_COMMENT.sub("", sql).replace("\nTBLPROPERTIES (", here))

    def install(self, put: Any = setattr) -> None:
        """Let this process meet the catalog; `put` is `setattr`, or one that can be taken back."""
        from insights_assets.lake import unity

        for target, name, value in ((unity, "volume_path", lambda _catalog, one: str(self.volume(one))), *_lakes_ways(self, unity)):
            put(target, name, value)

    def need(self, right: str, spec: Any) -> None:
        """Raises PermissionError where rights were granted at all and these groups lack one."""
        rights = self.rights
        if rights and (lacking := rights.lacking(self.groups, right, self.name, spec.stage, spec.name)):
            raise PermissionError(f"[INSUFFICIENT_PERMISSIONS] {', '.join(self.groups)}: User does not have {lacking}")


def _lakes_ways(catalog: Catalog, unity: Any) -> list[tuple[Any, str, Any]]:
    """What a lake has to do here that a workspace does by itself, as (object, name, value)."""
    from insights_assets.lake.pinned import make_readable

    known: set[tuple[int, str]] = set()
    lake = unity.UnityLake
    begin, name, stored, written, overwrite = lake.__init__, lake.name, lake._stored, lake._written, lake.overwrite

    def begun(self: Any, *given: Any, **more: Any) -> None:
        begin(self, *given, **more)
        self._is_embedded = True  # what this engine needs of frames it needs here too

    def named(self: Any, spec: Any) -> str:
        """The session is told of a table when it first meets it."""
        address, files = name(self, spec), catalog.place(spec.stage, spec.name)
        if (id(self.spark), address) not in known and (files / "_delta_log").is_dir():
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {unity.quoted(catalog.name, spec.stage)}")
            self.spark.sql(f"DROP TABLE IF EXISTS {address}")
            self.spark.sql(f"CREATE TABLE {address} USING DELTA LOCATION '{files}'")
            known.add((id(self.spark), address))
        return str(address)

    def read(self: Any, spec: Any, version: int | None) -> Any:
        catalog.need("SELECT", spec)
        if version is not None:
            make_readable(catalog.place(spec.stage, spec.name), version)
        return stored(self, spec, version)

    def write(self: Any, spec: Any, *given: Any) -> Any:
        catalog.need("MODIFY", spec)
        return written(self, spec, *given)

    def replace(self: Any, spec: Any, *given: Any) -> Any:
        catalog.need("MODIFY", spec)
        return overwrite(self, spec, *given)

    ways = {"__init__": begun, "name": named, "_stored": read, "_written": write, "overwrite": replace, "sql": lambda self, statement: _answered(self, catalog, statement)}
    return [(lake, name, value) for name, value in ways.items()]


def _answered(lake: Any, catalog: Catalog, statement: str) -> Any:
    """Delta's own statements, from the tables' logs."""
    from deltalake import DeltaTable

    catalog.sent.append(statement)
    made = _DELTA_ONLY.fullmatch(statement)
    if made is None:
        raise LookupError(f"the stand-in does not know this statement: {statement[:200]}")
    table = DeltaTable(str(catalog.place(made["stage"], made["name"])))
    if statement.startswith("RESTORE"):
        table.restore(int(made["version"]))
        return None
    if statement.startswith("SHOW"):
        return lake.spark.createDataFrame(list(table.metadata().configuration.items()), "key string, value string")
    metrics = {key: str(value) for key, value in (table.history(1)[0].get("operationMetrics") or {}).items()}
    return lake.spark.createDataFrame([(table.version(), metrics)], "version bigint, operationMetrics map<string,string>")


def main(words: list[str], prog_name: str) -> None:
    """`insights …` of a machine that the workspace belongs to."""
    Catalog.of(os.environ.pop(VARIABLE)).install()
    from insights_assets.cli import main as command

    command(words, prog_name=prog_name)


if __name__ == "__main__":
    main(sys.argv[1:], "insights")
