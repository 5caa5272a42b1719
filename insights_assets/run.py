"""Runs in this process on a home's own Dagster instance: the whole loop or another job. Behind the commands, the demo and the tests."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from insights_assets.resources.home import open_instance
from insights_assets.resources.progress import observing

if TYPE_CHECKING:
    import dagster as dg

    from insights_assets.settings import Settings

_PROCESS_TAG = "insights/process"


@dataclass(frozen=True)
class FailedCheck:
    """A check that did not hold: on which table, and whether it stopped what comes after it."""

    table: str
    name: str
    blocking: bool


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended. `stopped_by` names the blocking check that held it back; `error` what broke, in one line."""

    run_id: str
    succeeded: bool
    seconds: dict[str, float] = field(default_factory=dict)
    failed_checks: tuple[FailedCheck, ...] = ()
    error: str | None = None

    @property
    def stopped_by(self) -> FailedCheck | None:
        return next((check for check in self.failed_checks if check.blocking), None)


def run_job(settings: Settings, name: str, ops: Mapping[str, Any] | None = None) -> dg.ExecuteInProcessResult:
    """One job in this process, on the home's own instance; `ops` configures its steps. Never raises for what a run can meet.

    The run names its process: a run that was killed is marked failed by the next start, instead of holding the home for ever in the
    eyes of whoever asks Dagster.
    """
    from insights_assets.definitions import build_definitions

    instance = open_instance(settings.home)
    mark_dead_runs(instance)
    return build_definitions(settings).resolve_job_def(name).execute_in_process(
        instance=instance, raise_on_error=False, tags={_PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}"},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **({"ops": dict(ops)} if ops else {})},
    )  # fmt: skip


def run_whole_loop(settings: Settings, on_step: Callable[[str, float | None], None] | None = None) -> RunOutcome:
    """Materialise the whole graph once. Returns how it ended; never raises for what a run can meet."""
    from insights_assets.jobs import WHOLE_LOOP

    seconds: dict[str, float] = {}

    def observer(name: str, took: float | None) -> None:
        if took is not None:
            seconds[name] = round(took, 3)
        if on_step is not None:
            on_step(name, took)

    with observing(observer):
        result = run_job(settings, WHOLE_LOOP)
    failed = tuple(
        FailedCheck(evaluation.asset_key.to_user_string().replace("/", "."), evaluation.check_name, evaluation.blocking)
        for evaluation in result.get_asset_check_evaluations() if not evaluation.passed
    )
    return RunOutcome(result.run_id, result.success, seconds, failed, None if result.success else first_error(result))


def first_error(result: dg.ExecuteInProcessResult) -> str:
    """The first failure's own words: the innermost cause, in one line."""
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            return f"{event.step_key}: {error.message.strip() if error else 'failed'}"
    for event in result.all_events:
        if event.is_failure:
            error = getattr(event.event_specific_data, "error", None)
            while error is not None and error.cause is not None:
                error = error.cause
            return (error.message.strip() if error is not None else event.message) or "the run failed"
    return "the run failed before its first step"


def mark_dead_runs(instance: dg.DagsterInstance) -> int:
    """Runs of this machine whose process is gone did not end; they are marked failed so that nobody waits for them.

    Where Dagster's storage is a server, runs of other machines stand in it too: a process number says nothing about those.
    """
    import dagster as dg

    dead = 0
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        machine, _, process = run.tags.get(_PROCESS_TAG, "").rpartition(":")
        if process and machine in ("", socket.gethostname()) and not _is_alive(int(process)):
            instance.report_run_failed(run, message=f"process {process} ended without finishing the run")
            dead += 1
    return dead


def _is_alive(process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
