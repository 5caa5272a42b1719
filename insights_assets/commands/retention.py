"""`insights retention`: what has outlived its retention, and removing it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import DONE, FAILED, emit_json, home_option, json_option, open_home, person, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.settings import Settings


@click.command()
@home_option
@click.option("--apply", "is_applied", is_flag=True, help="Remove it. Without this nothing is removed.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The shop's today [default: today].")
@click.option(
    "--keep-published-days", type=click.IntRange(0), default=30, show_default=True,
    help="Versions published in so many days stay readable, and with them the files of what was removed since; the newest always stays.",
)
@json_option
def retention(home: Path | None, is_applied: bool, as_of: datetime | None, keep_published_days: int, as_json: bool) -> None:
    """Show what has outlived its retention; with --apply remove it, bring every later table up to date, and delete the files.

    The sources' files in landing/ are not touched: they belong to whoever delivers them. They cannot bring the rows back.
    """
    settings = settings_for(home=home, as_of=as_of.date() if as_of else None)
    operations, _ = open_home(settings)
    operations.close()
    receipts = _run_job(settings, is_applied, keep_published_days)
    removed = is_applied and bool(receipts)
    if removed:
        from insights_assets.run import run_whole_loop

        outcome = run_whole_loop(settings)
        if not outcome.succeeded:
            stop(f"the rows are removed, but the run that brings later tables up to date failed: {outcome.error}; run `insights run` again", FAILED)
        # The run before left versions that nobody has published since: their files may go now.
        _run_job(settings, True, keep_published_days)
    if as_json:
        emit_json({"applied": is_applied, "tables": receipts})
        raise SystemExit(DONE)
    for row in receipts:
        oldest = f", the oldest of {row['oldest_day']}" if row["oldest_day"] else ""
        click.echo(f"{row['table_name']:<36} {row['row_count']:>9,} rows received before {row['first_kept_day']} ({row['retention_days']} days){oldest}")
    if not receipts:
        click.echo("Nothing has outlived its retention.")
    elif removed:
        click.echo(f"Removed, with later tables brought up to date. Versions published in the last {keep_published_days} days stay readable until then; receipts are in governance.retention_runs.")
    else:
        click.echo("Nothing was removed. Add --apply to remove it.")


def _run_job(settings: Settings, is_applied: bool, keep_published_days: int) -> list[dict[str, Any]]:
    """The job `retention` on the home's own instance; its receipts, or the end of the command with the job's own words."""
    from insights_assets.governance.sensors import RETENTION
    from insights_assets.governance.tables import RETENTION_RUNS
    from insights_assets.run import first_error, run_job

    config = {"apply": is_applied, "asked_by": person(), "kept_published_days": keep_published_days}
    result = run_job(settings, RETENTION, {"governance__retention_runs": {"config": config}})
    if not result.success:
        stop(first_error(result), FAILED)
    return _receipts(settings, result.run_id, RETENTION_RUNS)


def _receipts(settings: Settings, run_id: str, spec: Any) -> list[dict[str, Any]]:
    """The run's rows, read from the table itself: a receipt is worth what is stored of it."""
    from insights_assets.engine.session import session
    from insights_assets.lake.unity import open_lake

    lake = open_lake(settings.lake_address, lambda: session(settings.spark_remote), is_embedded=settings.spark_remote is None)
    rows = lake.read(spec).where(f"retention_run_id = '{run_id}'").orderBy("table_name").toArrow().to_pylist()
    return [dict(row) for row in rows]
