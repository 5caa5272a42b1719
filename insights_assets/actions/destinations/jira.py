"""Jira Cloud: a ticket for each action, comments beneath it, evidence attached to it, and the moves this house makes.

Belongs here: which of a message becomes which field, what is checked before it is sent, and finding it again. Does not belong here:
faults and the client (`jira_calls.py`), ADF (`adf.py`), people's answers (`jira_answers.py`). A ticket carries its fingerprint as a
label; comments end with it; files have it in their name. Four fields are this house's (summary, description, priority, due date) and
are brought up to date where they differ; everything else on a ticket belongs to people.
"""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from insights_assets.actions.destinations import adf
from insights_assets.actions.destinations.beneath import EVIDENCE
from insights_assets.actions.destinations.evidence import safe_csv
from insights_assets.actions.destinations.haste import must_be_soon
from insights_assets.actions.destinations.jira_calls import Calls, is_done
from insights_assets.actions.destinations.port import LANGUAGE, Message, Receipt, Refused
from insights_assets.actions.escaping import inert, markdown
from insights_assets.shop.destinations_file import JiraSetup

#: Label of everything this house wrote, beside the fingerprint.
LABEL = "insights"
#: A person who clones a ticket clones its labels; the copy is theirs.
OURS = "creator = currentUser()"
MOST_IN_THE_SUMMARY = 250
#: An issue may lead to several tickets; each but the defect itself says what it is.
_TITLES = {
    "promo_hold": "Promotion hold", "macro": "Macro draft to approve", "article": "Article draft to approve", "copy_change": "Product text", "escalation": "Escalation",
}  # fmt: skip
_OWNED = "summary,description,priority,duedate,labels,status"
_FINGERPRINT = re.compile(r"ins-[0-9a-zA-Z._-]{1,80}")
_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,9}")
_ISSUE = re.compile(r"[A-Z][A-Z0-9_]+-[0-9]+")


class Jira:
    """The destination `jira:PROJECT`. An `external_id` is `KEY-1`, `KEY-1#10001` for a comment, `KEY-1/10002` for a file."""

    name = "jira"
    is_searchable = True
    #: Search by label runs behind; a comment or a file can be seen at once.
    settles_after = 60.0

    def __init__(self, calls: Calls, setup: JiraSetup, zone: ZoneInfo) -> None:
        self.calls, self.setup, self.zone = calls, setup, zone
        self._fields_of: dict[str, dict[str, bool]] = {}

    # -- the port ------------------------------------------------------------------------------------------------------------

    def find(self, message: Message, since: datetime) -> Receipt | None:
        """By the label; beneath a ticket by its comments or files. Of several tickets the oldest, which the sweeper keeps."""
        mark = _fingerprint(message)
        if message.parent_id:
            return self._find_beneath(message, _ticket(message.parent_id), mark)
        found = self.calls.search(f"looking for {mark}", f'labels = "{mark}" AND {OURS} ORDER BY created ASC', "labels")
        keys = sorted((int(issue["id"]), str(issue["key"])) for issue in found)
        return self._receipt(keys[0][1]) if keys else None

    def create(self, message: Message) -> Receipt:
        if message.parent_id:
            return self._create_beneath(message, _ticket(message.parent_id))
        if message.kind == EVIDENCE or message.move or message.links_to:
            raise Refused("the ticket it belongs beneath never arrived in Jira")
        begun = time.monotonic()
        fields = self._checked(message)
        must_be_soon(begun, "Jira")
        issue = self.calls.writing("making the ticket", lambda: self.calls.client.create_issue(fields=fields, prefetch=False))
        return self._receipt(str(issue.key))

    def update(self, message: Message, external_id: str) -> Receipt:
        if message.kind == EVIDENCE:
            return self._find_beneath(message, _ticket(external_id), _fingerprint(message), same=True) or self._attach(message, _ticket(external_id))
        if "#" in external_id:
            return self._update_comment(message, external_id)
        issue = self.calls.issue(external_id, _OWNED)
        key, held = str(issue["key"]), issue.get("fields") or {}
        wanted = self._owned(message)
        changed = {name: value for name, value in wanted.items() if not _equal(name, held.get(name), value)}
        if changed.keys() & {"priority", "duedate"}:  # the other two are on every screen
            editable = self.calls.get(f"reading what may be changed on {key}", f"issue/{key}/editmeta").get("fields") or {}
            changed = {name: value for name, value in changed.items() if name in editable}
        if changed:
            self.calls.put(f"changing {key}", f"issue/{key}", {"fields": changed})
        missing = [label for label in (LABEL, _fingerprint(message)) if label not in (held.get("labels") or [])]
        if missing:  # a person took the label off: without it nobody finds the ticket
            self.calls.put(f"labelling {key}", f"issue/{key}", {"update": {"labels": [{"add": label} for label in missing]}})
        return self._receipt(key)

    # -- moves ---------------------------------------------------------------------------------------------------------------

    def status(self, external_id: str) -> tuple[str, bool]:
        """The ticket's column as its workflow calls it, and whether that counts as done."""
        fields = self.calls.issue(_ticket(external_id), "status").get("fields") or {}
        return str((fields.get("status") or {}).get("name", "")), is_done(fields)

    def reopen(self, external_id: str) -> str:
        """Bring a closed ticket back, where its workflow offers the move. Gives what was done, for the receipt's note."""
        return self._move(_ticket(external_id), self.setup.reopen, to_done=False)

    def close(self, external_id: str) -> str:
        return self._move(_ticket(external_id), self.setup.close, to_done=True)

    def sweep(self, days: int = 14) -> list[str]:
        """Close tickets that stand twice for one action: link to the oldest, move, and take the label off last. Gives their keys."""
        found: dict[str, list[tuple[int, str, dict[str, Any]]]] = {}
        jql = f'labels = "{LABEL}" AND {OURS} AND created >= "-{days:d}d" ORDER BY created ASC'
        for issue in self.calls.search("looking for tickets that stand twice", jql, "labels,status", limit=2000):
            fields = issue.get("fields") or {}
            for label in fields.get("labels") or ():
                if _FINGERPRINT.fullmatch(label):
                    found.setdefault(label, []).append((int(issue["id"]), str(issue["key"]), fields))
        swept = []
        for label, issues in sorted(found.items()):
            (_, kept, _), *others = sorted(issues, key=lambda one: one[0])
            for _, key, fields in others:
                self.calls.link(key, kept, self.setup.duplicate_link)
                if not is_done(fields):
                    self._move(key, self.setup.close, to_done=True)
                self.calls.put(f"taking {label} off {key}", f"issue/{key}", {"update": {"labels": [{"remove": label}]}})
                swept.append(key)
        return swept

    def _move(self, key: str, transition: str, to_done: bool) -> str:
        word = "close" if to_done else "reopen"
        name, is_over = self.status(key)
        if is_over == to_done:
            return f"{key} is {name} already"
        if not transition:
            return f"{key} stays {name}: destinations.yaml names no transition to {word} it"
        if not self.calls.move(key, transition):
            return f"{key} stays {name}: its workflow offers no {transition!r} from there"
        return f"{key}: {transition}"

    # -- fields --------------------------------------------------------------------------------------------------------------

    def _owned(self, message: Message) -> dict[str, Any]:
        spoken = f" ({message.facts[LANGUAGE]})" if LANGUAGE in message.facts else ""  # a ticket a language: its name tells them apart
        title = f"{_TITLES[message.kind]}{spoken}: {message.title}" if message.kind in _TITLES else message.title
        fields: dict[str, Any] = {"summary": inert(title, MOST_IN_THE_SUMMARY) or "Untitled", "description": adf.document(_body(message))}
        if message.tier in self.setup.priorities:
            fields["priority"] = {"name": self.setup.priorities[message.tier]}
        if self.setup.writes_due_date and message.due_at is not None:
            fields["duedate"] = message.due_at.astimezone(self.zone).date().isoformat()
        return fields

    def _checked(self, message: Message) -> dict[str, Any]:
        """The fields of a new ticket. Everything Jira would refuse is refused here: a refused request burns an issue number."""
        project = message.place
        if not _PROJECT.fullmatch(project):
            raise Refused(f"{project!r} is not the key of a Jira project; write jira:PROJECT with its capital letters into owners.yaml")
        offered = self._offered(project)
        fields = {name: value for name, value in self._owned(message).items() if name in offered}
        fields |= {"project": {"key": project}, "issuetype": {"name": self.setup.issue_type}, "labels": [LABEL, _fingerprint(message)]}
        if "description" not in fields or "labels" not in offered:
            raise Refused(f"the create screen of {project} has no description or no labels for {self.setup.issue_type}; add both in Jira's screen settings")
        unmet = sorted(name for name, is_required in offered.items() if is_required and name not in fields)
        if unmet:
            raise Refused(f"{project} wants {', '.join(unmet)} for each {self.setup.issue_type}; make that optional, or name another issue_type in destinations.yaml")
        adf.check(fields["description"])
        return fields

    def _offered(self, project: str) -> dict[str, bool]:
        """Fields of the create screen -> whether one must be filled; asked once a project and process."""
        if project not in self._fields_of:
            what = f"reading what {project} wants of a ticket"
            types = self.calls.get(what, f"issue/createmeta/{project}/issuetypes", maxResults=200).get("issueTypes") or []
            by_name = {str(one.get("name", "")).casefold(): one for one in types}
            kind = by_name.get(self.setup.issue_type.casefold())
            if kind is None:
                raise Refused(
                    f"{project} has no issue type {self.setup.issue_type!r} for this account; destinations.yaml may name {', '.join(sorted(by_name)) or 'none'}"
                )
            found = self.calls.get(what, f"issue/createmeta/{project}/issuetypes/{kind['id']}", maxResults=200).get("fields") or []
            self._fields_of[project] = {str(f["fieldId"]): bool(f.get("required")) and not f.get("hasDefaultValue") for f in found if f.get("fieldId") != "reporter"}
        return self._fields_of[project]

    # -- beneath a ticket ----------------------------------------------------------------------------------------------------

    def _create_beneath(self, message: Message, key: str) -> Receipt:
        if message.kind == EVIDENCE:
            return self._attach(message, key)
        body: Any = self._comment(message)  # the client's hint says text; it hands on what it is given
        note = self._moved(message, key)
        made = self.calls.writing(f"commenting on {key}", lambda: self.calls.client.add_comment(key, body))
        return self._receipt(key, f"#{made.id}", note)

    def _moved(self, message: Message, key: str) -> str:
        """Move and link what the comment is about, before the comment: doing either twice is the same as once, and the comment says it is done."""
        if message.links_to:
            self.calls.link(key, _ticket(message.links_to), "Relates")
        if not message.move:
            return ""
        return self.reopen(key) if message.move == "reopen" else self.close(key)

    def _update_comment(self, message: Message, external_id: str) -> Receipt:
        key, _, number = external_id.partition("#")
        held, wanted = self.calls.get(f"reading a comment of {key}", f"issue/{key}/comment/{number}"), self._comment(message)
        if held.get("body") != wanted:
            self.calls.put(f"changing a comment of {key}", f"issue/{key}/comment/{number}", {"body": wanted})
        return self._receipt(key, f"#{number}")

    def _comment(self, message: Message) -> dict[str, Any]:
        document = adf.document(_body(message))
        document["content"].append({"type": "paragraph", "content": [{"type": "text", "text": _fingerprint(message), "marks": [{"type": "code"}]}]})
        adf.check(document)
        return document

    def _attach(self, message: Message, key: str) -> Receipt:
        name, content = _file(message)
        files = self.calls.writing(f"attaching to {key}", lambda: self.calls.client.add_attachment(key, io.BytesIO(content), filename=name))
        return self._receipt(key, f"/{files.id}", note=name)

    def _find_beneath(self, message: Message, key: str, mark: str, same: bool = False) -> Receipt | None:
        """The comment or file of a message; with `same`, only a file with the very content."""
        if message.kind == EVIDENCE:
            name = _file(message)[0]
            files = (self.calls.issue(key, "attachment").get("fields") or {}).get("attachment") or []
            fits = [one for one in files if one.get("filename") == name or (not same and str(one.get("filename", "")).startswith(f"evidence-{mark}-"))]
            fits.sort(key=lambda one: one.get("filename") != name)
            return self._receipt(key, f"/{fits[0]['id']}", note=str(fits[0]["filename"])) if fits else None
        for one in self._comments(key):
            if adf.text_of(one.get("body")).rstrip().rpartition("\n")[2] == mark:
                return self._receipt(key, f"#{one['id']}")
        return None

    def _comments(self, key: str) -> Iterable[dict[str, Any]]:
        """Newest first, at most 500."""
        start = 0
        while start < 500:
            page = self.calls.get(f"reading the comments of {key}", f"issue/{key}/comment", startAt=start, maxResults=100, orderBy="-created")
            comments = page.get("comments") or []
            yield from comments
            start += len(comments)
            if not comments or start >= int(page.get("total", 0)):
                return

    # -- small things --------------------------------------------------------------------------------------------------------

    def _receipt(self, key: str, beneath: str = "", note: str = "") -> Receipt:
        focus = f"?focusedCommentId={beneath[1:]}" if beneath.startswith("#") else ""
        return Receipt(f"{key}{beneath}", f"{self.calls.server}/browse/{key}{focus}", note)


def _fingerprint(message: Message) -> str:
    mark = message.fingerprint
    if not _FINGERPRINT.fullmatch(mark):
        raise Refused(f"{mark!r} cannot be a label: the idempotency key is not one of this house")
    return mark


def _ticket(external_id: str) -> str:
    """The issue key in an external id."""
    key = re.split(r"[#/]", external_id)[0]
    if not _ISSUE.fullmatch(key):
        raise Refused(f"{external_id!r} is not a ticket of Jira")
    return key


def _body(message: Message) -> str:
    """The text, with the facts that Slack shows in a line of their own as a list beneath."""
    facts = [f"- {markdown(name)}: {markdown(value)}" for name, value in message.facts.items() if value]
    return "\n".join([message.body.rstrip("\n"), "", *facts]) if facts and not message.parent_id else message.body


def _file(message: Message) -> tuple[str, bytes]:
    """Name and content of an evidence file; the name follows the content, since a file of Jira cannot be changed."""
    content = safe_csv(message.body)
    return f"evidence-{_fingerprint(message)}-{hashlib.sha256(content).hexdigest()[:8]}.csv", content


def _equal(name: str, held: Any, wanted: Any) -> bool:
    if name == "priority":
        return isinstance(held, dict) and str(held.get("name", "")).casefold() == wanted["name"].casefold()
    if name == "description":
        return bool(_shape(held) == _shape(wanted))
    return bool(held == wanted)


def _shape(node: Any) -> Any:
    """A document without what Jira adds of its own (`localId`, empty lists)."""
    if isinstance(node, dict):
        kept = {key: _shape(value) for key, value in node.items() if key != "localId"}
        return {key: value for key, value in kept.items() if value not in ({}, [], None)}
    return [_shape(one) for one in node] if isinstance(node, list) else node
