"""Bringing the statements to a workspace: what it lacks of known tables' columns, then each statement on a SQL warehouse, stopping at the first error.

Belongs here: calls of the SQL Statement Execution API and what their failures mean to a person. Does not belong here: the SQL
(`statements.py`). Everything may be run again after a stop: what is there stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from insights_assets.governance.unity.roles import ROLES, group_of
from insights_assets.governance.unity.statements import Plan, Statement, table_name
from insights_assets.lake.ddl import add_columns, quoted
from insights_assets.lake.spec import TableSpec
from insights_assets.lake.types import arrow_type

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

#: How long one statement may take: a catalog's first schema can wait for a warehouse that has to start.
STATEMENT_SECONDS = 600.0
_ADVICE = (
    (("PERMISSION_DENIED", "INSUFFICIENT_PERMISSIONS", "does not have"), "whoever applies this needs CREATE CATALOG on the metastore, and owns or manages what is there already"),
    (("PRINCIPAL_DOES_NOT_EXIST", "Could not find principal"), "make the account group and try again; `insights databricks bootstrap --groups` lists them all"),
    (("storage root", "MANAGED LOCATION", "Metastore storage root"), "the metastore has no storage of its own: give --managed-location abfss://…, s3://… or gs://…"),
    (("PARSE_SYNTAX_ERROR", "UNSUPPORTED"), "the warehouse does not know this statement: use a current SQL warehouse (pro or serverless)"),
)  # fmt: skip


class StatementRefused(RuntimeError):
    """A statement did not succeed; nothing after it was run."""


class CatalogDiffers(RuntimeError):
    """A table of the catalog has a column of another type; only a person can say what its values become."""


def missing_groups(workspace: WorkspaceClient, plan: Plan) -> list[str]:
    """The account groups that grants name and the workspace does not know."""
    wanted = [group_of(plan.env, role.name) for role in ROLES]
    return [name for name in wanted if not any(group.display_name == name for group in workspace.groups.list(filter=f'displayName eq "{name}"'))]


def columns_to_add(workspace: WorkspaceClient, warehouse: str, plan: Plan, specs: Iterable[TableSpec]) -> list[Statement]:
    """ALTER TABLE for the columns that specs have gained since their tables were made. Raises CatalogDiffers where a type changed."""
    stored = _stored_columns(workspace, warehouse, plan)
    found = []
    for spec in specs:
        have = stored.get((spec.stage, spec.name))
        if have is None:
            continue
        for column in spec.columns:
            if column.name in have and have[column.name] != arrow_type(column.type):
                raise CatalogDiffers(f"{spec}.{column.name} is {have[column.name]} in the catalog and {column.type} in tables.py: copy the table under another name, drop it, and apply again")
        gained = [column.name for column in spec.columns if column.name not in have]
        if gained:
            found.append(Statement("column", str(spec), add_columns(spec, table_name(plan, spec), gained)))
    return found


def _stored_columns(workspace: WorkspaceClient, warehouse: str, plan: Plan) -> dict[tuple[str, str], dict[str, Any]]:
    """(schema, table) -> column -> type, of what the catalog has."""
    if not any(catalog.name == plan.catalog for catalog in workspace.catalogs.list()):
        return {}
    sql = f"SELECT table_schema, table_name, column_name, full_data_type FROM {quoted(plan.catalog, 'information_schema', 'columns')}"
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for schema, table, column, kind in run(workspace, warehouse, Statement("query", "information_schema.columns", sql)):
        try:
            found.setdefault((schema, table), {})[column] = arrow_type(str(kind).lower())
        except ValueError:
            found.setdefault((schema, table), {})[column] = str(kind)  # a type the product has no word for: no table of its own holds one
    return found


def apply(workspace: WorkspaceClient, warehouse: str, statements: Iterable[Statement], done: Callable[[Statement], None]) -> int:
    """Run the statements one after the other; `done` hears of each. Returns how many were run."""
    count = 0
    for statement in statements:
        list(run(workspace, warehouse, statement))
        count += 1
        done(statement)
    return count


def run(workspace: WorkspaceClient, warehouse: str, statement: Statement, *, patience: float = STATEMENT_SECONDS, pause: float = 1.0) -> Iterator[list[Any]]:
    """One statement, waited for; gives the rows of its result. Raises StatementRefused with what to do."""
    from databricks.sdk.errors import DatabricksError
    from databricks.sdk.service.sql import StatementState

    deadline = time.monotonic() + patience
    try:
        answer = workspace.statement_execution.execute_statement(statement.sql, warehouse, wait_timeout="30s")
        while answer.status is not None and answer.status.state in (StatementState.PENDING, StatementState.RUNNING):
            if time.monotonic() > deadline:
                workspace.statement_execution.cancel_execution(answer.statement_id or "")
                raise _refused(statement, f"not done after {patience:.0f} s, so it was cancelled")
            time.sleep(pause)
            answer = workspace.statement_execution.get_statement(answer.statement_id or "")
    except DatabricksError as error:
        raise _refused(statement, str(error)) from None
    if answer.status is None or answer.status.state is not StatementState.SUCCEEDED:
        words = answer.status.error.message if answer.status is not None and answer.status.error is not None else None
        raise _refused(statement, words or f"it ended as {answer.status.state.value if answer.status and answer.status.state else 'nothing known'}")
    chunk = answer.result
    while chunk is not None:
        yield from chunk.data_array or ()
        if chunk.next_chunk_index is None:
            return
        chunk = workspace.statement_execution.get_statement_result_chunk_n(answer.statement_id or "", chunk.next_chunk_index)


def _refused(statement: Statement, words: str) -> StatementRefused:
    advice = next((text for marks, text in _ADVICE if any(mark.lower() in words.lower() for mark in marks)), "mend it and apply again: what is there stays")
    return StatementRefused(f"{statement.kind} {statement.subject}: {words.splitlines()[0]}; {advice}")
