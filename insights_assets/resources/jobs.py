"""Heavy steps as Databricks jobs: the launch through Dagster Pipes, cancelling, and how a job ended in its own words.

Belongs here: all that Dagster's side does for a job. Does not belong here: running the body, which `insights_assets/job.py` does on
the cluster, and which steps are heavy, which their assets declare. Imported only when a job is launched: the SDK takes seconds.
"""

import hashlib
import warnings
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError, DagsterPipesExecutionError  # not exported at top level
from dagster_databricks import PipesDatabricksClient
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service import compute, jobs

from insights_assets.resources.job_request import KEY_VARIABLE, SENT_SETTINGS, JobRequest, key_check
from insights_assets.settings import Settings

_LONGEST_MESSAGE = 2000


class JobNotPossible(dg.Failure):
    """A heavy step cannot be sent to a job as things are set."""


def request_for(step: str, settings: Settings, *, run_id: str, as_of: date, previous_as_of: date | None) -> JobRequest:
    """The request of one heavy step on this home."""
    if settings.customer_key_secret is not None:
        secret = settings.customer_key_secret.get_secret_value()
    elif settings.customer_key_path.exists():
        secret = settings.customer_key_path.read_text(encoding="ascii").strip()
    else:
        raise JobNotPossible(
            f"{step} needs the customer key in the job too: set {KEY_VARIABLE} here and put the same value as customer_key into the secret "
            f"scope {settings.databricks_secret_scope}"
        )
    shop = settings.job_shop or (str(settings.shop) if settings.shop else None)
    return JobRequest(
        step=step, run_id=run_id, lake=settings.job_lake or str(settings.lake_path), shop=shop, as_of=as_of, previous_as_of=previous_as_of,
        key_check=key_check(secret), settings=settings.model_dump(mode="json", include=set(SENT_SETTINGS)),
    )


class _StepClient(PipesDatabricksClient):
    """dagster-databricks' client, which remembers its job and whether Dagster interrupted the wait: `run` itself then returns as if all went well."""

    job_run_id: int | None = None
    interrupted: bool = False

    def _poll_til_success(self, context: Any, run_id: int) -> None:
        self.job_run_id = run_id
        try:
            super()._poll_til_success(context, run_id)
        except DagsterExecutionInterruptedError:
            self.interrupted = True
            raise


def run_step_job(context: dg.AssetExecutionContext, request: JobRequest, settings: Settings) -> list[dg.MaterializeResult | dg.AssetCheckResult]:
    """Run one heavy step as a job and wait for it; returns all it reported.

    Raises dg.Failure with the job's own error, DagsterExecutionInterruptedError when the run was cancelled; a step that was left for any
    other reason cancels its job first, so that no job writes on behalf of a run that is over.
    """
    warnings.filterwarnings("ignore", category=dg.PreviewWarning, module="dagster")
    workspace = open_workspace(settings)
    client = _StepClient(workspace, env=job_environment(settings), poll_interval_seconds=settings.databricks_poll_seconds)
    task = step_task(request.step, settings)
    client.message_reader = client.get_default_message_reader(task)
    client.message_reader.interval = settings.databricks_poll_seconds
    token = hashlib.sha256(f"{request.run_id}/{request.step}/{context.retry_number}".encode()).hexdigest()
    submission = {"run_name": f"{request.step} of Dagster run {request.run_id}", "idempotency_token": token}
    try:
        done = client.run(context=context, extras=request.to_extras(), task=task, submit_args=submission)
    except DagsterPipesExecutionError:
        raise _failure(workspace, client.job_run_id, request.step) from None
    except BaseException:
        _cancel(context, workspace, client.job_run_id)
        raise
    if client.interrupted:
        raise DagsterExecutionInterruptedError(f"{request.step}: the run was cancelled, and with it Databricks job run {client.job_run_id}")
    reported = list(done.get_results(implicit_materializations=False))
    _nothing_lost(context, reported, request.step, client.job_run_id)
    return reported


def open_workspace(settings: Settings) -> WorkspaceClient:
    """The workspace by settings; what they leave out the SDK finds its own way (environment, profile, managed identity)."""
    token = settings.databricks_token.get_secret_value() if settings.databricks_token else None
    return WorkspaceClient(host=settings.databricks_host, token=token, product="insights-assets")


def job_environment(settings: Settings) -> dict[str, str]:
    """Environment of the job's cluster. The key is named, never given: the cluster resolves the reference when it starts."""
    return {KEY_VARIABLE: f"{{{{secrets/{settings.databricks_secret_scope}/customer_key}}}}"}


def step_task(step: str, settings: Settings) -> jobs.SubmitTask:
    """The one task of a heavy step's job. Raises JobNotPossible for a cluster description with fields nobody knows."""
    cluster = None
    if settings.databricks_cluster_id is None:
        given = settings.databricks_cluster or {}
        cluster = compute.ClusterSpec.from_dict(given)
        if unknown := sorted(set(given) - set(cluster.as_dict())):
            raise JobNotPossible(f"databricks_cluster has fields that the Jobs API does not know: {', '.join(unknown)}")
    return jobs.SubmitTask(
        task_key=step,
        spark_python_task=jobs.SparkPythonTask(python_file=settings.databricks_job_file or ""),
        libraries=[compute.Library(whl=settings.databricks_wheel)] if settings.databricks_wheel else None,
        new_cluster=cluster,
        existing_cluster_id=settings.databricks_cluster_id,
    )


def _failure(workspace: WorkspaceClient, run_id: int | None, step: str) -> dg.Failure:
    """The job's own error. A run's state only says that a task failed; the words are in the output of that task."""
    run = workspace.jobs.get_run(run_id or 0)
    words = (run.state.state_message if run.state else None) or "it ended without a message"
    for task in run.tasks or []:
        try:
            words = workspace.jobs.get_run_output(task.run_id or 0).error or words
        except DatabricksError:
            continue
    metadata = {"Databricks Job Run ID": str(run_id)}
    if run.run_page_url:
        metadata["Databricks Job Run URL"] = dg.MetadataValue.url(run.run_page_url)
    return dg.Failure(f"{step} failed as Databricks job run {run_id}: {words[:_LONGEST_MESSAGE]}", metadata=metadata)


def _cancel(context: dg.AssetExecutionContext, workspace: WorkspaceClient, run_id: int | None) -> None:
    """Cancel what may still be running; a job that has ended is left as it is."""
    if run_id is None:
        return
    try:
        workspace.jobs.cancel_run(run_id)
    except OSError as error:  # the SDK's errors are of this kind, those of the connection too
        context.log.warning(f"Databricks job run {run_id} could not be cancelled and may still be running: {error}")


def _nothing_lost(context: dg.AssetExecutionContext, reported: list[Any], step: str, run_id: int | None) -> None:
    wanted = {key.to_user_string() for key in context.selected_asset_keys}
    wanted |= {f"{check.asset_key.to_user_string()}:{check.name}" for check in context.selected_asset_check_keys}
    got = {r.asset_key.to_user_string() + (f":{r.check_name}" if isinstance(r, dg.AssetCheckResult) else "") for r in reported}
    if missing := sorted(wanted - got):
        raise dg.Failure(
            f"{step}: Databricks job run {run_id} succeeded, but its report lacks {', '.join(missing)}; its tables are written, run the step again"
        )
