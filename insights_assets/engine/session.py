"""One way to a SparkSession for every profile.

The Dagster resource of the graph is dagster-pyspark's `PySparkResource` given `spark_config(...)`; commands outside a run call
`session(...)`, which asks Spark for the same configuration, so both meet the same engine.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from insights_assets.engine.embedded import embedded_url
from insights_assets.engine.jvm import local_url

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOCK = threading.Lock()
_SESSIONS: dict[str, SparkSession] = {}


def spark_config(remote: str | None) -> dict[str, str]:
    """Spark settings by which a session is found: the remote (embedded where none is named) and UTC everywhere.

    Without the last one PySpark notes the line of ours behind every column and frame, for messages that carry it, and tries to import
    IPython each time: thousands of times a run. An error's own traceback names the line too.
    """
    return {"spark.remote": address_of(remote), "spark.sql.session.timeZone": "UTC", "spark.python.sql.dataFrameDebugging.enabled": "false"}


def address_of(remote: str | None) -> str:
    """`sc://…` of what a setting names: nothing is the embedded engine, `local[N]` a JVM Spark of this machine, else it is an address."""
    if not remote:
        return embedded_url()
    return local_url(remote) if remote.startswith("local") else remote


def session(remote: str | None = None) -> SparkSession:
    """The process's session for a remote."""
    import warnings

    from pyspark.sql import SparkSession

    with _LOCK:
        key = remote or "embedded"
        if key not in _SESSIONS:
            warnings.filterwarnings("ignore", module="pyspark")
            builder = SparkSession.builder
            for name, value in spark_config(remote).items():
                builder = builder.config(name, value)
            _SESSIONS[key] = builder.getOrCreate()
            _say_errors_once()
        return _SESSIONS[key]


def _say_errors_once() -> None:
    """The Connect client prints each error as a page of JSON beside raising it, once Dagster has set logging up; SPARK_CONNECT_LOG_LEVEL asks for that."""
    import logging
    import os

    if "SPARK_CONNECT_LOG_LEVEL" not in os.environ:
        logging.getLogger("pyspark.sql.connect.logging").setLevel(logging.CRITICAL + 1)
