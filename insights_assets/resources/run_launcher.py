"""Dagster's default run launcher that also knows whether a run still lives, for deploy/dagster.yaml.

Belongs here: asking the code location's server about a run it was given. Does not belong here: what becomes of a dead run (run monitoring marks
it failed, run retries start it anew; both are Dagster's, set in dagster.yaml).

The default launcher says nothing about the health of a run, so monitoring would wait for the longest run time when a code location's container
is killed with its runs. The server keeps the list of runs it executes; one that was started anew has none, and says so.
It needs `dagster api grpc`: the proxy of `dagster code-server start` asks only its newest server, so after a reload a living run would look dead.
"""

import json
import logging
import time
from collections.abc import Mapping
from typing import Any, Self

import dagster as dg
import dagster._check as check
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import ConfigurableClassData, deserialize_value

_ANSWER_SECONDS = 10
_LOG = logging.getLogger("dagster.insights")


class WatchedRunLauncher(DefaultRunLauncher):
    """Runs are processes of the code location's server; the server is asked whether one of them is still there."""

    def __init__(self, unreachable_seconds: int = 300, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data=inst_data)
        self._unreachable_seconds = check.int_param(unreachable_seconds, "unreachable_seconds")
        self._unreachable_since: dict[str, float] = {}

    @classmethod
    def config_type(cls) -> Any:
        return {"unreachable_seconds": dg.Field(int, default_value=300, description="How long a server may not answer before its runs count as dead")}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data=inst_data, **config_value)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Running where the run's server has it; not found where the server answers and has not; else by how long it has been silent."""
        told = run.tags.get(GRPC_INFO_TAG)
        if told is None:
            # a run of `insights run`: its process is no server's, and the next one marks it where it died
            return CheckRunHealthResult(WorkerStatus.RUNNING, "not started by a code location's server")
        where = json.loads(told)
        client = DagsterGrpcClient(port=where.get("port"), socket=where.get("socket"), host=where.get("host"), use_ssl=bool(where.get("use_ssl")))
        try:
            answer = deserialize_value(client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=_ANSWER_SECONDS), CanCancelExecutionResult)
        except Exception as error:  # noqa: BLE001 - whatever the channel raises means the same: no answer
            return self._unreachable(run.run_id, type(error).__name__)
        self._unreachable_since.pop(run.run_id, None)
        if answer.can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "the code location's server has no such run: it was started anew, or the run's process is gone")

    def _unreachable(self, run_id: str, why: str) -> CheckRunHealthResult:
        silent = time.monotonic() - self._unreachable_since.setdefault(run_id, time.monotonic())
        if silent < self._unreachable_seconds:
            _LOG.warning("the server of run %s does not answer (%s) since %.0f s", run_id, why, silent)
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its server does not answer at the moment")
        self._unreachable_since.pop(run_id, None)
        return CheckRunHealthResult(WorkerStatus.UNKNOWN, f"its server has not answered for {silent:.0f} s")
