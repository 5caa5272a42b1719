"""A Spark on a JVM of this machine, for `spark_remote=local[N]` and for comparing engines: started on first use, ended with this process.

Belongs here: starting that server and finding a Java for it. Does not belong here: what it runs (`jvm_server.py`), and servers that
somebody else keeps (`sc://…`), which need nothing from here but their address.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Loopback only; UTC; batches into Python as large as the embedded engine's; Python workers that stay.
SETTINGS: dict[str, str] = {
    "spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": "0", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", "spark.sql.execution.arrow.maxRecordsPerBatch": "8192", "spark.log.level": "ERROR",
    "spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "8", "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
}  # fmt: skip

_LOCK = threading.Lock()
_SERVERS: dict[str, JvmServer] = {}


class NoJava(RuntimeError):
    """A JVM Spark was asked for where there is no Java."""


def java() -> str | None:
    """The Java that would run it, or None."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home and (Path(home) / "bin" / "java").exists() else shutil.which("java")


def local_url(master: str) -> str:
    """`sc://127.0.0.1:<port>` of this process's JVM Spark for `local[N]`, starting it on the first call."""
    with _LOCK:
        if master not in _SERVERS:
            _SERVERS[master] = JvmServer(master)
        return _SERVERS[master].url


class JvmServer:
    """A JVM Spark in a process of its own. It ends when its input does, so it outlives nobody: not even a process that was killed."""

    def __init__(self, master: str, settings: Mapping[str, str] | None = None, *, program: str = "insights_assets.engine.jvm_server", log: Path | None = None) -> None:
        if java() is None:
            raise NoJava(f"{master} needs Java 17 or later, and there is none: install it, set JAVA_HOME, or name a Spark Connect server as spark_remote=sc://…")
        asked = json.dumps({**SETTINGS, **(settings or {}), "spark.master": master})
        environment = {name: value for name, value in os.environ.items() if name not in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_HOME")}
        environment |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_API_MODE": "classic"}
        with open(log or os.devnull, "ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", program, asked], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, start_new_session=True
            )
        try:
            self.port = int(self.answer()["port"])
        except (RuntimeError, KeyError):
            self.stop()
            raise

    @property
    def url(self) -> str:
        return f"sc://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process, which leads the session that all its processes share."""
        return self._process.pid

    def ask(self, **command: Any) -> dict[str, Any]:
        """Say one thing to the program and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next line of the program that is an answer; what else is printed there is none."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer
        raise RuntimeError(f"the JVM Spark ended with code {self._process.wait()} before it answered")

    def stop(self) -> None:
        """End it, and wait until it has."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
