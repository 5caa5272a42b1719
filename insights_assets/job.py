"""The entry point of a heavy step's job: one body of the graph, run where the cluster is, reported through Dagster Pipes.

Belongs here: opening Pipes, building a Step from the request, reporting. Does not belong here: launching jobs (`resources/jobs.py`) and
what any body does. A job needs the lake, the shop's folder and, as `INSIGHTS_CUSTOMER_KEY_SECRET` in its environment, the customer key.

Off a cluster the one variable `INSIGHTS_DBFS_ROOT` names the folder that stands for DBFS; the job then takes the embedded engine, and
context and messages go below that folder instead of `/dbfs`. What only a cluster has is therefore met by no run without one: the
`/dbfs` mount, the cluster's own SparkSession, and the message writer's question to it where the cluster's logs are delivered.
"""

from __future__ import annotations

import importlib
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_pipes import (
    DAGSTER_PIPES_CONTEXT_ENV_VAR,
    PipesBufferedFilesystemMessageWriterChannel,
    PipesCliArgsParamsLoader,
    PipesContext,
    PipesContextLoader,
    PipesDbfsContextLoader,
    PipesDbfsMessageWriter,
    PipesDefaultContextLoader,
    PipesEnvVarParamsLoader,
    PipesMessageWriter,
    PipesParamsLoader,
    open_dagster_pipes,
)

from insights_assets.resources.job_request import KEY_VARIABLE, JobRequest, key_check
from insights_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg
    from pyspark.sql import SparkSession

MOUNT = Path("/dbfs")


class JobRefusedError(RuntimeError):
    """The job cannot do what it was asked; nothing was written."""


def main() -> None:
    """Run the step the Pipes context asks for. An exception is reported through Pipes and fails the task."""
    installed = Settings()
    # The message writer of DBFS asks the active session where the cluster's logs go, so the session comes first.
    spark = spark_session(installed)
    with open_dagster_pipes(
        params_loader=params_loader(sys.argv), context_loader=context_loader(installed.dbfs_root), message_writer=message_writer(installed.dbfs_root)
    ) as pipes:
        for result in run_step(JobRequest.from_extras(pipes.extras), installed, spark, pipes.log):
            report(pipes, result)


def run_step(request: JobRequest, installed: Settings, spark: SparkSession, log: Any) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Run the body of the request and give what it has to report. Raises JobRefusedError before anything is written."""
    from insights_assets.lake.lake import Lake
    from insights_assets.resources import table_assets
    from insights_assets.resources.clock import wall_clock
    from insights_assets.resources.house import LakeOnly
    from insights_assets.resources.step import Step
    from insights_assets.shop import load_shop

    importlib.import_module(f"insights_assets.{request.step.partition('__')[0]}.assets")
    if request.step not in table_assets.HEAVY:
        raise JobRefusedError(f"{request.step} is not a heavy step; there are {', '.join(sorted(table_assets.HEAVY))}")
    body, reads, writes = table_assets.BODIES[request.step]
    with tempfile.TemporaryDirectory(prefix="insights-job-") as home:
        settings = settings_of(request, installed, Path(home))
        step = Step(
            lake=Lake(Path(request.lake), lambda: spark, crash_at=settings.crash_at, is_embedded=installed.dbfs_root != MOUNT),
            settings=settings, shop=load_shop(settings.shop), operations=LakeOnly(), as_of=request.as_of, previous_as_of=request.previous_as_of,  # type: ignore[arg-type]
            run_id=request.run_id, clock=wall_clock, reads=frozenset(reads), writes=frozenset(writes), log=log,
        )
        body(step)
        yield from table_assets.results(step, writes, table_assets.HEAVY[request.step])


def settings_of(request: JobRequest, installed: Settings, home: Path) -> Settings:
    """The installation as the step may see it: what the request sent, the key from the environment, and a home that holds nothing."""
    key = installed.customer_key_secret.get_secret_value() if installed.customer_key_secret else ""
    if not key or key.startswith("{{secrets/"):
        raise JobRefusedError(f"{KEY_VARIABLE} is not in the job's environment, or is a reference that the cluster did not resolve")
    if key_check(key) != request.key_check:
        raise JobRefusedError(f"{KEY_VARIABLE} of the job is not the key of the home that asks: one customer would get two pseudonyms")
    return Settings(**{**request.settings, "home": home, "shop": request.shop, "as_of": request.as_of, "customer_key_secret": key})


def spark_session(installed: Settings) -> SparkSession:
    """The cluster's own session, or the embedded engine off a cluster. Times are UTC in both."""
    if installed.dbfs_root != MOUNT:
        from insights_assets.engine.session import session

        return session(installed.spark_remote)
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark


def params_loader(arguments: list[str]) -> PipesParamsLoader:
    """Where Pipes left its parameters: in the environment of a cluster of its own, in the arguments on an existing one."""
    given = PipesEnvVarParamsLoader()
    if given.is_dagster_pipes_process():
        return given
    if not any(argument.startswith("--dagster-pipes") for argument in arguments):
        raise JobRefusedError(f"only Dagster launches this: neither {DAGSTER_PIPES_CONTEXT_ENV_VAR} nor --dagster-pipes-context was given")
    return PipesCliArgsParamsLoader()


def context_loader(root: Path) -> PipesContextLoader:
    return PipesDbfsContextLoader() if root == MOUNT else _ContextBelow(root)


def message_writer(root: Path) -> PipesMessageWriter:
    return PipesDbfsMessageWriter() if root == MOUNT else _MessagesBelow(root)


class _ContextBelow(PipesDefaultContextLoader):
    """The context of a job off a cluster: the DBFS path below the folder that stands for DBFS."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def load_context(self, params: Any) -> Iterator[Any]:
        with super().load_context({"path": str(self._root / params["path"].lstrip("/"))}) as context:
            yield context


class _MessagesBelow(PipesDbfsMessageWriter):
    """The messages of a job off a cluster: DBFS's own writer, one root aside, and no cluster whose log folder it could ask for."""

    def __init__(self, root: Path) -> None:
        super().__init__(interval=1)
        self._root = root

    def make_channel(self, params: Any) -> PipesBufferedFilesystemMessageWriterChannel:
        return PipesBufferedFilesystemMessageWriterChannel(path=str(self._root / params["path"].lstrip("/")), interval=self.interval)

    def get_opened_extras(self) -> dict[str, Any]:
        return {}


def report(pipes: PipesContext, result: dg.MaterializeResult | dg.AssetCheckResult) -> None:
    """One result through Pipes: the same words that the step yields when it runs in Dagster's own process."""
    import dagster as dg

    asset_key = result.asset_key.to_escaped_user_string() if result.asset_key else None
    metadata = {name: external(value) for name, value in (result.metadata or {}).items()}
    if isinstance(result, dg.AssetCheckResult):
        pipes.report_asset_check(result.check_name or "", result.passed, result.severity.value, metadata, asset_key)
    else:
        pipes.report_asset_materialization(metadata, result.data_version.value if result.data_version else None, asset_key)


def external(value: Any) -> Any:
    """A metadata value as Pipes carries it: plain values as they are, Dagster's own with their type."""
    import dagster as dg

    if isinstance(value, dict):
        return {"type": "json", "raw_value": value}
    if not isinstance(value, dg.MetadataValue):
        return value
    kinds = {
        dg.TextMetadataValue: "text", dg.UrlMetadataValue: "url", dg.PathMetadataValue: "path", dg.MarkdownMetadataValue: "md",
        dg.JsonMetadataValue: "json", dg.IntMetadataValue: "int", dg.FloatMetadataValue: "float", dg.BoolMetadataValue: "bool",
        dg.TimestampMetadataValue: "timestamp", dg.NullMetadataValue: "null",
    }
    kind = next((name for dagster_type, name in kinds.items() if isinstance(value, dagster_type)), None)
    if kind is None:
        raise TypeError(f"a heavy step cannot report metadata of type {type(value).__name__}")
    return {"type": kind, "raw_value": value.value}


if __name__ == "__main__":
    logging.getLogger("py4j").setLevel(logging.WARNING)
    main()
