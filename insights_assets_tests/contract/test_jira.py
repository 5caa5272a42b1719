"""The real `jira` client over real HTTP against the stand-in: every method, and every way a call can end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions.destinations.beneath import came_back, evidence_of, repeats
from insights_assets.actions.destinations.jira import Jira
from insights_assets.actions.destinations.jira_calls import Calls, open_client
from insights_assets.actions.destinations.port import Message, NotSent, Refused, Unknown
from insights_assets.shop.destinations_file import JiraSetup
from insights_assets_tests.actions.conftest import complaint_records
from insights_assets_tests.contract import vendor_specs
from insights_assets_tests.contract.destination_cases import JIRA_CASES, TICKET, message
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, FIELDS, TOKEN
from insights_assets_tests.contract.vendor_server import Fault, lost_reply, rate_limited

SETUP = JiraSetup("Task", priorities={1: "Highest", 2: "High"}, close="Done", reopen="Reopen")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def connected(server: JiraServer, setup: JiraSetup = SETUP, token: str = TOKEN, timeout: tuple[float, float] = (5.0, 20.0)) -> Jira:
    return Jira(Calls(open_client(server.url, EMAIL, token, timeout)), setup, ZoneInfo("Europe/Berlin"))


@pytest.fixture
def server() -> Iterator[JiraServer]:
    """Every call and answer of a test is held against Jira's published description, where that is here."""
    with JiraServer() as running:
        yield running
        assert running.problems == []


@pytest.fixture
def jira(server: JiraServer) -> Jira:
    return connected(server)


@pytest.mark.parametrize("case", JIRA_CASES, ids=lambda case: case.__name__)
def test_the_cases_a_live_account_is_held_to(case: Callable[[Jira, str, float], None], jira: Jira) -> None:
    case(jira, "QUAL", 3.0)


def test_what_a_ticket_holds(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    jira.create(made)
    fields = server.issues[0].fields
    assert fields["labels"] == ["insights", made.fingerprint]
    assert fields["priority"] == {"name": "Highest"} and fields["duedate"] == "2026-11-24"
    assert fields["issuetype"] == {"name": "Task"} and fields["summary"].startswith("Arrived damaged")
    assert vendor_specs.adf_problems(fields["description"]) == []


def test_the_due_date_is_the_shop_s_day(server: JiraServer, jira: Jira) -> None:
    jira.create(message(place="QUAL", due_at=datetime(2026, 11, 24, 23, 30, tzinfo=UTC)))
    assert server.issues[0].fields["duedate"] == "2026-11-25"


def test_a_person_s_edits_of_other_fields_stay_and_an_equal_version_writes_nothing(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    receipt = jira.create(made)
    held = server.issues[0].fields
    held |= {"assignee": {"accountId": "x"}, "labels": [*held["labels"], "urgent"], "components": [{"name": "Lamps"}]}
    jira.update(made, receipt.external_id)
    assert server.count("PUT", "QUAL-1") == 0
    jira.update(replace(made, tier=2), receipt.external_id)
    assert server.count("PUT", "QUAL-1") == 1 and server.calls[-1].body["fields"] == {"priority": {"name": "High"}}
    assert held["assignee"] == {"accountId": "x"} and "urgent" in held["labels"] and held["components"]


def test_a_label_that_a_person_took_off_is_put_back(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    receipt = jira.create(made)
    server.issues[0].fields["labels"] = ["mine"]
    jira.update(made, receipt.external_id)
    assert server.issues[0].fields["labels"] == ["mine", "insights", made.fingerprint]


def test_search_lags_and_the_ticket_is_seen_after_it(server: JiraServer, jira: Jira) -> None:
    server.lag = 45.0
    made = message(place="QUAL")
    jira.create(made)
    assert jira.find(made, NOW) is None
    assert server.lag < jira.settles_after
    server.advance(jira.settles_after)
    assert jira.find(made, NOW) is not None


def test_of_two_tickets_the_older_one_is_found(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    first = jira.create(made)
    jira.create(made)
    found = jira.find(made, NOW)
    assert found is not None and found.external_id == first.external_id


def test_a_clone_that_a_person_made_is_theirs(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    key = jira.create(made).external_id
    clone = server.person_clones(key)
    assert jira.sweep() == [] and jira.status(clone) == ("Open", False)
    server.issues.pop(0)
    assert jira.find(made, NOW) is None, "what is left is somebody else's ticket"


def test_the_sweeper_comes_to_an_end_after_a_crash_between_its_steps(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    for _ in range(3):
        jira.create(made)
    server.fail("PUT", "/QUAL-2", Fault("status", 503, carries_out=False))
    with pytest.raises(Unknown):
        jira.sweep()
    assert jira.sweep() == ["QUAL-2", "QUAL-3"]
    assert jira.sweep() == []
    assert [issue.status for issue in server.issues] == ["Open", "Closed", "Closed"]
    assert [len(issue.links) for issue in server.issues] == [2, 1, 1]


# -- how calls end -----------------------------------------------------------------------------------------------------------------

LOST = [lost_reply(), Fault("half_reply"), Fault("status", 500), Fault("status", 502), Fault("status", 503, headers={"Retry-After": "9"}), Fault("html"), Fault("slow", seconds=3.5)]
ATTEMPTS: dict[str, tuple[str, str]] = {
    "create": ("POST", "/issue"), "comment": ("POST", "/comment"), "attach": ("POST", "/attachments"), "close": ("POST", "/transitions"), "update": ("PUT", "/QUAL-1"),
}  # fmt: skip


def attempt(jira: Jira, what: str) -> Any:
    made = message(place="QUAL")
    if what == "create":
        return lambda: jira.create(made)
    parent = jira.create(made).external_id
    beneath = replace(made, key=f"{made.key}:more", parent_id=parent, body="a,b\n1,2\n", kind="evidence" if what == "attach" else "defect_ticket")
    return {
        "comment": lambda: jira.create(beneath), "attach": lambda: jira.create(beneath), "close": lambda: jira.close(parent),
        "update": lambda: jira.update(replace(made, title="Changed"), parent),
    }[what]  # fmt: skip


def hurried(jira: Jira, fault: Fault) -> None:
    """Where an answer is to come too late, the client waits a short time; elsewhere long enough for a busy machine."""
    if fault.kind == "slow":
        jira.calls.client._session.timeout = (5.0, 1.5)


def _name(fault: Fault) -> str:
    return f"{fault.kind}{fault.status if fault.kind == 'status' else ''}"


#: The answers to a move and an edit are empty, so there is no half of them.
ENDS = [pytest.param(what, fault, id=f"{what}-{_name(fault)}") for what in ATTEMPTS for fault in LOST if not (fault.kind == "half_reply" and what in ("close", "update"))]


@pytest.mark.parametrize(("what", "fault"), ENDS)
def test_a_write_whose_answer_is_lost_is_unknown_and_was_made_once(server: JiraServer, what: str, fault: Fault) -> None:
    jira = connected(server, timeout=(5.0, 20.0))
    call, (method, path) = attempt(jira, what), ATTEMPTS[what]
    hurried(jira, fault)
    before = server.count(method, path)
    server.fail(method, path, fault)
    with pytest.raises(Unknown):
        call()
    assert server.count(method, path) == before + 1


@pytest.mark.parametrize("what", ATTEMPTS)
def test_a_rate_limit_names_its_wait_and_nothing_was_written(server: JiraServer, jira: Jira, what: str) -> None:
    call, (method, path) = attempt(jira, what), ATTEMPTS[what]
    before = server.count(method, path)
    server.fail(method, path, rate_limited("37", RateLimit_Reason="jira-burst-based"))
    with pytest.raises(NotSent, match="jira-burst-based") as found:
        call()
    assert found.value.retry_after == 37.0
    assert server.count(method, path) == before


@pytest.mark.parametrize("header", ["Wed, 21 Oct 2037 07:28:00 GMT", "soon", ""])
def test_a_rate_limit_without_seconds_is_understood(server: JiraServer, jira: Jira, header: str) -> None:
    server.fail("POST", "/issue", rate_limited(header))
    with pytest.raises(NotSent) as found:
        jira.create(message(place="QUAL"))
    assert (found.value.retry_after or 0) > 0 if header.startswith("Wed") else found.value.retry_after is None


@pytest.mark.parametrize("fault", LOST, ids=_name)
def test_a_look_up_that_fails_is_not_an_answer(server: JiraServer, fault: Fault) -> None:
    jira = connected(server, timeout=(5.0, 20.0))
    hurried(jira, fault)
    server.fail("GET", "/search/jql", fault)
    with pytest.raises(NotSent):
        jira.find(message(place="QUAL"), NOW)


@pytest.mark.parametrize(
    ("status", "says"), [(401, "INSIGHTS_JIRA_TOKEN"), (403, "permissions"), (404, "owners.yaml"), (400, "refuses it with 400"), (413, "larger"), (422, "422")]
)
def test_what_a_person_must_change_is_refused_in_words(server: JiraServer, jira: Jira, status: int, says: str) -> None:
    server.fail("POST", "/issue", Fault("status", status, carries_out=False))
    with pytest.raises(Refused, match=says):
        jira.create(message(place="QUAL"))
    assert server.issues == []


def test_a_storm_of_errors_is_one_call_each(server: JiraServer, jira: Jira) -> None:
    attempt(jira, "create")()
    server.fail("POST", "/issue", Fault("status", 503, carries_out=False), times=20)
    for _ in range(20):
        with pytest.raises(Unknown):
            jira.create(message(place="QUAL"))
    assert server.count("POST", "/issue", carried_out=False) == 21 and len(server.issues) == 1


def test_nobody_there_is_not_sent() -> None:
    jira = Jira(Calls(open_client("http://127.0.0.1:9", EMAIL, TOKEN)), SETUP, ZoneInfo("UTC"))
    with pytest.raises(NotSent):
        jira.calls.post("making the ticket", "issue", {})


def test_a_wrong_token_is_said_without_showing_it(server: JiraServer) -> None:
    jira = connected(server, token="a-secret-that-is-wrong")
    with pytest.raises(Refused, match="INSIGHTS_JIRA_TOKEN") as found:
        jira.create(message(place="QUAL"))
    assert "a-secret-that-is-wrong" not in str(found.value)


def test_a_redirect_is_not_followed(server: JiraServer, jira: Jira) -> None:
    attempt(jira, "create")()
    server.fail("POST", "/issue", Fault("status", 302, carries_out=False, headers={"Location": f"{server.url}/rest/api/3/issue"}))
    with pytest.raises(Refused, match="INSIGHTS_JIRA_URL"):
        jira.create(message(place="QUAL"))
    assert len(server.issues) == 1


# -- checked before it is sent -------------------------------------------------------------------------------------------------------


def test_nothing_is_sent_that_jira_would_refuse(server: JiraServer, jira: Jira) -> None:
    """A request that Jira refuses burns an issue number: each of these ends before it is sent."""
    for changes, says in (
        ({"place": "qual"}, "not the key"), ({"place": "NOPE"}, "does not find it"), ({"key": "not a key!"}, "cannot be a label"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=says):
            jira.create(message(**{"place": "QUAL", **changes}))
    with pytest.raises(Refused, match="no issue type 'Epic'"):
        connected(server, JiraSetup("Epic")).create(message(place="QUAL"))
    server.projects["QUAL"].fields = (*FIELDS, ("customfield_10010", True, False))
    with pytest.raises(Refused, match="customfield_10010"):
        connected(server).create(message(place="QUAL"))
    assert server.count("POST", "/issue", carried_out=False) == 0 and server.projects["QUAL"].numbers == 0


def test_fields_that_are_not_on_the_create_screen_are_left_out(server: JiraServer, jira: Jira) -> None:
    server.projects["QUAL"].fields = tuple(one for one in FIELDS if one[0] not in ("priority", "duedate"))
    jira.create(message(place="QUAL"))
    assert "priority" not in server.issues[0].fields and "duedate" not in server.issues[0].fields
    jira.update(message(place="QUAL", key="a" * 64, tier=2, title="Changed"), "QUAL-1")
    assert server.issues[0].fields["summary"] == "Changed" and "priority" not in server.issues[0].fields


def test_a_very_long_ticket_is_cut_and_says_so(server: JiraServer, jira: Jira) -> None:
    jira.create(message(place="QUAL", title="T" * 900, body="\n\n".join(f"Paragraph {n} " + "word " * 60 for n in range(300))))
    text = str(server.issues[0].fields["description"])
    assert "Cut here" in text and "Paragraph 3 " in text and len(server.issues[0].fields["summary"]) <= 255
    assert server.projects["QUAL"].numbers == 1


def test_a_workflow_with_other_names_is_moved_or_said(server: JiraServer) -> None:
    jira = connected(server, JiraSetup("Task", close="Shipped"))
    receipt = jira.create(message(place="QUAL"))
    assert "offers no 'Shipped'" in jira.close(receipt.external_id)
    assert "names no transition" in connected(server, JiraSetup("Task")).close(receipt.external_id)
    assert jira.status(receipt.external_id) == ("Open", False)


def test_a_deleted_ticket_is_refused(server: JiraServer, jira: Jira) -> None:
    receipt = jira.create(message(place="QUAL"))
    server.issues.clear()
    with pytest.raises(Refused, match="deleted"):
        jira.update(message(place="QUAL", body=TICKET), receipt.external_id)


# -- beneath a ticket ------------------------------------------------------------------------------------------------------------------


def beneath(made: Message, key: str) -> Message:
    return replace(made, parent_id=key)


def test_an_issue_that_comes_back_opens_its_ticket_once_and_says_so(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    key = jira.create(made).external_id
    jira.close(key)
    back = beneath(came_back(made, 1, "12 customers since Monday."), key)
    receipt = jira.create(back)
    assert receipt.note == "QUAL-1: Reopen" and jira.status(key) == ("Open", False)
    assert jira.find(back, NOW) is not None
    server.person_moves(key, "Closed")
    jira.update(back, receipt.external_id)
    assert jira.status(key) == ("Closed", True), "a person closed it since; a later version of the same coming back leaves that alone"
    assert came_back(made, 2, "").key != back.key


def test_a_reply_lost_between_move_and_comment_is_made_good(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    key = jira.create(made).external_id
    jira.close(key)
    back = beneath(came_back(made, 1, ""), key)
    server.fail("POST", "/transitions", lost_reply())
    with pytest.raises(Unknown):
        jira.create(back)
    assert jira.find(back, NOW) is None
    assert "already" in jira.create(back).note
    assert len(server.issues[0].comments) == 1 and server.count("POST", "/transitions") == 2


def test_a_ticket_like_an_earlier_one_is_linked_to_it_once(server: JiraServer, jira: Jira) -> None:
    earlier, made = jira.create(message(place="QUAL")).external_id, message(place="QUAL")
    key = jira.create(made).external_id
    told = beneath(repeats(made, earlier, "It ended on 3 October."), key)
    jira.create(told)
    jira.create(told)
    assert [link["outwardIssue"]["key"] for link in server.issue(key).links] == [earlier]


def test_evidence_is_attached_once_a_version_and_safe(server: JiraServer, jira: Jira) -> None:
    made = message(place="QUAL")
    key = jira.create(made).external_id
    records = complaint_records(3)
    proof = beneath(evidence_of(made, records), key)
    file = jira.create(proof)
    assert jira.find(proof, NOW) == file and jira.update(proof, file.external_id) == file
    more = jira.update(beneath(evidence_of(made, complaint_records(4)), key), file.external_id)
    names = [one["filename"] for one in server.issues[0].files]
    assert len(set(names)) == 2 and all(name.startswith(f"evidence-{proof.fingerprint}-") for name in names) and more != file
    assert server.issues[0].files[0]["_bytes"].decode().splitlines()[0] == "record,source,said_at,sku,language,words"
