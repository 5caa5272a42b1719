"""`insights simulate`: the sample shop's files, or one more day of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from insights_assets.commands.frame import WRONG_USE, emit_json, home_option, json_option, settings_for, stop


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--days", type=click.IntRange(30, 800), default=120, show_default=True, help="Days of history.")
@click.option("--records", type=click.IntRange(500), default=50_000, show_default=True, help="Customer voices to write; orders come on top.")
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed and last day give the same bytes.")
@click.option("--last-day", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the history [default: today].")
@click.option("--incidents", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="YAML of incidents to plant instead of the usual ones.")
@click.option("--next-day", is_flag=True, help="Write one more day, with a fresh incident, into the landing folder of --home.")
@home_option
@json_option
def simulate(out: Path | None, days: int, records: int, seed: int, last_day: datetime | None, incidents: Path | None, next_day: bool, home: Path | None, as_json: bool) -> None:
    """Write a sample shop's files to OUT/landing and what was planted to OUT/truth.json."""
    from insights_assets.simulator import SimulationError, simulate, simulate_next_day

    try:
        if next_day:
            settings = settings_for(home=home)
            report: Any = simulate_next_day(settings.home)
        else:
            if out is None:
                stop("name the folder to write to: insights simulate OUT", WRONG_USE)
            day = last_day.date() if last_day else _today()
            report = simulate(out, days=days, records=records, seed=seed, last_day=day, incidents=incidents, progress=_bar(as_json))
    except SimulationError as error:
        stop(str(error), WRONG_USE)
    if as_json:
        emit_json(report.as_dict())
    else:
        click.echo(report.text())


def _today() -> Any:
    from insights_assets.resources.clock import shop_today, wall_clock
    from insights_assets.shop import load_shop

    return shop_today(wall_clock, load_shop(None).shop_time_zone)


def _bar(quiet: bool) -> Any:
    """A progress callback (stage, done, total), or None where a program reads."""
    if quiet:
        return None
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        return None
    status = console.status("simulating …")
    status.start()

    def progress(stage: str, done: int, total: int) -> None:
        status.update(f"simulating · {stage} {done:,}/{total:,}")
        if done >= total and stage == "done":
            status.stop()

    return progress
