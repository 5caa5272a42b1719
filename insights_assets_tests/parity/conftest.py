"""What the parity tests share: one JVM a worker, met through Spark Connect from here and as a classic session in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from insights_assets.engine.jvm import JvmServer, java
from insights_assets_tests.parity.houses import QUICK


@pytest.fixture(scope="session")
def jvm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JvmServer]:
    """A JVM Spark that also obeys the suite's own commands."""
    if java() is None:
        pytest.skip("needs Java to run JVM Spark, and there is none on this machine")
    folder = tmp_path_factory.mktemp("jvm")
    settings = {**QUICK, "spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder / "warehouse")}
    server = JvmServer("local[2]", settings, program="insights_assets_tests.parity.driver", log=folder / "server.log")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def connect(jvm: JvmServer) -> Iterator[Any]:
    """A Spark Connect session of that JVM."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(jvm.url).create()
    try:
        assert session.sql("SELECT java_method('java.lang.System', 'getProperty', 'java.vm.name') vm").toArrow().to_pylist()[0]["vm"], "this is no JVM"
        yield session
    finally:
        session.stop()  # before its server: a client whose server is gone waits for it for minutes
