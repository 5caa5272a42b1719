"""A workspace as a platform team prepares it, and the settings of an installation whose heavy steps are its jobs.

Belongs here: one way to a prepared stand-in for tests and programs. Does not belong here: the stand-in itself, any expectation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from insights_assets.resources.job_tasks import job_environment
from insights_assets.settings import Settings
from insights_assets_tests.contract.databricks_server import DatabricksServer
from insights_assets_tests.contract.feedback_run import SECRET, environment

TOKEN = "a-workspace-token-that-nobody-may-see"
CLUSTER = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 2}
KINDS = ("cluster", "shared", "serverless")


def settings_of(server: DatabricksServer, kind: str) -> dict[str, str]:
    """The settings: a cluster made for each task, one shared by all, or serverless compute with messages on a volume."""
    compute = {
        "cluster": {"DATABRICKS_CLUSTER": json.dumps(CLUSTER)}, "shared": {"DATABRICKS_CLUSTER_ID": "1123-shared"},
        "serverless": {"DATABRICKS_SERVERLESS": "3", "DATABRICKS_VOLUME": str(server.volume.root)},
    }[kind]
    return {
        "HEAVY_STEPS": "job", "DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": TOKEN, "DATABRICKS_WHEEL": "/Volumes/main/insights/files/it.whl",
        "DATABRICKS_POLL_SECONDS": "0.3", "DATABRICKS_PATIENCE_SECONDS": "30", **compute,
    }


@contextmanager
def workspace_in(folder: Path, kind: str, **more: str) -> Iterator[DatabricksServer]:
    """The stand-in with the customer key in its scope, and the settings in the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    with DatabricksServer(folder, TOKEN) as server, environment(**{**settings_of(server, kind), **more}):
        server.secrets["insights", "customer_key"] = SECRET
        server.clusters["1123-shared"] = job_environment(Settings())
        yield server
