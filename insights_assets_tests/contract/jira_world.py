"""What the stand-in for Jira holds: projects with a workflow, issues, and how Jira writes a time and an error.

Belongs here: plain values. Does not belong here: what a call does to them (`jira_server.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from insights_assets_tests.contract.vendor_server import Reply

EMAIL, TOKEN = "bot@shop.example", "a-jira-token"
BOT, PERSON = "557058:bot", "5b10ac8d82e05b22cc7d4ef5"
#: A workflow with names of its own: status -> (category, {transition name: status}).
WORKFLOW: dict[str, tuple[str, dict[str, str]]] = {
    "Open": ("new", {"Acknowledge": "Acknowledged", "Start": "In Progress", "Done": "Closed", "Not ours": "Not an issue"}),
    "Acknowledged": ("indeterminate", {"Start": "In Progress", "Done": "Closed"}),
    "In Progress": ("indeterminate", {"Fix": "Fixed", "Done": "Closed"}),
    "Fixed": ("indeterminate", {"Done": "Closed"}),
    "Closed": ("done", {"Reopen": "Open"}),
    "Not an issue": ("done", {"Reopen": "Open"}),
}
REST = "/rest/api/3"
FIELDS = (
    ("summary", True, False), ("description", False, False), ("labels", False, False), ("priority", False, True), ("duedate", False, False),
    ("issuetype", True, False), ("project", True, False), ("reporter", True, False),
)  # fmt: skip


@dataclass
class Project:
    """`fields`: id, whether it must be filled, whether it has a default. `is_open`: whether the account may see it at all."""

    key: str
    project_id: str
    fields: tuple[tuple[str, bool, bool], ...] = FIELDS
    types: tuple[str, ...] = ("Task", "Bug")
    may_create: bool = True
    is_open: bool = True
    workflow: dict[str, tuple[str, dict[str, str]]] = field(default_factory=lambda: dict(WORKFLOW))
    numbers: int = 0


@dataclass
class Issue:
    issue_id: str
    key: str
    project: Project
    fields: dict[str, Any]
    created: float
    updated: float
    status: str = "Open"
    creator: str = BOT
    comments: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    histories: list[dict[str, Any]] = field(default_factory=list)
    indexed: list[tuple[float, list[str]]] = field(default_factory=list)


class JiraError(Exception):
    def __init__(self, status: int, *messages: str, **errors: str) -> None:
        super().__init__(*messages)
        self.reply = Reply(status, {"errorMessages": list(messages), "errors": errors})


def time_text(stamp: float) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def words(node: Any) -> str:
    if isinstance(node, dict):
        return str(node.get("text", "")) + "".join(words(child) for child in node.get("content", ()))
    return ""
