"""`make live-jira` and `make live-slack`: a plain sentence without credentials, and the cases with them (here those of a stand-in)."""

from __future__ import annotations

import pytest

from insights_assets_tests.contract import live
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, TOKEN
from insights_assets_tests.contract.slack_server import BOT_TOKEN, SlackServer

JIRA = {"INSIGHTS_JIRA_EMAIL": EMAIL, "INSIGHTS_JIRA_TOKEN": TOKEN, "LIVE_JIRA_REOPEN": "Reopen"}


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JIRA_URL", "JIRA_EMAIL", "JIRA_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_URL", "SHOP"):
        monkeypatch.delenv(f"INSIGHTS_{name}", raising=False)
    monkeypatch.setattr(live, "PATIENCE", 3.0)


@pytest.mark.parametrize("service", ["jira", "slack"])
def test_without_credentials_it_says_that_nothing_was_tested(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert live.main(service, "TEST") == 0
    said = capsys.readouterr().out
    assert "not run" in said and "Nothing was tested against the real service" in said and "INSIGHTS_" in said


@pytest.mark.slow
def test_with_credentials_every_case_runs_and_tickets_are_closed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with JiraServer() as server:
        for name, value in {**JIRA, "INSIGHTS_JIRA_URL": server.url}.items():
            monkeypatch.setenv(name, value)
        assert live.main("jira", "QUAL") == 0
        assert {issue.status for issue in server.issues} == {"Closed"}
    assert capsys.readouterr().out.count("ok    ") == 5


@pytest.mark.slow
def test_slack_with_credentials_and_a_failure_that_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with SlackServer() as server:
        monkeypatch.setenv("INSIGHTS_SLACK_BOT_TOKEN", BOT_TOKEN)
        monkeypatch.setenv("INSIGHTS_SLACK_URL", server.api)
        monkeypatch.setattr("insights_assets_tests.contract.destination_cases.HOSTILE", ("<!channel>", "@here"))
        assert live.main("slack", "#quality-alerts") == 0
        assert capsys.readouterr().out.count("ok    ") == 3
        server.channels[0].is_archived = True
        assert live.main("slack", "#quality-alerts") == 1
        assert "archived" in capsys.readouterr().out
