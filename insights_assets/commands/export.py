"""`insights export`: a published table as a file, within a tier."""

from __future__ import annotations

from pathlib import Path

import click

from insights_assets.commands.frame import WRONG_USE, home_option, open_reader, settings_for, stop
from insights_assets.lake.tiers import DEFAULT_TIER, TIERS, Tier


@click.command()
@click.argument("table_name", metavar="STAGE.TABLE")
@home_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write: .parquet, .csv or .jsonl.")
@click.option("--tier", type=click.Choice(TIERS), default=DEFAULT_TIER, show_default=True, help="What the file may hold.")
@click.option("--reason", help="Why customers' own words are needed; written to the audit log (tier raw only).")
def export(table_name: str, home: Path | None, out: Path, tier: Tier, reason: str | None) -> None:
    """Write a table to a parquet, csv or jsonl file."""
    from insights_assets.governance.export import export_table
    from insights_assets.governance.reader import ReasonRequired
    from insights_assets.tables import table

    try:
        spec = table(table_name)
    except LookupError as error:
        stop(str(error), WRONG_USE)
    reader, _ = open_reader(settings_for(home=home))
    try:
        rows, view = export_table(reader, spec, out, tier, reason)
    except (ReasonRequired, ValueError) as error:
        stop(str(error), WRONG_USE)
    click.echo(f"{rows:,} rows of {spec} written to {out} (tier {tier})", err=True)
    if view.left_out:
        click.echo(f"left out, above tier {tier}: {', '.join(view.left_out)}", err=True)
