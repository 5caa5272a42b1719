"""`insights verdict`: a person's judgement of an insight; the only source of alert precision."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from insights_assets.commands.frame import WRONG_USE, home_option, open_reader, person, settings_for, stop

#: A judgement as it is typed -> the act of an answer.
ACTS = {"confirmed": "confirm", "dismissed": "dismiss", "duplicate-of": "duplicate", "snooze": "snooze", "unknown": "unknown"}


@click.command()
@click.argument("insight", metavar="INSIGHT")
@click.argument("judgement", metavar="confirmed|dismissed|duplicate-of|snooze|unknown")
@click.option("--reason", help="Why (needed to dismiss), or the insight that it repeats (duplicate-of).")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Day on which a snooze wakes.")
@click.option("--by", help="Who judges [default: you].")
@home_option
def verdict(insight: str, judgement: str, reason: str | None, until: datetime | None, by: str | None, home: Path | None) -> None:
    """Say whether an insight was right: confirmed, dismissed, duplicate-of another, or snooze it.

    \b
    insights verdict INS-7f3a confirmed
    insights verdict INS-7f3a dismissed --reason "a test batch"
    insights verdict INS-7f3a duplicate-of --reason INS-90ab
    insights verdict INS-7f3a snooze --until 2026-12-01
    """
    from insights_assets.actions.inbox import take_here
    from insights_assets.tables import table

    settings = settings_for(home=home)
    reader, shop = open_reader(settings)
    judgement, _, other = judgement.partition("=")
    if judgement not in ACTS:
        stop(f"{judgement!r} is not a judgement; use one of {', '.join(ACTS)}", WRONG_USE)
    known = [row["insight_id"] for row in reader.rows(table("anomalies.insights"))]
    found = take_here(
        reader.operations, shop, ACTS[judgement], insight, by=by or person(), through="command", reason=other or reason or "", until=until.date() if until else None,
        known_insights=known, as_of=reader.publication.as_of_day, operators=settings.operators,
    )  # fmt: skip
    if not found.is_taken:
        stop(found.said, WRONG_USE)
    click.echo(found.said)
