"""Production as it is deployed: webserver, daemon and code location on PostgreSQL, ended in the middle, upgraded and rolled back.

Whatever is killed, each parcel is delivered once: the ledger that the runs' own processes write is the judge, beside Dagster's record of them.
"""

from __future__ import annotations

import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from insights_assets_tests.deploy.processes import PASSWORD, Production, production
from insights_assets_tests.graph.dev_server import wait_for
from insights_assets_tests.resources import postgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.skipif(postgres.why_not() is not None, reason=str(postgres.why_not()))]
#: What a test cannot wait for; everything else is as deployed.
QUICK = {"run_monitoring.poll_interval_seconds": 2, "run_monitoring.start_timeout_seconds": 30, "run_launcher.config.unreachable_seconds": 60}


class Parcels:
    """What arrives, what is let go, and what the ledger says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "ledger").touch()

    def arrive(self, *names: str) -> None:
        for name in names:
            (self.folder / f"in-{name}").touch()

    def let_go(self, *names: str) -> None:
        for name in names:
            (self.folder / f"go-{name}").touch()

    def lines(self, word: str, name: str) -> list[tuple[str, int]]:
        """(version, process) of each line about a parcel."""
        found = [line.split() for line in (self.folder / "ledger").read_text(encoding="utf-8").splitlines()]
        return [(version, int(process)) for said, about, version, process in found if (said, about) == (word, name)]


class Record:
    """Dagster's own record, read straight from PostgreSQL as the UI reads it."""

    def __init__(self, one: Production) -> None:
        import dagster as dg

        self._environment = one.environment
        for name in ("INSIGHTS_DAGSTER_URL", "INSIGHTS_DAGSTER_STATE"):
            os.environ[name] = one.environment[name]
        os.environ["PGPASSWORD"] = PASSWORD
        self.instance = dg.DagsterInstance.from_config(one.environment["DAGSTER_HOME"])

    def of(self, name: str) -> list[str]:
        """Outcomes of the runs about a parcel, first to last."""
        import dagster as dg

        return [run.status.value for run in reversed(self.instance.get_runs(filters=dg.RunsFilter(tags={"parcel": name})))]


@pytest.fixture(scope="module")
def parcels(tmp_path_factory: pytest.TempPathFactory) -> Parcels:
    return Parcels(tmp_path_factory.mktemp("production") / "parcels")


@pytest.fixture(scope="module")
def one(parcels: Parcels) -> Iterator[Production]:
    module = "insights_assets_tests.deploy.location"
    with production(parcels.folder.parent / "installation", QUICK, {"INSIGHTS_CODE_MODULE": module, "PARCELS": str(parcels.folder)}) as started:
        done = started.ask("migrate")
        assert done.returncode == 0, done.stderr[-2000:]
        for part in ("code", "webserver", "daemon"):
            started.start(part)
        yield started


@pytest.fixture(scope="module")
def record(one: Production) -> Iterator[Record]:
    before = dict(os.environ)
    found = Record(one)
    yield found
    found.instance.dispose()
    os.environ.clear()
    os.environ.update(before)


def _logs(one: Production) -> Any:
    return lambda: "\n".join(f"--- {part}\n{one.log(part)[-1200:]}" for part in ("code", "daemon"))


def test_a_daemon_killed_at_any_moment_loses_and_doubles_no_run(one: Production, parcels: Parcels, record: Record) -> None:
    parcels.arrive("a", "b")
    wait_for(lambda: parcels.lines("begin", "a"), 90, "the first run", _logs(one))
    one.kill("daemon")  # one run under way, one in the queue
    parcels.let_go("a")
    wait_for(lambda: record.of("a") == ["SUCCESS"], 30, "the end of a run whose daemon is gone", _logs(one))
    assert parcels.lines("begin", "b") == [], "nobody takes from the queue meanwhile"

    one.start("daemon")
    parcels.arrive("c")
    wait_for(lambda: record.of("c"), 60, "the tick that asks for the third run", _logs(one))
    one.kill("daemon")  # right after the tick
    one.start("daemon")
    parcels.let_go("b", "c")
    # A run that the daemon was about to hand over when it died never starts: monitoring says so and it is asked for once more.
    wait_for(lambda: all(record.of(name)[-1] == "SUCCESS" for name in "abc"), 120, "all three", lambda: f"{[record.of(name) for name in 'abc']}\n{_logs(one)()}")
    assert all(record.of(name) in (["SUCCESS"], ["FAILURE", "SUCCESS"]) for name in "abc")
    for name in "abc":
        assert len(parcels.lines("begin", name)) == len(parcels.lines("end", name)) == 1


def test_a_run_that_dies_is_failed_and_started_anew_once(one: Production, parcels: Parcels, record: Record) -> None:
    parcels.arrive("d")
    wait_for(lambda: parcels.lines("begin", "d"), 60, "the run", _logs(one))
    os.kill(parcels.lines("begin", "d")[0][1], signal.SIGKILL)
    wait_for(lambda: len(parcels.lines("begin", "d")) == 2, 90, "its second try", _logs(one))
    parcels.let_go("d")
    wait_for(lambda: record.of("d") == ["FAILURE", "SUCCESS"], 30, "the end of the second try", _logs(one))
    assert len(parcels.lines("end", "d")) == 1


def test_an_upgrade_in_the_middle_of_a_run_goes_on_with_the_new_version_and_back(one: Production, parcels: Parcels, record: Record) -> None:
    parcels.arrive("e")
    wait_for(lambda: parcels.lines("begin", "e"), 60, "the run", _logs(one))
    one.kill("code")  # the container with its run
    one.start("code", PARCELS_VERSION="2")
    wait_for(lambda: [version for version, _ in parcels.lines("begin", "e")] == ["1", "2"], 120, "the run on the new version", _logs(one))
    parcels.let_go("e")
    wait_for(lambda: record.of("e") == ["FAILURE", "SUCCESS"], 30, "its end", _logs(one))
    assert [version for version, _ in parcels.lines("end", "e")] == ["2"]

    one.kill("code", signal.SIGTERM)  # rolled back with nothing under way
    one.start("code", PARCELS_VERSION="1")
    parcels.arrive("f")
    parcels.let_go("f")
    wait_for(lambda: record.of("f") == ["SUCCESS"], 90, "a run on the old version", _logs(one))
    assert [version for version, _ in parcels.lines("end", "f")] == ["1"]


def test_health_checks_answer_and_nothing_was_written_beside_the_settings(one: Production, record: Record) -> None:
    port = one.environment["INSIGHTS_CODE_PORT"]
    assert one.ask("dagster", "api", "grpc-health-check", "--port", port).returncode == 0
    assert one.ask("dagster-daemon", "liveness-check").returncode == 0
    with urllib.request.urlopen(f"http://127.0.0.1:{one.environment['INSIGHTS_WEB_PORT']}/server_info", timeout=10) as answer:
        assert b"dagster_webserver_version" in answer.read()
    settings = Path(one.environment["DAGSTER_HOME"])
    assert sorted(path.name for path in settings.iterdir()) == ["dagster.yaml", "workspace.yaml"], "deploy/ is read-only in the image"
    for process in one.running.values():
        assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()
