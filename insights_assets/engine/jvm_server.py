"""The process of a local JVM Spark: pyspark's own session with its Connect plugin, until the standard input ends.

Run by `jvm.JvmServer` as `python -m insights_assets.engine.jvm_server SETTINGS`; prints `{"port": …}` once it listens. Does not belong
here: anything a caller could ask of Spark, which goes through the port.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any


def start(settings: Mapping[str, str]) -> tuple[Any, int]:
    """A classic session of this process with these settings, and the port on which its Connect plugin listens."""
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    # A Scala object: its methods hang on the one instance.
    service = getattr(spark.sparkContext._jvm, "org.apache.spark.sql.connect.service.SparkConnectService$")
    return spark, int(getattr(service, "MODULE$").localPort())


def tell(**answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    spark, port = start(json.loads(sys.argv[1]))
    tell(port=port)
    sys.stdin.read()
    spark.stop()


if __name__ == "__main__":
    main()
