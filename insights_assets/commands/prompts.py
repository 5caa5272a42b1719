"""`insights prompts`: the versions of prompts and label sets, what differs between them, and which is in force."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import FAILED, WRONG_USE, emit_json, home_option, json_option, open_home, person, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations


@click.group()
def prompts() -> None:
    """Prompts and label sets: list, diff, lint, promote, roll back."""


@prompts.command("list")
@home_option
@json_option
def list_(home: Path | None, as_json: bool) -> None:
    """Every version, and which is in force (in a home, or in a new one)."""
    from insights_assets.labels.prompt_versions import active_version, kind_of, versions_of
    from insights_assets.labels.prompts import LABEL_SETS, load_prompt, prompt_tasks

    operations = _operations_if_there(home)
    rows: list[dict[str, Any]] = []
    for task in (*prompt_tasks(), LABEL_SETS):
        active = active_version(operations, task)
        since = operations.activations.active(kind_of(task)) if operations is not None else None
        for version in versions_of(task):
            prompt = load_prompt(task, version) if task != LABEL_SETS else None
            rows.append({
                "task": task, "version": version, "version_id": prompt.version_id if prompt else version, "in_force": version == active,
                "owner": prompt.owner if prompt else None, "since": since.activated_at if since and version == active else None,
                "reason": since.reason if since and version == active else None,
            })
    if as_json:
        emit_json(rows)
        return
    for row in rows:
        owner = f"  owner {row['owner']}" if row["owner"] else ""
        since_words = f"  since {row['since']:%Y-%m-%d %H:%M}: {row['reason']}" if row["since"] else ""
        click.echo(f"{'*' if row['in_force'] else ' '} {row['task']:<16} {row['version_id']}{owner}{since_words}")
    click.echo("* in force" + ("" if operations is not None else " in a new home"))


@prompts.command()
@click.argument("task")
@click.argument("older")
@click.argument("newer")
def diff(task: str, older: str, newer: str) -> None:
    """What changed between two versions of a task (or of label_sets), line by line."""
    from insights_assets.labels.prompts import LABEL_SETS, prompt_text

    ending = "yaml" if task == LABEL_SETS else "md"
    try:
        texts = [prompt_text(f"{task}/{version}.{ending}").splitlines(keepends=True) for version in (older, newer)]
    except FileNotFoundError as error:
        stop(str(error), WRONG_USE)
    lines = list(difflib.unified_diff(*texts, fromfile=f"{task}/{older}", tofile=f"{task}/{newer}"))
    click.echo("".join(lines) if lines else "no difference", nl=not lines)


@prompts.command()
@click.option("--lock", "write_lock", is_flag=True, help="Add new versions to versions.lock (in a checkout).")
def lint(write_lock: bool) -> None:
    """Check every file. Exit code 1 when something would stop a merge."""
    from insights_assets.labels.prompt_lint import LOCK, locked_lines
    from insights_assets.labels.prompt_lint import lint as check
    from insights_assets.labels.prompts import prompts_folder

    if write_lock:
        Path(str(prompts_folder().joinpath(LOCK))).write_text(locked_lines(), encoding="utf-8")
    found = check()
    for remark in found.remarks:
        click.echo(f"note  {remark}")
    for fault in found.faults:
        click.echo(f"FAIL  {fault}")
    if found.faults:
        raise SystemExit(FAILED)
    click.echo("ok    every prompt, schema and label set holds")


@prompts.command()
@click.argument("task")
@click.argument("version")
@click.option("--reason", required=True, help="Why; it is kept.")
@home_option
def promote(task: str, version: str, reason: str, home: Path | None) -> None:
    """Bring a version into force by a person's decision."""
    from insights_assets.labels.label_set import LabelSetError
    from insights_assets.labels.prompt_versions import promote as bring_into_force
    from insights_assets.labels.prompts import PromptError

    operations, _ = open_home(settings_for(home=home))
    try:
        row = bring_into_force(operations, task, version, by=person(), reason=reason)
    except (PromptError, LabelSetError, FileNotFoundError) as error:
        stop(str(error), WRONG_USE)
    operations.audit.append(person(), "prompt_promote", f"{task}/{row.version}", reason=reason)
    click.echo(f"{task}/{row.version} is in force; what it would label otherwise is asked anew by later runs, inside the budget")


@prompts.command()
@click.argument("task")
@click.option("--reason", required=True, help="Why; it is kept.")
@home_option
def rollback(task: str, reason: str, home: Path | None) -> None:
    """Bring the version before the present one back into force. Its replies are still stored: no model is called."""
    from insights_assets.labels.prompt_versions import NothingToGoBackTo
    from insights_assets.labels.prompt_versions import rollback as go_back
    from insights_assets.labels.prompts import PromptError

    operations, _ = open_home(settings_for(home=home))
    try:
        row = go_back(operations, task, by=person(), reason=reason)
    except (NothingToGoBackTo, PromptError) as error:
        stop(str(error), WRONG_USE)
    operations.audit.append(person(), "prompt_rollback", f"{task}/{row.version}", reason=reason)
    click.echo(f"{task}/{row.version} is in force again")


def _operations_if_there(home: Path | None) -> Operations | None:
    settings = settings_for(home=home)
    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return None
    return open_home(settings)[0]
