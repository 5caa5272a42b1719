"""The embedded engine in the place of a workspace's Spark: tables of a catalog by name, for Dagster's process and for the tasks of its jobs alike.

Belongs here: what such a process has to be told, because the engine keeps a catalog a session and knows no DESCRIBE HISTORY: where the files of the
tables lie, and what their logs say. Everything else is the product's own (`lake/unity.py`) and the engine's. Does not belong here: any expectation.
`databricks_catalog.py` does the like for a test's own process and some stages.
What only Databricks can answer (managed locations, RESTORE and history in its own words, rights) is thereby not met.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

#: Variable that names the workspace's folder to a process.
FOLDER = "STAND_IN_WORKSPACE"
_DELTA_ONLY = re.compile(r"(?:DESCRIBE HISTORY|RESTORE TABLE|SHOW TBLPROPERTIES) `(?P<catalog>[^`]+)`\.`(?P<stage>\w+)`\.`(?P<name>\w+)`(?: LIMIT 1| TO VERSION AS OF (?P<version>\d+))?")


def tables(folder: Path, catalog: str) -> Path:
    return folder / "tables" / catalog


def volume(folder: Path, catalog: str, name: str) -> str:
    return str(folder / "Volumes" / catalog / "files" / name)


def engine_settings(catalog: str) -> dict[str, str]:
    """Environment of an engine whose catalog has that name."""
    return {"SAIL_CATALOG__LIST": f'[{{name="{catalog}", type="memory", initial_database=["default"]}}]', "SAIL_CATALOG__DEFAULT_CATALOG": f'"{catalog}"'}


def install(folder: Path) -> None:
    """Let this process meet the workspace's tables and volumes below a folder."""
    from insights_assets.lake import unity
    from insights_assets.lake.pinned import make_readable

    known: set[tuple[int, str]] = set()
    plain_stored, plain_begin = unity.UnityLake._stored, unity.UnityLake.__init__

    def begin(self: Any, *given: Any, **more: Any) -> None:
        plain_begin(self, *given, **more)
        self._is_embedded = True  # what this engine needs of frames it needs here too

    def name(self: Any, spec: Any) -> str:
        address, files = unity.quoted(self.catalog, spec.stage, spec.name), tables(folder, self.catalog) / spec.stage / spec.name
        if (id(self.spark), address) not in known and (files / "_delta_log").is_dir():
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {unity.quoted(self.catalog, spec.stage)}")
            self.spark.sql(f"CREATE TABLE IF NOT EXISTS {address} USING DELTA LOCATION '{files}'")
            known.add((id(self.spark), address))
        return address

    def stored(self: Any, spec: Any, version: int | None) -> Any:
        if version is not None:
            make_readable(tables(folder, self.catalog) / spec.stage / spec.name, version)
        return plain_stored(self, spec, version)

    unity.volume_path = lambda catalog, one: volume(folder, catalog, one)  # type: ignore[assignment]
    unity.UnityLake.__init__, unity.UnityLake.name, unity.UnityLake._stored = begin, name, stored  # type: ignore[method-assign]
    unity.UnityLake.sql = lambda self, statement: _answered(self, folder, statement)  # type: ignore[method-assign]


def _answered(lake: Any, folder: Path, statement: str) -> Any:
    """Delta's own statements, from the tables' logs."""
    from deltalake import DeltaTable

    made = _DELTA_ONLY.fullmatch(statement)
    if made is None:
        raise LookupError(f"the stand-in does not know this statement: {statement[:200]}")
    table = DeltaTable(str(tables(folder, made["catalog"]) / made["stage"] / made["name"]))
    if statement.startswith("RESTORE"):
        table.restore(int(made["version"]))
        return None
    if statement.startswith("SHOW"):
        return lake.spark.createDataFrame(list(table.metadata().configuration.items()), "key string, value string")
    metrics = {key: str(value) for key, value in (table.history(1)[0].get("operationMetrics") or {}).items()}
    return lake.spark.createDataFrame([(table.version(), metrics)], "version bigint, operationMetrics map<string,string>")


def main(words: list[str], prog_name: str) -> None:
    """`insights …` of a machine that the workspace belongs to."""
    install(Path(os.environ.pop(FOLDER)))
    from insights_assets.cli import main as command

    command(words, prog_name=prog_name)


if __name__ == "__main__":
    main(sys.argv[1:], "insights")
