"""The real `slack_sdk` client over real HTTP against the stand-in: every method, and every way a call can end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from insights_assets.actions.destinations.port import NotSent, Refused, Unknown
from insights_assets.actions.destinations.slack import Slack
from insights_assets.actions.destinations.slack_calls import Calls, open_client
from insights_assets.shop.destinations_file import SlackSetup
from insights_assets_tests.contract.destination_cases import BUTTONS, SLACK_CASES, message
from insights_assets_tests.contract.slack_server import BOT_TOKEN, Channel, SlackServer
from insights_assets_tests.contract.vendor_server import Fault, lost_reply, rate_limited

CHANNEL = "#quality-alerts"


def connected(server: SlackServer, token: str = BOT_TOKEN, timeout: int = 20, **channels: str) -> Slack:
    return Slack(Calls(open_client(server.api, token, timeout)), SlackSetup({f"#{name}": number for name, number in channels.items()}))


def alert(**changes: Any) -> Any:
    return message(**{"place": CHANNEL, "kind": "notification", "buttons": BUTTONS, **changes})


@pytest.fixture
def server() -> Iterator[SlackServer]:
    """Every call of a test is held against Slack's published description and block limits; nothing in any message is active."""
    with SlackServer() as running:
        yield running
        assert running.problems == []
        assert running.active == []


@pytest.fixture
def slack(server: SlackServer) -> Slack:
    return connected(server)


@pytest.mark.parametrize("case", SLACK_CASES, ids=lambda case: case.__name__)
def test_the_cases_a_live_account_is_held_to(case: Callable[[Slack, str, float], None], slack: Slack) -> None:
    case(slack, CHANNEL, 0.0)


def test_what_a_message_holds(server: SlackServer, slack: Slack) -> None:
    made = alert()
    receipt = slack.create(made)
    sent = server.channels[0].messages[0]
    assert receipt.url == f"https://shop.slack.com/archives/C0QUALITY/p{sent['ts'].replace('.', '')}"
    assert sent["metadata"] == {"event_type": "insights_action", "event_payload": {"key": made.key, "action_id": made.action_id}}
    assert sent["text"].startswith("Tier 1: Arrived damaged")
    assert [block["type"] for block in sent["blocks"]] == ["rich_text", "context", "actions"]


def test_a_message_is_found_behind_many_others_and_not_before_its_time(server: SlackServer, slack: Slack) -> None:
    made = alert()
    slack.create(made)
    for _ in range(450):
        server.somebody_says(server.channels[0], "chatter")
    now = datetime.now(UTC)
    assert slack.find(made, now - timedelta(minutes=1)) is not None
    assert server.count("POST", "/conversations.history") == 3
    assert slack.find(made, now + timedelta(minutes=10)) is None
    assert slack.find(replace(made, key="b" * 64), now - timedelta(minutes=1)) is None


def test_somebody_else_s_metadata_is_not_ours(server: SlackServer, slack: Slack) -> None:
    made = alert()
    server.somebody_says(server.channels[0], "deployed", metadata={"event_type": "deploy", "event_payload": {"key": made.key}})
    assert slack.find(made, datetime.now(UTC) - timedelta(minutes=1)) is None


def test_channels_are_named_given_or_looked_up(server: SlackServer) -> None:
    connected(server, **{"quality-alerts": "C0SUPPLY1"}).create(alert())
    assert len(server.channels[1].messages) == 1 and server.count("POST", "/conversations.list") == 0
    server.channels[:0] = [Channel(f"C0MANY{number:04d}", f"many-{number}") for number in range(300)]
    slack = connected(server)
    slack.create(alert(place="#supply-alerts"))
    slack.create(alert(place="#supply-alerts"))
    assert server.count("POST", "/conversations.list") == 2, "two pages, once"
    assert len(server.channels[-1].messages) == 3


# -- how calls end -----------------------------------------------------------------------------------------------------------------

LOST = [
    lost_reply(), Fault("half_reply"), Fault("status", 500), Fault("status", 503), Fault("html"), Fault("slow", seconds=4.0),
    *(Fault("status", 200, body=f'{{"ok": false, "error": "{code}"}}') for code in ("internal_error", "fatal_error", "service_unavailable", "request_timeout")),
]  # fmt: skip


def hurried(slack: Slack, fault: Fault) -> None:
    """Where an answer is to come too late, the client waits a short time; elsewhere long enough for a busy machine."""
    if fault.kind == "slow":
        slack.calls.client.timeout = 2


@pytest.mark.parametrize("what", ["create", "reply", "update"])
@pytest.mark.parametrize("number", range(len(LOST)))
def test_a_write_whose_answer_is_lost_is_unknown_and_was_made_once(server: SlackServer, what: str, number: int) -> None:
    slack = connected(server)
    made = alert()
    parent = slack.create(made).external_id
    hurried(slack, LOST[number])
    path = "/chat.update" if what == "update" else "/chat.postMessage"
    before = server.count("POST", path)
    server.fail("POST", path, LOST[number])
    with pytest.raises(Unknown):
        slack.update(made, parent) if what == "update" else slack.create(replace(made, key="c" * 64, parent_id=parent if what == "reply" else ""))
    assert server.count("POST", path) == before + 1
    assert len(server.channels[0].messages) == (1 if what == "update" else 2)


@pytest.mark.parametrize("what", ["create", "update"])
def test_a_rate_limit_names_its_wait_and_nothing_was_written(server: SlackServer, slack: Slack, what: str) -> None:
    receipt = slack.create(alert())
    path = "/chat.update" if what == "update" else "/chat.postMessage"
    server.fail("POST", path, rate_limited("30"))
    with pytest.raises(NotSent) as found:
        slack.update(alert(), receipt.external_id) if what == "update" else slack.create(alert())
    assert found.value.retry_after == 30.0 and len(server.channels[0].messages) == 1


def test_the_pace_of_a_channel_is_answered_by_its_own_wait(server: SlackServer, slack: Slack) -> None:
    server.pace = True
    slack.create(alert())
    with pytest.raises(NotSent) as found:
        slack.create(alert())
    assert found.value.retry_after == 1.0
    server.advance(1.0)
    slack.create(alert())
    assert len(server.channels[0].messages) == 2


@pytest.mark.parametrize("number", range(len(LOST)))
def test_a_look_up_that_fails_is_not_an_answer(server: SlackServer, number: int) -> None:
    slack = connected(server)
    slack.channel_id(CHANNEL)
    hurried(slack, LOST[number])
    server.fail("POST", "/conversations.history", LOST[number])
    with pytest.raises(NotSent):
        slack.find(alert(), datetime.now(UTC))


def test_what_a_person_must_change_is_refused_in_words(server: SlackServer, slack: Slack) -> None:
    channel = server.channels[0]
    channel.is_archived = True
    with pytest.raises(Refused, match="archived"):
        slack.create(alert())
    channel.is_archived, channel.is_member = False, False
    with pytest.raises(Refused, match="/invite"):
        slack.create(alert())
    channel.is_member = True
    server.scopes.discard("chat:write")
    with pytest.raises(Refused, match=r"permission.*chat:write"):
        slack.create(alert())
    with pytest.raises(Refused, match="no channel #nowhere"):
        slack.create(alert(place="#nowhere"))
    with pytest.raises(Refused, match="evidence"):
        slack.create(alert(kind="evidence"))
    assert channel.messages == []


def test_a_deleted_message_is_refused(server: SlackServer, slack: Slack) -> None:
    receipt = slack.create(alert())
    server.channels[0].messages.clear()
    with pytest.raises(Refused, match="deleted"):
        slack.update(alert(), receipt.external_id)


def test_a_wrong_token_is_said_without_showing_it(server: SlackServer) -> None:
    slack = connected(server, token="xoxb-a-secret-that-is-wrong", **{"quality-alerts": "C0QUALITY"})
    with pytest.raises(Refused, match="INSIGHTS_SLACK_BOT_TOKEN") as found:
        slack.create(alert())
    assert "a-secret" not in str(found.value)


def test_nobody_there_is_not_sent() -> None:
    with pytest.raises(NotSent):
        Slack(Calls(open_client("http://127.0.0.1:9/", BOT_TOKEN)), SlackSetup()).create(alert(place="C0QUALITY"))


def test_an_error_nobody_knows_is_refused_with_its_name(server: SlackServer, slack: Slack) -> None:
    server.fail("POST", "/chat.postMessage", Fault("status", 200, carries_out=False, body='{"ok": false, "error": "a_new_error"}'))
    with pytest.raises(Refused, match="a_new_error"):
        slack.create(alert())
