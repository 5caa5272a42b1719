"""Whose runs a starting run may call dead: those of this machine whose process is gone, and nobody else's."""

from __future__ import annotations

import os
import socket

import dagster as dg
from dagster._core.test_utils import create_run_for_test

from insights_assets.run import mark_dead_runs

NOBODY = 2**22 + 1  # above the largest process number that Linux gives


def test_a_process_number_speaks_only_of_its_own_machine() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        here, started = socket.gethostname(), dg.DagsterRunStatus.STARTED
        tags = {"gone": f"{here}:{NOBODY}", "elsewhere": f"another-machine:{NOBODY}", "of an older version": str(NOBODY), "alive": f"{here}:{os.getppid()}"}
        runs = {name: create_run_for_test(instance, job_name="whole_loop", status=started, tags={"insights/process": tag}).run_id for name, tag in tags.items()}
        runs["of the daemon"] = create_run_for_test(instance, job_name="whole_loop", status=started).run_id
        assert mark_dead_runs(instance) == 2
        failed = {name for name, run_id in runs.items() if instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE}  # type: ignore[union-attr]
        assert failed == {"gone", "of an older version"}
