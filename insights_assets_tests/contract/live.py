"""The cases of the stand-ins against real accounts: `make live-jira PROJECT=TEST`, `make live-slack CHANNEL="#insights-test"`.

Belongs here: taking credentials from the product's own settings, running each case, saying what came of it. Does not belong here: the
cases (`destination_cases.py`). Without credentials it says so and ends well: nothing was tested then, and it does not claim otherwise.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from insights_assets.actions.destinations.examine import examine_jira, examine_slack
from insights_assets.actions.destinations.jira import Jira
from insights_assets.actions.destinations.port import Message, NotSent, Receipt, Refused, Unknown
from insights_assets.actions.destinations.slack import Slack
from insights_assets.settings import Settings
from insights_assets.shop import load_shop
from insights_assets.shop.destinations_file import JiraSetup, SlackSetup
from insights_assets_tests.contract.destination_cases import JIRA_CASES, SLACK_CASES

#: Jira's search may lag this long before a case gives up.
PATIENCE = 120.0


class LiveJira(Jira):
    """Remembers the tickets it made, so that they are closed at the end."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.made: list[str] = []

    def create(self, message: Message) -> Receipt:
        receipt = super().create(message)
        if not message.parent_id:
            self.made.append(receipt.external_id)
        return receipt


def main(service: str, place: str) -> int:
    settings = Settings()
    needed = {"jira": ("jira_url", "jira_email", "jira_token"), "slack": ("slack_bot_token",)}[service]
    unset = [f"INSIGHTS_{name.upper()}" for name in needed if not getattr(settings, name)]
    if not place:
        unset.append({"jira": "PROJECT=<key of a project for tests>", "slack": 'CHANNEL="#a-channel-for-tests"'}[service])
    if unset:
        print(f"live-{service}: not run, because {', '.join(unset)} {'is' if len(unset) == 1 else 'are'} not given. Nothing was tested against the real service;")
        print("the same cases run against a stand-in in `make test`.")
        return 0
    return _jira(settings, place) if service == "jira" else _slack(settings, place)


def _jira(settings: Settings, project: str) -> int:
    from insights_assets.actions.destinations.jira_calls import Calls, open_client

    assert settings.jira_url and settings.jira_email and settings.jira_token
    shop = load_shop(settings.shop)
    setup = shop.destinations.jira or JiraSetup(
        os.environ.get("LIVE_JIRA_TYPE", "Task"), close=os.environ.get("LIVE_JIRA_CLOSE", "Done"), reopen=os.environ.get("LIVE_JIRA_REOPEN", "To Do")
    )
    jira = LiveJira(Calls(open_client(settings.jira_url, settings.jira_email, settings.jira_token.get_secret_value())), setup, shop.zone)
    if not _examined(lambda: examine_jira(jira, (project,))):
        return 1
    failed = _run(JIRA_CASES, jira, project)
    for key in jira.made:
        try:
            jira.close(key)
        except (NotSent, Unknown, Refused) as fault:
            print(f"{key} could not be closed: {fault}")
    return failed


def _slack(settings: Settings, channel: str) -> int:
    from insights_assets.actions.destinations.slack_calls import Calls, open_client

    assert settings.slack_bot_token
    setup = load_shop(settings.shop).destinations.slack or SlackSetup()
    slack = Slack(Calls(open_client(settings.slack_url, settings.slack_bot_token.get_secret_value())), setup)
    return 1 if not _examined(lambda: examine_slack(slack, (channel,), bool(settings.slack_app_token))) else _run(SLACK_CASES, slack, channel)


def _examined(ask: Callable[[], str]) -> bool:
    try:
        print(ask())
        return True
    except (NotSent, Refused) as fault:
        print(f"FAIL  {fault}")
        return False


def _run(cases: tuple[Callable[..., None], ...], destination: Any, place: str) -> int:
    """Each case, with its time; 1 where any failed."""
    failed = 0
    for case in cases:
        began = time.monotonic()
        try:
            case(destination, place, PATIENCE)
            print(f"ok    {case.__name__.replace('_', ' ')} ({time.monotonic() - began:.0f} s)")
        except Exception as error:  # noqa: BLE001 - the next case is run all the same
            failed = 1
            print(f"FAIL  {case.__name__.replace('_', ' ')}: {type(error).__name__}: {error}")
            traceback.print_exc(limit=3)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
