"""From an issue made of hostile and personal text, through the real ticket, to what each vendor holds: nothing active, nobody named."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions.destinations import webhook
from insights_assets.actions.destinations.evidence import evidence_csv
from insights_assets.actions.destinations.jira import Jira
from insights_assets.actions.destinations.jira_calls import Calls as JiraCalls
from insights_assets.actions.destinations.jira_calls import open_client as open_jira
from insights_assets.actions.destinations.port import Message
from insights_assets.actions.destinations.slack import Slack
from insights_assets.actions.destinations.slack_calls import Calls as SlackCalls
from insights_assets.actions.destinations.slack_calls import open_client as open_slack
from insights_assets.actions.quotes import Quote
from insights_assets.actions.ticket_form import TicketFacts
from insights_assets.actions.tickets import render_ticket, ticket_title
from insights_assets.canonical.redaction.redactor import Redactor
from insights_assets.shop import Shop, load_shop
from insights_assets.shop.destinations_file import JiraSetup, SlackSetup
from insights_assets_tests.actions.conftest import AS_OF, LAMPS, UNTIL, complaint_records
from insights_assets_tests.contract.destination_cases import BUTTONS, HOSTILE
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, TOKEN
from insights_assets_tests.contract.slack_server import BOT_TOKEN, SlackServer

PASSIVE = {"doc", "paragraph", "heading", "bulletList", "orderedList", "listItem", "codeBlock", "rule", "text", "hardBreak", "strong", "em", "code"}
#: What a customer may have written and nobody outside may read.
CANARIES = ("anna.kowalczyk@mail.example", "+49 151 23456789", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111")
CUSTOMER_KEY = "customer-key-canary-7781"


@pytest.fixture(scope="module")
def shop() -> Shop:
    return load_shop()


@pytest.fixture
def vendors() -> Iterator[tuple[JiraServer, SlackServer, Jira, Slack]]:
    with JiraServer() as jira_server, SlackServer() as slack_server:
        jira = Jira(JiraCalls(open_jira(jira_server.url, EMAIL, TOKEN)), JiraSetup("Task", close="Done"), ZoneInfo("UTC"))
        yield jira_server, slack_server, jira, Slack(SlackCalls(open_slack(slack_server.api, BOT_TOKEN)), SlackSetup({"#q": "C0QUALITY"}))
        assert jira_server.problems == [] and slack_server.problems == []


def ticket(text: str, shop: Shop) -> tuple[str, str]:
    """The real ticket of an issue in which every field that comes from data is this text; its title and its Markdown."""
    issue = replace(
        LAMPS, title=text, harm_reason=text, recommended_step=text.replace("{", "").replace("}", ""), scope={"product_line": text, "warehouse": text}, cause={"warehouse": text},
    )  # fmt: skip
    quotes = [Quote(text, "reviews", text, "f-1", datetime(2026, 11, 20, tzinfo=UTC), "en")]
    facts = TicketFacts(issue=issue, shop=shop, as_of=AS_OF, due_at=UNTIL, owner="quality", quotes=quotes)
    return ticket_title(facts), render_ticket(facts)


def sent(title: str, body: str, place: str, number: int) -> Message:
    return Message(key=f"{number:064x}", action_id="ACT-1", insight_id="INS-1", kind="defect_ticket", tier=1, owner="quality", title=title, body=body, place=place, buttons=BUTTONS)


def node_types(node: Any) -> set[str]:
    if isinstance(node, dict):
        return ({node["type"]} if isinstance(node.get("type"), str) else set()).union(*(node_types(value) for value in node.values()))
    return set().union(*(node_types(one) for one in node)) if isinstance(node, list) else set()


def test_hostile_text_through_ticket_and_both_vendors_is_never_active(vendors: Any, shop: Shop) -> None:
    jira_server, slack_server, jira, slack = vendors
    for number, text in enumerate(HOSTILE):
        title, body = ticket(text, shop)
        receipt = jira.create(sent(title, body, "QUAL", number))
        jira.create(replace(sent(title, body, "QUAL", number), key=f"{number:064x}:note", parent_id=receipt.external_id))
        slack.create(sent(title, body, "#q", number))
    assert slack_server.active == []
    assert len(jira_server.issues) == len(HOSTILE) == len(slack_server.channels[0].messages)
    for issue in jira_server.issues:
        assert node_types(issue.fields["description"]) <= PASSIVE
        assert all(node_types(comment["body"]) <= PASSIVE for comment in issue.comments)
        assert not re.search(r"://|@|[\u200b\u202e\u2066\u00ad\ufeff\x00-\x08]", issue.fields["summary"])
    said = jira_server.everything_said() + slack_server.everything_said()
    assert not re.search("[\u200b\u200c\u2060\u202a-\u202e\u2066-\u2069\u00ad\ufeff]", said), "nothing hides in what was sent"


def test_hostile_evidence_is_a_sheet_without_formulas(vendors: Any) -> None:
    jira_server, _, jira, _ = vendors
    receipt = jira.create(sent("T", "B", "QUAL", 1))
    records = [replace(record, text=text, record_ref=text, source=text, sku=text) for record, text in zip(complaint_records(10), HOSTILE[:10], strict=True)]
    for body in (evidence_csv(records), "words\n" + "\n".join(f'"{text.replace(chr(34), chr(34) * 2)}"' for text in HOSTILE if "\x00" not in text)):
        jira.create(replace(sent("T", body, "QUAL", len(body)), kind="evidence", parent_id=receipt.external_id))
    for file in jira_server.issues[0].files:
        for row in csv.reader(io.StringIO(file["_bytes"].decode())):
            assert not any(cell[:1] in "=+-@\t\r" for cell in row if cell)


def test_evidence_names_no_customer_and_puts_the_newest_first() -> None:
    records = [replace(record, customer_key=CUSTOMER_KEY) for record in complaint_records(10)]
    rows = list(csv.reader(io.StringIO(evidence_csv(records))))
    assert CUSTOMER_KEY not in str(rows) and len(rows) == 11
    assert [row[2] for row in rows[1:]] == sorted((row[2] for row in rows[1:]), reverse=True)
    assert len(evidence_csv([replace(records[0], feedback_id=str(number)) for number in range(900)]).splitlines()) == 501


def test_personal_data_is_in_no_vendor_s_ledger(vendors: Any, shop: Shop) -> None:
    """What redaction left is what goes out: ticket, comment, file, message and webhook, looked at in the vendors' own ledgers."""
    jira_server, slack_server, jira, slack = vendors
    redactor = Redactor()
    assert "+49 151 23456789" in ticket(f"Call {CANARIES[1]}", shop)[1], "without redaction it would go out: the ticket itself hides nothing"
    texts = [redactor.redact(f"The lamp came broken, write to {canary} please").text for canary in CANARIES]
    hook: list[Any] = []
    for number, text in enumerate(texts):
        title, body = ticket(text, shop)
        message = sent(title, body, "QUAL", number)
        receipt = jira.create(message)
        record = replace(complaint_records(1)[0], text=text, customer_key=CUSTOMER_KEY)
        jira.create(replace(message, key=f"{message.key}:evidence", kind="evidence", body=evidence_csv([record]), parent_id=receipt.external_id))
        slack.create(sent(title, body, "#q", number))
        hook.append(SimpleNamespace(state="active", expires_on=AS_OF, placed_on=AS_OF, skus=["GL-100"], hold_id=f"H-{number}", insight_id="INS-1", reason=text))
    said = jira_server.everything_said() + slack_server.everything_said() + str([file["_bytes"] for issue in jira_server.issues for file in issue.files])
    said += webhook.body(webhook.held_products(hook), datetime(2026, 11, 23, tzinfo=UTC)).decode()
    assert "The lamp came broken" in said
    for canary in (*CANARIES, CUSTOMER_KEY):
        assert canary not in said and canary.replace(" ", "") not in said
    assert TOKEN not in said and BOT_TOKEN not in said
