"""How a task ended, and what of its report counts: the Jobs API says whether it ran, the lake says what it wrote.

Belongs here: reading states, choosing between what came through the message channel and the receipt in the lake, the job's own words of
a failure. Does not belong here: waiting, launching, cancelling (`jobs.py`).
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, NotFound
from databricks.sdk.service import files, jobs

from insights_assets.lake.lake import Lake
from insights_assets.lake.unity import UnityLake, address_of
from insights_assets.resources import table_assets
from insights_assets.resources.receipts import Result, parsed, read_receipt, receipt_path, versions_of

_LONGEST_MESSAGE = 2000
_ENDED = {jobs.RunLifeCycleState.TERMINATED, jobs.RunLifeCycleState.SKIPPED, jobs.RunLifeCycleState.INTERNAL_ERROR}


def has_ended(one: Any) -> bool:
    """Whether a run or task will not change any more."""
    return one.state is not None and one.state.life_cycle_state in _ENDED


def succeeded(one: Any) -> bool:
    return has_ended(one) and one.state.result_state == jobs.RunResultState.SUCCESS


def task_of(run: Any, step: str) -> Any:
    """The task of a step; the newest where the workspace repaired the run."""
    found = [task for task in run.tasks or [] if task.task_key == step]
    return found[-1] if found else None


def stated(one: Any) -> str:
    """A state in one word for logs."""
    state = one.state
    last = (state.result_state or state.life_cycle_state) if state else None
    return last.value if last else "UNKNOWN"


def missing(wanted: set[str], reported: Sequence[Result]) -> list[str]:
    """What a report should hold and does not: tables by name, checks as `table:check`."""
    got = {r.asset_key.to_user_string() + (f":{r.check_name}" if isinstance(r, dg.AssetCheckResult) else "") for r in reported if r.asset_key}
    return sorted(wanted - got)


def matches_lake(lake: Lake, results: Sequence[Result]) -> bool:
    """Whether the lake still holds the versions that a report speaks of."""
    told = versions_of(results)
    return {name: f"delta-{_stored_version(lake, name)}" for name in told} == told


def _stored_version(lake: Lake, name: str) -> int | None:
    if isinstance(lake, UnityLake):
        spec = next((spec for _, _, written in table_assets.BODIES.values() for spec in written if str(spec) == name), None)
        return lake.version(spec) if spec is not None else None
    commits = (lake.root / name.replace(".", "/") / "_delta_log").glob("*.json")
    return max((int(one.stem) for one in commits if one.stem.isdigit()), default=None)


def receipt_of(workspace: WorkspaceClient, lake: Lake, token: str, step: str) -> list[Result] | None:
    """The receipt of a step: from the lake's folder, or over the Files API where it lies on a volume that is not mounted here."""
    near = read_receipt(lake.root, token, step)
    if near is not None or not isinstance(lake, UnityLake):
        return near
    try:
        found = files.FilesAPI(workspace.api_client).download(str(receipt_path(lake.root, token, step))).contents
    except NotFound:
        return None
    return parsed(found.read().decode()) if found is not None else None


def settle(
    context: dg.AssetExecutionContext, workspace: WorkspaceClient, lake: Lake, run: Any, step: str, token: str, reported: Sequence[Result], wanted: set[str]
) -> list[Result]:
    """The results of a step whose task has ended. Raises dg.Failure with the task's own error where it did not do its work.

    A whole report, by channel or receipt, means that every table was written: a step reports after its last commit. So it counts even where the
    task died after it, and where a blocking check failed, for which the task fails so that the tasks behind it are not started.
    """
    task = task_of(run, step)
    results = list(reported)
    if missing(wanted, results):
        results = list(receipt_of(workspace, lake, token, step) or ())
        if results and not missing(wanted, results):
            context.log.warning(f"{step}: the messages of Databricks job run {run.run_id} were lost; its report was read from the lake")
    lacks = missing(wanted, results)
    if lacks and (task is None or not succeeded(task)):
        raise _failure(workspace, run, task, step)
    if lacks:
        raise dg.Failure(
            f"{step}: Databricks job run {run.run_id} succeeded, but its report lacks {', '.join(lacks)}, in the lake too; run the step again: what is written stays as it is"
        )
    if not matches_lake(lake, results):
        raise dg.Failure(f"{step}: Databricks job run {run.run_id} reports {versions_of(results)}, which is not what the lake at {address_of(lake)} holds; do both see the same lake?")
    if task is not None and not succeeded(task) and all(r.passed for r in results if isinstance(r, dg.AssetCheckResult)):
        context.log.warning(f"{step}: its task ended as {stated(task)} after its work was done")
    return [_with_run(result, run) for result in results]


def run_metadata(run: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"Databricks Job Run ID": dg.MetadataValue.text(str(run.run_id))}
    if run.run_page_url:
        metadata["Databricks Job Run URL"] = dg.MetadataValue.url(run.run_page_url)
    return metadata


def _with_run(result: Result, run: Any) -> Result:
    metadata: dict[str, Any] = {**dict(result.metadata or {}), **run_metadata(run)}
    return result._replace(metadata=metadata)


def _failure(workspace: WorkspaceClient, run: Any, task: Any, step: str) -> dg.Failure:
    """The task's own error. A state only says that a task failed; the words are in its output."""
    words = next((one.state.state_message for one in (task, run) if one is not None and one.state and one.state.state_message), "it ended without a message")
    if task is not None:
        try:
            words = workspace.jobs.get_run_output(task.run_id or 0).error or words
        except DatabricksError as error:
            words = f"{words} (its output could not be read: {error})"
    ended = stated(task) if task is not None else stated(run)
    return dg.Failure(f"{step} failed as Databricks job run {run.run_id} ({ended}): {words[:_LONGEST_MESSAGE]}", metadata=run_metadata(run))
