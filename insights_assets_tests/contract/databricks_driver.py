"""The driver of the stand-in's clusters: what stands around a task's own code on a real one, and the process it runs in.

Belongs here: the `/dbfs` mount (paths that begin so are opened below the folder of the stand-in's DBFS), the session that a cluster has ready, with
the catalog where the workspace has one (`sail_catalog.py`), and starting the code as a cluster starts it: a wheel's entry point by name, or a file. The task's code is the product's, unchanged; so are the
loader and the message writers of Dagster Pipes.
"""

from __future__ import annotations

import builtins
import multiprocessing
import os
import runpy
import shutil
import signal
import sys
import tempfile
import threading
import time
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["insights_assets.job", "insights_assets.definitions", "pyspark.sql.connect.session", "deltalake", "pandas", __name__])
_ASKING = threading.Lock()


def mount_dbfs(root: str) -> None:
    """What FUSE does on a cluster, for whoever opens files in this process."""
    real = builtins.open

    def opened(path: Any, *args: Any, **more: Any) -> Any:
        if isinstance(path, str) and path.startswith("/dbfs/"):
            path = str(Path(root, path.removeprefix("/dbfs/")))
        return real(path, *args, **more)

    builtins.open = opened  # type: ignore[assignment]


def open_catalog(given: str) -> None:
    """The workspace's catalog, as each process of a cluster has it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from insights_assets_tests.contract.sail_catalog import Catalog

    Catalog.of(given).install()


def run_task(task: dict[str, Any]) -> None:
    """The code of a task as a cluster starts it; the environment is the cluster's already."""
    if root := os.environ.pop("STAND_IN_DBFS", None):
        mount_dbfs(root)
    if os.environ.get("SPARK_REMOTE"):
        from pyspark.sql import SparkSession

        # Set on every cluster by the platform; empty where no log delivery was asked for.
        spark = SparkSession.builder.getOrCreate()
        spark.conf.set("spark.databricks.clusterUsageTags.clusterLogDeliveryEnabled", "")
    if catalog := os.environ.pop("STAND_IN_CATALOG", None):
        open_catalog(catalog)
    if "python_wheel_task" in task:
        wheel = task["python_wheel_task"]
        found = [entry for entry in distribution(wheel["package_name"]).entry_points if entry.name == wheel["entry_point"]]
        sys.argv = [wheel["entry_point"], *wheel.get("parameters", [])]
        found[0].load()()
    else:
        file = os.environ.pop("STAND_IN_FILE")
        sys.argv = [file, *task["spark_python_task"].get("parameters", [])]
        runpy.run_path(file, run_name="__main__")


def begin(task: dict[str, Any], environment: dict[str, str], folder: str, out: str, err: str) -> None:
    """What a fork becomes: a session, environment, folder and outputs of its own, then the task."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    writing = os.O_WRONLY | os.O_CREAT
    for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, os.open(out, writing)), (2, os.open(err, writing))):
        os.dup2(target, number)
        os.close(target)
    run_task(task)


class Node:
    """The process of one task, forked from one that has imported what tasks import: what is tested is the task, not Python's imports.

    `pid`, `returncode`, `poll`, `kill` and `communicate` are those of `subprocess.Popen`.
    """

    def __init__(self, task: dict[str, Any], environment: dict[str, str], folder: Path) -> None:
        self._printed = Path(tempfile.mkdtemp(prefix="node-", dir=folder))
        self.returncode: int | None = None
        words = (task, environment, str(folder), str(self._printed / "out"), str(self._printed / "err"))
        self._process = _PROCESSES.Process(target=begin, args=words)
        with _ASKING:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        # Two threads that ask at once would take each other's answer, and to start a process asks about all others.
        with _ASKING:
            if self.returncode is None:
                self.returncode = self._process.exitcode
        return self.returncode

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> tuple[str, str]:
        while self.poll() is None:
            time.sleep(0.02)
        out, err = (path.read_text(encoding="utf-8", errors="replace") if path.exists() else "" for path in (self._printed / "out", self._printed / "err"))
        shutil.rmtree(self._printed)
        return out, err
