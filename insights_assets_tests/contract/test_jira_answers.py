"""What people do to tickets in Jira comes back as answers, once each, whatever search shows when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions.destinations.jira import Jira
from insights_assets.actions.destinations.jira_answers import SINCE, Ticket, known_tickets, look, read_back
from insights_assets.actions.destinations.jira_calls import Calls as JiraCalls
from insights_assets.actions.destinations.jira_calls import open_client as open_jira
from insights_assets.actions.destinations.port import Message, NotSent
from insights_assets.actions.inbox import Answer
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.shop.destinations_file import Destinations
from insights_assets_tests.contract.destination_cases import message
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, PERSON, TOKEN
from insights_assets_tests.contract.taking import SETUP, Inbox
from insights_assets_tests.contract.vendor_server import Fault

NOBODY: dict[str, str] = {}


@pytest.fixture
def server() -> Iterator[JiraServer]:
    with JiraServer() as running:
        yield running
        assert running.problems == []


@pytest.fixture
def jira(server: JiraServer) -> Jira:
    return Jira(JiraCalls(open_jira(server.url, EMAIL, TOKEN)), SETUP, ZoneInfo("Europe/Berlin"))


def sent(jira: Jira, number: int = 1) -> tuple[str, dict[str, Ticket]]:
    made = message(place="QUAL", action_id=f"ACT-{number}", insight_id=f"INS-{number}")
    return jira.create(made).external_id, {made.fingerprint: Ticket(made.action_id, made.insight_id)}


def read(jira: Jira, tickets: dict[str, Ticket], people: dict[str, str] = NOBODY, since: timedelta = timedelta(minutes=5)) -> list[Answer]:
    now = datetime.now(UTC)
    return read_back(jira, tickets, now - since, now, people)


def test_each_move_of_a_person_means_what_the_shop_says(server: JiraServer, jira: Jira) -> None:
    key, tickets = sent(jira)
    for status in ("Acknowledged", "In Progress", "Fixed", "Closed"):
        server.person_moves(key, status)
    answers = read(jira, tickets)
    assert [(one.act, one.subject) for one in answers] == [("acknowledge", "ACT-1"), ("start", "ACT-1"), ("fix", "ACT-1"), ("close", "ACT-1")]
    assert {one.person for one in answers} == {"quality.lead@shop.example"} and {one.through for one in answers} == {"jira"}
    assert len({one.event_id for one in answers}) == 4
    assert [one.event_id for one in read(jira, tickets)] == [one.event_id for one in answers], "the same changes have the same names"


def test_a_verdict_is_about_the_insight_and_has_a_reason(server: JiraServer, jira: Jira) -> None:
    key, tickets = sent(jira)
    server.person_moves(key, "Not an issue", resolution="Won't Do")
    (answer,) = read(jira, tickets)
    assert (answer.act, answer.subject, answer.reason) == ("dismiss", "INS-1", "moved to Not an issue in Jira")


def test_closed_with_a_resolution_is_both(server: JiraServer, jira: Jira) -> None:
    key, tickets = sent(jira)
    server.person_moves(key, "Closed", resolution="Won't Do")
    assert sorted(one.act for one in read(jira, tickets)) == ["close", "dismiss"]


def test_a_duplicate_names_the_insight_of_the_linked_ticket(server: JiraServer, jira: Jira) -> None:
    (first, known), (second, more) = sent(jira, 1), sent(jira, 2)
    jira.calls.link(second, first, "Duplicate")
    server.person_moves(second, "Closed", resolution="Duplicate")
    duplicate = next(one for one in read(jira, {**known, **more}) if one.act == "duplicate")
    assert (duplicate.subject, duplicate.reason) == ("INS-2", "INS-1")
    server.person_moves(first, "Closed", resolution="Duplicate")
    server.issues[0].links.clear()
    assert next(one for one in read(jira, {**known, **more}) if one.subject == "INS-1").reason == "", "without a link it names none"


def test_the_house_s_own_moves_are_no_answers(server: JiraServer, jira: Jira) -> None:
    key, tickets = sent(jira)
    jira.close(key)
    jira.reopen(key)
    assert read(jira, tickets) == []


def test_other_people_s_tickets_and_columns_are_left_alone(server: JiraServer, jira: Jira) -> None:
    key, tickets = sent(jira)
    server.person_moves(key, "Open")
    assert read(jira, tickets) == []
    server.person_moves(key, "Fixed")
    assert read(jira, {}) == []


def test_what_is_done_to_a_clone_is_about_something_else(server: JiraServer, jira: Jira) -> None:
    key, tickets = sent(jira)
    server.person_moves(server.person_clones(key), "Not an issue")
    assert read(jira, tickets) == []


def test_a_ticket_that_another_account_of_ours_made_is_still_read(server: JiraServer, jira: Jira) -> None:
    key, tickets = sent(jira)
    server.issues[0].creator = "557058:former-bot"
    server.person_moves(key, "Fixed")
    assert read(jira, tickets) == []
    named = {mark: Ticket(one.action_id, one.insight_id, key) for mark, one in tickets.items()}
    assert [one.act for one in read(jira, named)] == ["fix"]


def test_an_account_without_an_address_is_named_by_the_shop_or_by_its_id(server: JiraServer, jira: Jira) -> None:
    server.shows_addresses = False
    key, tickets = sent(jira)
    server.person_moves(key, "Fixed")
    assert [one.person for one in read(jira, tickets)] == [PERSON]
    assert [one.person for one in read(jira, tickets, {PERSON: "quality.lead@shop.example"})] == ["quality.lead@shop.example"]


def test_a_long_history_is_read_to_its_end_and_no_further_back_than_asked(server: JiraServer, jira: Jira) -> None:
    key, tickets = sent(jira)
    for number in range(130):
        server.person_moves(key, "Fixed" if number % 2 else "In Progress")
    assert len(read(jira, tickets)) == 130
    server.advance(3600)
    server.person_moves(key, "Closed")
    now = datetime.now(UTC) + timedelta(hours=1)
    assert [one.act for one in read_back(jira, tickets, now - timedelta(minutes=1), now, {})] == ["close"]


def shop() -> Any:
    return SimpleNamespace(destinations=Destinations(jira=SETUP))


@pytest.fixture
def operations(tmp_path: Path) -> Iterator[Operations]:
    found = open_operations(tmp_path / "operations.db", clock=lambda: datetime.now(UTC))
    found.migrate()
    yield found
    found.close()


def wanted(operations: Operations, made: Message) -> None:
    operations.outbox.want([{"idempotency_key": made.key, "action_id": made.action_id, "insight_id": made.insight_id, "kind": made.kind,
                             "destination": "jira:QUAL", "payload": {"sha256": "x"}}])  # fmt: skip


def test_a_look_that_fails_is_made_again_and_nothing_is_lost(server: JiraServer, jira: Jira, operations: Operations) -> None:
    made = message(place="QUAL")
    wanted(operations, made)
    key = jira.create(made).external_id
    inbox = Inbox()
    assert str(look(operations, shop(), jira, inbox)) == "nothing new in Jira"
    server.person_moves(key, "Acknowledged")
    kept = operations.facts.get(SINCE)
    server.fail("GET", "/changelog", Fault("status", 503))
    with pytest.raises(NotSent):
        look(operations, shop(), jira, inbox)
    assert operations.facts.get(SINCE) == kept and inbox.handed == []
    assert str(look(operations, shop(), jira, inbox)) == "1 answers taken"
    look(operations, shop(), jira, inbox)
    assert len(inbox.handed) == 2 and len(inbox.taken) == 1, "read twice because search lags, taken once by its name"


def test_a_change_that_search_shows_late_is_still_read(server: JiraServer, jira: Jira, operations: Operations) -> None:
    made = message(place="QUAL")
    wanted(operations, made)
    key = jira.create(made).external_id
    inbox = Inbox()
    look(operations, shop(), jira, inbox)
    server.lag = 30.0
    server.person_moves(key, "Fixed")
    look(operations, shop(), jira, inbox)
    assert inbox.handed == []
    server.advance(40.0)
    look(operations, shop(), jira, inbox)
    assert [one.act for one in inbox.handed] == ["fix"]


def test_a_look_closes_what_stands_twice(server: JiraServer, jira: Jira, operations: Operations) -> None:
    made = message(place="QUAL")
    wanted(operations, made)
    jira.create(made)
    jira.create(made)
    assert "QUAL-2" in str(look(operations, shop(), jira, Inbox()))


def test_only_tickets_of_their_own_are_known(operations: Operations) -> None:
    made = message()
    wanted(operations, made)
    assert known_tickets(operations.outbox.all()) == {made.fingerprint: Ticket(made.action_id, made.insight_id)}
