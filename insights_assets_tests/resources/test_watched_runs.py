"""Is a run still there? What the launcher of production answers when its server has the run, has it not, and is silent; and one writer by database."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.types import CanCancelExecutionResult
from dagster._serdes import serialize_value

from insights_assets.resources import run_launcher
from insights_assets.resources.lock import HomeBusy, database_lock
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.resources.run_launcher import WatchedRunLauncher

RUN = dg.DagsterRun(job_name="whole_loop", run_id="r1", tags={GRPC_INFO_TAG: json.dumps({"host": "code", "port": 4000})})


@pytest.mark.parametrize(("has_it", "status"), [(True, WorkerStatus.RUNNING), (False, WorkerStatus.NOT_FOUND)])
def test_the_server_says_whether_it_has_the_run(monkeypatch: pytest.MonkeyPatch, has_it: bool, status: WorkerStatus) -> None:
    monkeypatch.setattr(run_launcher.DagsterGrpcClient, "can_cancel_execution", lambda *_given, **_more: serialize_value(CanCancelExecutionResult(can_cancel=has_it)))
    launcher = WatchedRunLauncher()
    assert launcher.check_run_worker_health(RUN).status == status
    assert not launcher._unreachable_since, "an answer is not silence"


def test_a_silent_server_is_given_time_and_then_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_given: object, **_more: object) -> str:
        raise ConnectionError

    now = [100.0]
    monkeypatch.setattr(run_launcher.DagsterGrpcClient, "can_cancel_execution", silent)
    monkeypatch.setattr(run_launcher.time, "monotonic", lambda: now[0])
    launcher = WatchedRunLauncher(unreachable_seconds=60)
    assert launcher.check_run_worker_health(RUN).status == WorkerStatus.RUNNING
    now[0] += 59
    assert launcher.check_run_worker_health(RUN).status == WorkerStatus.RUNNING
    now[0] += 1
    assert launcher.check_run_worker_health(RUN).status == WorkerStatus.UNKNOWN


def test_a_run_of_a_command_is_no_servers_to_judge() -> None:
    assert WatchedRunLauncher().check_run_worker_health(dg.DagsterRun(job_name="whole_loop", run_id="r2")).status == WorkerStatus.RUNNING


@pytest.fixture
def pair(target: str) -> Iterator[tuple[Operations, Operations]]:
    """Two machines on one operational database."""
    both = open_operations(target), open_operations(target)
    both[0].migrate()
    yield both
    for one in both:
        one.engine.dispose()


def test_two_machines_with_one_database_write_one_after_the_other(target: str, pair: tuple[Operations, Operations]) -> None:
    first, second = pair
    if target.startswith("sqlite"):  # a file of the home, whose own lock holds
        with database_lock(first, 1.0), database_lock(second, 1.0):
            return
    with database_lock(first, 1.0):
        with pytest.raises(HomeBusy, match="another machine"), database_lock(second, 0.1):
            pass
        # writing goes on meanwhile: the run's lock is another one than a writer's turn
        with first.writing():
            pass
        waited: list[float] = []

        def wait() -> None:
            began = time.monotonic()
            with database_lock(second, 20.0):
                waited.append(time.monotonic() - began)

        other = threading.Thread(target=wait)
        other.start()
        time.sleep(1.0)
    other.join(timeout=20)
    assert waited and waited[0] >= 0.9


def test_a_machine_that_goes_away_lets_the_next_one_in(target: str, pair: tuple[Operations, Operations]) -> None:
    if target.startswith("sqlite"):
        pytest.skip("SQLite lies in the home; the operating system releases the home's lock")
    first, second = pair
    held = database_lock(first, 1.0)
    held.__enter__()
    with second.engine.connect() as connection:  # as the server sees a machine that is gone
        connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid != pg_backend_pid()")
        connection.commit()
    with database_lock(second, 5.0):
        pass
    held.__exit__(None, None, None)  # told, not raised: what the first did stands
