"""`insights hold`: see, place, release or extend promotion holds. What is placed or released shows in the desired state at once."""

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

    operations, shop = open_home(settings_for(home=home))
    holds = list_holds(operations, shop)
    if as_json:
        emit_json(holds)
        return
    for row in holds:
        click.echo(_line(row))
        if row["is_wrong"]:
            cost = "cost not known" if row["wrong_cost"] is None else f"cost about {row['wrong_cost']:,.0f} {row['currency']}"
            click.echo(f"            wrong: its issue was dismissed; {cost}: {row['cost_basis']}")
    if not holds:
        click.echo("no holds")


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@click.option("--reason", default="released by hand", show_default=True)
@click.option("--by", help="Who releases it [default: you].")
@home_option
def release(hold_id: str, reason: str, by: str | None, home: Path | None) -> None:
    """End a hold now; the desired state on the desk no longer names its SKUs when this returns."""
    _answer("release", hold_id, by, home, reason=reason)


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="New last day [default: the shop's extension].")
@click.option("--reason", default="extended by hand", show_default=True)
@click.option("--by", help="Who asks or confirms [default: you].")
@home_option
def extend(hold_id: str, until: datetime | None, reason: str, by: str | None, home: Path | None) -> None:
    """Ask for a later end of a hold, or confirm as the second person what another one asked."""
    _answer("extend", hold_id, by, home, reason=reason, until=until.date() if until else None)


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@click.option("--by", help="Who places it [default: you].")
@home_option
def place(hold_id: str, by: str | None, home: Path | None) -> None:
    """Put a proposed hold into force."""
    _answer("place", hold_id, by, home)


def _answer(act: str, hold_id: str, by: str | None, home: Path | None, **more: Any) -> None:
    from insights_assets.actions.inbox import take_here

    settings = settings_for(home=home)
    operations, shop = open_home(settings)
    found = take_here(operations, shop, act, hold_id, by=by or person(), through="command", home=settings.home, operators=settings.operators, **more)
    if not found.is_taken:
        stop(found.said, WRONG_USE)
    click.echo(found.said)
    _tell(settings, shop, operations)


def _tell(settings: Settings, shop: Shop, operations: Operations) -> None:
    """Bring the promotion feed and the hold webhook up to date, and say what became of it."""
    from insights_assets.actions.destinations.hold_state import publish

    for sentence in publish(operations, shop, settings):
        click.echo(sentence)


def _line(row: dict[str, Any]) -> str:
    skus = ", ".join(row.get("skus") or ())
    until = row.get("expires_on")
    return f"{row['hold_id']}  {row['state']:<9} {skus}  insight {row['insight_id']}" + (f"  until {until}" if until else "")
