"""Both databases of the operational state as fixtures: SQLite in the test's folder, PostgreSQL where the machine has a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from insights_assets_tests.resources import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    if (reason := postgres.why_not()) is not None:
        pytest.skip(reason)
    with postgres.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same tests on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'operations.db'}"
    return postgres.emptied_database(request.getfixturevalue("postgres_server"))
