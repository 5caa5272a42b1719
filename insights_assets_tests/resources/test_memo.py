"""The memory of bodies around a death: what is not remembered is done again, and a death leaves one or the other."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from insights_assets.governance import assets as _assets  # noqa: F401 - declares the body
from insights_assets.resources.memo import nothing_else, recall, remember
from insights_assets_tests.house import TestHouse

BODY = "governance__access_matrix"


class Died(BaseException):
    """Where the process would have been killed."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_process: int, _signal: int) -> None:
        raise Died

    monkeypatch.setattr("insights_assets.lake.crash.os", SimpleNamespace(kill=die, getpid=lambda: 0))


@pytest.mark.parametrize(("moment", "is_remembered"), [("before", False), ("after", True)])
def test_a_death_around_the_memory_leaves_it_whole_or_not_at_all(tmp_path: Path, dying: None, moment: str, is_remembered: bool) -> None:
    house = TestHouse(tmp_path / "home", None, as_of=date(2026, 11, 22), crash_at=f"memo.{BODY}:{moment}")
    with pytest.raises(Died):
        remember(house.step(BODY), BODY, nothing_else)
    assert recall(house.step(BODY), BODY, nothing_else) is is_remembered


def test_another_point_kills_nobody(tmp_path: Path, dying: None) -> None:
    house = TestHouse(tmp_path / "home", None, as_of=date(2026, 11, 22), crash_at="memo.another__body:before")
    remember(house.step(BODY), BODY, nothing_else)
    assert recall(house.step(BODY), BODY, nothing_else)
