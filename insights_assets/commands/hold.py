"""`insights hold`: see, release or extend promotion holds. A release takes effect at once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import WRONG_USE, emit_json, home_option, json_option, open_home, person, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings
    from insights_assets.shop import Shop


@click.group()
def hold() -> None:
    """List, place, release or extend promotion holds."""


@hold.command("list")
@home_option
@json_option
def list_(home: Path | None, as_json: bool) -> None:
    """Running holds first, then proposed, then ended ones."""
    from insights_assets.actions.commands import list_holds

    operations, _ = open_home(settings_for(home=home))
    holds = list_holds(operations)
    if as_json:
        emit_json(holds)
        return
    for row in holds:
        click.echo(_line(row))
    if not holds:
        click.echo("no holds")


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@click.option("--reason", default="released by hand", show_default=True)
@home_option
def release(hold_id: str, reason: str, home: Path | None) -> None:
    """End a hold now; the desired state on the desk no longer names its SKUs when this returns."""
    from insights_assets.actions.commands import release_hold

    settings = settings_for(home=home)
    operations, shop = open_home(settings)
    row = _refusing(lambda: release_hold(settings.home, operations, hold_id, by=person(), reason=reason))
    click.echo(f"released: {_line(row.as_dict())}")
    _tell(settings, shop, operations)


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="New last day [default: the shop's extension].")
@click.option("--reason", default="extended by hand", show_default=True)
@home_option
def extend(hold_id: str, until: datetime | None, reason: str, home: Path | None) -> None:
    """Move the end of a hold; only a person does that."""
    from insights_assets.actions.commands import extend_hold

    settings = settings_for(home=home)
    operations, shop = open_home(settings)
    row = _refusing(lambda: extend_hold(settings.home, operations, shop, hold_id, by=person(), until=until.date() if until else None, reason=reason))
    click.echo(f"extended: {_line(row.as_dict())}")
    _tell(settings, shop, operations)


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@home_option
def place(hold_id: str, home: Path | None) -> None:
    """Put a proposed hold into force."""
    from insights_assets.actions.commands import place_hold

    settings = settings_for(home=home)
    operations, shop = open_home(settings)
    latest = operations.latest_publication()
    if latest is None:
        stop("nothing has been published yet, so no hold was proposed", WRONG_USE)
    row = _refusing(lambda: place_hold(settings.home, operations, shop, hold_id, by=person(), as_of=latest.as_of_day))
    click.echo(f"placed: {_line(row.as_dict())}")
    _tell(settings, shop, operations)


def _tell(settings: Settings, shop: Shop, operations: Operations) -> None:
    """Bring the promotion feed and the hold webhook up to date, and say what became of it."""
    from insights_assets.actions.destinations.hold_state import publish

    for sentence in publish(operations, shop, settings):
        click.echo(sentence)


def _refusing(act: Any) -> Any:
    from insights_assets.resources.operations.holds import RefusedHold

    try:
        return act()
    except RefusedHold as error:
        stop(str(error), WRONG_USE)


def _line(row: dict[str, Any]) -> str:
    skus = ", ".join(row.get("skus") or ())
    until = row.get("expires_on")
    return f"{row['hold_id']}  {row['state']:<9} {skus}  insight {row['insight_id']}" + (f"  until {until}" if until else "")
