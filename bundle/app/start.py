"""Starts the console as a Databricks App: its secrets from the app's own scope, its page from the installed wheel, its port from the platform.

Belongs here: what only this place has. The app's service principal may read the scope, which holds no customer key.
"""

from __future__ import annotations

import base64
import os
import sys
from importlib.util import find_spec
from pathlib import Path

#: Secret -> the setting it becomes.
SECRETS = {"operations_url": "INSIGHTS_OPERATIONS_URL", "spark_remote": "INSIGHTS_SPARK_REMOTE"}


def secrets(scope: str) -> dict[str, str]:
    """The settings that are secret, read as the app. Raises what the SDK raises where one is missing: the console cannot do without."""
    from databricks.sdk import WorkspaceClient

    workspace = WorkspaceClient(product="insights-console")
    return {setting: base64.b64decode(workspace.secrets.get_secret(scope, key).value or "").decode() for key, setting in SECRETS.items()}


def command(port: str) -> list[str]:
    """Streamlit on the package's own page, which finds its views beside itself."""
    found = find_spec("insights_assets.console")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("insights_assets is not installed: bundle/app/requirements.txt names its wheel")
    page = Path(found.origin).parent / "app.py"
    given = {"server.port": port, "server.address": "0.0.0.0", "server.headless": "true", "browser.gatherUsageStats": "false"}  # noqa: S104 - the platform's proxy is the only way in
    return [sys.executable, "-m", "streamlit", "run", str(page), *(f"--{name}={value}" for name, value in given.items())]


if __name__ == "__main__":
    scope = os.environ.pop("INSIGHTS_SECRETS_SCOPE")
    words = command(os.environ["DATABRICKS_APP_PORT"])
    os.execve(words[0], words, {**os.environ, **secrets(scope), "INSIGHTS_HOME": "/tmp/insights"})  # noqa: S108, S606 - an app has no other folder, and this is its one process
