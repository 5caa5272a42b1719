"""Maintenance merges small files and deletes what nobody reads; rows, published versions and properties stay, and a second time does nothing (R26, R115)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from insights_assets.governance.maintenance import maintain
from insights_assets.governance.tables import MAINTENANCE_RUNS
from insights_assets.lake.lake import Lake
from insights_assets.lake.removal import is_append_only
from insights_assets.lake.spec import TableSpec
from insights_assets.lake.unity import UnityLake
from insights_assets.lake.upkeep import WORTH_FILES, compact
from insights_assets.resources.step import Step
from insights_assets.sources.tables import RAW, REMOVED_ROWS
from insights_assets_tests.house import NOW, TestHouse

pytestmark = pytest.mark.slow
AS_OF = date(2026, 11, 22)
WRITES = 12


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> Iterator[TestHouse]:
    """An append-only table of many small files, whose third and eighth state were published."""
    made = TestHouse(tmp_path / "home", spark, as_of=AS_OF)
    for number in range(WRITES):
        made.lake.write(REMOVED_ROWS, removed(number))
        if number in (2, 7):
            made.operations.record_publication(f"run-{number}", AS_OF, {str(REMOVED_ROWS): int(made.lake.version(REMOVED_ROWS) or 0)})
    yield made
    made.operations.close()


def removed(number: int) -> pd.DataFrame:
    row = {"source": "reviews", "payload_sha256": f"hash-{number}", "file_sha256": "f", "reason": "retention", "removed_at": NOW, "run_id": "r"}
    return pd.DataFrame([{name: row[name] for name in REMOVED_ROWS.column_names}])


def step_of(house: TestHouse, lake: Lake | None = None, run_id: str = "maintenance-1") -> Step:
    return Step(
        lake=lake or house.lake, settings=house.settings, shop=house.shop, operations=house.operations, as_of=AS_OF, run_id=run_id, clock=lambda: NOW,
        reads=frozenset(), writes=frozenset({MAINTENANCE_RUNS}),
    )  # fmt: skip


def hashes(lake: Lake) -> set[str]:
    return {row["payload_sha256"] for row in lake.read_arrow(REMOVED_ROWS).to_pylist()}


def test_published_versions_stay_readable_and_the_rest_goes(house: TestHouse, spark: Any) -> None:
    pinned = [dict(one.table_versions) for one in house.operations.publications.recent(30)]
    (done,) = maintain(step_of(house), [REMOVED_ROWS])
    # The published states hold the first 8 of the 12 small files; the merged one holds all rows.
    assert (done.files_before, done.files_after, done.files_deleted) == (WRITES, 1, WRITES - 8)
    assert hashes(house.lake) == {f"hash-{number}" for number in range(WRITES)}
    for versions, count in zip(pinned, (3, 8), strict=True):
        assert hashes(Lake(house.lake.root, lambda: spark, versions=versions)) == {f"hash-{number}" for number in range(count)}
    with pytest.raises(Exception, match=r"(?i)not found|no such"):
        hashes(Lake(house.lake.root, lambda: spark, versions={str(REMOVED_ROWS): pinned[1][str(REMOVED_ROWS)] + 2}))


def test_a_second_time_does_nothing(house: TestHouse) -> None:
    maintain(step_of(house), [REMOVED_ROWS])
    before = house.lake.version(REMOVED_ROWS)
    (done,) = maintain(step_of(house), [REMOVED_ROWS])
    assert not done.did_something and house.lake.version(REMOVED_ROWS) == before


def test_publications_older_than_is_kept_let_their_files_go_but_the_newest_never(house: TestHouse, spark: Any) -> None:
    house.operations.clock = lambda: NOW + timedelta(days=400)
    (done,) = maintain(step_of(house), [REMOVED_ROWS])
    assert done.files_deleted == WRITES - 8
    latest = house.operations.latest_publication()
    assert latest is not None and len(hashes(Lake(house.lake.root, lambda: spark, versions=dict(latest.table_versions)))) == 8


def test_merging_keeps_properties_and_puts_no_value_into_the_log(house: TestHouse) -> None:
    maintain(step_of(house), [REMOVED_ROWS])
    assert is_append_only(house.lake, REMOVED_ROWS)
    commits = sorted((house.lake.path(REMOVED_ROWS) / "_delta_log").glob("*.json"))
    merged = next(text for text in (commit.read_text() for commit in commits) if "OPTIMIZE" in text)
    assert '"dataChange":true' not in merged and "hash-" not in merged
    house.lake.write(REMOVED_ROWS, removed(99))
    assert "hash-99" in hashes(house.lake)


def test_few_files_are_left_alone(house: TestHouse) -> None:
    spec = RAW["orders"]
    house.lake.ensure(spec)
    assert not compact(house.lake, spec).changed
    version = house.lake.version(REMOVED_ROWS)
    assert not compact(house.lake, REMOVED_ROWS, worth=WRITES).changed and house.lake.version(REMOVED_ROWS) == version
    assert WORTH_FILES < WRITES


class Named(UnityLake):
    """A catalog's table as its SQL answers: `files` small ones, `old` of which VACUUM would delete. Statements are kept as they were sent."""

    def __init__(self, files: int, old: int) -> None:
        super().__init__("insights_prod", lambda: pytest.fail("no engine is asked beside the statements"))
        self.files, self.old, self.sent = files, old, []  # type: ignore[var-annotated]

    def exists(self, spec: TableSpec) -> bool:
        return True

    def sql(self, statement: str) -> Any:
        import pyarrow as pa

        self.sent.append(statement)
        if statement.startswith("OPTIMIZE"):
            self.files = 1
        rows = pa.table({"numFiles": [self.files]}) if statement.startswith("DESCRIBE DETAIL") else pa.table({"path": ["x"] * self.old})
        if statement.startswith("VACUUM") and not statement.endswith("DRY RUN"):
            self.old = 0
        return type("Frame", (), {"select": lambda self, *_: self, "toArrow": lambda self: rows, "count": lambda self: rows.num_rows})()


NAME = "`insights_prod`.`sources`.`removed_rows`"


def test_in_a_catalog_it_is_three_statements_and_again_nothing_but_counting(house: TestHouse) -> None:
    lake = Named(files=40, old=7)
    (done,) = maintain(step_of(house, lake), [REMOVED_ROWS])
    assert (done.files_before, done.files_after, done.files_deleted, done.is_analyzed) == (40, 1, 7, True)
    assert [one for one in lake.sent if not one.startswith("DESCRIBE") and "DRY RUN" not in one] == [f"OPTIMIZE {NAME}", f"VACUUM {NAME}", f"ANALYZE TABLE {NAME} COMPUTE STATISTICS"]
    lake.sent.clear()
    (again,) = maintain(step_of(house, lake), [REMOVED_ROWS])
    assert not again.did_something and not any(one.startswith(("OPTIMIZE", "VACUUM")) and "DRY RUN" not in one for one in lake.sent)


def test_in_a_catalog_nothing_is_deleted_by_age_when_the_newest_publication_is_older(house: TestHouse) -> None:
    lake = Named(files=1, old=7)
    step = step_of(house, lake)
    step.clock = lambda: datetime(2027, 6, 1, tzinfo=UTC)
    (done,) = maintain(step, [REMOVED_ROWS])
    assert done.files_deleted == 0 and lake.old == 7 and "none is deleted before the next" in str(done.left_alone)
    assert not any(one.startswith("VACUUM") for one in lake.sent)


def test_the_statements_are_the_documented_ones(house: TestHouse) -> None:
    """Databricks' dialect in sqlglot keeps none of them but as text, so their words are held here."""
    lake = Named(files=40, old=7)
    maintain(step_of(house, lake), [REMOVED_ROWS])
    assert set(lake.sent) == {f"DESCRIBE DETAIL {NAME}", f"OPTIMIZE {NAME}", f"VACUUM {NAME} DRY RUN", f"VACUUM {NAME}", f"ANALYZE TABLE {NAME} COMPUTE STATISTICS"}
