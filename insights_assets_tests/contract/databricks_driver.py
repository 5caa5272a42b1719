"""The driver of the stand-in's clusters: what stands around a task's own code on a real one. Run as a program in a process of its own.

Belongs here: the `/dbfs` mount (paths that begin so are opened below the folder of the stand-in's DBFS), the session that a cluster has ready, with
the catalog's tables where the workspace has one (`databricks_catalog.py`), and starting the code as a cluster starts it: a wheel's entry point by name, or a file. The task's code is the product's, unchanged; so are the
loader and the message writers of Dagster Pipes.
"""

from __future__ import annotations

import builtins
import json
import os
import runpy
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any


def mount_dbfs(root: str) -> None:
    """What FUSE does on a cluster, for whoever opens files in this process."""
    real = builtins.open

    def opened(path: Any, *args: Any, **more: Any) -> Any:
        if isinstance(path, str) and path.startswith("/dbfs/"):
            path = str(Path(root, path.removeprefix("/dbfs/")))
        return real(path, *args, **more)

    builtins.open = opened  # type: ignore[assignment]


def open_catalog(spark: Any, given: str) -> None:
    """The workspace's catalog, as each session of a cluster has it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from insights_assets_tests.contract.databricks_catalog import Catalog

    catalog = Catalog.of(given)
    catalog.tell(spark)
    for target, name, value in catalog.patches():
        setattr(target, name, value)


def main() -> None:
    task = json.loads(sys.argv[1])
    if root := os.environ.pop("STAND_IN_DBFS", None):
        mount_dbfs(root)
    if os.environ.get("SPARK_REMOTE"):
        from pyspark.sql import SparkSession

        # Set on every cluster by the platform; empty where no log delivery was asked for.
        spark = SparkSession.builder.getOrCreate()
        spark.conf.set("spark.databricks.clusterUsageTags.clusterLogDeliveryEnabled", "")
        if catalog := os.environ.pop("STAND_IN_CATALOG", None):
            open_catalog(spark, catalog)
    if "python_wheel_task" in task:
        wheel = task["python_wheel_task"]
        found = [entry for entry in distribution(wheel["package_name"]).entry_points if entry.name == wheel["entry_point"]]
        sys.argv = [wheel["entry_point"], *wheel.get("parameters", [])]
        found[0].load()()
    else:
        file = os.environ.pop("STAND_IN_FILE")
        sys.argv = [file, *task["spark_python_task"].get("parameters", [])]
        runpy.run_path(file, run_name="__main__")


if __name__ == "__main__":
    main()
