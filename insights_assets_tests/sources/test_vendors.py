"""Exports of help desks exactly as they come: a Zendesk ticket and an Intercom conversation become one canonical row (R28, R31).

Payloads written here follow the vendors' published schemas, which is checked where those are at hand; recorded ones are read where they are at hand.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from insights_assets.canonical.tables import CONVERSATIONS, FEEDBACK, FEEDBACK_TEXT, QUARANTINE
from insights_assets.shop import SourceMapping
from insights_assets.sources.catalogue import BY_NAME
from insights_assets.sources.files import read_lines
from insights_assets.sources.mapping import mapper_of
from insights_assets.sources.parse import parse
from insights_assets.sources.tables import BRONZE
from insights_assets.sources.vendors import plain
from insights_assets_tests.house import TestHouse

LATEST = datetime(2027, 1, 1, tzinfo=UTC)
TICKET = {
    "id": 35436, "via": {"channel": "email", "source": {"from": {}, "to": {}, "rel": None}}, "created_at": "2026-11-02T09:00:00Z",
    "updated_at": "2026-11-03T09:00:00Z", "type": "incident", "subject": "Lamp broken", "raw_subject": "Lamp broken", "description": "The lamp came in pieces.",
    "priority": "high", "status": "open", "requester_id": 700, "submitter_id": 700, "assignee_id": 900, "group_id": 55,
    "tags": ["lamp", "transit"], "custom_fields": [], "has_incidents": False, "is_public": True, "brand_id": 1,
}
PAGE = {
    "tickets": [TICKET, {**TICKET, "id": 35437, "requester_id": 701, "description": "Where is my order?"}],
    "users": [
        {"id": 700, "name": "Ada Customer", "email": "ada@mail.test", "role": "end-user"}, {"id": 701, "name": "Bob Buyer", "email": "bob@mail.test", "role": "end-user"},
        {"id": 900, "name": "Pia Agent", "email": "pia@shop.test", "role": "agent"},
    ],
    "comments": [
        {"id": 1, "ticket_id": 35436, "author_id": 700, "created_at": "2026-11-02T09:00:00Z", "public": True, "type": "Comment", "body": "The lamp came in pieces.", "plain_body": "The lamp came in pieces."},
        {"id": 2, "ticket_id": 35436, "author_id": 900, "created_at": "2026-11-02T10:00:00Z", "public": True, "type": "Comment", "body": "Sorry! Which one?"},
        {"id": 3, "ticket_id": 35436, "author_id": 900, "created_at": "2026-11-02T10:05:00Z", "public": False, "type": "Comment", "body": "Third one from that batch."},
        {"id": 4, "ticket_id": 35436, "author_id": 700, "created_at": "2026-11-02T11:00:00Z", "public": True, "type": "Comment", "html_body": "<p>The <b>tall</b> one &amp; its shade</p>"},
    ],
    "metric_sets": [{"ticket_id": 35436, "solved_at": "2026-11-03T08:00:00Z", "reopens": 1, "replies": 1}],
    "count": 2, "end_of_stream": True, "end_time": 1793700000, "after_cursor": "MTU3", "next_page": None,
}
CONVERSATION = {
    "type": "conversation", "id": "503", "created_at": 1793610000, "updated_at": 1793620000, "title": None, "state": "closed", "open": False, "read": True, "priority": "not_priority",
    "source": {"type": "conversation", "id": "4039", "delivered_as": "customer_initiated", "subject": "", "body": "<p>My parcel never came</p>", "url": None, "redacted": False,
               "author": {"type": "user", "id": "6762", "name": "Ada Customer", "email": "ada@mail.test"}, "attachments": []},
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "6762", "external_id": "700"}]},
    "tags": {"type": "tag.list", "tags": []}, "statistics": {"type": "conversation_statistics", "first_admin_reply_at": 1793610600, "last_close_at": 1793619000, "count_reopens": 0},
    "conversation_parts": {"type": "conversation_part.list", "total_count": 3, "conversation_parts": [
        {"type": "conversation_part", "id": "1", "part_type": "comment", "body": "<p>Let me look<br>for it</p>", "created_at": 1793610600, "author": {"type": "admin", "id": "1", "name": "Pia", "email": "pia@shop.test"}},
        {"type": "conversation_part", "id": "2", "part_type": "note", "body": "<p>carrier lost it</p>", "created_at": 1793610700, "author": {"type": "admin", "id": "1", "name": "Pia", "email": "pia@shop.test"}},
        {"type": "conversation_part", "id": "3", "part_type": "comment", "body": "<p>Thank you</p>", "created_at": 1793610800, "author": {"type": "user", "id": "6762", "name": "Ada", "email": "ada@mail.test"}},
    ]},
}


def records(tmp_path: Path, document: Any, source: str) -> list[dict[str, Any]]:
    """What a document gives as typed records of a source, none refused."""
    path = tmp_path / "page.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    lines = list(read_lines(path))
    assert all(line.record is not None for line in lines), lines
    read = mapper_of(SourceMapping(source))
    return [parse(read(line.record or {}), BY_NAME[source], SourceMapping(source), LATEST) for line in lines]


def test_a_zendesk_page_with_side_loads(tmp_path: Path) -> None:
    first, second = records(tmp_path, PAGE, "support_tickets")
    assert first["ticket_id"] == "35436" and first["customer_id"] == "700" and first["customer_email"] == "ada@mail.test"
    assert first["description"] == "The lamp came in pieces.\nThe tall one & its shade"
    assert "batch" not in json.dumps(first, default=str)  # an internal note is not what a customer said
    assert (first["channel"], first["status"], first["priority"], first["tags"], first["assignee"]) == ("email", "open", "high", ["lamp", "transit"], "Pia Agent")
    assert (first["replies"], first["reopened_count"]) == (1, 1)
    assert first["first_response_at"] == datetime(2026, 11, 2, 10, tzinfo=UTC) and first["solved_at"] == datetime(2026, 11, 3, 8, tzinfo=UTC)
    assert (second["customer_name"], second["description"], second["replies"]) == ("Bob Buyer", "Where is my order?", None)


def test_audits_say_what_comments_say(tmp_path: Path) -> None:
    audits = [
        {"id": 10 + comment["id"], "ticket_id": comment["ticket_id"], "created_at": comment["created_at"], "author_id": comment["author_id"],
         "events": [{key: value for key, value in comment.items() if key not in ("ticket_id", "created_at")}, {"id": 99, "type": "Create", "value": "open", "field_name": "status"}]}
        for comment in PAGE["comments"]  # type: ignore[attr-defined]
    ]
    by_comments = records(tmp_path, PAGE, "support_tickets")
    by_audits = records(tmp_path, {**{key: value for key, value in PAGE.items() if key != "comments"}, "audits": audits}, "support_tickets")
    assert by_audits == by_comments


def test_an_intercom_conversation_keeps_turns_and_speakers(tmp_path: Path) -> None:
    listed = {"type": "conversation.list", "conversations": [CONVERSATION], "pages": {"type": "pages"}, "total_count": 1}
    (chat,) = records(tmp_path, listed, "chats")
    assert [(turn["speaker"], turn["text"]) for turn in chat["turns"]] == [("customer", "My parcel never came"), ("agent", "Let me look\nfor it"), ("customer", "Thank you")]
    assert (chat["chat_id"], chat["customer_id"], chat["customer_email"]) == ("503", "700", "ada@mail.test")
    assert chat["started_at"] == datetime.fromtimestamp(1793610000, UTC)
    assert records(tmp_path, CONVERSATION, "chats") == [chat]


def test_a_conversation_among_tickets_becomes_the_same_row_as_a_ticket(tmp_path: Path) -> None:
    (ticket,) = records(tmp_path, CONVERSATION, "support_tickets")
    assert ticket["ticket_id"] == "503" and ticket["description"] == "My parcel never came\nThank you" and ticket["channel"] == "chat"
    assert set(ticket) == set(records(tmp_path, PAGE, "support_tickets")[0])


@pytest.mark.parametrize(("given", "shown"), [
    ("a < b and c > d", "a < b and c > d"), ("<p>one</p><p>two</p>", "one\ntwo"), ("<style>p{}</style>x<script>alert(1)</script>", "x"), ("tom &amp; ann", "tom & ann"), (None, ""),
    ("plain\ntext", "plain\ntext"), ("<!-- hidden -->seen", "seen"),
])  # fmt: skip
def test_html_is_read_as_people_see_it(given: Any, shown: str) -> None:
    assert plain(given) == shown


@pytest.mark.slow
def test_both_vendors_reach_the_canonical_tables(tmp_path: Path, spark: Any) -> None:
    house = TestHouse(tmp_path / "home", spark, as_of=date(2026, 11, 20))
    for folder, document in (("support_tickets", PAGE), ("chats", {"conversations": [CONVERSATION]})):
        (house.landing / folder).mkdir(parents=True)
        (house.landing / folder / "export.json").write_text(json.dumps(document))
    # The same page again, as an incremental export may deliver it, and then an updated ticket.
    (house.landing / "support_tickets" / "export-again.json").write_text(json.dumps({**PAGE, "after_cursor": "other"}))
    house.run("sources", "canonical")
    (house.landing / "support_tickets" / "export-later.json").write_text(json.dumps({**PAGE, "tickets": [{**TICKET, "status": "solved", "updated_at": "2026-11-04T09:00:00Z"}]}))
    house.run("sources", "canonical", run_id="run-2")
    assert not house.rows(QUARANTINE)
    tickets = {row["ticket_id"]: row["status"] for row in house.rows(BRONZE["support_tickets"])}
    assert tickets == {"35436": "solved", "35437": "open"}
    feedback = {row["record_ref"]: row for row in house.rows(FEEDBACK)}
    assert set(feedback) == {"35436", "35437", "503"}
    assert feedback["35436"]["customer_key"] == feedback["503"]["customer_key"]  # one person across both
    words = {row["feedback_id"]: row["text"] for row in house.rows(FEEDBACK_TEXT)}
    assert words[feedback["503"]["feedback_id"]] == "My parcel never came\nThank you"
    assert [row["speaker"] for row in sorted(house.rows(CONVERSATIONS), key=lambda row: row["turn"])] == ["customer", "agent", "customer"]


# -- against the vendors' own words ----------------------------------------------------------------------------------------------------


def _schema(shared: Path, file: str, name: str) -> Any:
    import yaml

    path = shared / "specs" / file
    if not path.is_file():
        pytest.skip(f"needs the vendor's schema in ../shared/specs/{file}, which is not here")

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    return {**_nullable(document["components"]["schemas"][name]), "components": {"schemas": {key: _nullable(value) for key, value in document["components"]["schemas"].items()}}}


def _nullable(schema: Any) -> Any:
    """OpenAPI's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _nullable(value) for key, value in schema.items()}
    if out.get("nullable") is True and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
        if isinstance(out.get("enum"), list):
            out["enum"] = [*out["enum"], None]
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("file", "name", "record"), [("zendesk.yaml", "TicketObject", TICKET), ("intercom.yaml", "conversation", CONVERSATION)])
def test_the_payloads_written_here_follow_the_vendors_schema(shared: Path, file: str, name: str, record: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = _schema(shared, file, name)
    faults = sorted(jsonschema.Draft202012Validator(schema).iter_errors(record), key=str)
    assert not faults, [(list(fault.path), fault.message[:200]) for fault in faults]
    broken = {**record, "created_at": {"not": "a time"}}
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(broken)), "a schema that refuses nothing proves nothing"


def _payload(shared: Path, name: str) -> Path:
    path = shared / "payloads" / name
    if not path.is_file():
        pytest.skip(f"needs the recorded payload ../shared/payloads/{name}, which is not here")
    return path


@pytest.mark.parametrize("name", ["zendesk/incremental_tickets_time.json", "zendesk/incremental_tickets_cursor.json"])
def test_recorded_pages_of_the_incremental_export(shared: Path, tmp_path: Path, name: str) -> None:
    document = json.loads(_payload(shared, name).read_text(encoding="utf-8"))
    found = records(tmp_path, document, "support_tickets")
    assert [row["ticket_id"] for row in found] == [str(ticket["id"]) for ticket in document["tickets"]]
    assert all(row["description"] == "test" and row["created_at"].year == 2023 and row["channel"] == "api" for row in found)


def test_recorded_audits_become_the_words_of_their_tickets(shared: Path, tmp_path: Path) -> None:
    audits = json.loads(_payload(shared, "zendesk/ticket_audits.json").read_text(encoding="utf-8"))["audits"]
    requester = 6130869168922
    ticket = {**TICKET, "id": 1, "requester_id": requester, "description": "the first comment again"}
    (row,) = records(tmp_path, {"tickets": [ticket], "audits": audits}, "support_tickets")
    assert row["description"].startswith("Hi there,") and row["description"].endswith("The Customer")


def test_examples_of_the_vendors_documentation(shared: Path, tmp_path: Path) -> None:
    zendesk = json.loads(_payload(shared, "zendesk/spec_examples.json").read_text(encoding="utf-8"))
    for path in ("GET /api/v2/incremental/tickets", "GET /api/v2/incremental/tickets/cursor"):
        document = zendesk[path]["response"]["200"]["default"]
        (row,) = records(tmp_path, document, "support_tickets")
        assert row["subject"] == "Help, my printer is on fire!" and row["tags"] == ["enterprise", "other_tag"]
    intercom = json.loads(_payload(shared, "intercom/spec_examples.json").read_text(encoding="utf-8"))
    listed = next(iter(intercom["GET /conversations"]["response"]["200"].values()))
    single = next(iter(intercom["GET /conversations/{conversation_id}"]["response"]["200"].values()))
    assert [turn["speaker"] for turn in records(tmp_path, listed, "chats")[0]["turns"]] == ["agent"]
    assert [(turn["speaker"], turn["text"]) for turn in records(tmp_path, single, "chats")[0]["turns"]] == [("agent", "this is the message body"), ("agent", "Okay!")]
