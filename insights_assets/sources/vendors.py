"""Vendors' own records, as their exports deliver them: a Zendesk ticket, an Intercom conversation. Both become one canonical row (R28).

Belongs here: recognising such a record by its shape, and the columns of `support_tickets` or `chats` it stands for. Does not belong here:
finding the records in an export (`files.py`), which attaches the side-loads of a page to each ticket under `_sideloads`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
SIDELOADS = "_sideloads"
#: Side-loads of a Zendesk page, and the column of their rows that names the ticket; None: `users`, named by the ticket.
ZENDESK_SIDELOADS: Mapping[str, str | None] = {
    "users": None, "comments": "ticket_id", "audits": "ticket_id", "metric_sets": "ticket_id", "satisfaction_ratings": "ticket_id",
}
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|</?[a-z][^>]*>", re.S | re.I)
_BREAKS = re.compile(r"<(?:br|/p|/div|/li|/tr|/h\d)\b[^>]*>", re.I)


@dataclass(frozen=True)
class _Turn:
    speaker: str
    at: Any
    text: str


@dataclass(frozen=True)
class _Thread:
    """What every help desk knows of a conversation."""

    id: Any
    created_at: Any
    updated_at: Any
    turns: tuple[_Turn, ...]
    columns: Mapping[str, Any]


def translator_of(source: str) -> Callable[[Record], Record] | None:
    """For sources that help desks deliver: a function that translates vendors' records and hands others through."""
    if source not in ("support_tickets", "chats"):
        return None
    as_columns = _as_ticket if source == "support_tickets" else _as_chat

    def translate(record: Record) -> Record:
        if "requester_id" in record and "id" in record and "ticket_id" not in record:
            return as_columns(_zendesk(record))
        if record.get("type") == "conversation" or ("conversation_parts" in record and "id" in record):
            return as_columns(_intercom(record))
        return record

    return translate


def attach_sideloads(document: Mapping[str, Any]) -> list[Any] | None:
    """The tickets of a Zendesk page, each with its own rows of the page's side-loads; None where the page has no tickets."""
    tickets = document.get("tickets")
    if not isinstance(tickets, list):
        return None
    loads = {name: [row for row in document[name] if isinstance(row, dict)] for name in ZENDESK_SIDELOADS if isinstance(document.get(name), list)}
    if not loads:
        return tickets
    users = {_id(row.get("id")): row for row in loads.get("users", ())}
    of_ticket: dict[Any, dict[str, list[Any]]] = {}
    for name, key in ZENDESK_SIDELOADS.items():
        for row in loads.get(name, ()) if key else ():
            of_ticket.setdefault(_id(row.get(key)), {}).setdefault(name, []).append(row)
    found = []
    for ticket in tickets:
        if isinstance(ticket, dict):
            mine: dict[str, list[Any]] = dict(of_ticket.get(_id(ticket.get("id")), {}))
            people = {_id(ticket.get(name)) for name in ("requester_id", "submitter_id", "assignee_id")} | {_id(row.get("author_id")) for row in mine.get("comments", ())}
            named = [users[person] for person in sorted((p for p in people if p in users), key=str)]
            if named:
                mine["users"] = named
            ticket = {**ticket, SIDELOADS: mine} if mine else ticket
        found.append(ticket)
    return found


def plain(text: Any) -> str:
    """HTML as people see it; a text without tags stays as it is."""
    if not isinstance(text, str):
        return ""
    if "<" in text:
        text = _TAGS.sub("", _BREAKS.sub("\n", text))
    return re.sub(r"\n{3,}", "\n\n", html.unescape(text)).strip()


def _as_ticket(thread: _Thread) -> dict[str, Any]:
    mine = [turn.text for turn in thread.turns if turn.speaker == "customer" and turn.text]
    answers = [turn for turn in thread.turns if turn.speaker == "agent"]
    return {
        "ticket_id": thread.id, "created_at": thread.created_at, "updated_at": thread.updated_at, "description": "\n".join(mine),
        "first_response_at": answers[0].at if answers else None, "replies": len(answers) if answers else None, **_filled(thread.columns),
    }


def _as_chat(thread: _Thread) -> dict[str, Any]:
    turns = [{"speaker": turn.speaker, "at": None if turn.at is None else str(turn.at), "text": turn.text} for turn in thread.turns]
    return {"chat_id": thread.id, "started_at": thread.created_at, "turns": turns, **_filled(thread.columns)}


def _filled(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if value is not None}


def _object(value: Any) -> Mapping[str, Any]:
    """What should be an object, and in a damaged export need not be one."""
    return value if isinstance(value, dict) else {}


def _id(value: Any) -> Any:
    return value if isinstance(value, (str, int)) else None


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _zendesk(ticket: Record) -> _Thread:
    loads = _object(ticket.get(SIDELOADS))
    users = {_id(row.get("id")): row for row in _rows(loads.get("users"))}
    requester, assignee = _id(ticket.get("requester_id")), _id(ticket.get("assignee_id"))
    who = users.get(requester, {})
    metrics = next(iter(_rows(loads.get("metric_sets"))), {})
    columns = {
        "channel": _object(ticket.get("via")).get("channel"), "subject": ticket.get("subject") or ticket.get("raw_subject"), "status": ticket.get("status"),
        "priority": ticket.get("priority"), "tags": ticket.get("tags"), "customer_id": requester, "customer_name": who.get("name"), "customer_email": who.get("email"),
        "team": ticket.get("group_id"), "assignee": users.get(assignee, {}).get("name") or assignee, "solved_at": metrics.get("solved_at"),
        "replies": metrics.get("replies"), "reopened_count": metrics.get("reopens"),
    }
    turns = _zendesk_turns(ticket, loads, requester)
    return _Thread(ticket["id"], ticket.get("created_at"), ticket.get("updated_at"), tuple(turns), columns)


def _zendesk_turns(ticket: Record, loads: Mapping[str, Any], requester: Any) -> Iterable[_Turn]:
    comments = _rows(loads.get("comments"))
    for audit in _rows(loads.get("audits")):
        comments += [{"created_at": audit.get("created_at"), **event} for event in _rows(audit.get("events")) if event.get("type") == "Comment"]
    told: dict[Any, _Turn] = {}
    for comment in sorted(comments, key=lambda row: (str(row.get("created_at")), str(row.get("id")))):
        if comment.get("public") is False:
            continue  # an internal note is no part of what was said between customer and shop
        text = comment.get("plain_body") or plain(comment.get("html_body")) or comment.get("body") or ""
        speaker = "customer" if comment.get("author_id") == requester else "agent"
        told.setdefault(_id(comment.get("id", len(told))), _Turn(speaker, comment.get("created_at"), plain(text)))
    if any(turn.speaker == "customer" for turn in told.values()):
        return told.values()
    # The description is the first comment; without side-loads it is all that is known.
    return [_Turn("customer", ticket.get("created_at"), str(ticket.get("description") or "")), *told.values()]


def _intercom(conversation: Record) -> _Thread:
    source = _object(conversation.get("source"))
    author = _object(source.get("author"))
    contact = next(iter(_rows(_object(conversation.get("contacts")).get("contacts"))), {})
    turns = [_Turn(_speaker(author), conversation.get("created_at"), plain(source.get("body")))]
    parts = _object(conversation.get("conversation_parts"))
    for part in sorted(_rows(parts.get("conversation_parts")), key=lambda row: (_seconds(row.get("created_at")), str(row.get("id")))):
        if part.get("part_type") != "note" and part.get("body"):
            turns.append(_Turn(_speaker(_object(part.get("author"))), part.get("created_at"), plain(part["body"])))
    statistics = _object(conversation.get("statistics"))
    is_customer = _speaker(author) == "customer"
    columns = {
        "channel": _INTERCOM_CHANNELS.get(str(source.get("type")), source.get("type")), "subject": plain(source.get("subject") or conversation.get("title")) or None,
        "status": conversation.get("state"), "priority": conversation.get("priority") if isinstance(conversation.get("priority"), str) else None,
        "tags": [tag.get("name") for tag in _rows(_object(conversation.get("tags")).get("tags")) if tag.get("name")] or None,
        "customer_id": contact.get("external_id") or contact.get("id") or (author.get("id") if is_customer else None),
        "customer_name": author.get("name") if is_customer else None, "customer_email": author.get("email") if is_customer else None,
        "team": conversation.get("team_assignee_id"), "assignee": conversation.get("admin_assignee_id"), "solved_at": statistics.get("last_close_at"),
        "first_response_at": statistics.get("first_admin_reply_at"), "reopened_count": statistics.get("count_reopens"),
        "csat": _object(conversation.get("conversation_rating")).get("rating"),
    }
    return _Thread(conversation["id"], conversation.get("created_at"), conversation.get("updated_at"), tuple(turn for turn in turns if turn.text), columns)


_INTERCOM_CHANNELS = {"conversation": "chat", "push": "app", "facebook": "social", "instagram": "social", "twitter": "social", "phone_call": "phone"}


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _speaker(author: Mapping[str, Any]) -> str:
    kind = str(author.get("type") or "user")
    return "customer" if kind in ("user", "lead", "contact") else "bot" if kind == "bot" else "agent"
