"""A local JVM Spark behind Spark Connect, and a lake of Parquet files for it: no Delta library for the JVM can be had offline.

Belongs here: starting and stopping that server, and the lake's four ways of writing without Delta. Does not belong here: any expectation.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from insights_assets.lake.lake import Lake, WriteResult, _equal, _upsert
from insights_assets.lake.spec import TableSpec

SETTINGS = {
    "spark.connect.grpc.binding.address": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2", "spark.sql.execution.arrow.maxRecordsPerBatch": "8192",
    "spark.sql.adaptive.enabled": "false", "spark.python.worker.reuse": "true", "spark.log.level": "ERROR",
    # Small frames: compiling each plan costs more than interpreting it, and so does a JVM that optimises for hours.
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.autoBroadcastJoinThreshold": "64MB",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
}  # fmt: skip


def java() -> str | None:
    """The Java that would run it, or None."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home and (Path(home) / "bin" / "java").exists() else shutil.which("java")


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """`sc://…` of a Spark Connect server on a JVM of its own; it ends with the block."""
    import pyspark

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spark_home = Path(pyspark.__file__).parent
    options = {**SETTINGS, "spark.connect.grpc.binding.port": str(port), "spark.sql.warehouse.dir": str(folder / "warehouse"), "spark.local.dir": str(folder)}
    command = [str(spark_home / "bin" / "spark-submit"), "--master", "local[2]", "--driver-memory", "1g", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    command += [part for name, value in options.items() for part in ("--conf", f"{name}={value}")] + ["spark-internal"]
    environment = {**os.environ, "SPARK_HOME": str(spark_home), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    for name in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED"):
        environment.pop(name, None)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _await(port, server, folder / "server.log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _await(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(f"the Spark Connect server ended: {log.read_text(errors='replace')[-2000:]}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"the Spark Connect server did not listen on {port}")


class ParquetLake(Lake):
    """The lake's contract on Parquet: one folder a version. The rows pass through this process; it is for small tests."""

    def _versions_of(self, spec: TableSpec) -> list[int]:
        return sorted(int(path.name) for path in self.path(spec).glob("[0-9]*"))

    def _folder(self, spec: TableSpec, version: int | None) -> Path:
        return self.path(spec) / str(self._versions_of(spec)[-1] if version is None else version)

    def exists(self, spec: TableSpec) -> bool:
        return bool(self._versions_of(spec))

    def version(self, spec: TableSpec) -> int | None:
        return next(reversed(self._versions_of(spec)), None)

    def read(self, spec: TableSpec, *, version: int | None = None) -> Any:
        if not self.exists(spec):
            return self.empty(spec)
        return self.spark.read.schema(spec.ddl).parquet(str(self._folder(spec, version)))

    def read_arrow(self, spec: TableSpec) -> pa.Table:
        if not self.exists(spec):
            return self._bare(spec).empty_table()
        return pq.read_table(self._folder(spec, None)).select(spec.column_names).cast(self._bare(spec))

    def row_count(self, spec: TableSpec) -> int:
        return self.read_arrow(spec).num_rows

    def last_partition(self, spec: TableSpec) -> date | None:
        return max(self.read_arrow(spec).column(str(spec.partition_by)).drop_null().to_pylist(), default=None)

    def ensure(self, spec: TableSpec) -> None:
        if not self.exists(spec):
            self._put(spec, self._bare(spec).empty_table(), 0)

    def write(self, spec: TableSpec, frame: Any, *, days: Iterable[date] | None = None) -> WriteResult:
        self.ensure(spec)
        new, old = self._as_arrow(spec, frame), self.read_arrow(spec)
        before = self._versions_of(spec)[-1]
        if spec.write == "append":
            whole = pa.concat_tables([old, new])
        elif spec.write == "replace_days":
            replaced = set(days or ())
            inside = [day in replaced for day in old.column(str(spec.partition_by)).to_pylist()]
            assert set(new.column(str(spec.partition_by)).to_pylist()) <= replaced, f"{spec}: rows outside the days that were to be replaced"
            whole = pa.concat_tables([old.filter(pa.array([not part for part in inside], pa.bool_())), new])
        else:
            whole = _upsert(old, new, spec) if spec.write == "upsert_small" and old.num_rows else new
            if _equal(old, whole, spec):
                return WriteResult(0, before, False)
        self._put(spec, whole, before + 1)
        return WriteResult(new.num_rows, before + 1, True)

    def _put(self, spec: TableSpec, table: pa.Table, version: int) -> None:
        folder = self.path(spec) / str(version)
        folder.mkdir(parents=True)
        pq.write_table(table.cast(self._bare(spec)), folder / "part.parquet")
