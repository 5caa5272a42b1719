"""Homes that several files judge and nobody needs to make twice: each is filled once, by whichever worker asks first.

Belongs here: the lock that lets one worker fill while another waits, and the homes that more than one room asks for. Does not belong here: any
expectation. A test that writes takes a copy; what only reads may read the shared one.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.lake.lake import Lake
from insights_assets.resources.operations import open_operations
from insights_assets.simulator import simulate
from insights_assets.tables import all_tables
from insights_assets_tests import commanding

LAST_DAY = date(2026, 11, 22)
SECRET = "a-customer-key-that-nobody-may-see"
#: Tables that tell of the homes themselves: how often they ran, and when by the wall clock people would have acted.
OF_THE_HOME = {"actions.loop_time", "actions.loop_summary", "actions.deliveries", "health.pipeline_health", "health.layers", "governance.audit_log"}
DEMO = ("demo", "--days", "75", "--records", "2000", "--seed", "3", "--last-day", LAST_DAY.isoformat(), "--home", "demo")


def once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]) -> Path:
    """The folder of that name, filled by the first who asks in this session, whichever worker that is."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has a folder of its own below the session's
    done = base / f"once-{name}" / "filled"
    done.parent.mkdir(exist_ok=True)
    with (done.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            making = done.with_name("filling")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            fill(making)
            making.rename(done)
    return done


def sample_run(factory: pytest.TempPathFactory) -> Path:
    """A sample shop in `landing/` with its `truth.json`, its `home/` after one `insights run`, and that run's `report.json`."""

    def fill(folder: Path) -> None:
        simulate(folder, days=75, records=1_500, seed=11, last_day=LAST_DAY)
        done = commanding.insights(
            "run", "--landing", str(folder / "landing"), "--home", str(folder / "home"), "--as-of", LAST_DAY.isoformat(), "--json",
            environment={"INSIGHTS_CUSTOMER_KEY_SECRET": SECRET},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        (folder / "report.json").write_text(done.stdout, encoding="utf-8")

    return once(factory, "sample-run", fill)


def demo_run(factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder in which somebody typed `insights demo` (its home is `demo/`), and how the command ended: returncode, stdout, stderr."""

    def fill(folder: Path) -> None:
        done = subprocess.run([sys.executable, "-m", "insights_assets.cli", *DEMO], cwd=folder, capture_output=True, text=True, timeout=500, check=False)
        (folder / "ended.json").write_text(json.dumps({"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}), encoding="utf-8")

    folder = once(factory, "demo-run", fill)
    return folder, json.loads((folder / "ended.json").read_text(encoding="utf-8"))


def published_versions(home: Path) -> dict[str, int]:
    publication = open_operations(f"sqlite:///{home / 'operations.db'}").latest_publication()
    assert publication is not None
    return dict(publication.table_versions)


def published_rows(home: Path, spark: Any) -> dict[str, list[dict[str, Any]]]:
    """Every published table as the design compares them: by key, without volatile columns, without those that tell of the homes themselves."""
    lake = Lake(home / "lake", lambda: spark, versions=published_versions(home))
    return {
        str(spec): lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key]).select(spec.stable_columns).to_pylist()
        for spec in all_tables() if lake.exists(spec) and str(spec) not in OF_THE_HOME
    }  # fmt: skip
