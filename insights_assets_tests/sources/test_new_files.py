"""Taking in what is new: a row refused for its date is read once its day has come, a later version replaces the earlier one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.sources.tables import BRONZE, RAW
from insights_assets_tests.house import TestHouse, review

pytestmark = pytest.mark.slow

OTHERS = frozenset({f"sources__{name}" for name in BRONZE if name != "reviews"})


def ratings(house: TestHouse) -> dict[str, Any]:
    return {row["record_ref"]: row["rating"] for row in house.rows(BRONZE["reviews"])}


def test_what_was_refused_for_its_date_is_read_when_its_day_has_come(tmp_path: Path, spark: Any) -> None:
    house = TestHouse(tmp_path / "home", spark, as_of=date(2026, 11, 20))
    house.put("reviews", "a.jsonl", [review("R-1", None, None), review("R-2", None, None, day="2026-11-24")])
    house.run("sources", without=OTHERS)
    assert set(ratings(house)) == {"R-1"}
    house.as_of = date(2026, 11, 21)
    house.put("reviews", "b.jsonl", [review("R-3", None, None, day="2026-11-20"), review("R-1", None, None, rating=4)])
    house.run("sources", without=OTHERS)
    assert ratings(house) == {"R-1": 4, "R-3": 1}
    house.as_of = date(2026, 11, 23)
    house.put("reviews", "c.jsonl", [review("R-4", None, None, day="2026-11-23")])
    house.run("sources", without=OTHERS)
    assert ratings(house) == {"R-1": 4, "R-2": 1, "R-3": 1, "R-4": 1}


def test_once_no_row_waits_only_new_files_are_looked_at(tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    house = TestHouse(tmp_path / "home", spark, as_of=date(2026, 11, 20))
    house.put("reviews", "a.jsonl", [review("R-1", None, None), review("R-2", None, None, day="2099-11-24")])
    house.run("sources", without=OTHERS)
    read = house.lake.read
    seen: list[str] = []
    monkeypatch.setattr("insights_assets.sources.ingest.rows_of", lambda lake, spec, files: seen.extend(files) or _rows(lake, spec, files))
    house.as_of = date(2026, 11, 21)
    house.put("reviews", "b.jsonl", [review("R-1", None, None, rating=4), review("R-3", None, None, day="2026-11-21")])
    house.run("sources", without=OTHERS)
    assert len(seen) == 1, "the one file that raw gained"
    assert ratings(house) == {"R-1": 4, "R-3": 1}
    assert read(RAW["reviews"]).count() == 4


def _rows(lake: Any, spec: Any, files: Any) -> Any:
    from insights_assets.lake.rewritten import rows_of

    return rows_of(lake, spec, files)
