"""Fixtures every room shares: one engine a session, a fresh lake a test, an injected clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


_WHOLE_RUNS = frozenset({"graph", "learning", "real_data", "contract", "chaos", "parity"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side, whole runs come first: else the longest files would end the suite alone on one worker."""
    if config.getoption("numprocesses", None) or "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.path.parent.name not in _WHOLE_RUNS)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One embedded engine for the whole session: it may not be stopped and started again."""
    from insights_assets.engine.session import session

    yield session(None)


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
