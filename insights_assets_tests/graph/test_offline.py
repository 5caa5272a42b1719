"""The demo in a network namespace without any route out: the same result as with one, and nothing tried to leave."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from insights_assets_tests.shared_homes import DEMO, demo_run, published_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
WRAPPER = Path(__file__).with_name("no_network.py")


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


def insights(command: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=800, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def told(home: Path) -> list[str]:
    """What the demo said, without how long it took."""
    return [line for line in (home / "demo.txt").read_text(encoding="utf-8").splitlines() if "after" not in line]


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_attempt_to_leave_would_show(namespaces: None, tmp_path: Path, host: str) -> None:
    """The counters can say no: one connection that cannot be made, of either family."""
    script = f"import socket; s = socket.socket(socket.AF_INET6 if ':' in {host!r} else socket.AF_INET); s.settimeout(3); s.connect_ex(({host!r}, 443))"
    insights(closed(tmp_path / "counters.json", sys.executable, "-c", script), tmp_path)
    assert sum(json.loads((tmp_path / "counters.json").read_text()).values()) > 0


def test_without_a_network_the_demo_is_the_same_and_nothing_tries_to_leave(
    namespaces: None, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, spark: Any
) -> None:  # fmt: skip
    open_home, closed_home = demo_run(tmp_path_factory)[0] / "demo", tmp_path / "demo"
    # Each home makes a key of its own for the pseudonyms; this one gets the other's, so that the rows can be compared.
    key = (open_home / "keys" / "customer_key").read_text(encoding="ascii").strip()
    insights(closed(tmp_path / "counters.json", sys.executable, "-m", "insights_assets.cli", *DEMO), tmp_path, INSIGHTS_CUSTOMER_KEY_SECRET=key)
    assert json.loads((tmp_path / "counters.json").read_text()) == {"ipv4": 0, "ipv6": 0}
    with_network, without = published_rows(open_home, spark), published_rows(closed_home, spark)
    assert with_network.keys() == without.keys()
    assert [name for name in with_network if with_network[name] != without[name]] == []
    assert told(open_home) == told(closed_home) and len(told(closed_home)) > 10
