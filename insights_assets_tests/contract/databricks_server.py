"""A stand-in for the part of the Databricks REST API that a heavy step's job meets, over real HTTP on loopback.

Belongs here: one-time runs and clusters as the SDK calls them, secrets as a cluster resolves them, and a ledger of every call; DBFS is
in `databricks_files.py`.
A submitted spark_python_task really runs: a subprocess of this Python with the cluster's environment, nothing of the test's own, and
`dbfs:/` mapped to a folder that the task is told in `INSIGHTS_DBFS_ROOT`.

What has thereby not met the real service: the `/dbfs` mount and Pipes' own DBFS loader and writer of the driver side on it, a cluster's
SparkSession and its Delta, the installation of libraries (the ledger only shows which were asked for), start-up times of clusters,
permissions, rate limits, and any sentence of an error that is not quoted from public reports.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from insights_assets_tests.contract.databricks_files import ApiError, Dbfs

_SECRET = re.compile(r"\{\{secrets/([^/}]+)/([^/}]+)\}\}")


@dataclass(frozen=True)
class Call:
    """One request as the server saw it."""

    method: str
    path: str
    body: dict[str, Any]
    status: int


@dataclass
class TaskRun:
    """One submitted run with its one task; the task's run id is the run's own plus one."""

    run_id: int
    payload: dict[str, Any]
    life_cycle: str = "PENDING"
    result: str | None = None
    message: str = ""
    output: str = ""
    errors: str = ""
    cancelled: bool = False
    process: subprocess.Popen[str] | None = None
    seen: list[str] = field(default_factory=lambda: ["PENDING"])

    def move(self, life_cycle: str, result: str | None = None, message: str = "") -> None:
        self.life_cycle, self.result, self.message = life_cycle, result, message
        self.seen.append(life_cycle)

    def state(self) -> dict[str, Any]:
        state = {"life_cycle_state": self.life_cycle, "state_message": self.message, "user_cancelled_or_timedout": self.cancelled}
        return {**state, "result_state": self.result} if self.result else state


class DatabricksServer:
    """The stand-in: `with DatabricksServer(folder, token=…) as server`. `secrets` is (scope, key) -> value; `clusters` id -> environment.

    `lose_replies` and `refuse` say, by path, how many of the next calls are carried out unanswered, or answered with 403.
    """

    def __init__(self, folder: Path, token: str = "a-token") -> None:
        self.dbfs = Dbfs(folder / "dbfs")
        self.token = token
        self.secrets: dict[tuple[str, str], str] = {}
        self.clusters: dict[str, dict[str, str]] = {}
        self.runs: dict[int, TaskRun] = {}
        self.calls: list[Call] = []
        self.lose_replies: dict[str, int] = {}
        self.refuse: dict[str, int] = {}
        self._tokens: dict[str, int] = {}
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for run in self.runs.values():
            self._kill(run)
        self._http.shutdown()
        self._http.server_close()

    def count(self, path: str) -> int:
        """How many calls of a path were answered with 200."""
        return sum(call.path.endswith(path) and call.status == 200 for call in self.calls)

    def wait_for(self, life_cycle: str, seconds: float = 60) -> TaskRun:
        """The first run, once it has been in that state."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.runs and life_cycle in (run := next(iter(self.runs.values()))).seen:
                return run
            time.sleep(0.05)
        raise TimeoutError(f"no run reached {life_cycle} in {seconds} s")

    # -- clusters and one-time runs -----------------------------------------------------------------------------------------

    def clusters_get(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["cluster_id"]
        if name not in self.clusters:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Cluster {name} does not exist")
        return {"cluster_id": name, "state": "RUNNING", "spark_env_vars": self.clusters[name]}

    def runs_submit(self, body: dict[str, Any]) -> dict[str, Any]:
        token = body.get("idempotency_token")
        with self._lock:
            if token in self._tokens:
                return {"run_id": self._tokens[token]}
            if len(body.get("tasks", [])) != 1 or "spark_python_task" not in body["tasks"][0]:
                raise ApiError(400, "INVALID_PARAMETER_VALUE", "this stand-in runs exactly one spark_python_task")
            run = TaskRun(run_id=1000 + 10 * len(self.runs), payload=body)
            self.runs[run.run_id] = run
            if token:
                self._tokens[token] = run.run_id
        threading.Thread(target=self._execute, args=(run,), daemon=True).start()
        return {"run_id": run.run_id}

    def runs_get(self, body: dict[str, Any]) -> dict[str, Any]:
        run = self._run(body)
        task = {key: value for key, value in run.payload["tasks"][0].items() if key in ("task_key", "spark_python_task", "libraries", "existing_cluster_id")}
        return {
            "run_id": run.run_id, "job_id": run.run_id, "run_name": run.payload.get("run_name", "Untitled"), "run_type": "SUBMIT_RUN", "state": run.state(),
            "run_page_url": f"{self.url}/#job/{run.run_id}/run/{run.run_id}", "tasks": [{**task, "run_id": run.run_id + 1, "state": run.state()}],
        }

    def runs_get_output(self, body: dict[str, Any]) -> dict[str, Any]:
        if int(body["run_id"]) in self.runs:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "Retrieving the output of runs with multiple tasks is not supported.")
        run = self._run({"run_id": int(body["run_id"]) - 1})
        last = next((line for line in reversed(run.errors.splitlines()) if line and not line.startswith(" ")), "")
        return {"logs": run.output, **({"error": last, "error_trace": run.errors} if run.result == "FAILED" else {})}

    def runs_cancel(self, body: dict[str, Any]) -> dict[str, Any]:
        run = self._run(body)
        with self._lock:
            if run.result is None:
                run.cancelled = True
                self._kill(run)
        return {}

    def _run(self, body: dict[str, Any]) -> TaskRun:
        if int(body["run_id"]) not in self.runs:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Run {body['run_id']} does not exist.")
        return self.runs[int(body["run_id"])]

    def _environment(self, task: dict[str, Any]) -> dict[str, str]:
        given = self.clusters[task["existing_cluster_id"]] if "existing_cluster_id" in task else task["new_cluster"].get("spark_env_vars", {})
        resolved = {name: _SECRET.sub(lambda match: self.secrets[match[1], match[2]], value) for name, value in given.items()}
        return {"PATH": os.environ["PATH"], "HOME": str(self.dbfs.root.parent), "INSIGHTS_DBFS_ROOT": str(self.dbfs.root), **resolved}

    def _execute(self, run: TaskRun) -> None:
        task = run.payload["tasks"][0]
        python = task["spark_python_task"]
        try:
            command = [sys.executable, str(self.dbfs.existing(python["python_file"])), *python.get("parameters", [])]
            environment = self._environment(task)
        except (ApiError, KeyError) as error:
            run.move("INTERNAL_ERROR", "FAILED", f"Cluster or task could not be set up: {error}")
            return
        with self._lock:
            if not run.cancelled:
                run.process = subprocess.Popen(
                    command, env=environment, cwd=self.dbfs.root.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
                )
                run.move("RUNNING")
        if run.process is not None:
            run.output, run.errors = run.process.communicate()
        with self._lock:
            run.move("TERMINATING")
            if run.cancelled:
                run.move("TERMINATED", "CANCELED", "Run cancelled.")
            elif run.process is not None and run.process.returncode == 0:
                run.move("TERMINATED", "SUCCESS")
            else:
                said = f"Task {task['task_key']} failed with message: Workload failed, see run output for details."
                run.move("TERMINATED", "FAILED", f"{said} This caused all downstream tasks to get skipped.")

    def _kill(self, run: TaskRun) -> None:
        if run.process is not None and run.process.poll() is None:
            os.killpg(run.process.pid, signal.SIGKILL)


class _Handler(BaseHTTPRequestHandler):
    """Routes a call, checks who asks, writes the ledger."""

    owner: DatabricksServer
    protocol_version = "HTTP/1.1"
    routes = {  # noqa: RUF012
        ("POST", "/api/2.0/dbfs/mkdirs"): lambda owner, body: owner.dbfs.mkdirs(body),
        ("POST", "/api/2.0/dbfs/put"): lambda owner, body: owner.dbfs.put(body),
        ("POST", "/api/2.0/dbfs/delete"): lambda owner, body: owner.dbfs.delete(body),
        ("GET", "/api/2.0/dbfs/get-status"): lambda owner, body: owner.dbfs.get_status(body),
        ("GET", "/api/2.0/dbfs/read"): lambda owner, body: owner.dbfs.read(body),
        ("GET", "/api/2.0/dbfs/list"): lambda owner, body: owner.dbfs.list(body),
        ("GET", "/api/2.1/clusters/get"): DatabricksServer.clusters_get,
        ("POST", "/api/2.2/jobs/runs/submit"): DatabricksServer.runs_submit,
        ("GET", "/api/2.2/jobs/runs/get"): DatabricksServer.runs_get,
        ("GET", "/api/2.2/jobs/runs/get-output"): DatabricksServer.runs_get_output,
        ("POST", "/api/2.2/jobs/runs/cancel"): DatabricksServer.runs_cancel,
    }

    def do_GET(self) -> None:
        self._answer(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"))

    def _answer(self, body: dict[str, Any]) -> None:
        path = urlsplit(self.path).path
        try:
            if self.headers.get("Authorization") != f"Bearer {self.owner.token}":
                raise ApiError(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type for this API.")
            if (self.command, path) not in self.routes:
                raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{self.command} {path}'")
            if self.owner.refuse.get(path, 0) > 0:
                self.owner.refuse[path] -= 1
                raise ApiError(403, "PERMISSION_DENIED", "You no longer have permission to do this.")
            status, reply = 200, self.routes[self.command, path](self.owner, body)
        except ApiError as error:
            status, reply = error.status, {"error_code": error.code, "message": str(error)}
        self.owner.calls.append(Call(self.command, path, body, status))
        if self.owner.lose_replies.get(path, 0) > 0:
            self.owner.lose_replies[path] -= 1
            self.close_connection = True
            self.connection.close()
            return
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """The ledger is the log."""
