"""The published home of `homes.py`, written once a session, and a copy of it for each test that may judge or break it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from insights_assets.console.opening import Opened, open_console, read_settings
from insights_assets_tests.console.browsing import browsing
from insights_assets_tests.console.people_homes import build_people_home
from insights_assets_tests.shared_homes import once


@pytest.fixture
def home(written_homes: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A busy home of this test's own; the console opens it."""
    return _copy(written_homes["busy"], tmp_path, monkeypatch)


@pytest.fixture
def quiet_home(written_homes: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return _copy(written_homes["quiet"], tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def written_people_home(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Path:
    return once(tmp_path_factory, "people", partial(build_people_home, spark=spark))


@pytest.fixture
def people_home(written_people_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test's own in which something waits for people."""
    return _copy(written_people_home, tmp_path, monkeypatch)


@pytest.fixture
def opened(home: Path) -> Opened:
    found = open_console(read_settings(), "tester")
    assert isinstance(found, Opened)
    return found


def _copy(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copied = tmp_path / "home"
    shutil.copytree(written, copied)
    monkeypatch.setenv("INSIGHTS_HOME", str(copied))
    return copied


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with browsing(tmp_path) as driver:
        yield driver
