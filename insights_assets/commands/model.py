"""`insights model`: which classifiers there are, which labels records now, and the way back."""

from __future__ import annotations

from pathlib import Path

import click

from insights_assets.commands.frame import STOPPED, WRONG_USE, emit_json, home_option, json_option, open_home, person, settings_for, stop


@click.group()
def model() -> None:
    """The classifiers of a home: list, promote by hand, roll back."""


@model.command("list")
@home_option
@json_option
def list_(home: Path | None, as_json: bool) -> None:
    """Versions that were in force, oldest first, and the candidate that waits."""
    from insights_assets.labels.candidate import gate_answer, waiting_candidate
    from insights_assets.labels.models import KIND, active_version

    settings = settings_for(home=home)
    operations, _ = open_home(settings)
    active, waiting = active_version(settings.home, operations), waiting_candidate(operations)
    history = [{"version": row.version, "by": row.activated_by, "at": row.activated_at, "reason": row.reason} for row in operations.activations.history(KIND)]
    said = gate_answer(operations, waiting) if waiting else None
    if as_json:
        emit_json({"active": active, "history": history, "candidate": waiting, "gate": said})
        return
    for row in history:
        click.echo(f"{row['at']:%Y-%m-%d %H:%M}  {row['version']}  by {row['by']}: {row['reason']}")
    click.echo(f"In force: {active}" + ("" if history else " (the shipped one)"))
    if waiting:
        click.echo(f"Candidate: {waiting}; its gate says {said['answer'].replace('_', ' ') + ': ' + said['reason'] if said else 'nothing yet'}")


@model.command()
@click.option("--reason", required=True, help="Why; it is kept.")
@home_option
def rollback(reason: str, home: Path | None) -> None:
    """Bring the version before the present one back into force. The job `relabel` then restores its labels."""
    from insights_assets.labels.models import NothingToGoBackTo
    from insights_assets.labels.models import rollback as go_back

    settings = settings_for(home=home)
    operations, _ = open_home(settings)
    try:
        row = go_back(settings.home, operations, by=person(), reason=reason)
    except NothingToGoBackTo as error:
        stop(str(error), WRONG_USE)
    operations.audit.append(person(), "model_rollback", row.version, reason=reason)
    click.echo(f"{row.version} is in force again; the retraining sensor, or the job relabel, restores the labels it made")


@model.command()
@click.argument("version")
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option("--past-the-gate", is_flag=True, help="Although its gate said fail.")
@home_option
def promote(version: str, reason: str, past_the_gate: bool, home: Path | None) -> None:
    """Bring a trained version into force by a person's decision. Exit code 3: its gate said fail."""
    from insights_assets.labels.candidate import gate_answer
    from insights_assets.labels.models import promote as bring_into_force

    settings = settings_for(home=home)
    operations, _ = open_home(settings)
    said = gate_answer(operations, version)
    if said is not None and said["answer"] == "fail" and not past_the_gate:
        stop(f"{version} failed its gate: {said['reason']}. `--past-the-gate` brings it into force all the same; it is kept who did", STOPPED)
    try:
        row = bring_into_force(settings.home, operations, version, by=person(), reason=reason)
    except FileNotFoundError as error:
        stop(str(error), WRONG_USE)
    operations.audit.append(person(), "model_promote", row.version, reason=reason, past_the_gate=past_the_gate)
    click.echo(f"{row.version} labels new records from the next run on")
