"""Structured Streaming into raw on JVM Spark with real files: each payload once, whoever dies when, and equal to what a run takes in (R34)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from insights_assets.engine.jvm import JvmServer
from insights_assets.lake.lake import Lake
from insights_assets.settings import Settings
from insights_assets.sources.catalogue import BY_NAME
from insights_assets.sources.streaming import Batch, checkpoint_of, local_path, reader_of, start, why_not
from insights_assets.sources.tables import BRONZE, RAW
from insights_assets_tests.house import TestHouse
from insights_assets_tests.parity.houses import AS_OF, QUICK

pytestmark = pytest.mark.slow
CLICKS = RAW["clickstream"]


def click(number: int, day: str = "2026-11-20") -> dict[str, Any]:
    return {"event_id": f"E{number}", "occurred_at": f"{day}T10:00:00Z", "session_id": f"S{number % 3}", "event": "view", "sku": "LMP-1"}


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> TestHouse:
    """A house of the embedded engine, whose landing folder holds two files of clicks: one overlapping, one with a line that is none."""
    made = TestHouse(tmp_path / "home", spark, as_of=AS_OF)
    made.put("clickstream", "a.jsonl", [click(1), click(2), click(2)])
    made.put("clickstream", "b 2026-11-20.jsonl", [click(2), click(3)])
    with (made.landing / "clickstream" / "b 2026-11-20.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event_id": "E4"\n')
    (made.landing / "clickstream" / "c.jsonl.part").write_text(json.dumps(click(9)), encoding="utf-8")
    return made


def settings_of(house: TestHouse) -> Settings:
    return house.settings.model_copy(update={"profile": "spark", "spark_remote": "local[2]"})


def batch_of(house: TestHouse, crash_at: str | None = None) -> Batch:
    home = house.settings.home
    return Batch("clickstream", str(home), str(house.settings.lake_path), str(house.landing), None, AS_OF, None, "stream", 60.0, crash_at)


def stream(session: Any, house: TestHouse, crash_at: str | None = None) -> None:
    query = start(session, settings_of(house), batch_of(house, crash_at))
    assert query.awaitTermination(240), "the stream did not end"


def records(house: TestHouse) -> list[str]:
    """What raw holds of records, every row of it."""
    return sorted(row["record_ref"] for row in house.rows(CLICKS) if row["reject_reason"] is None)


def committed_batches(house: TestHouse) -> list[str]:
    return sorted(path.name for path in (checkpoint_of(house.settings, BY_NAME["clickstream"]) / "commits").glob("[0-9]*"))


def test_a_stream_takes_in_what_a_run_takes_in_and_the_run_finds_it_known(house: TestHouse, jvm: JvmServer, tmp_path: Path, spark: Any) -> None:
    by_run = TestHouse(tmp_path / "other", spark, as_of=AS_OF, landing=house.landing)
    by_run.run("sources")
    home = str(house.settings.home)
    environment = {**os.environ, "INSIGHTS_PROFILE": "spark", "INSIGHTS_SPARK_REMOTE": jvm.url, "INSIGHTS_AS_OF": AS_OF.isoformat()}
    said = subprocess.run([sys.executable, "-m", "insights_assets.cli", "stream", "clickstream", "--home", home], capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert (said.returncode, said.stdout) == (0, "sources.clickstream_raw holds 4 rows\n"), said.stdout + said.stderr[-3000:]
    assert records(house) == ["E1", "E2", "E3"]
    assert [row["reject_reason"] is None for row in house.rows(CLICKS)].count(False) == 1, "the broken line is there with its reason"

    def comparable(one: TestHouse, spec: Any) -> list[dict[str, Any]]:
        table = one.lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key])
        return [dict(row) for row in table.select(spec.stable_columns).to_pylist()]

    assert comparable(house, CLICKS) == comparable(by_run, CLICKS)
    before = house.lake.version(CLICKS)
    house.run("sources")
    assert house.lake.version(CLICKS) == before, "the run appended nothing"
    assert comparable(house, BRONZE["clickstream"]) == comparable(by_run, BRONZE["clickstream"])


@pytest.mark.parametrize(("moment", "held"), [("before", []), ("after", ["E1", "E2", "E3"])])
def test_killed_between_writing_a_batch_and_its_checkpoint_nothing_is_lost_or_doubled(house: TestHouse, connect: Any, moment: str, held: list[str]) -> None:
    """The process that runs the batch dies at the raw table's commit; Spark never hears of the batch's end."""
    with pytest.raises(Exception, match=r"(?i)foreachBatch|worker|exited|crashed|stream"):
        stream(connect, house, crash_at=f"sources.clickstream_raw:{moment}")
    assert records(house) == held and committed_batches(house) == []
    house.put("clickstream", "d.jsonl", [click(3), click(5)])
    stream(connect, house)
    assert records(house) == ["E1", "E2", "E3", "E5"]
    assert len(committed_batches(house)) >= 2, "the batch that died and the one of the new file"
    stream(connect, house)
    assert records(house) == ["E1", "E2", "E3", "E5"], "nothing new, nothing taken in"


def test_a_killed_classic_driver_is_made_good_by_the_next(house: TestHouse, jvm: JvmServer, tmp_path: Path) -> None:
    """As in a Databricks job: the driver itself dies after the commit, and another one goes on from the checkpoint."""
    asked = {"do": "stream", "home": str(house.settings.home), "landing": str(house.landing)}
    dying = JvmServer("local[2]", {**QUICK, "spark.local.dir": str(tmp_path)}, program="insights_assets_tests.parity.driver")
    try:
        with pytest.raises(RuntimeError, match="ended with code -9"):
            dying.ask(**asked, crash_at="sources.clickstream_raw:after")
    finally:
        dying.stop()
    assert records(house) == ["E1", "E2", "E3"] and committed_batches(house) == []
    house.put("clickstream", "d.jsonl", [click(3), click(5)])
    jvm.ask(**asked, crash_at=None)
    assert records(house) == ["E1", "E2", "E3", "E5"] and committed_batches(house)


def test_files_are_heard_of_by_auto_loader_on_databricks_and_by_spark_elsewhere() -> None:
    assert reader_of("databricks") == (
        "cloudFiles", {"cloudFiles.format": "binaryFile", "cloudFiles.includeExistingFiles": "true", "cloudFiles.maxFilesPerTrigger": "500"}
    )  # fmt: skip
    assert reader_of("spark")[0] == "binaryFile"


@pytest.mark.parametrize(
    ("uri", "path"), [("file:/a%20b/c.jsonl", "/a b/c.jsonl"), ("file:///a/c.jsonl", "/a/c.jsonl"), ("dbfs:/Volumes/x/c.jsonl", "/Volumes/x/c.jsonl"), ("/a%20b", "/a%20b")]
)
def test_names_of_spark_become_paths(uri: str, path: str) -> None:
    assert local_path(uri) == path


def test_what_cannot_be_streamed_says_why(house: TestHouse) -> None:
    assert "the embedded engine has no streaming" in why_not(BY_NAME["clickstream"], house.settings)
    assert "comes by the day" in why_not(BY_NAME["orders"], settings_of(house))
    assert not why_not(BY_NAME["social"], settings_of(house))
    assert "names a catalog" in why_not(BY_NAME["social"], settings_of(house).model_copy(update={"databricks_catalog": "main"}))


def test_a_batch_again_brings_nothing(house: TestHouse, connect: Any) -> None:
    """The promise without Spark's checkpoint: the same files twice, then under another name."""
    batch, folder = batch_of(house), house.landing / "clickstream"
    paths = set(folder.iterdir())
    assert batch.take_in(connect, paths) == 4
    assert batch.take_in(connect, paths) == 0
    (folder / "again.jsonl").write_bytes((folder / "a.jsonl").read_bytes() + b"\n")
    assert replace(batch, run_id="later").take_in(connect, set(folder.iterdir())) == 0
    assert Lake(house.settings.lake_path, lambda: connect, is_embedded=False).version(CLICKS) == 1
