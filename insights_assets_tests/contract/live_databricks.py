"""`make live-databricks`: the cases of the stand-in against a real workspace, when its settings are present.

Belongs here: taking the settings, laying a small home where both sides see it, running each case, saying what came of it. Without settings it
says so and ends well: nothing was tested then, and it does not claim otherwise. It writes below LIVE_DATABRICKS_HOME only, launches up to
four small jobs, and removes what it wrote.

A job reads and writes the lake that Dagster reads, so the program runs where the workspace's storage is mounted (a volume, a container):
LIVE_DATABRICKS_HOME is that folder as seen here, LIVE_DATABRICKS_JOB_HOME as the workspace sees it.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from insights_assets.settings import Settings
from insights_assets_tests.contract import feedback_run
from insights_assets_tests.contract.databricks_cases import CASES


def unset() -> list[str]:
    """What is missing, as the settings are called."""
    missing = []
    if not any(os.environ.get(name) for name in ("DATABRICKS_HOST", "INSIGHTS_DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE")):
        missing.append("DATABRICKS_HOST")
    missing += [name for name in ("INSIGHTS_CUSTOMER_KEY_SECRET", "INSIGHTS_DATABRICKS_WHEEL", "LIVE_DATABRICKS_HOME") if not os.environ.get(name)]
    if not any(os.environ.get(f"INSIGHTS_DATABRICKS_{name}") for name in ("SERVERLESS", "CLUSTER_ID", "CLUSTER")):
        missing.append("one of INSIGHTS_DATABRICKS_SERVERLESS, INSIGHTS_DATABRICKS_CLUSTER_ID, INSIGHTS_DATABRICKS_CLUSTER")
    return missing


def main() -> int:
    if missing := unset():
        print(f"live-databricks: not run: set {', '.join(missing)}. Nothing was tested against a real workspace;")
        print("the same cases run against a stand-in in `make test`.")
        return 0
    os.environ["INSIGHTS_HEAVY_STEPS"] = "job"
    try:
        Settings()
    except ValidationError as error:
        print(f"FAIL  {error}")
        return 1
    return _cases(Path(os.environ["LIVE_DATABRICKS_HOME"]).resolve(), os.environ.get("LIVE_DATABRICKS_JOB_HOME"))


def _cases(base: Path, as_seen_there: str | None) -> int:
    from insights_assets.engine.session import session

    folder = base / f"insights-live-{int(time.time())}"
    failed, homes = 0, {}
    spark: Any = session(None)
    try:
        _prepare(folder / "prepared")
        reference = Path(shutil.copytree(folder / "prepared", folder / "reference"))
        for case, name in CASES:
            if name not in homes:
                homes[name] = Path(shutil.copytree(folder / "prepared", folder / name))
            home = homes[name]
            os.environ["INSIGHTS_JOB_LAKE"] = str(Path(as_seen_there, folder.name, name, "lake")) if as_seen_there else str(home / "lake")
            began, said = time.monotonic(), case.__name__.replace("_", " ")
            try:
                case(home, reference, spark)
                print(f"ok    {said} ({time.monotonic() - began:.0f} s)", flush=True)
            except Exception as error:  # noqa: BLE001 - the next case is run all the same
                failed = 1
                print(f"FAIL  {said}: {type(error).__name__}: {str(error)[:2000]}", flush=True)
                traceback.print_exc(limit=3)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return failed


def _prepare(home: Path) -> None:
    """All before the heavy step, made here."""
    os.environ["INSIGHTS_HEAVY_STEPS"] = "here"
    try:
        feedback_run.prepare(home)
    finally:
        os.environ["INSIGHTS_HEAVY_STEPS"] = "job"


if __name__ == "__main__":
    sys.exit(main())
