"""`insights prompts`: the versions of prompts and label sets, what differs between them, and which is in force."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import (
    DONE,
    FAILED,
    STOPPED,
    WRONG_USE,
    emit_json,
    home_option,
    json_option,
    open_home,
    open_reader,
    person,
    settings_for,
    stop,
)
from insights_assets.commands.preview import preview

if TYPE_CHECKING:
    from insights_assets.labels.prompt_evaluation import PromptEvaluation
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings


@click.group()
def prompts() -> None:
    """Prompts and label sets: list, diff, lint, evaluate, preview, promote, roll back."""


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


@prompts.command("eval")
@click.argument("version", required=False)
@home_option
@json_option
def eval_(version: str | None, home: Path | None, as_json: bool) -> None:
    """Judge a version of label_feedback (default: the one in force) by the reviewed records that nothing learns from.

    VERSION may be written for a label set that is not in force, or be such a set (`label_sets/v2`: the prompt that would come with it); what reviewers said
    is then read in its words, and topics that only it has are not judged.

    Asks the model that settings name, inside the budget; what was answered before is not paid again. The answer is kept: `promote` refuses a version
    that failed. Exit code 3: the gate says fail.
    """
    from insights_assets.labels.prompts import PromptError

    settings = settings_for(home=home)
    if settings.model == "none":
        stop("no model is named: set INSIGHTS_MODEL and where it is (docs/language-model.md)", WRONG_USE)
    try:
        found = evaluate_in_home(settings, version)
    except (PromptError, FileNotFoundError, ValueError) as error:
        stop(str(error), WRONG_USE)
    if as_json:
        emit_json(found.document())
    else:
        _print_evaluation(found)
    raise SystemExit(STOPPED if found.answer == "fail" else DONE)


def evaluate_in_home(settings: Settings, version: str | None, *, time: Any = None) -> PromptEvaluation:
    """Evaluate a version on a home's last publication and keep the answer."""
    from uuid import uuid4

    from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
    from insights_assets.labels.asking import client_of
    from insights_assets.labels.label_set import load_label_set
    from insights_assets.labels.model.client import ModelClient
    from insights_assets.labels.model.request import Candidates, LabelPrompt
    from insights_assets.labels.prompt_evaluation import evaluate, golden, keep
    from insights_assets.labels.prompt_versions import LABELLING, active_label_set, active_prompt, named_prompt
    from insights_assets.labels.prompts import load_prompt
    from insights_assets.labels.reviewed import last_correction, reviewed_records
    from insights_assets.labels.tables import FEEDBACK_LABELS
    from insights_assets.resources.clock import wall_clock
    from insights_assets.resources.language_model import connect
    from insights_assets.resources.step import Step

    reader, shop = open_reader(settings)
    operations, run_id = reader.operations, f"prompt-eval-{uuid4().hex[:12]}"
    step = Step(
        lake=reader.lake, settings=settings, shop=shop, operations=operations, as_of=reader.publication.as_of_day, run_id=run_id, clock=wall_clock,
        reads=frozenset((FEEDBACK, FEEDBACK_LABELS, PRODUCTS)), writes=frozenset(),
    )
    connection = connect(settings)
    if connection is None:
        raise ValueError("no model is named")
    try:
        active = LabelPrompt.of(active_prompt(operations, LABELLING), active_label_set(operations), connection)
        prompt = active
        if version is not None:
            wanted = load_prompt(LABELLING, named_prompt(operations, version))
            prompt = LabelPrompt.of(wanted, load_label_set(str(wanted.front_matter["label_set"])), connection)
        sample = golden(reviewed_records(step, last_correction(operations), prompt.label_set))
        products = Candidates(step.read_pandas(PRODUCTS).to_dict("records"))
        client = ModelClient(connection, operations, settings, run_id, time=time) if settings.model != "ai_functions" else client_of(connection, step)
        found = evaluate(client, prompt, sample, products, active)
    finally:
        connection.close()
    keep(operations, found)
    return found


def _print_evaluation(found: PromptEvaluation) -> None:
    click.echo(f"{found.version_id} on {found.records} reviewed records that nothing learns from")
    for one in found.qualities:
        if one.n:
            click.echo(f"  {one.topic:<22} n {one.n:>4}  precision {_span(one.precision, one.precision_low, one.precision_high)}  "
                       f"recall {_span(one.recall, one.recall_low, one.recall_high)}  F1 {one.f1 or 0:.2f}  {found.gates[one.topic][0].replace('_', ' ')}")
    if found.unjudged_topics:
        click.echo(f"not judged, since no reviewer could choose them: {', '.join(found.unjudged_topics)}")
    click.echo("outcomes: " + (", ".join(f"{name} {count}" for name, count in found.outcomes.items()) or "none asked"))
    click.echo(f"{found.calls} calls, {found.cost:.4f} {found.currency}" + (f"; {1000 * found.cost / found.records:.4f} a thousand records" if found.records else ""))
    if found.compared is not None:
        click.echo(f"against the version in force: {found.compared.answer.replace('_', ' ')}: {found.compared.reason}")
    click.echo(f"gate: {found.answer.replace('_', ' ')}: {found.reason}")


def _span(value: float | None, low: float | None, high: float | None) -> str:
    return "   -             " if value is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


prompts.add_command(preview)


@prompts.command()
@click.argument("task")
@click.argument("version")
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option("--past-the-gate", is_flag=True, help="Although its evaluation failed.")
@home_option
def promote(task: str, version: str, reason: str, past_the_gate: bool, home: Path | None) -> None:
    """Bring a version into force by a person's decision. A version whose evaluation failed is refused."""
    from insights_assets.labels.label_set import LabelSetError
    from insights_assets.labels.prompt_evaluation import kept
    from insights_assets.labels.prompt_versions import LABELLING, prompt_for, versions_of
    from insights_assets.labels.prompt_versions import promote as bring_into_force
    from insights_assets.labels.prompts import LABEL_SETS, PromptError, load_prompt

    settings = settings_for(home=home)
    operations, _ = open_home(settings)
    said: dict[str, Any] | None = None
    if version in versions_of(task):
        try:
            judged = load_prompt(LABELLING, prompt_for(operations, version)) if task == LABEL_SETS else load_prompt(task, version)
        except PromptError as error:
            stop(str(error), WRONG_USE)
        said = kept(operations, judged.version_id)
        if said is not None and said["answer"] == "fail" and not past_the_gate:
            stop(f"{judged.task}/{judged.version} failed its evaluation: {said['reason']}. `--past-the-gate` brings it into force all the same; it is kept who did", STOPPED)
    try:
        row = bring_into_force(operations, task, version, by=person(), reason=reason)
    except (PromptError, LabelSetError, FileNotFoundError) as error:
        stop(str(error), WRONG_USE)
    _tell_companion(operations, task)
    operations.audit.append(person(), "prompt_promote", f"{task}/{row.version}", reason=reason, past_the_gate=past_the_gate)
    if said is None and task == "label_feedback":
        click.echo(f"note: {task}/{row.version} was never evaluated here; `insights prompts eval` judges it, `insights prompts preview` says what it changes", err=True)
    click.echo(f"{task}/{row.version} is in force; what it would label otherwise is asked anew by later runs, inside the budget")
    _leave_batches(settings, operations)


@prompts.command()
@click.argument("task")
@click.option("--reason", required=True, help="Why; it is kept.")
@home_option
def rollback(task: str, reason: str, home: Path | None) -> None:
    """Bring the version before the present one back into force. Its replies are still stored: no model is called."""
    from insights_assets.labels.prompt_versions import NothingToGoBackTo
    from insights_assets.labels.prompt_versions import rollback as go_back
    from insights_assets.labels.prompts import PromptError

    settings = settings_for(home=home)
    operations, _ = open_home(settings)
    try:
        row = go_back(operations, task, by=person(), reason=reason)
    except (NothingToGoBackTo, PromptError) as error:
        stop(str(error), WRONG_USE)
    operations.audit.append(person(), "prompt_rollback", f"{task}/{row.version}", reason=reason)
    _tell_companion(operations, task)
    click.echo(f"{task}/{row.version} is in force again")
    _leave_batches(settings, operations)


def _tell_companion(operations: Operations, task: str) -> None:
    """A label set comes with the prompt that is written for it."""
    from insights_assets.labels.prompt_versions import LABELLING, active_version
    from insights_assets.labels.prompts import LABEL_SETS

    if task == LABEL_SETS:
        click.echo(f"{LABELLING}/{active_version(operations, LABELLING)} is the prompt that goes with it")


def _leave_batches(settings: Settings, operations: Operations) -> None:
    """Batches that ask under another version are cancelled at once, where the server can be reached; else the next look does it."""
    from insights_assets.labels.batching import look_at_home
    from insights_assets.labels.model.batch_rows import unfinished_count

    if unfinished_count(operations):
        click.echo(look_at_home(settings))


def _operations_if_there(home: Path | None) -> Operations | None:
    settings = settings_for(home=home)
    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return None
    return open_home(settings)[0]
