"""`insights approve`: a person's decision on an action that waits (R56, R158)."""

from __future__ import annotations

from pathlib import Path

import click

from insights_assets.commands.frame import WRONG_USE, home_option, open_home, person, settings_for, stop


@click.command()
@click.argument("action", metavar="ACTION")
@click.option("--reject", is_flag=True, help="Say no instead of yes.")
@click.option("--reason", help="Why.")
@home_option
def approve(action: str, reject: bool, reason: str | None, home: Path | None) -> None:
    """Approve (or --reject) an action that waits for a person; the next run carries it out."""
    from insights_assets.actions.commands import approve as decide
    from insights_assets.resources.operations.judgements import RefusedJudgement

    operations, _ = open_home(settings_for(home=home))
    try:
        row = decide(operations, action, not reject, by=person(), reason=reason)
    except RefusedJudgement as error:
        waiting = [row.action_id for row in operations.approvals.all() if row.state == "waiting"]
        stop(f"{error}; waiting: {', '.join(waiting[:8]) or 'nothing'} (`insights show tickets`)", WRONG_USE)
    click.echo(f"{row.action_id}: {row.state}; the next run carries it out")
