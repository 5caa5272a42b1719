"""What the product's own groups hold beyond the matrix, and the REVOKE statements that take it back.

Belongs here: asking a workspace what is granted on the product's objects, and the difference to what should be. Does not belong here: what should be
(`roles.py`), and grants of people and groups that are none of the product's: `insights doctor` names those, and somebody decided on them.

Asked by the permissions API, object by object: INFORMATION_SCHEMA shows whoever only manages an object no grants but their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from insights_assets.governance.unity.roles import ROLES, grants, group_of
from insights_assets.governance.unity.statements import Plan, Statement, schemas
from insights_assets.lake.ddl import quoted
from insights_assets.lake.spec import TableSpec
from insights_assets.lake.unity import FILES_SCHEMA, VOLUMES

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

#: Roles that earlier versions granted to and this one no longer has: what they hold goes.
FORMER_ROLES: tuple[str, ...] = ()
#: Objects asked about at a time.
_AT_ONCE = 8


@dataclass(frozen=True)
class Held:
    """What a group holds on one object itself, not by what the object is in; `parts` as in `roles.Grant`."""

    group: str
    privileges: frozenset[str]
    kind: str
    parts: tuple[str, ...] = ()


def to_revoke(plan: Plan, specs: Iterable[TableSpec], held: Iterable[Held]) -> list[Statement]:
    """A REVOKE for each object and group of the product that holds what the matrix does not give it, in the objects' order."""
    wanted: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for grant in grants(specs):
        wanted.setdefault((group_of(plan.env, grant.role), grant.parts), set()).update(grant.privileges)
    ours = {group_of(plan.env, name): name for name in (*(role.name for role in ROLES), *FORMER_ROLES)}
    found = []
    for one in sorted(held, key=lambda one: (len(one.parts), one.parts, one.group)):
        extra = sorted(one.privileges - wanted.get((one.group, one.parts), set())) if one.group in ours else []
        if extra:
            sql = f"REVOKE {', '.join(extra)} ON {one.kind} {quoted(plan.catalog, *one.parts)} FROM {quoted(one.group)}"
            found.append(Statement("revoke", f"{'.'.join(one.parts) or plan.catalog} from {ours[one.group]}", sql))
    return found


def held(workspace: WorkspaceClient, plan: Plan, specs: Iterable[TableSpec]) -> list[Held]:
    """What is granted on the catalog, on the product's schemas with all tables and views in them, and on its volumes; nothing where there is no catalog.

    Tables that the product no longer has are among them. Schemas and volumes of others are not, the bundle's own volume among these.
    """
    if not any(catalog.name == plan.catalog for catalog in workspace.catalogs.list()):
        return []
    there = {schema.name for schema in workspace.schemas.list(plan.catalog)}
    mine = [name for name in schemas(specs) if name in there]
    objects: list[tuple[str, tuple[str, ...]]] = [("CATALOG", ()), *(("SCHEMA", (name,)) for name in mine)]
    for schema in mine:
        for table in workspace.tables.list(plan.catalog, schema, omit_columns=True, omit_properties=True):
            is_view = table.table_type is not None and table.table_type.value == "VIEW"
            objects.append(("VIEW" if is_view else "TABLE", (schema, str(table.name))))
    if FILES_SCHEMA in mine:
        objects += [("VOLUME", (FILES_SCHEMA, str(one.name))) for one in workspace.volumes.list(plan.catalog, FILES_SCHEMA) if one.name in VOLUMES]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [one for found in pool.map(lambda given: _on(workspace, plan, *given), objects) for one in found]


def _on(workspace: WorkspaceClient, plan: Plan, kind: str, parts: tuple[str, ...]) -> list[Held]:
    """What is held on one object; the API knows a view as a table."""
    answer = workspace.grants.get("table" if kind == "VIEW" else kind.lower(), ".".join((plan.catalog, *parts)))
    return [
        Held(str(one.principal), frozenset(right.value.replace("_", " ") for right in one.privileges or []), kind, parts)
        for one in answer.privilege_assignments or []
    ]
