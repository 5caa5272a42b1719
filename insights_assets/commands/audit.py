"""`insights audit`: does the audit log still hold together?"""

from __future__ import annotations

from pathlib import Path

import click

from insights_assets.commands.frame import DONE, FAILED, home_option, open_home, settings_for


@click.group()
def audit() -> None:
    """Verify the audit log's chain."""


@audit.command()
@home_option
def verify(home: Path | None) -> None:
    """Check every entry against the one before it: an edit, a deletion, a change of order or a cut-off end shows."""
    operations, _ = open_home(settings_for(home=home))
    result = operations.audit.verify_chain()
    if result.holds:
        click.echo(f"{result.rows} entries, chain holds; head {result.head[:16]}")
        raise SystemExit(DONE)
    click.echo(f"broken at entry {result.broken_at}: {result.reason}", err=True)
    raise SystemExit(FAILED)
