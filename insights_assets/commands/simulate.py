"""`insights simulate`: the sample shop's files, or one more day of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from insights_assets.commands.frame import WRONG_USE, emit_json, home_option, json_option, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.settings import Settings


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--days", type=click.IntRange(70, 800), default=120, show_default=True, help="Days of history.")
@click.option("--records", type=click.IntRange(1_000), default=50_000, show_default=True, help="Customer voices to write; orders come on top.")
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed and last day give the same bytes.")
@click.option("--last-day", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the history [default: today].")
@click.option("--incidents", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="YAML of incidents to plant instead of the usual ones.")
@click.option("--next-day", is_flag=True, help="Write one more day, with a fresh incident, into the landing folder of --home.")
@home_option
@json_option
def simulate(out: Path | None, days: int, records: int, seed: int, last_day: datetime | None, incidents: Path | None, next_day: bool, home: Path | None, as_json: bool) -> None:
    """Write a sample shop's files to OUT/landing and what was planted to OUT/truth.json."""
    from insights_assets.simulator import IncidentsFileError, SimulatorError, simulate, simulate_next_day

    try:
        if next_day:
            settings = settings_for(home=home)
            report = simulate_next_day(settings.landing_path)
            remember_today(settings, report.last_day)
        else:
            if out is None:
                stop("name the folder to write to: insights simulate OUT", WRONG_USE)
            day = last_day.date() if last_day else today()
            with progress_bar(as_json) as progress:
                report = simulate(out, days=days, records=records, seed=seed, last_day=day, incidents=incidents, progress=progress)
    except (SimulatorError, IncidentsFileError) as error:
        stop(str(error), WRONG_USE)
    if as_json:
        emit_json(asdict(report))
    else:
        click.echo("\n".join(report.lines()))


def remember_today(settings: Settings, day: date) -> None:
    """Tell the home how far its simulated shop is; runs that are not given a day then go that far."""
    from insights_assets.resources.house import SIMULATED_TODAY
    from insights_assets.resources.operations import open_operations

    operations = open_operations(settings.operations_target)
    operations.migrate()
    operations.facts.put(SIMULATED_TODAY, day.isoformat())


def today() -> date:
    """Today in the sample shop's time zone."""
    from insights_assets.resources.clock import shop_today, wall_clock
    from insights_assets.shop import load_shop

    return shop_today(wall_clock, load_shop(None).shop_time_zone)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A callback (stage, done, total) that draws a bar on a terminal and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("[bold]{task.description:<34}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        bar = progress.add_task("simulating", total=None)

        def show(stage: str, done: int, total: int) -> None:
            progress.update(bar, description=f"simulating · {stage}", completed=done, total=total)

        yield show
