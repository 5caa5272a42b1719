"""A day range that goes through the engine in parts is the one that went through at once, and a run that died between two parts is made good."""

from __future__ import annotations

import shutil
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.canonical import build
from insights_assets.canonical.build import parts_of
from insights_assets.canonical.tables import CONVERSATIONS, DUPLICATES, FEEDBACK, FEEDBACK_TEXT, ORDERS, SHIPMENTS
from insights_assets.resources.step import Step
from insights_assets.simulator import simulate
from insights_assets_tests.house import TestHouse, review

LAST_DAY = date(2026, 11, 22)
WRITTEN = (ORDERS, SHIPMENTS, FEEDBACK, FEEDBACK_TEXT, CONVERSATIONS, DUPLICATES)


@given(st.dictionaries(st.integers(1, 400), st.integers(0, 90), max_size=60), st.integers(1, 100))
def test_every_day_is_in_one_part_in_order_and_no_part_of_several_days_is_over_the_bound(rows: dict[int, int], at_most: int) -> None:
    days: set[Any] = set(rows) | {500}
    parts: list[set[Any]] = parts_of(days, rows, at_most)  # type: ignore[arg-type]
    assert sorted(days) == [day for part in parts for day in sorted(part)]
    assert all(len(part) == 1 or sum(rows.get(day, 0) for day in part) <= at_most for part in parts)
    assert all(sum(rows.get(day, 0) for day in one) + rows.get(min(other), 0) > at_most for one, other in pairwise(parts)), "no part ends too early"


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Path:
    """A home with its bronze rows and nothing after them; tests take copies."""
    home = tmp_path_factory.mktemp("parts") / "home"
    simulate(home, days=70, records=1_500, seed=7, last_day=LAST_DAY)
    house = TestHouse(home, spark, as_of=LAST_DAY)
    house.put("reviews", "repeated.jsonl", [review(f"X{day}", None, "C9", day) for day in ("2026-09-20", "2026-10-14", "2026-11-10")])
    house.run("sources")
    return home


def house_in(landed: Path, home: Path, spark: Any) -> TestHouse:
    return TestHouse(Path(shutil.copytree(landed, home)), spark, as_of=LAST_DAY)


def tables(house: TestHouse) -> dict[str, Any]:
    return {str(spec): house.lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key]).to_pylist() for spec in WRITTEN}


@pytest.fixture(scope="module")
def at_once(landed: Path, tmp_path_factory: pytest.TempPathFactory, spark: Any) -> dict[str, Any]:
    house = house_in(landed, tmp_path_factory.mktemp("at_once") / "home", spark)
    house.run("canonical")
    assert house.lake.version(FEEDBACK) == 1, "one commit after the table was made"
    return tables(house)


def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "RECORDS_AT_ONCE", 400)
    monkeypatch.setattr(build, "LINES_AT_ONCE", 800)


@pytest.mark.slow
def test_rows_are_those_of_a_run_that_took_all_days_at_once(landed: Path, at_once: dict[str, Any], tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch)
    house = house_in(landed, tmp_path / "home", spark)
    house.run("canonical")
    assert all((house.lake.version(spec) or 0) >= 3 for spec in (ORDERS, SHIPMENTS, FEEDBACK)), "several commits"
    first_on = {row["feedback_id"]: row["received_day"] for row in at_once[str(FEEDBACK)]}
    spans = sorted((row["received_day"] - first_on[row["duplicate_group"]]).days for row in at_once[str(DUPLICATES)])
    assert spans[-1] > 20, f"words that repeat over several parts: {spans[-5:]}"
    assert tables(house) == at_once
    assert not list(house.lake.scratch_folder.glob("feedback_*")), "texts of the raw tier do not outlive the step"


@pytest.mark.slow
def test_a_run_that_died_between_two_parts_is_made_good_by_the_next(
    landed: Path, at_once: dict[str, Any], tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_parts(monkeypatch)
    house = house_in(landed, tmp_path / "home", spark)
    write, left = Step.write, [6]

    def dying(self: Step, spec: Any, *given: Any, **named: Any) -> Any:
        result = write(self, spec, *given, **named)
        left[0] -= spec in (FEEDBACK_TEXT, CONVERSATIONS, DUPLICATES, FEEDBACK)
        if not left[0]:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patched:
        patched.setattr(Step, "write", dying)
        with pytest.raises(KeyboardInterrupt):
            house.run("canonical")
    assert 0 < house.lake.row_count(FEEDBACK) < house.lake.row_count(FEEDBACK_TEXT) < len(at_once[str(FEEDBACK_TEXT)]), "between two writes of the second part"
    house.run("canonical")
    assert tables(house) == at_once
