"""`insights run`: the whole graph on a home, once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import DONE, FAILED, STOPPED, WRONG_USE, emit_json, json_option, new_home_option, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.run import RunOutcome
    from insights_assets.settings import Settings


@click.command()
@click.option("--landing", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder with <source>/ folders of files [default: <home>/landing].")
@new_home_option
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The shop's today: everything known by the end of that day [default: today].")
@click.option("--shop", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder of what the business decides [default: the sample shop].")
@json_option
def run(landing: Path | None, home: Path | None, as_of: datetime | None, shop: Path | None, as_json: bool) -> None:
    """Take in landing files and bring every table, insight and action up to date.

    Running again over the same files changes nothing and costs little. Exit code 3: a gate stopped the run.
    """
    settings = settings_for(home=home, landing=landing, as_of=as_of.date() if as_of else None, shop=shop)
    refuse_what_cannot_run(settings)
    outcome = run_with_progress(settings, quiet=as_json)
    report = describe(settings, outcome)
    if as_json:
        emit_json(report)
    else:
        print_report(report)
    raise SystemExit(DONE if outcome.succeeded else STOPPED if outcome.stopped_by else FAILED)


def refuse_what_cannot_run(settings: Settings) -> None:
    """Say at once what a run would only meet on its way: a shop that cannot be read, a day gone by, nothing to take in."""
    from insights_assets.resources.operations import open_operations
    from insights_assets.shop import ShopError, load_shop

    try:
        load_shop(settings.shop)
    except ShopError as error:
        stop(str(error), WRONG_USE)
    if settings.missing_engine:
        stop(settings.missing_engine, WRONG_USE)
    latest = None
    if settings.operations_url is not None or (settings.home / "operations.db").exists():
        operations = open_operations(settings.operations_target)
        operations.migrate()
        latest = operations.latest_publication()
    if latest is not None and settings.as_of is not None and settings.as_of < latest.as_of_day:
        stop(f"--as-of {settings.as_of} is earlier than the last run's {latest.as_of_day}: what was published is not taken back; use another --home", WRONG_USE)
    landing = settings.landing_path
    if latest is None and not (landing.is_dir() and any(landing.iterdir())):
        stop(
            f"nothing to take in: {landing} holds no files. Put them below {landing}/<source>/ (docs/sources.md says which), "
            f"name another folder with --landing, or write a sample shop with `insights simulate {settings.home}`", WRONG_USE,
        )  # fmt: skip


def run_with_progress(settings: Settings, *, quiet: bool) -> RunOutcome:
    """One run, with a bar on a terminal; nothing but the result where a program reads."""
    from insights_assets.resources.table_assets import BODIES
    from insights_assets.run import run_whole_loop

    if quiet:
        return run_whole_loop(settings)
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("[bold]{task.description:<34}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("starting", total=None)

        def on_step(name: str, took: float | None) -> None:
            if took is None:
                progress.update(bar, description=name.replace("__", " · "), total=len(BODIES) + 1)
            else:
                progress.advance(bar)

        return run_whole_loop(settings, on_step)


def describe(settings: Settings, outcome: RunOutcome) -> dict[str, Any]:
    """What a run left behind: counts per table, insights, actions, seconds per stage."""
    from insights_assets.governance.reader import NothingPublished, Reader
    from insights_assets.resources.operations import open_operations

    by_stage: dict[str, float] = {}
    for name, seconds in outcome.seconds.items():
        stage = name.partition("__")[0]
        by_stage[stage] = round(by_stage.get(stage, 0.0) + seconds, 3)
    report: dict[str, Any] = {
        "run_id": outcome.run_id, "succeeded": outcome.succeeded, "error": outcome.error, "home": str(settings.home),
        "failed_checks": [{"table": check.table, "check": check.name, "blocking": check.blocking} for check in outcome.failed_checks],
        "seconds": by_stage, "seconds_by_step": outcome.seconds, "tables": {}, "insights": [], "actions": [], "cascade": [], "model": None,
    }
    operations = open_operations(settings.operations_target)
    operations.migrate()
    try:
        reader = Reader(settings, operations)
    except NothingPublished:
        return report
    from insights_assets.tables import all_tables

    report["model"] = model_costs(settings, operations, outcome.run_id)
    report["as_of"] = reader.publication.as_of_day.isoformat()
    report["tables"] = {str(spec): reader.lake.row_count(spec) for spec in all_tables() if reader.lake.exists(spec)}
    specs = {str(spec): spec for spec in all_tables()}
    for key, name in (("insights", "anomalies.insights"), ("actions", "actions.action_tickets"), ("cascade", "labels.cascade_steps")):
        if name in specs:
            report[key] = reader.rows(specs[name])
    return report


def model_costs(settings: Settings, operations: Operations, run_id: str) -> dict[str, Any] | None:
    """What the model cost in this run and in the last 30 days, and what was not paid; None where none was ever asked."""
    from dataclasses import asdict
    from datetime import timedelta

    from insights_assets.labels.model.spending import spending_of, spending_words

    run, month = spending_of(operations, settings, run_id=run_id), spending_of(operations, settings, since=(operations.clock() - timedelta(days=30)).date())
    if run.is_nothing and month.is_nothing:
        return None
    return {"run": asdict(run), "month": asdict(month), "says": f"this run {spending_words(run)}. In 30 days {spending_words(month)}"}


def print_report(report: dict[str, Any]) -> None:
    if report["error"]:
        click.echo(f"The run failed: {report['error']}", err=True)
        click.echo("Nothing new was published; what people read is as it was. `insights dev` shows the run's log.", err=True)
    for check in report["failed_checks"]:
        click.echo(f"{'Stopped by' if check['blocking'] else 'Warning:'} {check['check']} on {check['table']}", err=True)
    if report["error"] and not report["seconds"]:
        return
    tables = report["tables"]
    taken = sum(count for name, count in tables.items() if name.startswith("sources.") and name.endswith("_raw"))
    click.echo(
        f"{taken:,} records taken in, {tables.get('canonical.feedback', 0):,} customer voices, {tables.get('canonical.quarantine', 0):,} in quarantine; "
        f"{len(report['insights'])} insights, {len(report['actions'])} actions in {sum(report['seconds'].values()):.1f} s"
    )
    model = next((row for row in report["cascade"] if row["step"] == "model" and row["calls"]), None)
    if model is not None:
        costs = ", ".join(f"{row['step']} {row['cost_per_thousand_of_all']:.4f}" for row in report["cascade"] if row["cost_per_thousand_of_all"] is not None)
        click.echo(f"Model: {model['records']:,} records ({model['share']:.1%}) by {model['calls']:,} calls so far; {model['currency']} a thousand records by step: {costs}")
    if report["model"] is not None:
        click.echo(f"Model: {report['model']['says']}")
    if report["succeeded"]:
        click.echo(f"Next: insights answer --home {report['home']}    or    insights dev --home {report['home']}")
