"""`insights stream`: sources of the streaming kind into raw as their files come, on a Spark that has Structured Streaming."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from insights_assets.commands.frame import WRONG_USE, home_option, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.settings import Settings
    from insights_assets.sources.streaming import Batch


@click.command()
@click.argument("sources", nargs=-1)
@click.option("--every", type=click.FloatRange(min=1), metavar="SECONDS", help="Go on, looking this often, until Ctrl-C [default: take in what is there, then end].")
@home_option
def stream(sources: tuple[str, ...], every: float | None, home: Path | None) -> None:
    """Take files of SOURCES (clickstream, social; default both) into their raw tables as they come; the next run does the rest."""
    from insights_assets.engine.session import session
    from insights_assets.lake.lake import Lake
    from insights_assets.sources.catalogue import BY_NAME
    from insights_assets.sources.streaming import STREAMED, start, why_not
    from insights_assets.sources.tables import RAW

    settings = settings_for(home=home)
    for name in sources or STREAMED:
        if name not in BY_NAME:
            stop(f"{name} is no source; sources are {', '.join(BY_NAME)}", WRONG_USE)
        if why := why_not(BY_NAME[name], settings):
            stop(why, WRONG_USE)
    spark = session(settings.spark_remote)
    queries = [start(spark, settings, batch_of(settings, name), every_seconds=every) for name in sources or STREAMED]
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: [query.stop() for query in queries])
    for query, name in zip(queries, sources or STREAMED, strict=True):
        query.awaitTermination()
        click.echo(f"{RAW[name]} holds {Lake(settings.lake_path, lambda: spark, is_embedded=False).row_count(RAW[name]):,} rows")


def batch_of(settings: Settings, source: str) -> Batch:
    """What the source's micro-batches need of this home."""
    from insights_assets.resources.operations import open_operations
    from insights_assets.sources.streaming import Batch

    operations = open_operations(settings.operations_target)
    operations.migrate()
    latest = operations.latest_publication()
    return Batch(
        source=source, home=str(settings.home), lake=str(settings.lake_path), landing=str(settings.landing_path),
        shop=str(settings.shop) if settings.shop else None, as_of=settings.as_of, previous_as_of=latest.as_of_day if latest else None,
        run_id=f"stream:{source}", lock_wait_seconds=settings.lock_wait_seconds, crash_at=settings.crash_at,
    )  # fmt: skip
