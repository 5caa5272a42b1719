"""`insights databricks holder` and `take-over`: whose a catalog is, and making it this installation's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from insights_assets.commands.frame import FAILED, WRONG_USE, emit_json, home_option, json_option, new_home_option, person, settings_for, stop

if TYPE_CHECKING:
    from pathlib import Path

    from insights_assets.lake.unity import UnityLake
    from insights_assets.settings import Settings

_CATALOG = click.option("--catalog", help="The catalog [default: $INSIGHTS_DATABRICKS_CATALOG].")


@click.command()
@_CATALOG
@home_option
@json_option
def holder(catalog: str | None, home: Path | None, as_json: bool) -> None:
    """Say which installation writes a catalog."""
    from insights_assets.lake.holding import Installation, holder_of

    with _catalog(settings_for(databricks_catalog=catalog, home=home)) as lake:
        found = holder_of(lake)
    if as_json:
        emit_json(found)
    elif found is None:
        click.echo(f"{lake.catalog}: nobody's yet; the first run takes it")
    else:
        who = Installation(found["installation_id"], found["home"], found["operations"])
        taken = f"; taken over from {found['taken_from']} by {found['taken_by']}: {found['reason']}" if found["taken_by"] else ""
        click.echo(f"{lake.catalog}: {who}, since {found['held_since']:%Y-%m-%d %H:%M} UTC{taken}")


@click.command(name="take-over")
@_CATALOG
@new_home_option
@click.option("--reason", required=True, help="Why; stands in the catalog and in the audit log.")
@json_option
def take_over(catalog: str | None, home: Path | None, reason: str, as_json: bool) -> None:
    """Make a catalog this home's. Only when the installation that has it has stopped for good: its next run is refused."""
    from insights_assets.lake import holding
    from insights_assets.resources.clock import wall_clock
    from insights_assets.resources.installation import installation_of
    from insights_assets.resources.lock import HomeBusy, database_lock, home_lock
    from insights_assets.resources.operations import open_operations

    if not reason.strip():
        stop("--reason is empty: say why", WRONG_USE)
    settings = settings_for(databricks_catalog=catalog, home=home)
    try:
        with _catalog(settings) as lake, home_lock(settings.home, settings.lock_wait_seconds):
            operations = open_operations(settings.operations_target)
            operations.migrate()
            with database_lock(operations, settings.lock_wait_seconds):
                mine = installation_of(operations, settings)
                before = holding.holder_of(lake)
                theirs = before["installation_id"] if before else None
                if theirs != mine.installation_id:
                    holding.take_over(lake, mine, wall_clock(), taken_from=theirs, by=person(), reason=reason)
                    operations.audit.append(person(), "catalog_taken_over", lake.catalog, taken_from=theirs, reason=reason)
    except HomeBusy as error:
        stop(str(error), FAILED)
    if as_json:
        emit_json({"catalog": lake.catalog, "installation_id": mine.installation_id, "taken_from": theirs if theirs != mine.installation_id else None})
    elif theirs == mine.installation_id:
        click.echo(f"{lake.catalog} is this installation's already: {mine}")
    else:
        click.echo(f"{lake.catalog} is now {mine}'s; it was {theirs or 'nobody'}'s")


@contextmanager
def _catalog(settings: Settings) -> Iterator[UnityLake]:
    """The catalog over Spark Connect; what keeps it from being opened ends the command with what to do."""
    from pyspark.errors import PySparkException

    from insights_assets.engine.session import session
    from insights_assets.lake.unity import TableMissing, UnityLake, open_lake

    if not settings.databricks_catalog:
        stop("the tables lie in the home, which nobody shares: give --catalog or set INSIGHTS_DATABRICKS_CATALOG", WRONG_USE)
    if settings.missing_engine:
        stop(settings.missing_engine, WRONG_USE)
    lake = open_lake(settings.lake_address, lambda: session(settings.spark_remote), is_embedded=False)
    assert isinstance(lake, UnityLake)
    try:
        yield lake
    except TableMissing as error:
        stop(str(error), FAILED)
    except PySparkException as error:
        stop(f"{settings.databricks_catalog} cannot be read: {str(error).splitlines()[0]}; `insights doctor --profile databricks` says more", FAILED)
