"""A click in Slack and a move in Jira, through the product's own inbox, to what they change: holds, verdicts, stamps, desired state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions import approvals, inbox
from insights_assets.actions.destinations.jira import Jira
from insights_assets.actions.destinations.jira_answers import look
from insights_assets.actions.destinations.jira_calls import Calls as JiraCalls
from insights_assets.actions.destinations.jira_calls import open_client as open_jira
from insights_assets.actions.destinations.slack import Slack
from insights_assets.actions.destinations.slack_answers import Listener
from insights_assets.actions.destinations.slack_calls import Calls as SlackCalls
from insights_assets.actions.destinations.slack_calls import open_client as open_slack
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.shop import Shop, load_shop
from insights_assets.shop.destinations_file import Destinations, SlackSetup
from insights_assets_tests.contract.destination_cases import message
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, TOKEN
from insights_assets_tests.contract.slack_server import APP_TOKEN, BOT_TOKEN, SlackServer
from insights_assets_tests.contract.taking import SETUP

DAY = date(2026, 11, 23)
STRANGER = "U0STRANGE"


@pytest.fixture(scope="module")
def shop() -> Shop:
    return load_shop()


@pytest.fixture
def operations(tmp_path: Path) -> Iterator[Operations]:
    found = open_operations(tmp_path / "operations.db", clock=lambda: datetime.now(UTC))
    found.migrate()
    found.record_publication("run-1", DAY, {})
    yield found
    found.close()


def soon(holds: Callable[[], Any], seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def action(kind: str, action_id: str = "ACT-1") -> dict[str, Any]:
    return {"action_id": action_id, "insight_id": "INS-1", "kind": kind, "tier": 1, "owner": "quality"}


def test_a_hold_is_placed_and_released_by_buttons_and_a_right_counts_once(operations: Operations, shop: Shop, tmp_path: Path) -> None:
    operations.holds.make("H-1", "ACT-1", "INS-1", ["GL-100"], reason="glass", by="policy", revenue_share=None, placed_on=None, expires_on=None)
    with SlackServer() as server:
        server.people[STRANGER] = ("sam", "sam@elsewhere.example")
        calls = SlackCalls(open_slack(server.api, BOT_TOKEN, 5))
        slack = Slack(calls, SlackSetup())
        buttons = approvals.buttons_of(operations, shop, action("promo_hold"), is_interactive=True)
        assert [button.act for button in buttons] == ["place"] and buttons[0].token
        made = message(place="#quality-alerts", kind="promo_hold", buttons=buttons)
        channel, _, stamp = slack.create(made).external_id.partition(":")
        kept = list(server.channels[0].messages[0]["blocks"])
        listener = Listener(calls, APP_TOKEN, lambda answer: inbox.take(operations, shop, answer, home=tmp_path), {})
        listener.start()
        try:
            soon(server.is_listened_to)
            server.press(channel, stamp, by=STRANGER)
            soon(lambda: server.whispered)
            assert operations.holds.all()[0].state == "proposed" and "no team of owners.yaml names" in server.whispered[0][1]
            server.press(channel, stamp)
            soon(lambda: operations.holds.all()[0].state == "active")
            soon(lambda: server.count("POST", "/chat.update"))
            assert "GL-100" in (tmp_path / "desk" / "holds.csv").read_text()
            assert "H-1 holds" in server.channels[0].messages[0]["blocks"][-1]["elements"][0]["text"]
            operations.holds.release("H-1", by="quinn", reason="mended")
            server.channels[0].messages[0]["blocks"] = kept  # somebody kept the old message open
            server.press(channel, stamp)
            soon(lambda: len(server.whispered) == 2)
            assert operations.holds.all()[0].state == "released", "a right that was used is worth nothing"
        finally:
            listener.stop()
        assert server.problems == [] and server.active == []


def test_moves_in_jira_are_stamped_and_judge_the_insight_once(operations: Operations, shop: Shop) -> None:
    made = message(place="QUAL", action_id="ACT-1", insight_id="INS-1")
    operations.outbox.want([{"idempotency_key": made.key, "action_id": "ACT-1", "insight_id": "INS-1", "kind": "defect_ticket", "destination": "jira:QUAL",
                             "payload": {"sha256": "x"}}])  # fmt: skip
    with JiraServer() as server:
        jira = Jira(JiraCalls(open_jira(server.url, EMAIL, TOKEN)), SETUP, ZoneInfo("UTC"))
        key = jira.create(made).external_id
        reads: Any = SimpleNamespace(destinations=Destinations(jira=SETUP))

        def take(answer: inbox.Answer) -> inbox.Outcome:
            return inbox.take(operations, shop, answer, known_insights=["INS-1"])

        server.person_moves(key, "Acknowledged")
        server.person_moves(key, "Not an issue")
        for _ in range(3):
            look(operations, reads, jira, take)
        assert server.problems == []
    verdicts = operations.verdicts.history()
    assert [(one.verdict, one.reason, one.given_by) for one in verdicts] == [("dismissed", "moved to Not an issue in Jira", "quality.lead@shop.example")]
    assert {stage: stamp.by for stage, stamp in operations.answers.stamps()["ACT-1"].items()} == {"acknowledge": "quality.lead@shop.example"}
