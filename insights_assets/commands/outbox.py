"""`insights outbox`: what waits to be sent, is unknown or dead, why, since when and whose; try again; let go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import WRONG_USE, emit_json, home_option, json_option, open_home, person, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.resources.operations.sending_tables import OutboxRow

_STATES = click.Choice(["waiting", "sending", "unknown", "dead", "dropped", "delivered"])


@click.group()
def outbox() -> None:
    """What has not arrived: list it, try it again, let it go."""


@outbox.command("list")
@click.option("--state", "states", multiple=True, type=_STATES, help="Only these states; may be repeated [default: all that has not arrived].")
@home_option
@json_option
def list_(states: tuple[str, ...], home: Path | None, as_json: bool) -> None:
    """Dead letters first, then what is unknown, then what waits; Tier 1 before the rest."""
    from insights_assets.resources.operations.outbox_people import standing, unsettled

    operations, _ = open_home(settings_for(home=home))
    rows = unsettled(operations, states)
    if as_json:
        facts = standing(operations).as_facts(operations.clock())
        emit_json({**facts, "rows": rows})
        return
    now = operations.clock()
    for row in rows:
        click.echo(_line(row, now))
    if not rows:
        click.echo("nothing waits, nothing is unknown, no letter is dead" if not states else f"nothing is {' or '.join(states)}")


@outbox.command()
@click.argument("action", metavar="ACTION")
@home_option
@json_option
def retry(action: str, home: Path | None, as_json: bool) -> None:
    """Try a dead or dropped letter again, or one that waits for later at once; the next drain (within a minute) sends it."""
    from insights_assets.resources.operations.outbox_people import retry as act

    operations, _ = open_home(settings_for(home=home))
    rows = _refusing(lambda: act(operations, action, by=person()))
    _tell(rows, as_json, lambda row: "is looked up first, then sent again if it is not there" if row.state == "unknown" else "is sent with the next drain")


@outbox.command()
@click.argument("action", metavar="ACTION")
@click.option("--reason", required=True, help="Why nobody needs it any more.")
@home_option
@json_option
def drop(action: str, reason: str, home: Path | None, as_json: bool) -> None:
    """Let go of what has not arrived; `retry` takes it back."""
    from insights_assets.resources.operations.outbox_people import drop as act

    operations, _ = open_home(settings_for(home=home))
    rows = _refusing(lambda: act(operations, action, by=person(), reason=reason))
    _tell(rows, as_json, lambda row: "is let go" + ("; it may have arrived: look at its destination" if row.sending_at is not None else ""))


def _refusing(act: Callable[[], list[OutboxRow]]) -> list[OutboxRow]:
    from insights_assets.resources.operations.outbox_people import RefusedMove

    try:
        return act()
    except RefusedMove as error:
        stop(str(error), WRONG_USE)


def _tell(rows: list[OutboxRow], as_json: bool, words: Callable[[OutboxRow], str]) -> None:
    if as_json:
        emit_json([{"key": row.idempotency_key, "action_id": row.action_id, "state": row.state} for row in rows])
        return
    for row in rows:
        _, _, part = row.idempotency_key.partition(":")
        click.echo(f"{row.action_id}{f' ({part})' if part else ''} {words(row)}")


def _line(row: dict[str, Any], now: datetime) -> str:
    _, _, part = row["key"].partition(":")
    due = f"  next {row['next_at']:%Y-%m-%d %H:%M} UTC" if row["next_at"] is not None and row["next_at"] > now else ""
    tries = f"  {row['tries']} {'try' if row['tries'] == 1 else 'tries'}" if row["tries"] else ""
    return (
        f"{row['action_id']}{f' ({part})' if part else ''}  {row['state']:<8} {row['kind']} of {row['insight_id']} -> {row['destination']}  "
        f"owner {row['owner']}  {_age(now - row['since'])}{tries}{due}\n    {row['why']}"
    )


def _age(age: Any) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
