"""`insights approve`: a person's decision on an action that waits (R56, R158)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from insights_assets.commands.frame import WRONG_USE, home_option, open_home, person, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations


@click.command()
@click.argument("action", metavar="ACTION")
@click.option("--reject", is_flag=True, help="Say no instead of yes.")
@click.option("--ask-again", "again", is_flag=True, help="Let an expired approval wait anew; nothing else does.")
@click.option("--reason", default="", help="Why.")
@click.option("--by", help="Who decides [default: you].")
@home_option
def approve(action: str, reject: bool, again: bool, reason: str, by: str | None, home: Path | None) -> None:
    """Approve (or --reject) an action that waits for a person, once. A hold is placed at once, the rest by the next run."""
    from insights_assets.actions.inbox import take_here

    settings = settings_for(home=home)
    operations, shop = open_home(settings)
    who = by or person()
    if again:
        from insights_assets.actions.approvals import ask_again
        from insights_assets.resources.operations.judgements import RefusedJudgement

        try:
            row = ask_again(operations, shop, action, _tier(operations, action), by=who, through="command", operators=settings.operators)
        except RefusedJudgement as error:
            stop(str(error), WRONG_USE)
        click.echo(f"{action} waits again, until {row.expires_at:%Y-%m-%d %H:%M} UTC")
        return
    act = "reject" if reject else "approve"
    found = take_here(operations, shop, act, action, by=who, through="command", reason=reason, home=settings.home, operators=settings.operators)
    if not found.is_taken:
        waiting = [row.action_id for row in operations.approvals.all() if row.state == "waiting"]
        stop(f"{found.said}; waiting: {', '.join(waiting[:8]) or 'nothing'} (`insights show approvals`)", WRONG_USE)
    click.echo(found.said)
    if not reject:
        from insights_assets.actions.destinations.hold_state import publish

        for sentence in publish(operations, shop, settings):
            click.echo(sentence)


def _tier(operations: Operations, action_id: str) -> int:
    """The tier whose hours count; the strictest where the outbox does not say."""
    return next((row.tier for row in operations.outbox.all() if row.action_id == action_id and row.tier), 1)
