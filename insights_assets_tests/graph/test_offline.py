"""The demo in a network namespace without any route out: the same result as with one, and nothing tried to leave."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from insights_assets.lake.lake import Lake
from insights_assets.resources.operations import open_operations
from insights_assets.tables import all_tables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
WRAPPER = Path(__file__).with_name("no_network.py")
DEMO = ("demo", "--days", "75", "--records", "2000", "--seed", "3", "--last-day", "2026-11-22")
#: They tell when this house worked, not what it found.
OF_THE_HOME = {"actions.loop_time", "actions.loop_summary", "actions.deliveries", "health.pipeline_health", "health.layers", "governance.audit_log"}


def closed(counters: Path, *command: str) -> list[str]:
    """The command in a namespace of its own."""
    return [str(shutil.which("unshare")), "-rn", sys.executable, str(WRAPPER), str(counters), *command]


@pytest.fixture(scope="module")
def namespaces(tmp_path_factory: pytest.TempPathFactory) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (Linux) to close the network, which is not here")
    counters = tmp_path_factory.mktemp("probe") / "counters.json"
    probe = subprocess.run(closed(counters, "true"), capture_output=True, text=True, timeout=60, check=False)
    if probe.returncode:
        pytest.skip(f"this machine lets no user make a network namespace: {probe.stderr.strip()[-200:]}")


def insights(command: list[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False, env={**os.environ, "INSIGHTS_CUSTOMER_KEY_SECRET": "test"})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def rows(home: Path, spark: Any) -> dict[str, list[dict[str, Any]]]:
    publication = open_operations(f"sqlite:///{home / 'operations.db'}").latest_publication()
    assert publication is not None
    lake = Lake(home / "lake", lambda: spark, versions=dict(publication.table_versions))
    return {
        str(spec): lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key]).select(spec.stable_columns).to_pylist()
        for spec in all_tables() if lake.exists(spec) and str(spec) not in OF_THE_HOME
    }  # fmt: skip


def told(home: Path) -> list[str]:
    """What the demo said, without how long it took and where."""
    return [line for line in (home / "demo.txt").read_text(encoding="utf-8").splitlines() if "after" not in line and "insights dev" not in line and str(home) not in line]


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_attempt_to_leave_would_show(namespaces: None, tmp_path: Path, host: str) -> None:
    """The counters can say no: one connection that cannot be made, of either family."""
    script = f"import socket; s = socket.socket(socket.AF_INET6 if ':' in {host!r} else socket.AF_INET); s.settimeout(3); s.connect_ex(({host!r}, 443))"
    insights(closed(tmp_path / "counters.json", sys.executable, "-c", script))
    assert sum(json.loads((tmp_path / "counters.json").read_text()).values()) > 0


def test_without_a_network_the_demo_is_the_same_and_nothing_tries_to_leave(namespaces: None, tmp_path: Path, spark: Any) -> None:
    open_home, closed_home = tmp_path / "open" / "home", tmp_path / "closed" / "home"
    command = (sys.executable, "-m", "insights_assets.cli", *DEMO, "--home")
    with ThreadPoolExecutor(2) as both:
        list(both.map(insights, ([*command, str(open_home)], closed(tmp_path / "counters.json", *command, str(closed_home)))))
    assert json.loads((tmp_path / "counters.json").read_text()) == {"ipv4": 0, "ipv6": 0}
    with_network, without = rows(open_home, spark), rows(closed_home, spark)
    assert with_network.keys() == without.keys()
    assert [name for name in with_network if with_network[name] != without[name]] == []
    assert told(open_home) == told(closed_home) and len(told(closed_home)) > 10
