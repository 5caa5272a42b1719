"""What people did to tickets in Jira: their moves and resolutions, read back as answers.

Belongs here: which change of a ticket means what (`destinations.yaml` says so), and a name for each that stays the same. Does not
belong here: carrying an answer out (`actions/inbox.py`) and when to look (`actions/sensors.py`). This house's own moves are no answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.actions.destinations.jira import LABEL, Jira
from insights_assets.actions.destinations.jira_calls import moment
from insights_assets.actions.destinations.port import Message
from insights_assets.actions.inbox import Answer, Outcome
from insights_assets.resources.operations.sending_tables import OutboxRow

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.shop import Shop

#: Acts that judge the insight; the others are about the action.
VERDICTS = frozenset({"confirm", "dismiss", "duplicate"})
#: Acts that need a reason.
_REASONED = frozenset({"dismiss", "reject"})
#: Search runs behind, so each look reaches back further than the last one's beginning.
OVERLAP = timedelta(minutes=15)
MOST_ISSUES = 1000


@dataclass(frozen=True)
class Ticket:
    """What a fingerprint stands for, and the key of its ticket where that is known."""

    action_id: str
    insight_id: str
    key: str = ""


def known_tickets(rows: Iterable[OutboxRow]) -> dict[str, Ticket]:
    """Fingerprint -> ticket, of everything that went to Jira as a ticket of its own."""
    found = {}
    for row in rows:
        if row.destination.startswith("jira:") and not row.parent_key:
            found[fingerprint(row.idempotency_key)] = Ticket(row.action_id, row.insight_id, row.external_id or "")
    return found


def fingerprint(key: str) -> str:
    return Message(key=key, action_id="", insight_id="", kind="", tier=0, owner="", title="", body="").fingerprint


def read_back(jira: Jira, tickets: Mapping[str, Ticket], since: datetime, now: datetime, people: Mapping[str, str]) -> list[Answer]:
    """Answers in what changed since then, oldest first. The same change read twice has the same `event_id`.

    `people`: account id -> e-mail address, for accounts whose address Jira does not show. Raises NotSent or Refused.
    """
    meanings = jira.setup
    if not (meanings.statuses or meanings.resolutions):
        return []
    began = since - OVERLAP
    minutes = max(1, math.ceil((now - began).total_seconds() / 60))
    me = str(jira.calls.get("asking who the account is", "myself").get("accountId", ""))
    answers: list[Answer] = []
    for issue in jira.calls.search("looking for tickets that changed", f'labels = "{LABEL}" AND updated >= "-{minutes}m"', "labels,creator", limit=MOST_ISSUES):
        fields = issue.get("fields") or {}
        ticket = next((tickets[label] for label in fields.get("labels") or () if label in tickets), None)
        # A clone that a person made carries the label too; what is done to it is about something else.
        if ticket is not None and (str(issue["key"]) == ticket.key or (fields.get("creator") or {}).get("accountId") == me):
            for change in _changes(jira, str(issue["key"]), began):
                answers += [_complete(jira, str(issue["key"]), answer, tickets) for answer in _answers(jira, str(issue["id"]), ticket, change, me, people)]
    return sorted(answers, key=lambda answer: (answer.at, answer.event_id))


def _changes(jira: Jira, key: str, began: datetime) -> Iterator[dict[str, Any]]:
    """The changes of a ticket since then."""
    start = 0
    while True:
        page = jira.calls.get(f"reading what was done to {key}", f"issue/{key}/changelog", startAt=start, maxResults=100)
        values = page.get("values") or []
        yield from (change for change in values if moment(str(change["created"])) >= began)
        start += len(values)
        if page.get("isLast", True) or not values:
            return


def _complete(jira: Jira, key: str, answer: Answer, tickets: Mapping[str, Ticket]) -> Answer:
    """A duplicate names the insight it repeats: that of the ticket which the person linked. Without such a link it names none."""
    if answer.act != "duplicate":
        return answer
    links = (jira.calls.issue(key, "issuelinks").get("fields") or {}).get("issuelinks") or ()
    for link in links:
        if str((link.get("type") or {}).get("name", "")).casefold() == jira.setup.duplicate_link.casefold():
            other = str((link.get("outwardIssue") or link.get("inwardIssue") or {}).get("key", ""))
            labels = (jira.calls.issue(other, "labels").get("fields") or {}).get("labels") or ()
            for label in labels:
                if label in tickets and tickets[label].insight_id != answer.subject:
                    return replace(answer, reason=tickets[label].insight_id)
    return answer


def _answers(jira: Jira, issue_id: str, ticket: Ticket, change: Mapping[str, Any], me: str, people: Mapping[str, str]) -> Iterator[Answer]:
    author = change.get("author") or {}
    account = str(author.get("accountId", ""))
    if not account or account == me:
        return
    # A resolution says more than the column it comes with: closed as a duplicate is a verdict, closed alone is not.
    acts: dict[str, str] = {}
    for item in change.get("items") or ():
        name = str(item.get("toString") or "")
        meanings = {"status": jira.setup.statuses, "resolution": jira.setup.resolutions}.get(str(item.get("field")), {})
        if act := meanings.get(name.casefold()):
            acts.setdefault(act, name)
    for act, name in acts.items():
        yield Answer(
            event_id=f"jira:{issue_id}:{change['id']}:{act}",
            act=act,
            subject=ticket.insight_id if act in VERDICTS else ticket.action_id,
            person=people.get(account) or str(author.get("emailAddress") or account),
            through="jira",
            at=moment(str(change["created"])),
            reason=f"moved to {name} in Jira" if act in _REASONED else "",
        )


# -- one look after the other ------------------------------------------------------------------------------------------------

SINCE, SWEPT = "jira_answers_since", "jira_swept_at"
SWEEP_EVERY = timedelta(hours=6)


@dataclass(frozen=True)
class Look:
    """What one look brought. `refused`: what was said of answers that were not taken."""

    taken: int = 0
    refused: tuple[str, ...] = ()
    swept: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.taken} answers taken"] if self.taken else []
        parts += [f"{len(self.refused)} not taken: {self.refused[0]}"] if self.refused else []
        parts += [f"closed as standing twice: {', '.join(self.swept)}"] if self.swept else []
        return "; ".join(parts) or "nothing new in Jira"


def look(operations: Operations, shop: Shop, jira: Jira, take: Callable[[Answer], Outcome]) -> Look:
    """Read what people did since the last look and carry it out; now and then close tickets that stand twice.

    The time of the look is kept once everything was carried out, so that a look which failed is made again. Raises NotSent or Refused.
    """
    now = operations.clock()
    rows = operations.outbox.all()
    tickets = known_tickets(rows)
    if not tickets:
        return Look()
    kept = operations.facts.get(SINCE)
    since = datetime.fromisoformat(kept) if kept else min(row.created_at for row in rows)
    outcomes = [take(answer) for answer in read_back(jira, tickets, since, now, shop.destinations.people)]
    operations.facts.put(SINCE, now.isoformat())
    swept: list[str] = []
    last = operations.facts.get(SWEPT)
    if last is None or now - datetime.fromisoformat(last) >= SWEEP_EVERY:
        swept = jira.sweep()
        operations.facts.put(SWEPT, now.isoformat())
    return Look(sum(one.is_taken for one in outcomes), tuple(one.said for one in outcomes if not one.is_taken), tuple(swept))
