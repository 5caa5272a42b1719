"""The roles of a workspace and what each is granted: the three tiers of `lake/tiers.py`, given to groups of people and to service principals.

Belongs here: roles, grants as data and the matrix people review. Does not belong here: SQL (`statements.py`). One list of grants makes both the
GRANT statements and the matrix; the tests read the SQL again and hold it against the tiers.

People read views, never tables. A view masks each column that the reader's tier does not cover, and leaves the tables free of policies:
a column mask on the table itself takes its time travel away (Databricks: FGAC_TIME_TRAVEL_NOT_SUPPORTED), and with it every reader of a
published version. A service principal of the product reads tables, at the versions that were published.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from insights_assets.flow import STAGES
from insights_assets.lake.spec import Column, TableSpec
from insights_assets.lake.tiers import Tier, allows
from insights_assets.lake.unity import FILES_SCHEMA, LANDING, SCRATCH, WHEELS

Environment = Literal["dev", "staging", "prod"]
#: Schema of the functions that say who may read what, and schema of the views of tables that are no public ones.
SECURITY_SCHEMA = "security"
INTERNALS_SCHEMA = "internals"


@dataclass(frozen=True)
class Role:
    """One group of the account. `tier` is what it may read of any column; `views` the stages whose public tables it sees through views."""

    name: str
    sentence: str
    tier: Tier | None = None
    views: tuple[str, ...] = ()
    internals: bool = False
    tables: Literal["write", "unmasked", "raw"] | None = None
    volumes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    catalog: tuple[str, ...] = ("USE CATALOG",)
    is_person: bool = True


_ALL = tuple(stage.name for stage in STAGES)
_READ, _WRITE = ("READ VOLUME",), ("READ VOLUME", "WRITE VOLUME")
ROLES: tuple[Role, ...] = (
    Role("pipeline", "Runs the graph and its jobs: reads and writes every table, makes none", "raw", tables="write", is_person=False,
         volumes=((LANDING, _READ), (SCRATCH, _WRITE), (WHEELS, _READ))),
    Role("console", "Shows what was published: reads the tables that hold nothing of the raw tier", "summary", tables="unmasked", is_person=False),
    Role("delivery", "Systems that deliver files: write into landing, read nothing", volumes=((LANDING, ("WRITE VOLUME",)),), is_person=False),
    Role("ops", "Support, product, supply chain, marketing: issues, actions and redacted text", "summary", views=("canonical", "labels", "clusters", "anomalies", "actions", "health")),
    Role("analyst", "Own the label set: redacted text, labels, evaluations", "summary", views=("canonical", "labels", "clusters", "anomalies", "actions", "rehearsal", "learning", "health")),
    Role("data-engineer", "Connect sources and run it: every table as a view, nothing of the raw tier", "summary", views=_ALL, internals=True, volumes=((WHEELS, _READ),), catalog=("USE CATALOG", "BROWSE")),
    Role("leader", "Counts, shares and money", "aggregate", views=_ALL),
    Role("raw-reader", "Nobody by default: people who need customers' own words, for as long as they need them", "raw", tables="raw", volumes=((LANDING, _READ),)),
    Role("platform-admin", "Manages objects and grants; reads no rows", volumes=((WHEELS, _WRITE),), catalog=("USE CATALOG", "BROWSE", "MANAGE")),
)  # fmt: skip
BY_NAME = {role.name: role for role in ROLES}


@dataclass(frozen=True)
class Grant:
    """Privileges of a role on one object; `parts` is its name below the catalog, empty for the catalog itself."""

    role: str
    privileges: tuple[str, ...]
    kind: Literal["CATALOG", "SCHEMA", "TABLE", "VIEW", "VOLUME"]
    parts: tuple[str, ...] = ()


def group_of(env: Environment, role: str) -> str:
    """The account group of a role; the pipeline's service principals are members of theirs."""
    return f"insights-{env}-{role}"


def view_schema(spec: TableSpec) -> str:
    """Where people find a table: `people_<stage>`, or the data engineers' schema for tables that are no public ones."""
    return f"people_{spec.stage}" if spec.public else INTERNALS_SCHEMA


def view_name(spec: TableSpec) -> str:
    return spec.name if spec.public else f"{spec.stage}_{spec.name}"


def readers_of(tier: Tier) -> tuple[str, ...]:
    """The roles whose tier covers this one: who a mask lets through."""
    return tuple(role.name for role in ROLES if role.tier is not None and allows(role.tier, tier))


def holds_raw(spec: TableSpec) -> bool:
    return any(column.tier == "raw" for column in spec.columns)


def seen_by(role: Role, spec: TableSpec) -> tuple[Column, ...]:
    """The columns of a table that a role reads in clear, by whichever way it has to them; empty where it has none."""
    if role.tier is None or not _reaches(role, spec):
        return ()
    return tuple(column for column in spec.columns if allows(role.tier, column.tier))


def _reaches(role: Role, spec: TableSpec) -> bool:
    by_table = role.tables == "write" or (role.tables == "unmasked" and not holds_raw(spec)) or (role.tables == "raw" and holds_raw(spec))
    by_view = spec.stage in role.views if spec.public else role.internals
    return by_table or by_view


def grants(specs: Iterable[TableSpec]) -> list[Grant]:
    """Everything that is granted, role by role."""
    specs, found = tuple(specs), []
    for role in ROLES:
        found.append(Grant(role.name, role.catalog, "CATALOG"))
        if role.tier is not None:
            found.append(Grant(role.name, ("USE SCHEMA", "EXECUTE"), "SCHEMA", (SECURITY_SCHEMA,)))
        found += _table_grants(role, specs) + _view_grants(role, specs)
        if role.volumes:
            found.append(Grant(role.name, ("USE SCHEMA",), "SCHEMA", (FILES_SCHEMA,)))
        found += [Grant(role.name, privileges, "VOLUME", (FILES_SCHEMA, volume)) for volume, privileges in role.volumes]
    return found


def _table_grants(role: Role, specs: tuple[TableSpec, ...]) -> list[Grant]:
    found = []
    for stage in _ALL:
        mine = [spec for spec in specs if spec.stage == stage]
        if role.tables == "write":
            found.append(Grant(role.name, ("USE SCHEMA", "SELECT", "MODIFY"), "SCHEMA", (stage,)))
        elif role.tables is not None:
            fitting = [spec for spec in mine if holds_raw(spec) == (role.tables == "raw")]
            found += [Grant(role.name, ("USE SCHEMA",), "SCHEMA", (stage,))] if fitting else []
            found += [Grant(role.name, ("SELECT",), "TABLE", (spec.stage, spec.name)) for spec in fitting]
    return found


def _view_grants(role: Role, specs: tuple[TableSpec, ...]) -> list[Grant]:
    """All views of a schema at once, or, where some would show nothing but masked columns, those that show something."""
    found = []
    for schema in dict.fromkeys(view_schema(spec) for spec in specs):
        mine = [spec for spec in specs if view_schema(spec) == schema and (spec.stage in role.views if spec.public else role.internals)]
        telling = [spec for spec in mine if seen_by(role, spec)]
        if telling and len(telling) == len(mine):
            found.append(Grant(role.name, ("USE SCHEMA", "SELECT"), "SCHEMA", (schema,)))
        elif telling:
            found.append(Grant(role.name, ("USE SCHEMA",), "SCHEMA", (schema,)))
            found += [Grant(role.name, ("SELECT",), "VIEW", (schema, view_name(spec))) for spec in telling]
    return found


def matrix(specs: Iterable[TableSpec]) -> list[dict[str, object]]:
    """What people review: a row per role, counted over all tables."""
    specs, rows = tuple(specs), []
    for role in ROLES:
        seen = [(spec, seen_by(role, spec)) for spec in specs]
        reached = [(spec, columns) for spec, columns in seen if columns]
        rows.append({
            "role": role.name, "what_for": role.sentence, "tier": role.tier or "nothing", "through": _through(role), "tables_read": len(reached),
            "columns_in_clear": sum(len(columns) for _, columns in reached), "columns_masked": sum(len(spec.columns) - len(columns) for spec, columns in reached),
            "raw_columns_in_clear": sum(column.tier == "raw" for _, columns in reached for column in columns), "tables_written": len(specs) if role.tables == "write" else 0,
            "volumes": {volume: "write" if privileges == ("WRITE VOLUME",) else "read and write" if len(privileges) > 1 else "read" for volume, privileges in role.volumes},
        })  # fmt: skip
    return rows


def _through(role: Role) -> str:
    return "tables" if role.tables else "views" if role.views else "-"
