"""What follows a ticket in Jira, through the outbox and the real client: evidence once, coming back each time, the earlier ticket linked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions.destinations.jira import Jira
from insights_assets.actions.destinations.jira_calls import Calls, open_client
from insights_assets.actions.destinations.port import Refused
from insights_assets.actions.follow_ups import follow_ups
from insights_assets.actions.outbox import Outgoing, drain, want
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.shop.destinations_file import JiraSetup
from insights_assets_tests.actions.conftest import complaint_records
from insights_assets_tests.contract.destination_cases import message
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, TOKEN

EVIDENCE = {"INS-1": complaint_records(4)}


@pytest.fixture
def server() -> Iterator[JiraServer]:
    with JiraServer() as running:
        yield running
        assert running.problems == []


@pytest.fixture
def jira(server: JiraServer) -> Jira:
    return Jira(Calls(open_client(server.url, EMAIL, TOKEN)), JiraSetup("Task", close="Done", reopen="Reopen"), ZoneInfo("UTC"))


@pytest.fixture
def operations(tmp_path: Path, server: JiraServer) -> Iterator[Operations]:
    found = open_operations(tmp_path / "operations.db", clock=lambda: datetime.fromtimestamp(server.now(), UTC))
    found.migrate()
    yield found
    found.close()


def ticket(number: int = 1) -> Outgoing:
    return Outgoing(message(key=f"{number:064x}", place="QUAL", action_id=f"ACT-{number}", insight_id=f"INS-{number}"), "jira:QUAL", 1)


def row(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {"action_id": f"ACT-{number}", "issue_state": "open", "reopened_count": 0, "links_to": None, **changes}


def run(operations: Operations, jira: Jira, tickets: list[Outgoing], rows: list[dict[str, Any]], evidence: Any = EVIDENCE) -> list[Outgoing]:
    """One run, as the asset does it."""
    more = follow_ups(tickets, rows, operations.outbox.all(), evidence)
    want(operations, [*tickets, *more], {"jira": jira})
    for _ in range(3):
        drain(operations, {"jira": jira}, {item.message.key: item.message for item in [*tickets, *more]}, worker="w", run_id="r")
    return more


def test_evidence_follows_its_ticket_once(server: JiraServer, jira: Jira, operations: Operations) -> None:
    run(operations, jira, [ticket()], [row()])
    assert [len(issue.files) for issue in server.issues] == [1]
    later = {"INS-1": complaint_records(8)}
    assert run(operations, jira, [ticket()], [row()], later) == []
    assert len(server.issues[0].files) == 1 and server.count("POST", "/attachments") == 1


def test_each_coming_back_opens_the_ticket_once(server: JiraServer, jira: Jira, operations: Operations) -> None:
    run(operations, jira, [ticket()], [row()])
    server.person_moves("QUAL-1", "Closed")
    for _ in range(2):
        run(operations, jira, [ticket()], [row(issue_state="reopened", reopened_count=1)])
    assert server.issues[0].status == "Open" and len(server.issues[0].comments) == 1
    server.person_moves("QUAL-1", "Closed")
    run(operations, jira, [ticket()], [row(issue_state="reopened", reopened_count=1)])
    assert server.issues[0].status == "Closed", "what a person closed stays closed until it comes back once more"
    run(operations, jira, [ticket()], [row(issue_state="reopened", reopened_count=2)])
    assert server.issues[0].status == "Open" and "2nd time" in str(server.issues[0].comments[1]["body"])
    assert len(server.issues) == 1


def test_a_new_ticket_names_the_earlier_one_that_it_repeats(server: JiraServer, jira: Jira, operations: Operations) -> None:
    run(operations, jira, [ticket(1)], [row(1)])
    for _ in range(2):
        run(operations, jira, [ticket(1), ticket(2)], [row(1), row(2, links_to="INS-1")])
    assert [link["outwardIssue"]["key"] for link in server.issue("QUAL-2").links] == ["QUAL-1"]
    assert len(server.issue("QUAL-2").comments) == 1


def test_nothing_follows_an_alert_a_file_or_an_unknown_earlier_ticket(operations: Operations) -> None:
    desk, alert = replace(ticket(), destination="desk"), replace(ticket(), destination="slack:#q")
    assert follow_ups([desk, alert], [row(reopened_count=1, links_to="INS-9")], [], EVIDENCE) == []
    assert follow_ups([ticket()], [row(links_to="INS-9")], [], {}) == []


def test_what_follows_a_ticket_that_never_arrived_makes_none_of_its_own(server: JiraServer, jira: Jira) -> None:
    (proof,) = follow_ups([ticket()], [row()], [], EVIDENCE)
    (back,) = follow_ups([ticket()], [row(reopened_count=1)], [], {})
    for item in (proof, back):
        with pytest.raises(Refused, match="never arrived"):
            jira.create(item.message)
    assert server.issues == []
