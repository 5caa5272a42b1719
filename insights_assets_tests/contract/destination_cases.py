"""What a destination must do whoever answers: the same cases against a stand-in and, with credentials, against the real service.

Belongs here: cases that use the port and the destination's own moves alone. Does not belong here: faults, which only a stand-in makes
on demand (`test_jira.py`, `test_slack.py`), and credentials (`live.py`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from insights_assets.actions.destinations.jira import Jira
from insights_assets.actions.destinations.port import Button, Message, Receipt
from insights_assets.actions.destinations.slack import Slack
from insights_assets.actions.escaping import inert, markdown

TICKET = (Path(__file__).resolve().parents[1] / "actions" / "golden" / "cause.md").read_text(encoding="utf-8").partition("\n=== plain")[0]
TITLE = "Arrived damaged: glass lamps from WH-LEJ, packaging batch LEJ-PB07"
BUTTONS = (Button("confirm", "Right", "INS-7f3a", "token-1"), Button("dismiss", "Wrong", "INS-7f3a", "token-2"))

#: Text that tries to become something. Each goes through every destination.
HOSTILE = (
    "<!channel> <!here> <@U0PERSON1> <#C0QUALITY> <!subteam^S1>",
    "@here @channel @everyone #general",
    "[~accountid:5b10ac8d82e05b22cc7d4ef5] [~quinn] [link|https://evil.example]",
    "<https://evil.example|click> https://evil.example javascript:alert(1) www.evil.example",
    '{"type":"doc","version":1,"content":[{"type":"mention","attrs":{"id":"5b10ac8d82e05b22cc7d4ef5"}}]}',
    '"}]},{"type":"section","text":{"type":"mrkdwn","text":"<!channel>"}},{"x":[{"y":"',
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>",
    "**bold** _it_ `code` ![img](http://evil.example/p.png) [a](http://evil.example)",
    '=HYPERLINK("http://evil.example";"x")',
    "+1+1;=cmd|' /C calc'!A0",
    "a\u202egnp.exe\u2066 b\u200bc\u00add \u2060e\ufeff",
    "&lt;!channel&gt; &amp;lt;!here&amp;gt;",
    "{panel}{color:red}h1. big{color}{panel} ||a||b|| !image.png!",
    "# heading\n- list\n> quote\n---\n```\nfence",
    "\ud800 lone \x00 nul \x1b[31m",
    "x" * 5000,
)


def message(**changes: Any) -> Message:
    """The sample ticket under a key of its own."""
    made = Message(
        key=secrets.token_hex(32), action_id="ACT-0001", insight_id="INS-7f3a", kind="defect_ticket", tier=1, owner="quality", title=TITLE, body=TICKET,
        due_at=datetime(2026, 11, 24, 11, 0, tzinfo=UTC), facts={"At risk": "1,940 USD a day", "Owner": "Quality"},
    )  # fmt: skip
    return replace(made, **changes)


def hostile_message(text: str, **changes: Any) -> Message:
    """A message as the house makes it of hostile data: escaped for Markdown in the body, inert in title and facts."""
    body = f"**{markdown(text)}** · Tier 1\n\n*Customers say*\n- “{markdown(text)}” (review R-1)\n\n*Do next* {markdown(text)}\n"
    return message(title=inert(text) or "Untitled", body=body, facts={"Product": inert(text, 160)}, **changes)


def raw_message(text: str, **changes: Any) -> Message:
    """The same where the house forgot to escape: nothing may become active even then."""
    return message(title=text, body=f"{text}\n\n- {text}\n", facts={"Product": text}, **changes)


def found(look: Callable[[], Receipt | None], seconds: float) -> Receipt | None:
    """Look again until it is seen or the time is over: a search may lag."""
    deadline = time.monotonic() + seconds
    while (receipt := look()) is None and time.monotonic() < deadline:
        time.sleep(1.0)
    return receipt


SINCE = timedelta(minutes=5)


# -- Jira --------------------------------------------------------------------------------------------------------------------------


def ticket_is_made_once_found_and_changed(jira: Jira, project: str, patience: float) -> None:
    made = message(place=project)
    since = datetime.now(UTC) - SINCE
    receipt = jira.create(made)
    assert receipt.external_id.startswith(f"{project}-") and receipt.url.endswith(receipt.external_id)
    seen = found(lambda: jira.find(made, since), patience)
    assert seen is not None and seen.external_id == receipt.external_id
    changed = replace(made, body=f"{TICKET}\nOne more line.\n")
    assert jira.update(changed, receipt.external_id).external_id == receipt.external_id
    assert jira.update(changed, receipt.external_id).external_id == receipt.external_id
    description = jira.calls.issue(receipt.external_id, "description,summary")["fields"]
    assert "One more line." in str(description["description"]) and description["summary"] == TITLE


def comment_and_evidence_go_beneath_the_ticket(jira: Jira, project: str, patience: float) -> None:
    made = message(place=project)
    parent = jira.create(made)
    since = datetime.now(UTC) - SINCE
    note = replace(made, key=f"{made.key}:note", parent_key=made.key, parent_id=parent.external_id, body="It has grown to 60 customers.\n")
    assert jira.find(note, since) is None
    comment = jira.create(note)
    seen = jira.find(note, since)
    assert seen is not None and seen.external_id == comment.external_id
    assert jira.update(replace(note, body="It has grown to 70 customers.\n"), comment.external_id).external_id == comment.external_id
    proof = replace(note, key=f"{made.key}:evidence", kind="evidence", body="record,words\nR-1,=1+1\n")
    file = jira.create(proof)
    assert jira.find(proof, since) == file
    assert jira.update(proof, file.external_id) == file


def ticket_is_closed_and_opened_again(jira: Jira, project: str, patience: float) -> None:
    receipt = jira.create(message(place=project))
    assert not jira.status(receipt.external_id)[1]
    jira.close(receipt.external_id)
    assert jira.status(receipt.external_id)[1]
    assert "already" in jira.close(receipt.external_id)
    jira.reopen(receipt.external_id)
    assert not jira.status(receipt.external_id)[1]


def duplicates_are_linked_and_closed(jira: Jira, project: str, patience: float) -> None:
    made = message(place=project)
    since = datetime.now(UTC) - SINCE
    first, second = jira.create(made), jira.create(made)
    assert found(lambda: jira.find(made, since), patience) is not None
    swept: list[str] = []
    deadline = time.monotonic() + patience
    while second.external_id not in swept and time.monotonic() <= deadline:
        swept += jira.sweep(days=1)
        time.sleep(0 if second.external_id in swept else 1)
    assert second.external_id in swept and first.external_id not in swept
    assert jira.status(second.external_id)[1] and not jira.status(first.external_id)[1]


def hostile_text_is_taken_by_jira(jira: Jira, project: str, patience: float) -> None:
    for text in HOSTILE:
        receipt = jira.create(hostile_message(text, place=project))
        jira.update(raw_message(text, place=project), receipt.external_id)


JIRA_CASES = (
    ticket_is_made_once_found_and_changed, comment_and_evidence_go_beneath_the_ticket, ticket_is_closed_and_opened_again, duplicates_are_linked_and_closed,
    hostile_text_is_taken_by_jira,
)  # fmt: skip


# -- Slack -------------------------------------------------------------------------------------------------------------------------


def message_is_posted_once_found_and_changed(slack: Slack, channel: str, patience: float) -> None:
    made = message(place=channel, kind="notification", buttons=BUTTONS)
    since = datetime.now(UTC) - SINCE
    assert slack.find(made, since) is None
    receipt = slack.create(made)
    seen = found(lambda: slack.find(made, since), patience)
    assert seen is not None and seen.external_id == receipt.external_id
    assert slack.update(replace(made, body="It is over.\n", buttons=()), receipt.external_id).external_id == receipt.external_id
    again = slack.find(made, since)
    assert again is not None and again.external_id == receipt.external_id


def reply_goes_into_the_thread(slack: Slack, channel: str, patience: float) -> None:
    made = message(place=channel, kind="notification")
    since = datetime.now(UTC) - SINCE
    parent = slack.create(made)
    reply = replace(made, key=f"{made.key}:note", parent_key=made.key, parent_id=parent.external_id, body="It has grown to 60 customers.\n")
    assert slack.find(reply, since) is None
    sent = slack.create(reply)
    seen = found(lambda: slack.find(reply, since), patience)
    assert seen is not None and seen.external_id == sent.external_id


def hostile_text_is_taken_by_slack(slack: Slack, channel: str, patience: float) -> None:
    for number, text in enumerate(HOSTILE):
        receipt = slack.create(hostile_message(text, place=channel, buttons=BUTTONS if number % 2 else ()))
        slack.update(raw_message(text, place=channel), receipt.external_id)
        time.sleep(min(patience, 1.1))


SLACK_CASES = (message_is_posted_once_found_and_changed, reply_goes_into_the_thread, hostile_text_is_taken_by_slack)
