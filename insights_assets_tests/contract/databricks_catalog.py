"""Unity Catalog for the stand-in: tables that have a name and no path, and volumes, the same for each session of the workspace and for Dagster.

Belongs here: making a session of Sail know the catalog's tables, answers to the Delta statements that Sail lacks, where volumes lie. Does not
belong here: the product's own statements (`lake/unity.py`) and any expectation.

A catalog of Sail is its session's own, so each session is told the tables first; their rows lie in one place and are the same for all. The
catalog is called `sail`: that is the name the engine gives its own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

CATALOG = "sail"
VARIABLE = "STAND_IN_CATALOG"
#: The engine fails on a union of a commented and a computed column, so its copies of the tables go without column comments.
_COMMENT = re.compile(r" COMMENT '(?:[^'\\]|\\.)*'(?=,\n|\n\))")


@dataclass(frozen=True)
class Catalog:
    """Where the rows of the tables and the files of the volumes lie; `stages` have tables."""

    tables: str
    volumes: str
    stages: tuple[str, ...]

    def variable(self) -> dict[str, str]:
        """The environment of a task in whose workspace this catalog is."""
        return {VARIABLE: json.dumps(vars(self))}

    @classmethod
    def of(cls, text: str) -> Self:
        given = json.loads(text)
        return cls(given["tables"], given["volumes"], tuple(given["stages"]))

    def tell(self, spark: Any) -> None:
        """The tables by the SQL of `bootstrap`; those that are there stay as they are."""
        from insights_assets.lake.ddl import create_table, quoted
        from insights_assets.tables import all_tables

        spark.conf.set("spark.sql.session.timeZone", "UTC")
        for spec in all_tables():
            if spec.stage in self.stages:
                spark.sql(f"CREATE SCHEMA IF NOT EXISTS {quoted(CATALOG, spec.stage)}")
                name, files = quoted(CATALOG, spec.stage, spec.name), Path(self.tables, spec.stage, spec.name)
                if (files / "_delta_log").is_dir():
                    spark.sql(f"CREATE TABLE {name} USING DELTA LOCATION '{files}'")
                else:
                    spark.sql(_COMMENT.sub("", create_table(spec, name, extra=f"LOCATION '{files}'")))

    def patches(self) -> list[tuple[Any, str, Any]]:
        """What a workspace does and Sail does not, as (object, name, value) to be put in place."""
        from insights_assets.lake import unity
        from insights_assets_tests.lake.test_unity import Answered

        lake = unity.UnityLake
        return [
            (lake, "where", Path(self.tables)), (lake, "sent", []), (lake, "sql", Answered.sql),
            (unity, "volume_path", lambda catalog, volume: str(Path(self.volumes, volume))),
        ]
