"""Every version of a table is readable, however many commits follow it: a shop whose runs are stopped by a gate still shows what it published."""

from __future__ import annotations

from typing import Any

import pytest

from insights_assets.lake.lake import Lake
from insights_assets_tests.lake.test_lake import LOG, frame, row

pytestmark = pytest.mark.slow
#: Past two checkpoints, which the engine makes every ten commits.
COMMITS = 23


@pytest.fixture
def long_log(lake: Lake) -> Lake:
    for number in range(COMMITS):
        lake.write(LOG, frame(row(f"r{number}")))
    assert len(list((lake.path(LOG) / "_delta_log").glob("*.checkpoint*.parquet"))) == 2
    return lake


def test_each_version_reads_as_it_was(long_log: Lake, spark: Any) -> None:
    for version in (4, 0, 9, 10, 15, 20, 22, COMMITS, 1):
        pinned = Lake(long_log.root, lambda: spark, versions={str(LOG): version})
        assert sorted(pinned.read_pandas(LOG)["id"]) == sorted(f"r{number}" for number in range(version)), version
    assert long_log.version(LOG) == COMMITS, "looking adds no version"
    long_log.write(LOG, frame(row("later")))
    assert long_log.row_count(LOG) == COMMITS + 1


def test_the_engine_still_needs_it(long_log: Lake, spark: Any) -> None:
    """When this fails the engine has learned to read them itself, and `lake/pinned.py` can go."""
    with pytest.raises(Exception, match="Missing commit file"):
        spark.read.format("delta").option("versionAsOf", 4).load(str(long_log.path(LOG))).count()
