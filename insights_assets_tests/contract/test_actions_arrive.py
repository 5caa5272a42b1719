"""The stage's assets with Jira and Slack connected: ticket, evidence and alert where people work, once, and nobody's data in them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from insights_assets.actions.tables import ACTION_TICKETS, DELIVERIES
from insights_assets.shop import default_shop_path
from insights_assets_tests.actions.conftest import AS_OF
from insights_assets_tests.actions.test_assets import fill_lake
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, TOKEN
from insights_assets_tests.contract.slack_server import BOT_TOKEN, SlackServer
from insights_assets_tests.contract.vendor_server import Fault, lost_reply
from insights_assets_tests.house import TestHouse

SETUP = """\
jira: {issue_type: Task, priorities: {1: Highest}, transitions: {close: Done, reopen: Reopen}}
slack: {channels: {"#quality-alerts": C0QUALITY}}
promotion_feed: {product_id: "{sku}", excluded_destinations: [Shopping_ads]}
hold_webhook: off
"""


@pytest.fixture
def vendors() -> Iterator[tuple[JiraServer, SlackServer]]:
    with JiraServer() as jira, SlackServer() as slack:
        yield jira, slack
        assert jira.problems == [] and slack.problems == [] and slack.active == []


@pytest.fixture
def house(tmp_path: Path, spark: Any, vendors: tuple[JiraServer, SlackServer]) -> TestHouse:
    """Every team works in Jira and Slack."""
    shop = Path(shutil.copytree(default_shop_path(), tmp_path / "shop"))
    (shop / "destinations.yaml").write_text(SETUP)
    owners = shop / "owners.yaml"
    owners.write_text(owners.read_text().replace("destination: {tickets: desk, alerts: desk}", 'destination: {tickets: "jira:QUAL", alerts: "slack:#quality-alerts"}'))
    jira, slack = vendors
    made = TestHouse(
        tmp_path / "home", spark, as_of=AS_OF, shop=shop, jira_url=jira.url, jira_email=EMAIL, jira_token=TOKEN, slack_bot_token=BOT_TOKEN, slack_url=slack.api,
    )  # fmt: skip
    fill_lake(made)
    return made


def lamp(house: TestHouse) -> dict[str, Any]:
    return {row["kind"]: row for row in house.rows(ACTION_TICKETS) if row["insight_id"] == "INS-7f3a"}


@pytest.mark.slow
def test_ticket_evidence_and_alert_arrive_once_and_a_second_run_calls_nobody(house: TestHouse, vendors: tuple[JiraServer, SlackServer]) -> None:
    jira, slack = vendors
    house.run("actions")
    rows = lamp(house)
    issue = jira.issue(rows["defect_ticket"]["external_id"])
    assert sorted(one.fields["summary"].partition(":")[0] for one in jira.issues) == ["Arrived damaged", "Article draft to approve (English)", "Macro draft to approve (English)", "Promotion hold"]
    assert rows["defect_ticket"]["external_id"] == issue.key and rows["defect_ticket"]["state"] == "delivered"
    assert issue.fields["priority"] == {"name": "Highest"} and "41 customers in 6 days" in str(issue.fields["description"])
    (file,) = issue.files
    assert len(file["_bytes"].decode().splitlines()) == 42, "41 records and a heading"
    assert any("Arrived damaged" in message["text"] for message in slack.channels[0].messages)
    assert rows["notification"]["external_id"].startswith("C0QUALITY:")
    assert "GL-100" in (house.settings.home / "desk" / "holds" / "merchant_feed.tsv").read_text()
    said = jira.everything_said() + slack.everything_said() + str(file["_bytes"])
    assert "c-lamp00" not in said and TOKEN not in said and BOT_TOKEN not in said
    writes = [sum(call.method != "GET" for call in jira.calls), slack.count("POST", "/chat.postMessage") + slack.count("POST", "/chat.update")]
    house.run("actions", run_id="run-2")
    assert writes == [sum(call.method != "GET" for call in jira.calls), slack.count("POST", "/chat.postMessage") + slack.count("POST", "/chat.update")]
    assert len({row["delivery_id"] for row in house.rows(DELIVERIES)}) == len(house.rows(DELIVERIES))


@pytest.mark.slow
def test_a_vendor_that_fails_fails_no_run_and_nothing_is_sent_twice(house: TestHouse, vendors: tuple[JiraServer, SlackServer]) -> None:
    jira, slack = vendors
    jira.fail("POST", "/issue", lost_reply())
    slack.fail("POST", "/chat.postMessage", Fault("status", 503))
    steps = house.run("actions")
    outcomes = {outcome.name: outcome.passed for step in steps.values() for outcome in step.outcomes}
    assert outcomes["actions_have_owner_and_destination"]
    labels = [issue.fields["labels"][1] for issue in jira.issues]
    keys = [message["metadata"]["event_payload"]["key"] for message in slack.channels[0].messages]
    assert len(labels) == len(set(labels)) and len(keys) == len(set(keys))
    states = {row.state for row in house.operations.outbox.all()}
    assert "unknown" in states and "dead" not in states
