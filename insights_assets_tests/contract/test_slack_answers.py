"""What people press in Slack comes back as answers, once each: the real client over a real WebSocket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from insights_assets.actions.destinations.port import Button
from insights_assets.actions.destinations.slack import Slack
from insights_assets.actions.destinations.slack_answers import FAILED, Listener, answer_of
from insights_assets.actions.destinations.slack_calls import Calls as SlackCalls
from insights_assets.actions.destinations.slack_calls import open_client as open_slack
from insights_assets.shop.destinations_file import SlackSetup
from insights_assets_tests.contract.destination_cases import message
from insights_assets_tests.contract.slack_server import APP_TOKEN, BOT_TOKEN, SlackServer
from insights_assets_tests.contract.slack_server import PERSON as SLACK_PERSON
from insights_assets_tests.contract.taking import Inbox

PRESS = (Button("confirm", "Right", "INS-1", "one-shot"), Button("dismiss", "Wrong", "INS-1", "another"), Button("duplicate", "Same", "INS-1"))


@pytest.fixture
def workspace() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running
        assert running.problems == []
        assert running.active == []


def soon(holds: Callable[[], Any], seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def listening(workspace: SlackServer) -> Iterator[Callable[..., tuple[Listener, str, str]]]:
    """A listener with one message to press on; gives it with the message's channel and time stamp."""
    running: list[Listener] = []

    def start(inbox: Inbox, people: dict[str, str] | None = None) -> tuple[Listener, str, str]:
        calls = SlackCalls(open_slack(workspace.api, BOT_TOKEN, 5))
        receipt = Slack(calls, SlackSetup()).create(message(place="#quality-alerts", kind="notification", buttons=PRESS))
        listener = Listener(calls, APP_TOKEN, inbox, people or {})
        listener.start()
        running.append(listener)
        soon(workspace.is_listened_to)
        channel, _, stamp = receipt.external_id.partition(":")
        return listener, channel, stamp

    yield start
    for listener in running:
        listener.stop()


def test_a_press_is_acknowledged_taken_and_shown(workspace: SlackServer, listening: Any) -> None:
    inbox = Inbox("INS-1 is confirmed by quality.lead")
    _, channel, stamp = listening(inbox)
    before = dict(workspace.channels[0].messages[0])
    envelope = workspace.press(channel, stamp)
    soon(lambda: workspace.count("POST", "/chat.update"))
    assert workspace.acknowledged == [envelope]
    (answer,) = inbox.handed
    assert (answer.act, answer.subject, answer.token, answer.through) == ("confirm", "INS-1", "one-shot", "slack")
    assert answer.person == "quality.lead@shop.example"
    shown = workspace.channels[0].messages[0]
    assert [block["type"] for block in shown["blocks"]] == ["rich_text", "context", "context"]
    assert shown["blocks"][-1]["elements"][0]["text"] == "INS-1 is confirmed by quality.lead (quality.lead(at)shop.example)"
    assert shown["metadata"] == before["metadata"], "it is still found by its key"


def test_the_same_press_delivered_twice_has_one_name(workspace: SlackServer, listening: Any) -> None:
    inbox = Inbox()
    _, channel, stamp = listening(inbox)
    kept = list(workspace.channels[0].messages[0]["blocks"])
    envelope = workspace.press(channel, stamp, action_ts="1700000000.000200")
    soon(lambda: workspace.count("POST", "/chat.update") == 1)
    workspace.channels[0].messages[0]["blocks"] = kept
    workspace.press(channel, stamp, envelope=envelope, action_ts="1700000000.000200")
    soon(lambda: workspace.count("POST", "/chat.update") == 2)
    assert len(inbox.handed) == 2 and len(inbox.taken) == 1


def test_what_may_not_be_done_is_told_to_the_person_alone_and_the_buttons_stay(workspace: SlackServer, listening: Any) -> None:
    _, channel, stamp = listening(Inbox("only Quality may decide <!channel>", takes=False))
    workspace.press(channel, stamp)
    soon(lambda: workspace.whispered)
    assert workspace.whispered == [(SLACK_PERSON, "only Quality may decide &lt;!channel&gt;")]
    assert workspace.channels[0].messages[0]["blocks"][-1]["type"] == "actions"


def test_a_press_that_could_not_be_carried_out_is_said_and_can_be_pressed_again(workspace: SlackServer, listening: Any) -> None:
    inbox = Inbox()
    inbox.fails = True
    _, channel, stamp = listening(inbox)
    workspace.press(channel, stamp)
    soon(lambda: workspace.whispered)
    assert workspace.whispered[0][1] == FAILED
    inbox.fails = False
    workspace.press(channel, stamp)
    soon(lambda: inbox.handed)


def test_a_dismissal_has_a_reason_and_a_duplicate_none(workspace: SlackServer, listening: Any) -> None:
    inbox = Inbox(takes=False)
    _, channel, stamp = listening(inbox)
    for number in (1, 2):
        workspace.press(channel, stamp, number)
        soon(lambda number=number: len(inbox.handed) == number)
    assert [(one.act, one.reason) for one in inbox.handed] == [("dismiss", "by button in Slack"), ("duplicate", "")]


def test_a_person_without_an_address_is_named_by_the_shop_or_by_the_id(workspace: SlackServer, listening: Any) -> None:
    workspace.scopes.discard("users:read.email")
    inbox = Inbox(takes=False)
    listener, channel, stamp = listening(inbox)
    workspace.press(channel, stamp)
    soon(lambda: inbox.handed)
    assert inbox.handed[0].person == SLACK_PERSON
    other = Listener(listener.calls, APP_TOKEN, inbox, {SLACK_PERSON: "quality.lead@shop.example"})
    assert other.address(SLACK_PERSON) == "quality.lead@shop.example"
    workspace.scopes.discard("users:read")
    assert Listener(listener.calls, APP_TOKEN, inbox, {}).address("U0UNKNOWN") == "U0UNKNOWN"


def test_a_lost_connection_is_opened_again(workspace: SlackServer, listening: Any) -> None:
    inbox = Inbox()
    _, channel, stamp = listening(inbox)
    for socket in list(workspace._sockets):
        socket.close()
    soon(lambda: not workspace.is_listened_to())
    soon(workspace.is_listened_to, 20.0)
    workspace.press(channel, stamp)
    soon(lambda: inbox.handed)


def test_what_is_no_press_of_ours_is_nothing() -> None:
    press: dict[str, Any] = {"type": "block_actions", "user": {"id": "U1"}, "container": {"channel_id": "C1", "message_ts": "1.2"},
                             "actions": [{"block_id": "insights_buttons", "value": '["confirm","INS-1",""]', "action_ts": "3.4"}]}  # fmt: skip
    at = datetime(2026, 11, 23, tzinfo=UTC)
    found = answer_of(press, "a@b", at)
    assert found is not None and found.event_id == "slack:C1:1.2:U1:3.4"
    for wrong in (
        {**press, "type": "view_submission"}, {**press, "actions": []}, {**press, "actions": press["actions"] * 2},
        {**press, "actions": [{**press["actions"][0], "block_id": "others"}]}, {**press, "actions": [{**press["actions"][0], "value": "confirm"}]},
    ):  # fmt: skip
        assert answer_of(wrong, "a@b", at) is None
