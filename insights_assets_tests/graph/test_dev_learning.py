"""The loop of learning under Dagster's own daemon, with no hand: drift opens a review; a failed gate trains, judges and labels again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from insights_assets.labels import models
from insights_assets_tests.graph.dev_server import dev_server, end, runs, wait_for
from insights_assets_tests.learning.shop_in_drift import END, Home, drifted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[Home]:
    with drifted(tmp_path_factory, spark) as found:
        yield found


def test_the_daemon_answers_drift_and_a_failed_gate(home: Home, tmp_path: Path) -> None:
    before = models.active_version(home.root / "home", home.operations)
    assert before == models.shipped_version()
    settings = home.settings(END)
    environment = {
        "INSIGHTS_LANDING": str(settings.landing_path), "INSIGHTS_SHOP": str(settings.shop), "INSIGHTS_AS_OF": END.isoformat(),
        "INSIGHTS_CUSTOMER_KEY_SECRET": "test", "INSIGHTS_LEARNING_SECONDS": "5",
    }  # fmt: skip

    def reasons() -> list[str]:
        return [f"{tick.name}: {tick.reason}" for tick in home.operations.ticks.recent(limit=6)]

    def done(job: str, sensor: str) -> bool:
        of_job = [run for run in runs(home.root / "home") if run.job_name == job and run.tags.get("dagster/sensor_name") == sensor]
        assert not [run for run in of_job if run.is_failure], (job, reasons())
        return any(run.is_success for run in of_job)

    with dev_server(home.root / "home", tmp_path, environment) as dev:
        wait_for(lambda: done("model_review", "drift_sensor"), 180, "the review of what drifted", reasons)
        report = (home.root / "home" / "desk" / "model_review" / f"{END}.md").read_text()
        assert "twice in a row" in report
        # People read the sample; the next files that land start a run, whose gate fails, and the rest follows by itself.
        home.read_by_a_person()
        (settings.landing_path / "reviews" / "reviews-late.jsonl").write_text("")
        for job in ("train_candidate", "judge_candidate", "relabel"):
            wait_for(lambda job=job: done(job, "retraining_sensor"), 600, job, reasons)
        end(dev, home.root / "home")
    assert models.active_version(home.root / "home", home.operations) != before
    told = [tick.reason for tick in home.operations.ticks.recent("retraining_sensor") if tick.fired]
    assert any("label gate failed" in reason for reason in told) and all(told)
