"""One-time runs of the stand-in: several tasks behind one another, each really run in a process of its own.

Belongs here: states of runs and tasks and how they follow from each other, processes, what a task's environment holds. Does not belong
here: HTTP and faults (`databricks_server.py`), what stands around a task's code (`databricks_driver.py`).
The process of a task is in a session of its own, so that cancelling ends all of it. Its environment is the cluster's and nothing of the test's.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from insights_assets_tests.contract.databricks_driver import Node
from insights_assets_tests.contract.databricks_files import ApiError, Dbfs

_SECRET = re.compile(r"\{\{secrets/([^/}]+)/([^/}]+)\}\}")


@dataclass
class TaskRun:
    """One task of a run. `seen` are the life cycle states it went through."""

    run_id: int
    settings: dict[str, Any]
    life_cycle: str = "BLOCKED"
    result: str | None = None
    message: str = ""
    output: str = ""
    errors: str = ""
    process: Node | None = None
    seen: list[str] = field(default_factory=lambda: ["BLOCKED"])
    started_at: float = 0.0
    ended_at: float = 0.0

    @property
    def key(self) -> str:
        return str(self.settings["task_key"])

    def move(self, life_cycle: str, result: str | None = None, message: str = "") -> None:
        self.life_cycle, self.result, self.message = life_cycle, result, message
        self.seen.append(life_cycle)

    def state(self, cancelled: bool) -> dict[str, Any]:
        state = {"life_cycle_state": self.life_cycle, "state_message": self.message, "user_cancelled_or_timedout": cancelled}
        return {**state, "result_state": self.result} if self.result else state


@dataclass
class JobRun:
    """One submitted run; the run ids of its tasks are its own plus one, two, …"""

    run_id: int
    payload: dict[str, Any]
    tasks: list[TaskRun] = field(default_factory=list)
    cancelled: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def task(self, key: str) -> TaskRun:
        return next(task for task in self.tasks if task.key == key)

    @property
    def result(self) -> str | None:
        """The run's result, by those of its tasks; None while it goes on."""
        if not self.ended.is_set():
            return None
        results = {task.result for task in self.tasks}
        return "CANCELED" if self.cancelled and results != {"SUCCESS"} else "FAILED" if results - {"SUCCESS"} else "SUCCESS"

    def state(self) -> dict[str, Any]:
        if self.ended.is_set():
            failed = [task.key for task in self.tasks if task.result == "FAILED"]
            words = "Run cancelled." if self.result == "CANCELED" else f"Task {failed[0]} failed with message: Workload failed, see run output for details." if failed else ""
            return {"life_cycle_state": "TERMINATED", "result_state": self.result, "state_message": words, "user_cancelled_or_timedout": self.cancelled}
        stands = "RUNNING" if any(task.life_cycle not in ("BLOCKED", "PENDING") for task in self.tasks) else "PENDING"
        return {"life_cycle_state": stands, "state_message": "", "user_cancelled_or_timedout": self.cancelled}


class Runs:
    """All runs of the workspace. `hold` is asked before a task starts and before an end is shown: tests stop time there."""

    def __init__(self, folder: Path, dbfs: Dbfs, secrets: dict[tuple[str, str], str], clusters: dict[str, dict[str, str]]) -> None:
        self._folder, self._dbfs, self._secrets, self._clusters = folder, dbfs, secrets, clusters
        self.runs: dict[int, JobRun] = {}
        self.platform: dict[str, str] = {}
        self.hold: Callable[[str, TaskRun], None] = lambda moment, task: None
        self._tokens: dict[str, int] = {}
        self._lock = threading.RLock()

    def submit(self, body: dict[str, Any]) -> int:
        """The run of a submission; one token makes one run, however often it comes."""
        token = body.get("idempotency_token")
        with self._lock:
            if token in self._tokens:
                return self._tokens[token]
            keys = [task["task_key"] for task in body.get("tasks") or []]
            if not keys or len(set(keys)) != len(keys):
                raise ApiError(400, "INVALID_PARAMETER_VALUE", "Tasks must be given and have distinct keys.")
            for task in body["tasks"]:
                self._refuse(task, keys, {one["environment_key"] for one in body.get("environments") or []})
            run = JobRun(1000 * (len(self.runs) + 1), body)
            run.tasks = [TaskRun(run.run_id + 1 + number, task) for number, task in enumerate(body["tasks"])]
            self.runs[run.run_id] = run
            if token:
                self._tokens[token] = run.run_id
        for task in run.tasks:
            threading.Thread(target=self._follow, args=(run, task), daemon=True).start()
        return run.run_id

    def cancel(self, run: JobRun) -> None:
        with self._lock:
            if run.ended.is_set():
                return
            run.cancelled = True
            for task in run.tasks:
                kill(task)

    def end_all(self) -> None:
        for run in self.runs.values():
            self.cancel(run)

    def _refuse(self, task: dict[str, Any], keys: list[str], environments: set[str]) -> None:
        computes = [name for name in ("existing_cluster_id", "new_cluster", "environment_key") if task.get(name)]
        works = [name for name in ("spark_python_task", "python_wheel_task") if task.get(name)]
        if len(computes) != 1 or len(works) != 1:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Task {task['task_key']} needs one kind of work and one kind of compute")
        if not re.fullmatch(r"[\w-]{1,100}", task["task_key"]):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"The task key {task['task_key']} is not valid")
        if len(json.dumps(task[works[0]].get("parameters", []))) > 10_000:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "The parameters are too long: at most 10,000 characters")
        if unknown := [one["task_key"] for one in task.get("depends_on") or [] if one["task_key"] not in keys]:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Task {task['task_key']} depends on {unknown}, which is no task of this run")
        if task.get("environment_key") and task["environment_key"] not in environments:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Environment {task['environment_key']} is not defined")

    # -- one task -----------------------------------------------------------------------------------------------------------

    def _follow(self, run: JobRun, task: TaskRun) -> None:
        """From blocked to its end, by the states of the tasks before it."""
        before = [run.task(one["task_key"]) for one in task.settings.get("depends_on") or []]
        while any(one.result is None for one in before) and not run.cancelled:
            time.sleep(0.05)
        if run.cancelled:
            self._ended(run, task, "TERMINATED", "CANCELED", "Run cancelled.")
        elif any(one.result != "SUCCESS" for one in before):
            self._ended(run, task, "TERMINATED", "UPSTREAM_FAILED", "A task before it failed.")
        else:
            self._execute(run, task)

    def _execute(self, run: JobRun, task: TaskRun) -> None:
        task.move("PENDING")
        self.hold("before start", task)
        try:
            environment = self._environment(task.settings)
        except (ApiError, KeyError) as error:
            self._ended(run, task, "INTERNAL_ERROR", "FAILED", f"Cluster or task could not be set up: {error}")
            return
        with self._lock:
            if not run.cancelled:
                task.started_at = time.monotonic()
                task.process = Node(task.settings, environment, self._folder)
                task.move("RUNNING")
        if task.process is not None:
            task.output, task.errors = task.process.communicate()
            task.ended_at = time.monotonic()
            task.move("TERMINATING")
        self.hold("before end", task)
        if task.process is not None and task.process.returncode == 0:
            self._ended(run, task, "TERMINATED", "SUCCESS")
        elif run.cancelled:
            self._ended(run, task, "TERMINATED", "CANCELED", "Run cancelled.")
        else:
            self._ended(run, task, "TERMINATED", "FAILED", "Workload failed, see run output for details.")

    def _ended(self, run: JobRun, task: TaskRun, life_cycle: str, result: str, message: str = "") -> None:
        with self._lock:
            task.move(life_cycle, result, message)
            if all(one.result for one in run.tasks):
                run.ended.set()

    def _environment(self, task: dict[str, Any]) -> dict[str, str]:
        """A cluster's environment with its secrets resolved; serverless compute has none of its own, only the workspace around it."""
        given: dict[str, str] = {}
        if "existing_cluster_id" in task:
            given = self._clusters[task["existing_cluster_id"]]
        elif "new_cluster" in task:
            given = task["new_cluster"].get("spark_env_vars", {})
        resolved = {name: _SECRET.sub(lambda match: self._secrets[match[1], match[2]], value) for name, value in given.items()}
        base = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "DATABRICKS_RUNTIME_VERSION": "stand-in", **self.platform}
        if "environment_key" not in task:
            base["STAND_IN_DBFS"] = str(self._dbfs.root)
        if "spark_python_task" in task:
            base["STAND_IN_FILE"] = str(self._dbfs.existing(task["spark_python_task"]["python_file"]))
        return {**base, **resolved}


def kill(task: TaskRun) -> None:
    """End a task's process, as losing its node would."""
    if task.process is not None and task.process.poll() is None:
        try:
            os.killpg(task.process.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has no session of its own yet
            task.process.kill()
