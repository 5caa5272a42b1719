"""`insights dev` with no hand: a day of new files becomes a ticket through the landing sensor; ending it leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from insights_assets.resources.home import open_instance
from insights_assets.simulator import simulate
from insights_assets_tests import commanding
from insights_assets_tests.graph.dev_server import dev_server, end, of_sensor, runs, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
#: The promise: from the files' arrival to a ticket.
WITHIN_SECONDS = 120


def insights(*words: str) -> str:
    done = commanding.insights(*words)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated shop up to today (the daemon's runs have no other), brought up to date once."""
    home = tmp_path_factory.mktemp("caught-up") / "home"
    simulate(home, days=75, records=6_000, seed=7, last_day=datetime.now(UTC).date())
    insights("run", "--home", str(home))
    return home


@pytest.fixture(scope="module")
def dev(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    with dev_server(home, tmp_path_factory.mktemp("dev")) as started:
        yield started


def test_a_day_of_files_becomes_a_ticket_with_no_hand(home: Path, dev: subprocess.Popen[bytes]) -> None:
    # The daemon first takes in what lies there since before it was started: nothing new, one short run.
    wait_for(lambda: [run for run in of_sensor(home) if run.is_success], 180, "the sensor's first run")
    tickets = home / "desk" / "tickets"
    before = {path.name for path in tickets.glob("*.md")}
    told = json.loads(insights("simulate", "--next-day", "--home", str(home), "--json"))
    arrived = time.monotonic()
    batch = told["incidents"][-1]["cause"]["packaging_batch"]

    def about_the_batch() -> list[Path]:
        return [path for path in tickets.glob("*.md") if path.name not in before and batch in path.read_text(encoding="utf-8").splitlines()[0]]

    wait_for(about_the_batch, WITHIN_SECONDS - (time.monotonic() - arrived), f"a ticket about {batch}")

    done = of_sensor(home)[0]
    wait_for(lambda: next(run for run in runs(home) if run.run_id == done.run_id).is_finished, 60, "the end of the run")
    finished = next(run for run in runs(home) if run.run_id == done.run_id)
    assert finished.is_success and finished.job_name == "whole_loop"
    with open_instance(home) as instance:
        workers = {e.pid for record in instance.all_logs(done.run_id) if (e := record.dagster_event) and e.is_step_success}
    assert len(workers) == 1, "a run is one process"


def test_ending_it_in_the_middle_of_a_run_leaves_nothing_and_the_next_run_makes_it_good(home: Path, dev: subprocess.Popen[bytes]) -> None:
    insights("simulate", "--next-day", "--home", str(home))
    wait_for(lambda: [run for run in of_sensor(home) if not run.is_finished] and (home / "lock").read_text(encoding="utf-8"), 120, "a run that writes")
    end(dev, home)
    assert insights("run", "--home", str(home))
    assert not [run for run in runs(home) if not run.is_finished], "nothing seems to be running"
