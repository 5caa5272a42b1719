"""The entry point of a heavy step's task (`insights-step`): one body of the graph, run where the cluster is, reported through Dagster Pipes.

Belongs here: opening Pipes, building a Step from the request, reporting. Does not belong here: launching jobs (`resources/jobs.py`) and
what any body does. A task needs the lake, the shop's folder and the customer key: as `INSIGHTS_CUSTOMER_KEY_SECRET` in its environment where
the cluster has one, else read from the workspace's secret scope (serverless compute has no environment of ours).

The order is the promise: commits, then the receipt in the lake, then the messages, then failing for a blocking check that does not hold, so that
tasks behind this one are not started. Messages are only told; a task that cannot tell does its work all the same.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_pipes import (
    PipesCliArgsParamsLoader,
    PipesContext,
    PipesDbfsMessageWriter,
    PipesDefaultContextLoader,
    PipesMessageWriter,
    PipesUnityCatalogVolumesMessageWriter,
    open_dagster_pipes,
)

from insights_assets.resources.job_gate import Gate, refuse_before
from insights_assets.resources.job_request import KEY_NAME, KEY_VARIABLE, JobRequest, key_check
from insights_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg
    from pyspark.sql import SparkSession

_LOG = logging.getLogger("insights_assets")


class JobRefusedError(RuntimeError):
    """The job cannot do what it was asked; nothing was written."""


class CheckFailedError(RuntimeError):
    """A blocking check does not hold: what was written stays and is reported, and nothing that reads it may run."""


def main() -> None:
    """Run the step that the arguments ask for, or wait where they are a gate's. An exception is reported through Pipes and fails the task."""
    gate = Gate.from_arguments(sys.argv[1:])
    if gate is not None:
        gate.wait()
        return
    request = JobRequest.from_arguments(sys.argv[1:])
    # The message writer of DBFS asks the active session where the cluster's logs go, so the session comes first.
    spark = spark_session()
    pipes = open_pipes(request.channel)
    with pipes or nullcontext():
        results = run_step(request, Settings(), spark, pipes.log if pipes else _LOG)
        for result in results:
            if pipes:
                report(pipes, result)
        stop_at_blocking(request.step, results)


def open_pipes(channel: str) -> PipesContext | None:
    """The way back to Dagster; None, with a warning in the task's output, where it cannot be opened."""
    loader = PipesCliArgsParamsLoader()
    if not loader.is_dagster_pipes_process():
        raise JobRefusedError("only Dagster launches this: --dagster-pipes-context was not given")
    try:
        return open_dagster_pipes(params_loader=loader, context_loader=PipesDefaultContextLoader(), message_writer=message_writer(channel))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the messages, the work does not depend on them
        _LOG.warning("no messages will reach Dagster, the receipt in the lake will: %s", error)
        return None


def message_writer(channel: str) -> PipesMessageWriter[Any]:
    return PipesUnityCatalogVolumesMessageWriter(interval=2) if channel == "volume" else PipesDbfsMessageWriter(interval=2)


def run_step(request: JobRequest, installed: Settings, spark: SparkSession, log: Any) -> list[dg.MaterializeResult | dg.AssetCheckResult]:
    """Run the body of the request and leave its receipt; gives what it has to report. Raises JobRefusedError before anything is written."""
    from insights_assets.lake.unity import open_lake
    from insights_assets.resources import table_assets
    from insights_assets.resources.clock import wall_clock
    from insights_assets.resources.house import LakeOnly
    from insights_assets.resources.receipts import write_receipt
    from insights_assets.resources.step import Step
    from insights_assets.shop import load_shop

    importlib.import_module(f"insights_assets.{request.step.partition('__')[0]}.assets")
    if request.step not in table_assets.HEAVY:
        raise JobRefusedError(f"{request.step} is not a heavy step; there are {', '.join(sorted(table_assets.HEAVY))}")
    body, reads, writes = table_assets.BODIES[request.step]
    with tempfile.TemporaryDirectory(prefix="insights-job-") as home:
        settings = settings_of(request, installed, Path(home))
        # The workspace may start a task anew beside one that it lost: each keeps its frames in a folder of its own.
        scratch = f"{request.token or request.run_id}/{request.step}-{uuid.uuid4().hex[:8]}"
        lake = open_lake(request.lake, lambda: spark, crash_at=settings.crash_at, is_embedded=False, scratch_in=scratch)
        refuse_before(lake.root, request.token, request.gate, request.step)
        step = Step(
            lake=lake, settings=settings, shop=load_shop(settings.shop), operations=LakeOnly(), as_of=request.as_of, previous_as_of=request.previous_as_of,  # type: ignore[arg-type]
            run_id=request.run_id, clock=wall_clock, reads=frozenset(reads), writes=frozenset(writes), log=log,
        )
        log.info(f"{request.step}: as of {request.as_of}, on {request.lake}")
        for spec in writes:
            lake.fit(spec)
        try:
            body(step)
        finally:
            shutil.rmtree(lake.scratch_folder, ignore_errors=True)  # frames of the raw tier do not outlive their step
        results = list(table_assets.results(step, writes, table_assets.HEAVY[request.step].checks))
    write_receipt(lake.root, request.token, request.step, results)
    return results


def settings_of(request: JobRequest, installed: Settings, home: Path) -> Settings:
    """The installation as the step may see it: what the request sent, the key of this workspace, and a home that holds nothing."""
    key = installed.customer_key_secret.get_secret_value() if installed.customer_key_secret else key_of_scope(request.secret_scope)
    if not key or key.startswith("{{secrets/"):
        raise JobRefusedError(f"{KEY_VARIABLE} is not in the job's environment, or is a reference that the cluster did not resolve")
    if key_check(key) != request.key_check:
        raise JobRefusedError(f"the customer key of the job is not the key of the home that asks: one customer would get two pseudonyms; look at {KEY_VARIABLE} and the secret scope")
    return Settings(**{**request.settings, "home": home, "shop": request.shop, "as_of": request.as_of, "customer_key_secret": key})


def key_of_scope(scope: str) -> str | None:
    """The customer key from the workspace itself, where there is one around this process."""
    if not (os.environ.get("DATABRICKS_RUNTIME_VERSION") or os.environ.get("DATABRICKS_HOST")):
        return None
    from databricks.sdk import WorkspaceClient

    found: str = WorkspaceClient().dbutils.secrets.get(scope, KEY_NAME)
    return found


def spark_session() -> SparkSession:
    """The cluster's own session; times are UTC."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark


def report(pipes: PipesContext, result: dg.MaterializeResult | dg.AssetCheckResult) -> None:
    """One result through Pipes: the same words that the step yields when it runs in Dagster's own process."""
    from insights_assets.resources.receipts import told

    said = told(result)
    if "check_name" in said:
        pipes.report_asset_check(said["check_name"], said["passed"], said["severity"], said["metadata"], said["asset_key"])
    else:
        pipes.report_asset_materialization(said["metadata"], said["data_version"], said["asset_key"])


def stop_at_blocking(step: str, results: Sequence[dg.MaterializeResult | dg.AssetCheckResult]) -> None:
    """Fail where Dagster would stop: a check that blocks and does not hold."""
    import dagster as dg

    from insights_assets.resources import table_assets

    blocking = {check.name for check in table_assets.HEAVY[step].checks if check.blocking} | {table_assets.SCHEMA_CHECK}
    failed = sorted(
        str(result.check_name) for result in _checks(results)
        if result.check_name in blocking and not result.passed and result.severity == dg.AssetCheckSeverity.ERROR
    )
    if failed:
        raise CheckFailedError(f"{step}: {', '.join(failed)} did not hold")


def _checks(results: Iterable[Any]) -> Iterable[Any]:
    return (result for result in results if hasattr(result, "check_name"))


if __name__ == "__main__":
    logging.getLogger("py4j").setLevel(logging.WARNING)
    main()
