"""The outbox with the real Jira and Slack clients: every crash point x lost reply x late search, none twice and none missing.

The count is the vendors' own ledger. Beside it the naive order under the same faults, which does write twice: the test can fail.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions import outbox
from insights_assets.actions.destinations.jira import Jira
from insights_assets.actions.destinations.jira_calls import Calls as JiraCalls
from insights_assets.actions.destinations.jira_calls import open_client as open_jira
from insights_assets.actions.destinations.port import Destination, Message, NotSent, Unknown
from insights_assets.actions.destinations.slack import Slack
from insights_assets.actions.destinations.slack_calls import Calls as SlackCalls
from insights_assets.actions.destinations.slack_calls import open_client as open_slack
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.shop.destinations_file import JiraSetup, SlackSetup
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, TOKEN
from insights_assets_tests.contract.slack_server import BOT_TOKEN, SlackServer
from insights_assets_tests.contract.vendor_server import Fault, VendorServer, lost_reply, rate_limited

FAULTS: dict[str, list[Fault]] = {
    "none": [], "lost": [lost_reply()], "half": [Fault("half_reply")], "html": [Fault("html")], "503 done": [Fault("status", 503)], "502 not done": [Fault("status", 502, carries_out=False)],
    "429": [rate_limited("3")], "429, then lost": [rate_limited("2"), lost_reply()], "lost twice": [lost_reply(), lost_reply()],
}  # fmt: skip
LAGS = (0.0, 45.0, 100.0)


class Crashed(BaseException):
    """The worker died here."""


def messages(number: int, place: str) -> list[Message]:
    return [
        Message(key=hashlib.sha256(f"{place} {n}".encode()).hexdigest(), action_id=f"ACT-{n}", insight_id=f"INS-{n}", kind="notification" if "#" in place else "defect_ticket",
                tier=n % 3 + 1, owner="quality", title=f"Issue {n}", body=f"Body of {n}", place=place)
        for n in range(number)
    ]  # fmt: skip


def deaths(made: list[Message]) -> dict[str, list[str]]:
    """Each message dies at a crash point of its own, some at two, before it arrives."""
    points = [point for point in outbox.CRASH_POINTS if not point.startswith(("recover", "claim:before"))]
    return {m.key: [points[n % len(points)], *([points[(n * 5 + 2) % len(points)]] if n % 3 == 0 else [])] for n, m in enumerate(made)}


def settle(server: VendorServer, operations: Operations, destination: Destination, made: list[Message]) -> int:
    """Workers that die, one after the other, until everything has arrived; gives how many died."""
    planned = deaths(made)
    died = 0

    def crash(point: str, key: str) -> None:
        if planned.get(key) and planned[key][0] == point:
            planned[key].pop(0)
            raise Crashed(point)

    by_key = {message.key: message for message in made}
    for worker in range(3000):
        try:
            outbox.drain(operations, {destination.name: destination}, by_key, worker=f"w{worker}", run_id="r", crash=crash, sleep=server.advance)
        except Crashed:
            died += 1
        if all(row.state == "delivered" for row in operations.outbox.all()):
            return died
        server.advance(20.0)
    raise AssertionError({row.idempotency_key[:6]: (row.state, row.last_error) for row in operations.outbox.all() if row.state != "delivered"})


def want(operations: Operations, destination: Destination, made: list[Message]) -> None:
    outbox.want(operations, [outbox.Outgoing(m, f"{destination.name}:{m.place}", m.tier) for m in made], {destination.name: destination})


def database(tmp_path: Path, server: VendorServer) -> Operations:
    found = open_operations(tmp_path / "operations.db", clock=lambda: datetime.fromtimestamp(server.now(), UTC))
    found.migrate()
    return found


def plan(server: VendorServer, path: str, mark: Callable[[Message], str], made: list[Message]) -> None:
    kinds = list(FAULTS.values())
    server.planned = {(path, mark(message)): list(kinds[n % len(kinds)]) for n, message in enumerate(made)}


def jira_of(server: JiraServer) -> Jira:
    return Jira(JiraCalls(open_jira(server.url, EMAIL, TOKEN)), JiraSetup("Task", close="Done"), ZoneInfo("UTC"))


def slack_of(server: SlackServer) -> Slack:
    return Slack(SlackCalls(open_slack(server.api, BOT_TOKEN)), SlackSetup({"#quality-alerts": "C0QUALITY"}))


@pytest.mark.slow
@pytest.mark.parametrize("lag", LAGS)
def test_every_ticket_is_in_jira_once(lag: float, tmp_path: Path) -> None:
    made = messages(40, "QUAL")
    with JiraServer(lag=lag) as server:
        plan(server, "/issue", lambda m: m.fingerprint, made)
        operations = database(tmp_path, server)
        jira = jira_of(server)
        want(operations, jira, made)
        assert settle(server, operations, jira, made) > 10
        counted = Counter(issue.fields["labels"][1] for issue in server.issues)
        keys = {row.idempotency_key: row.external_id for row in operations.outbox.all()}
        operations.close()
        assert server.problems == []
    assert counted == {message.fingerprint: 1 for message in made}
    assert {keys[m.key] for m in made} == {issue.key for issue in server.issues}, "each row names its own ticket"


@pytest.mark.slow
def test_every_message_is_in_slack_once(tmp_path: Path) -> None:
    made = messages(40, "#quality-alerts")
    with SlackServer() as server:
        plan(server, "/chat.postMessage", lambda m: m.key, made)
        operations = database(tmp_path, server)
        slack = slack_of(server)
        want(operations, slack, made)
        assert settle(server, operations, slack, made) > 10
        counted = Counter(message["metadata"]["event_payload"]["key"] for message in server.channels[0].messages)
        operations.close()
        assert server.problems == [] and server.active == []
    assert counted == {message.key: 1 for message in made}


@pytest.mark.slow
def test_the_naive_order_under_the_same_faults_writes_twice() -> None:
    """Send, and try again on a fault: what the outbox is for."""

    def naive(destination: Any, made: list[Message]) -> None:
        for message in made:
            for _ in range(5):
                try:
                    destination.create(message)
                    break
                except (NotSent, Unknown):
                    continue

    made, alerts = messages(18, "QUAL"), messages(18, "#quality-alerts")
    with JiraServer() as server, SlackServer() as workspace:
        plan(server, "/issue", lambda m: m.fingerprint, made)
        plan(workspace, "/chat.postMessage", lambda m: m.key, alerts)
        naive(jira_of(server), made)
        naive(slack_of(workspace), alerts)
        assert len(server.issues) > len(made) and len(workspace.channels[0].messages) > len(alerts)
