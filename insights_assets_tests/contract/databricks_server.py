"""A stand-in for the part of a Databricks workspace that heavy steps meet, over real HTTP on loopback, with a real Spark behind it.

Belongs here: routes, who may call, faults (429, 500, slow and lost replies, an outage), the ledger of every call, the Spark of the clusters.
Runs are in `databricks_runs.py`, files in `databricks_files.py`.

Served: Jobs 2.2 runs/submit, get, get-output, cancel and list (2.1's description is checked by tests), clusters/get, DBFS, the Files API on one
volume, secrets/get. SQL statements are not served: the way of jobs makes none.

What has thereby not met the real service: the `/dbfs` and `/Volumes` mounts, a cluster's SparkSession and Delta's own writer, the installation of
wheels (the ledger only shows which were asked for), start-up times, automatic retries of serverless tasks, permissions, real rate limits,
and any sentence of an error that is not quoted from public reports.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from insights_assets_tests.contract.databricks_files import ApiError, Dbfs, Volume
from insights_assets_tests.contract.databricks_runs import JobRun, Runs, TaskRun, kill

__all__ = ["Call", "DatabricksServer", "Fault", "JobRun", "TaskRun", "kill"]

_SPARK = (
    "import os, sys; os.environ['RUST_LOG'] = 'error'; from pysail.spark import SparkConnectServer\n"
    "server = SparkConnectServer(ip='127.0.0.1', port=0); server.start(); print(server.listening_address[1], flush=True); sys.stdin.read()"
)


@dataclass(frozen=True)
class Call:
    """One request as the server saw it."""

    method: str
    path: str
    body: dict[str, Any]
    status: int


@dataclass
class Fault:
    """What happens to the next `times` calls of a path: a status instead of an answer, a delay, or the answer lost after the work was done."""

    times: int = 1
    status: int | None = None
    retry_after: str | None = None
    seconds: float = 0.0
    lost: bool = False


class DatabricksServer:
    """`with DatabricksServer(folder, token=…) as server`. `secrets` is (scope, key) -> value; `clusters` id -> environment; `faults` path ending -> Fault."""

    def __init__(self, folder: Path, token: str = "a-token") -> None:
        self.dbfs, self.volume = Dbfs(folder / "dbfs"), Volume(folder / "Volumes" / "main" / "insights" / "files")
        self.token = token
        self.secrets: dict[tuple[str, str], str] = {}
        self.clusters: dict[str, dict[str, str]] = {}
        self.faults: dict[str, Fault] = {}
        self.calls: list[Call] = []
        self.jobs = Runs(folder, self.dbfs, self.secrets, self.clusters)
        self._http: ThreadingHTTPServer | None = None
        self._spark: subprocess.Popen[str] | None = None
        self.listen(0)
        self.port = self._http.server_address[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._spark = subprocess.Popen([sys.executable, "-c", _SPARK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._spark.stdout is not None
        remote = f"sc://127.0.0.1:{self._spark.stdout.readline().strip()}"
        self.jobs.platform = {"SPARK_REMOTE": remote, "DATABRICKS_HOST": self.url, "DATABRICKS_TOKEN": self.token}
        return self

    def __exit__(self, *_: object) -> None:
        self.jobs.end_all()
        self.shut()
        if self._spark is not None and self._spark.stdin is not None:
            self._spark.stdin.close()
            self._spark.wait(20)

    # -- the door -----------------------------------------------------------------------------------------------------------

    def listen(self, port: int | None = None) -> None:
        """Answer calls; again on the same port after `shut`."""
        server = type("Server", (ThreadingHTTPServer,), {"allow_reuse_address": True, "daemon_threads": True, "block_on_close": False})
        self._http = server(("127.0.0.1", self.port if port is None else port), type("Handler", (_Handler,), {"owner": self}))
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()  # type: ignore[union-attr]

    def shut(self) -> None:
        """Answer nothing any more; tasks that run go on, as they do while a workspace's own services are away."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    @property
    def is_open(self) -> bool:
        return self._http is not None

    # -- what tests ask -----------------------------------------------------------------------------------------------------

    @property
    def runs(self) -> dict[int, JobRun]:
        return self.jobs.runs

    def count(self, path: str) -> int:
        """How many calls of a path were answered with 200."""
        return sum(call.path.endswith(path) and call.status == 200 for call in self.calls)

    def wait_for(self, life_cycle: str, seconds: float = 60) -> TaskRun:
        """The first task of the newest run, once it has been in that state."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.runs and life_cycle in (task := self.runs[max(self.runs)].tasks[0]).seen:
                return task
            time.sleep(0.05)
        raise TimeoutError(f"no task reached {life_cycle} in {seconds} s")

    # -- routes -------------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        routes: dict[tuple[str, str], Any] = {
            ("POST", "/api/2.0/dbfs/mkdirs"): self.dbfs.mkdirs, ("POST", "/api/2.0/dbfs/put"): self.dbfs.put, ("POST", "/api/2.0/dbfs/delete"): self.dbfs.delete,
            ("GET", "/api/2.0/dbfs/get-status"): self.dbfs.get_status, ("GET", "/api/2.0/dbfs/read"): self.dbfs.read, ("GET", "/api/2.0/dbfs/list"): self.dbfs.list,
            ("GET", "/api/2.1/clusters/get"): self._cluster, ("GET", "/api/2.0/secrets/get"): self._secret,
            ("POST", "/api/2.2/jobs/runs/submit"): lambda given: {"run_id": self.jobs.submit(given)},
            ("GET", "/api/2.2/jobs/runs/get"): lambda given: self._shown(self._run(given)),
            ("GET", "/api/2.2/jobs/runs/get-output"): self._output, ("POST", "/api/2.2/jobs/runs/cancel"): self._cancel, ("GET", "/api/2.2/jobs/runs/list"): self._list,
        }
        if (method, path) not in routes:
            raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {path}'")
        found: dict[str, Any] = routes[method, path](body)
        return found

    def _cluster(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["cluster_id"] not in self.clusters:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Cluster {body['cluster_id']} does not exist")
        return {"cluster_id": body["cluster_id"], "state": "RUNNING", "spark_env_vars": self.clusters[body["cluster_id"]]}

    def _secret(self, body: dict[str, Any]) -> dict[str, Any]:
        if (body["scope"], body["key"]) not in self.secrets:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Secret does not exist with scope: {body['scope']} and key: {body['key']}")
        return {"key": body["key"], "value": base64.b64encode(self.secrets[body["scope"], body["key"]].encode()).decode()}

    def _run(self, body: dict[str, Any]) -> JobRun:
        if int(body["run_id"]) not in self.runs:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Run {body['run_id']} does not exist.")
        return self.runs[int(body["run_id"])]

    def _shown(self, run: JobRun) -> dict[str, Any]:
        told = ("task_key", "spark_python_task", "python_wheel_task", "libraries", "existing_cluster_id", "depends_on", "environment_key")
        tasks = [
            {**{key: value for key, value in task.settings.items() if key in told}, "run_id": task.run_id, "state": task.state(run.cancelled)} for task in run.tasks
        ]
        return {
            "run_id": run.run_id, "job_id": run.run_id, "run_name": run.payload.get("run_name", "Untitled"), "run_type": "SUBMIT_RUN", "state": run.state(),
            "run_page_url": f"{self.url}/#job/{run.run_id}/run/{run.run_id}", "tasks": tasks,
        }

    def _list(self, body: dict[str, Any]) -> dict[str, Any]:
        wanted = [run for run in self.runs.values() if not (body.get("active_only") == "true" and run.ended.is_set())]
        return {"runs": [{key: value for key, value in self._shown(run).items() if key != "tasks"} for run in reversed(wanted)], "has_more": False}

    def _output(self, body: dict[str, Any]) -> dict[str, Any]:
        number = int(body["run_id"])
        if number in self.runs:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "Retrieving the output of runs with multiple tasks is not supported.")
        task = next((task for run in self.runs.values() for task in run.tasks if task.run_id == number), None)
        if task is None:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Run {number} does not exist.")
        last = next((line for line in reversed(task.errors.splitlines()) if line and not line.startswith(" ")), "")
        return {"logs": task.output, **({"error": last, "error_trace": task.errors} if task.result == "FAILED" and last else {})}

    def _cancel(self, body: dict[str, Any]) -> dict[str, Any]:
        self.jobs.cancel(self._run(body))
        return {}


class _Handler(BaseHTTPRequestHandler):
    """Checks who asks, lets faults happen, writes the ledger."""

    owner: DatabricksServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def _answer(self) -> None:
        split = urlsplit(self.path)
        path, sent = unquote(split.path), self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_file = path.startswith("/api/2.0/fs/")
        body: dict[str, Any] = dict(parse_qsl(split.query)) if self.command in ("GET", "HEAD") or is_file else json.loads(sent or b"{}")
        fault = self._fault(path)
        if fault is not None and fault.seconds:
            time.sleep(fault.seconds)
        headers: dict[str, str] = {}
        try:
            if self.headers.get("Authorization") != f"Bearer {self.owner.token}":
                raise ApiError(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type for this API.")
            if fault is not None and fault.status:
                raise _refusal(fault)
            status, reply = 200, self._reply(path, body, sent)
        except ApiError as error:
            status, headers = error.status, error.headers
            reply = json.dumps({"error_code": error.code, "message": str(error)}).encode()
        self.owner.calls.append(Call(self.command, path, body, status))
        if (fault is not None and fault.lost) or not self.owner.is_open:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if is_file and status == 200 else "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else reply)

    def _reply(self, path: str, body: dict[str, Any], sent: bytes) -> bytes:
        if path.startswith("/api/2.0/fs/files/"):
            return self.owner.volume.file(self.command, path.removeprefix("/api/2.0/fs/files"), sent)
        if path.startswith("/api/2.0/fs/directories/"):
            return json.dumps(self.owner.volume.directory(self.command, path.removeprefix("/api/2.0/fs/directories"))).encode()
        return json.dumps(self.owner.answer(self.command, path, body)).encode()

    def _fault(self, path: str) -> Fault | None:
        for ending, fault in self.owner.faults.items():
            if ending in path and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def log_message(self, *_: object) -> None:
        """The ledger is the log."""


def _refusal(fault: Fault) -> ApiError:
    words = {
        403: ("PERMISSION_DENIED", "You no longer have permission to do this."), 429: ("REQUEST_LIMIT_EXCEEDED", "Too many requests."),
        500: ("INTERNAL_ERROR", "An internal error occurred."), 503: ("TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."),
    }
    code, message = words[fault.status or 500]
    return ApiError(fault.status or 500, code, message, {"Retry-After": fault.retry_after} if fault.retry_after else None)
