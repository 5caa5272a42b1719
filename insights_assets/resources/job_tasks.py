"""The submission of a job as data: its tasks, what they run, and the compute they share.

Belongs here: turning requests and settings into the bodies of the Jobs API. Does not belong here: calling it (`jobs.py`).
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import dagster as dg
from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, DAGSTER_PIPES_MESSAGES_ENV_VAR, encode_param
from databricks.sdk.service import compute, jobs

from insights_assets.lake.unity import open_lake
from insights_assets.resources.job_gate import Gate
from insights_assets.resources.job_request import KEY_NAME, KEY_VARIABLE, JobRequest
from insights_assets.resources.waves import all_before
from insights_assets.settings import Settings

#: Distribution and entry point of the project's wheel.
PACKAGE, ENTRY_POINT = "insights-assets", "insights-step"
_ENVIRONMENT = "insights"
#: Seconds that a gate has beyond its own patience, for starting up.
_TO_START = 900


class JobNotPossible(dg.Failure):
    """A heavy step cannot be sent to a job as things are set."""


def job_environment(settings: Settings) -> dict[str, str]:
    """Environment of a job's cluster. The key is named, never given: the cluster resolves the reference when it starts."""
    return {KEY_VARIABLE: f"{{{{secrets/{settings.databricks_secret_scope}/{KEY_NAME}}}}}"}


def tasks(
    requests: Sequence[JobRequest], upstream: Mapping[str, Set[str]], tables: Mapping[str, Sequence[str]], channel: Any, settings: Settings, **context: Any
) -> list[jobs.SubmitTask]:
    """One task a request, each behind its gate and those whose tables it reads, and one a gate. `tables` are the asset keys that a step writes."""
    chosen = {request.step for request in requests}
    made = [
        replace(
            _work([*request.to_arguments(), *_pipes(request, tables[request.step], channel, context)], settings),
            task_key=request.step, depends_on=_behind({request.gate} - {""} | upstream[request.step] & chosen),
        )
        for request in requests
    ]
    return made + [_gate(name, [one for one in requests if one.gate == name], chosen, upstream, settings) for name in sorted({one.gate for one in requests} - {""})]


def _gate(name: str, behind: Sequence[JobRequest], chosen: Set[str], upstream: Mapping[str, Set[str]], settings: Settings) -> jobs.SubmitTask:
    """The task that waits for Dagster, from when the tasks are done which its steps need."""
    seconds = settings.databricks_wait_minutes * 60
    root = open_lake(behind[0].lake, _no_session).root
    steps = {request.step for request in behind}
    return replace(
        _work(Gate(name, str(root), behind[0].token, seconds).to_arguments(), settings), task_key=name, depends_on=_behind(all_before(steps, upstream) & chosen - steps),
        timeout_seconds=seconds + _TO_START,
    )


def _behind(steps: Set[str]) -> list[jobs.TaskDependency] | None:
    return [jobs.TaskDependency(one) for one in sorted(steps)] or None


def _no_session() -> Any:
    raise LookupError("where a lake lies is known without an engine")


def environments(settings: Settings) -> list[jobs.JobEnvironment] | None:
    """The serverless environment that all tasks share; None on clusters."""
    if not settings.databricks_serverless:
        return None
    needed = [settings.databricks_wheel] if settings.databricks_wheel else None
    return [jobs.JobEnvironment(_ENVIRONMENT, compute.Environment(environment_version=settings.databricks_serverless, dependencies=needed))]


def _pipes(request: JobRequest, tables: Sequence[str], channel: Any, context: Mapping[str, Any]) -> list[str]:
    """What `open_dagster_pipes` reads: the context itself, so that no file has to be there, and where messages go."""
    data = {
        "asset_keys": sorted(tables), "code_version_by_asset_key": {}, "provenance_by_asset_key": {}, "partition_key": None,
        "partition_key_range": None, "partition_time_window": None, "run_id": request.run_id, "job_name": context.get("job_name"),
        "retry_number": context.get("retry_number", 0), "extras": {},
    }
    given = {DAGSTER_PIPES_CONTEXT_ENV_VAR: {"data": data}, DAGSTER_PIPES_MESSAGES_ENV_VAR: channel.parameters(request.token, request.step)}
    return [word for name, value in given.items() for word in (f"--{name.lower().replace('_', '-')}", encode_param(value))]


def _work(arguments: list[str], settings: Settings) -> jobs.SubmitTask:
    """What a task runs and where."""
    task = jobs.SubmitTask(task_key="")
    if settings.databricks_job_file:
        task.spark_python_task = jobs.SparkPythonTask(python_file=settings.databricks_job_file, parameters=arguments)
    else:
        task.python_wheel_task = jobs.PythonWheelTask(package_name=PACKAGE, entry_point=ENTRY_POINT, parameters=arguments)
    if settings.databricks_serverless:
        task.environment_key = _ENVIRONMENT
        return task
    task.libraries = [compute.Library(whl=settings.databricks_wheel)] if settings.databricks_wheel else None
    if settings.databricks_cluster_id:
        task.existing_cluster_id = settings.databricks_cluster_id
    else:
        task.new_cluster = _described(settings)
    return task


def _described(settings: Settings) -> compute.ClusterSpec:
    given = settings.databricks_cluster or {}
    cluster = compute.ClusterSpec.from_dict(given)
    if unknown := sorted(set(given) - set(cluster.as_dict())):
        raise JobNotPossible(f"databricks_cluster has fields that the Jobs API does not know: {', '.join(unknown)}")
    cluster.spark_env_vars = {**(cluster.spark_env_vars or {}), **job_environment(settings)}
    return cluster
