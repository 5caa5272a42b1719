"""`insights databricks …`: the workspace's side of an installation. `bootstrap` prints or applies the SQL of Unity Catalog, or shows who may do what.

Nothing is changed anywhere without --apply, and nothing is asked without --apply or --revokes. Whose a catalog is: `catalog_holder.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.catalog_holder import holder, take_over
from insights_assets.commands.frame import DONE, FAILED, WRONG_USE, emit_json, json_option, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.governance.unity.statements import Plan, Statement


@click.group()
def databricks() -> None:
    """Unity Catalog of a Databricks workspace: what an installation needs there."""


databricks.add_command(holder)
databricks.add_command(take_over)


@databricks.command()
@click.option("--catalog", help="Catalog that holds everything [default: $INSIGHTS_DATABRICKS_CATALOG or insights_<env>].")
@click.option("--env", type=click.Choice(["dev", "staging", "prod"]), help="Which installation; part of the names of its groups [default: $INSIGHTS_DATABRICKS_ENV or dev].")
@click.option("--managed-location", help="Where the catalog's files lie, for a metastore without storage of its own.")
@click.option("--table-masks", is_flag=True, help="Mask raw columns on the tables too. Takes time travel, and so published versions, from those tables.")
@click.option("--warehouse", help="SQL warehouse for --apply [default: $INSIGHTS_DATABRICKS_WAREHOUSE_ID].")
@click.option("--apply", "is_applied", is_flag=True, help="Run it on the workspace. Without this nothing is sent anywhere.")
@click.option("--matrix", "is_matrix", is_flag=True, help="Print who may do what instead of the SQL.")
@click.option("--groups", "is_groups", is_flag=True, help="Print the account groups that have to exist instead of the SQL.")
@click.option("--revokes", "is_revokes", is_flag=True, help="Print only what --apply would revoke: what the product's groups hold beyond the matrix. Asks the workspace, changes nothing.")
@json_option
def bootstrap(
    catalog: str | None, env: str | None, managed_location: str | None, table_masks: bool, warehouse: str | None, is_applied: bool, is_matrix: bool, is_groups: bool,
    is_revokes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print the SQL of catalog, schemas, volumes, tables, masks, views and grants; with --apply run it, and revoke what the product's groups hold beyond. May be run again at any time."""
    from insights_assets.governance.unity.roles import ROLES, group_of, matrix
    from insights_assets.governance.unity.statements import Plan, as_text
    from insights_assets.governance.unity.statements import bootstrap as statements_of
    from insights_assets.tables import catalog_tables

    settings = settings_for(databricks_catalog=catalog, databricks_warehouse_id=warehouse, databricks_env=env)
    plan = Plan(settings.databricks_catalog or f"insights_{settings.databricks_env}", settings.databricks_env, managed_location, table_masks)
    if is_groups:
        rows = [{"group": group_of(plan.env, role.name), "members": "people" if role.is_person else "service principals", "what_for": role.sentence} for role in ROLES]
        emit_json(rows) if as_json else click.echo("\n".join(f"{row['group']:<32} {row['members']:<19} {row['what_for']}" for row in rows))
        return
    if is_matrix:
        emit_json(matrix(catalog_tables())) if as_json else click.echo(matrix_text(matrix(catalog_tables())))
        return
    statements = _revokes(plan, settings) if is_revokes else statements_of(plan, catalog_tables())
    if is_applied and not is_revokes:
        _apply(plan, settings, statements, as_json)
    elif as_json:
        emit_json([{"kind": one.kind, "subject": one.subject, "sql": one.sql} for one in statements])
    else:
        click.echo(as_text(statements), nl=False)


def matrix_text(rows: list[dict[str, Any]]) -> str:
    """The matrix as a Markdown table, which the docs hold as it is printed."""
    lines = ["| role | tier | reads through | tables | columns in clear | masked | of the raw tier | writes | volumes |", "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"]
    for row in rows:
        volumes = ", ".join(f"{volume} ({how})" for volume, how in row["volumes"].items()) or "-"
        figures = " | ".join(str(row[name]) for name in ("tables_read", "columns_in_clear", "columns_masked", "raw_columns_in_clear", "tables_written"))
        lines.append(f"| {row['role']} | {row['tier']} | {row['through']} | {figures} | {volumes} |")
    return "\n".join(lines)


def _revokes(plan: Plan, settings: Any) -> list[Statement]:
    from databricks.sdk.errors import DatabricksError

    from insights_assets.governance.unity.revoking import held, to_revoke
    from insights_assets.resources.jobs import open_workspace
    from insights_assets.tables import catalog_tables

    try:
        return to_revoke(plan, catalog_tables(), held(open_workspace(settings), plan, catalog_tables()))
    except (DatabricksError, ValueError) as error:
        stop(f"the workspace cannot be asked what is granted: {str(error).splitlines()[0]}; `insights doctor --profile databricks` says more", FAILED)


def _apply(plan: Plan, settings: Any, statements: list[Statement], as_json: bool) -> None:
    from databricks.sdk.errors import DatabricksError

    from insights_assets.governance.unity import applying
    from insights_assets.resources.jobs import open_workspace
    from insights_assets.tables import catalog_tables

    if not settings.databricks_warehouse_id:
        stop("--apply needs a SQL warehouse: give --warehouse or set INSIGHTS_DATABRICKS_WAREHOUSE_ID", WRONG_USE)
    done: dict[str, int] = {}
    try:
        workspace = open_workspace(settings)
        missing = applying.missing_groups(workspace, plan)
        if missing:
            stop(f"the account has no group {', '.join(missing)}: make them in the account console (or by SCIM), assign them to the workspace, and apply again", FAILED)
        more = applying.columns_to_add(workspace, settings.databricks_warehouse_id, plan, catalog_tables())
        # Columns come before what reads them: views are made anew after the tables.
        first_view = next(index for index, one in enumerate(statements) if one.kind == "view")
        # What goes, goes last: nobody is without what they are to have in between.
        whole = [*statements[:first_view], *more, *statements[first_view:], *_revokes(plan, settings)]
        with click.progressbar(length=len(whole), label=f"{plan.catalog}", file=click.get_text_stream("stderr")) as bar:

            def tell(statement: Statement) -> None:
                done[statement.kind] = done.get(statement.kind, 0) + 1
                bar.update(1)

            applying.apply(workspace, settings.databricks_warehouse_id, whole, tell)
    except (applying.StatementRefused, applying.CatalogDiffers) as error:
        stop(f"stopped after {sum(done.values())} of the statements at {error}", FAILED)
    except (DatabricksError, ValueError) as error:
        stop(f"the workspace cannot be asked: {str(error).splitlines()[0]}; `insights doctor --profile databricks` says more", FAILED)
    emit_json({"catalog": plan.catalog, "statements": done}) if as_json else click.echo(
        f"{plan.catalog}: {', '.join(f'{count} {kind}s' for kind, count in done.items())}. Run it again after every release: it adds what is new."
    )
    raise SystemExit(DONE)
