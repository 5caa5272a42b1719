"""Fixtures every room shares: one engine a session, a fresh lake a test, an injected clock."""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import event
from sqlalchemy.pool import Pool

from insights_assets_tests.resources.databases import postgres_server, target

# Here, once: a session's fixture that several rooms import would be made once a room.
__all__ = ["postgres_server", "target"]

# Speed is measured in benchmarks: a busy machine fails no test. The suite draws the same examples every time, so that a commit is green or
# red whoever runs it; `make fuzz` draws new ones, and what it finds becomes an @example of the test that lacked it.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

SHARED = Path(__file__).resolve().parents[2] / "shared"
#: Files that ask for the same home or JVM stay with one worker: apart, one would wait while the other fills it, or start a second. File -> first of its company.
_TOGETHER = {
    f"insights_assets_tests/{file}": company[0]
    for company in (
        ("parity/test_stages.py", "parity/test_connect.py", "parity/test_store.py", "parity/test_streaming.py", "parity/test_differences.py"),
        ("contract/test_whole_graph_as_jobs.py", "graph/test_whole_loop.py"),
        ("graph/test_dev_learning.py", "learning/test_loop.py"),
        ("graph/test_demo.py", "graph/test_offline.py"),
    )
    for file in company
}  # fmt: skip
_WHOLE_RUNS = frozenset({"graph", "learning", "real_data", "contract", "chaos", "parity"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side, the longest files come first: else they would end the suite alone on one worker.

    First those that ask for more time, then the rooms of whole runs, then what starts the engine or a server, then plain functions.
    """
    if config.getoption("numprocesses", None) or "PYTEST_XDIST_WORKER" in os.environ:
        long, slow = ({item.path for item in items if item.get_closest_marker(mark)} for mark in ("timeout", "slow"))
        items.sort(key=lambda item: (item.path not in long, item.path.parent.name not in _WHOLE_RUNS, item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file at a time, as `loadfile` does, or a company of files."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Companies(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return _TOGETHER.get(file, file)

    return Companies(config, log)


@event.listens_for(Pool, "checkout")
def wait_for_no_disk(connection: Any, _record: Any, _proxy: Any) -> None:
    """Processes die in these tests, the power does not go: what SQLite was told is there after a kill without waiting for the disk."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


_MAIN = sys.modules["__main__"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Streamlit's AppTest leaves the page behind as the main module, which processes that other tests start would run again."""
    sys.modules["__main__"] = _MAIN


def pytest_configure(config: pytest.Config) -> None:
    """Thousands of modules and tests come now, and all of them stay. Who only hands tests to others collects none."""
    if not config.getoption("numprocesses", None):
        gc.disable()


def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end: it need not be looked through again and again for garbage."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One embedded engine for the whole session: it may not be stopped and started again."""
    from insights_assets.engine.session import session

    yield session(None)


@pytest.fixture(scope="session")
def written_homes(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> dict[str, Path]:
    """The published homes of `console/homes.py`: of the console's tests and of the commands' on what it shows."""
    from insights_assets_tests.console.homes import build_home
    from insights_assets_tests.shared_homes import once

    return {name: once(tmp_path_factory, f"console-{name}", partial(build_home, spark=spark, quiet=name == "quiet")) for name in ("busy", "quiet")}


@pytest.fixture
def lake(tmp_path: Path, spark: Any) -> Any:
    from insights_assets.lake.lake import Lake

    return Lake(tmp_path / "lake", lambda: spark)


@pytest.fixture
def clock() -> Any:
    """A clock that stands still."""
    return lambda: datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Public data beside the repository; tests that need it skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("needs the public data in ../shared, which is not here")
    return SHARED
