"""`insights prompts preview`: what a prompt, label set, rules or classifier would change, before it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import DONE, FAILED, WRONG_USE, emit_json, home_option, json_option, open_reader, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.settings import Settings

#: Rows of each part that are printed; all of them are in the table and in the report.
_PRINTED = 12
_QUIET = frozenset({"holds", "stays", "keeps"})
_PARTS = {"flip": "records", "trend": "trend lines", "insight": "insights", "ticket": "open tickets", "cost": "cost"}


@click.command()
@click.argument("version")
@click.option("--sample", type=click.IntRange(1, 2_000), default=200, show_default=True, help="For a prompt: distinct texts that the model is asked about.")
@click.option("--days", type=click.IntRange(7, 90), default=28, show_default=True, help="Days that are judged again under both labels.")
@home_option
@json_option
def preview(version: str, sample: int, days: int, home: Path | None, as_json: bool) -> None:
    """Say what a change would do, before it is made: flips, trends, insights, open tickets, cost. Changes nothing.

    VERSION is a prompt (v3), a label set (label_sets/v2), a classifier (candidate, or its version), or a file that is in no release yet: a prompt
    (.md), a label set or rules (.yaml). Only a prompt asks the model, inside the budget; what it answers is not paid again. Exit code 1: the model answered nothing, so nothing is known.
    """
    settings = settings_for(home=home)
    report = preview_in_home(settings, version, sample=sample, days=days)
    if as_json:
        emit_json(report)
    else:
        _print(report, settings)
    raise SystemExit(FAILED if report["findings"][0]["answer"] == "unknown" else DONE)


def preview_in_home(settings: Settings, version: str, *, sample: int = 200, days: int = 28) -> dict[str, Any]:
    """Run the job of the preview on a home, and give its rows. Ends the command where the word names no change."""
    from insights_assets.rehearsal.change import ChangeError, read_change
    from insights_assets.rehearsal.wanted import JOB, Wanted, ask_for, what_was_told
    from insights_assets.run import run_job

    reader, _ = open_reader(settings)
    try:
        change = read_change(version, settings.home, reader.operations)
    except ChangeError as error:
        stop(str(error), WRONG_USE)
    if change.prompt is not None and settings.model == "none":
        stop("a prompt speaks to a model, and none is named: set INSIGHTS_MODEL and where it is (docs/language-model.md)", WRONG_USE)
    if change.version == change.against:
        stop(f"{change.version} is in force already", WRONG_USE)
    word = str(Path(version).resolve()) if Path(version).is_file() else version
    ask_for(reader.operations, Wanted(word, sample, days))
    outcome = run_job(settings.model_copy(update={"as_of": reader.publication.as_of_day}), JOB)
    if not outcome.succeeded:
        stop(f"the preview failed: {outcome.error}", FAILED)
    rows = _rows(settings, what_was_told(reader.operations))
    head = rows[0]
    return {
        **{name: head[name] for name in ("preview_id", "change_kind", "version", "against_version", "as_of_day", "words")}, "run_id": outcome.run_id,
        "report": f"desk/change_previews/{head['preview_id']}.html", "findings": rows,
    }


def _rows(settings: Settings, preview_id: str | None) -> list[dict[str, Any]]:
    """The rows of a preview, in the order of telling: they are published with the next run of the whole loop, and shown here at once."""
    from insights_assets.engine.session import session
    from insights_assets.lake.unity import open_lake
    from insights_assets.rehearsal.tables import CHANGE_PREVIEWS

    lake = open_lake(settings.lake_address, lambda: session(settings.spark_remote), is_embedded=settings.spark_remote is None)
    rows = lake.read(CHANGE_PREVIEWS).where(f"preview_id = '{preview_id}'").toArrow().to_pylist()
    return sorted(rows, key=lambda row: row["place"])


def _print(report: dict[str, Any], settings: Settings) -> None:
    click.echo(report["words"])
    for part, heading in _PARTS.items():
        mine = [row for row in report["findings"] if row["finding"] == part]
        told = [row for row in mine if row["answer"] not in _QUIET or part in ("flip", "cost")]
        for row in told[:_PRINTED]:
            click.echo(f"  {heading:<13} {row['answer'].replace('_', ' '):<12} {row['words']}")
            for quote in row["quotes"][:1]:
                click.echo(f"  {'':<26} e.g. {row['sample_ids'][0]}: {quote}")
        if len(told) > _PRINTED:
            click.echo(f"  {heading:<13} {'':<12} and {len(told) - _PRINTED} more")
        if len(mine) > len(told):
            click.echo(f"  {heading:<13} {'':<12} {len(mine) - len(told)} as they are")
    click.echo(f"The page with the lines drawn: {settings.home / report['report']}. Nothing was changed.")
