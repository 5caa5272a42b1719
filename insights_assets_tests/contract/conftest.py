"""What the contract tests of heavy steps share: one home in which everything before the heavy step is done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from insights_assets_tests.contract.feedback_run import environment, prepare
from insights_assets_tests.shared_homes import once


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Path:
    with environment():
        return once(tmp_path_factory, "prepared", prepare)


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the prepared home, and its settings in the environment."""
    with environment():
        yield Path(shutil.copytree(prepared, tmp_path / "home"))


@pytest.fixture(scope="module")
def copy_home(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(prepared, tmp_path_factory.mktemp(name) / "home"))
