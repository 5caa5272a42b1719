"""`insights listen`: says what is missing, listens where nothing is, and ends when told to; `insights dev` starts it only then."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from insights_assets.commands.listen import why_not
from insights_assets.settings import Settings
from insights_assets.shop import default_shop_path
from insights_assets_tests.contract.slack_server import APP_TOKEN, BOT_TOKEN, SlackServer

COMMAND = [sys.executable, "-m", "insights_assets.cli", "listen"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A shop in which Quality's alerts go to Slack."""
    shop = Path(shutil.copytree(default_shop_path(), tmp_path / "shop"))
    (shop / "destinations.yaml").write_text('jira: off\nslack: {channels: {"#quality-alerts": C0QUALITY}}\npromotion_feed: off\nhold_webhook: off\n')
    owners = shop / "owners.yaml"
    owners.write_text(owners.read_text().replace("{tickets: desk, alerts: desk}", '{tickets: desk, alerts: "slack:#quality-alerts"}', 1))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INSIGHTS_")}
    return {**kept, "INSIGHTS_HOME": str(tmp_path / "home"), "INSIGHTS_SHOP": str(shop), "INSIGHTS_SLACK_BOT_TOKEN": BOT_TOKEN}


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


def soon(holds: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_without_an_app_token_it_says_what_to_set(environment: dict[str, str]) -> None:
    result = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2 and "INSIGHTS_SLACK_APP_TOKEN is not set" in result.stderr and "Traceback" not in result.stderr


def test_a_token_that_slack_does_not_take_is_said(environment: dict[str, str], server: SlackServer) -> None:
    given = {**environment, "INSIGHTS_SLACK_APP_TOKEN": "xapp-a-wrong-token", "INSIGHTS_SLACK_URL": server.api}
    result = subprocess.run(COMMAND, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1 and "INSIGHTS_SLACK_APP_TOKEN" in result.stderr
    assert "xapp-a-wrong-token" not in result.stderr + result.stdout


@pytest.mark.slow
def test_it_listens_and_ends_when_told_to(environment: dict[str, str], server: SlackServer) -> None:
    given = {**environment, "INSIGHTS_SLACK_APP_TOKEN": APP_TOKEN, "INSIGHTS_SLACK_URL": server.api}
    process = subprocess.Popen(COMMAND, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        soon(server.is_listened_to)
        process.send_signal(signal.SIGTERM)
        said, wrong = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, wrong
    assert "listening to Slack" in said


def test_a_home_listens_only_where_everything_names_slack(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("INSIGHTS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        if name.startswith("INSIGHTS_"):
            monkeypatch.setenv(name, value)
    assert "INSIGHTS_SLACK_APP_TOKEN" in why_not(Settings())
    monkeypatch.setenv("INSIGHTS_SLACK_APP_TOKEN", APP_TOKEN)
    assert why_not(Settings()) == ""
    monkeypatch.delenv("INSIGHTS_SLACK_BOT_TOKEN")
    assert "INSIGHTS_SLACK_BOT_TOKEN is not set" in why_not(Settings())
    monkeypatch.setenv("INSIGHTS_SHOP", str(default_shop_path()))
    assert "no team of owners.yaml" in why_not(Settings())
