"""The memory of bodies around a death: what is not remembered is done again, and a death leaves one or the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from insights_assets.governance import assets as _assets  # noqa: F401 - declares the body
from insights_assets.resources.memo import last_success, nothing_else, recall, remember
from insights_assets.resources.step import Step, UndeclaredTable
from insights_assets_tests.house import TestHouse
from insights_assets_tests.lake.test_lake import DAILY, DAY, LOG, NEXT, frame, row
from insights_assets_tests.lake.test_rewritten import HAPPENED, put

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


def test_the_last_success_is_that_of_the_same_code_shop_and_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = TestHouse(tmp_path / "home", None, as_of=date(2026, 11, 22))
    assert last_success(house.step(BODY), BODY, nothing_else) is None
    remember(house.step(BODY), BODY, nothing_else)
    house.as_of = date(2026, 11, 23)
    found = last_success(house.step(BODY), BODY, nothing_else)
    assert found is not None
    assert found.as_of == date(2026, 11, 22)
    assert last_success(house.step(BODY), BODY, lambda _step: "a correction") is None
    monkeypatch.setattr("insights_assets.resources.memo.code_hash", lambda: "other code")
    assert last_success(house.step(BODY), BODY, nothing_else) is None


def test_what_changed_while_a_body_ran_leaves_no_day_done(tmp_path: Path) -> None:
    house = TestHouse(tmp_path / "home", None, as_of=date(2026, 11, 22))
    remember(house.step(BODY), BODY, lambda _step: "defaults", began="none yet")
    assert last_success(house.step(BODY), BODY, lambda _step: "defaults") is not None, "a first run chooses its own defaults"
    remember(house.step(BODY), BODY, lambda _step: "two corrections", began="one correction")
    assert last_success(house.step(BODY), BODY, lambda _step: "two corrections") is None
    assert recall(house.step(BODY), BODY, lambda _step: "two corrections")


def test_a_body_is_told_the_days_that_changed_since_it_last_succeeded(tmp_path: Path, lake: Any) -> None:
    house = TestHouse(tmp_path / "home", None, as_of=date(2026, 11, 22))
    house.lake = lake

    def step() -> Step:
        return replace(house.step(BODY), reads=frozenset({DAILY}), writes=frozenset())

    assert step().changed_days(DAILY) is None, "nothing is known of a first run"
    lake.write(DAILY, frame(row("a"), row("b", NEXT)), days=[DAY, NEXT])
    remember(step(), BODY, nothing_else)
    lake.write(DAILY, frame(row("b", NEXT, text="other")), days=[NEXT])
    known = replace(step(), last=last_success(step(), BODY, nothing_else))
    assert known.changed_days(DAILY) == {NEXT}
    assert replace(known, as_of=date(2026, 11, 21)).changed_days(DAILY) is None, "on an earlier day less was known"
    with pytest.raises(UndeclaredTable):
        known.changed_days(LOG)


def test_a_body_is_told_the_first_day_that_has_other_rows(tmp_path: Path, lake: Any) -> None:
    house = TestHouse(tmp_path / "home", None, as_of=date(2026, 11, 22))
    house.lake = lake

    def step() -> Step:
        return replace(house.step(BODY), reads=frozenset({HAPPENED}), writes=frozenset({DAILY}))

    assert step().first_changed({HAPPENED: "happened_day"}) is None and not step().as_left(DAILY), "nothing is known of a first run"
    put(lake, HAPPENED, NEXT, 0)
    lake.write(DAILY, frame(row("a")), days=[DAY])
    remember(step(), BODY, nothing_else)
    known = replace(step(), last=last_success(step(), BODY, nothing_else))
    assert known.first_changed({HAPPENED: "happened_day"}) == date(2026, 11, 23), "days after the last success are new whatever the files are"
    assert known.as_left(DAILY)
    put(lake, HAPPENED, NEXT, 7)
    lake.write(DAILY, frame(row("a", text="other")), days=[DAY])
    assert known.first_changed({HAPPENED: "happened_day"}) == NEXT - timedelta(days=7)
    assert not known.as_left(DAILY), "somebody else wrote it"
    assert replace(known, as_of=date(2026, 11, 21)).first_changed({HAPPENED: "happened_day"}) is None
