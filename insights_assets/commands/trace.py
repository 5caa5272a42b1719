"""`insights trace`: from an id back to source records."""

from __future__ import annotations

from pathlib import Path

import click

from insights_assets.commands.frame import WRONG_USE, emit_json, home_option, json_option, open_reader, settings_for, stop


@click.command()
@click.argument("identifier", metavar="ID")
@home_option
@json_option
def trace(identifier: str, home: Path | None, as_json: bool) -> None:
    """From a ticket, insight or feedback ID to source records, themes, rule or score, and versions."""
    from insights_assets.governance.trace import UnknownId, as_text
    from insights_assets.governance.trace import trace as look_up

    reader, _ = open_reader(settings_for(home=home))
    try:
        found = look_up(reader, identifier)
    except UnknownId as error:
        stop(str(error), WRONG_USE)
    if as_json:
        emit_json({"kind": found.kind, **found.answer})
    else:
        click.echo(as_text(found))
