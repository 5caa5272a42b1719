"""Repeated support issues (R94): the same question from many customers that no macro answers yet.

Belongs here: finding them in the support records of the last days and planning a macro and an article for each. Does
not belong here: rising issues (`anomalies`); a question may be steady and still worth an answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from insights_assets.actions.model import Evidence, PlannedAction
from insights_assets.shop.model import Shop

SUPPORT_SOURCES = ("support_tickets", "chats")
#: Topics in which an answer in words can help; goods that are broken are not repaired by an article.
ANSWERABLE = (
    "shipping_delay", "billing_confusion", "returns_and_refunds", "usability_confusion", "app_or_site_problem",
    "availability", "sizing_issue", "missing_accessories",
)  # fmt: skip


@dataclass(frozen=True)
class SupportRecord:
    """One support record with its theme; `has_macro`: an agent answered it with a macro."""

    evidence: Evidence
    topic: str
    theme_id: str
    theme_name: str
    has_macro: bool = False


@dataclass(frozen=True)
class RepeatedIssue:
    """One theme that many customers ask about; its id follows from the theme and never changes."""

    issue_id: str
    topic: str
    theme_id: str
    theme_name: str
    tickets: int
    customers: int
    evidence: tuple[Evidence, ...]


def find_repeated(records: Iterable[SupportRecord], shop: Shop, until: datetime) -> list[RepeatedIssue]:
    """Themes past the threshold in the window that ends at `until` (UTC), most tickets first."""
    limits = shop.policy.thresholds
    since = until - timedelta(days=limits.repeated_window_days)
    themes: dict[tuple[str, str], list[SupportRecord]] = {}
    for record in records:
        in_window = since < record.evidence.occurred_at <= until
        if in_window and record.evidence.source in SUPPORT_SOURCES and record.topic in ANSWERABLE:
            themes.setdefault((record.theme_id, record.topic), []).append(record)
    found = []
    for (theme_id, topic), members in themes.items():
        customers = {record.evidence.customer_key or record.evidence.feedback_id for record in members}
        answered = any(record.has_macro for record in members)
        if len(members) < limits.repeated_tickets or len(customers) < limits.repeated_customers or answered:
            continue
        members.sort(key=lambda record: record.evidence.feedback_id)
        digest = hashlib.sha256(f"repeated\0{theme_id}\0{topic}".encode()).hexdigest()[:8]
        found.append(
            RepeatedIssue(
                issue_id=f"REP-{digest}",
                topic=topic,
                theme_id=theme_id,
                theme_name=members[0].theme_name,
                tickets=len(members),
                customers=len(customers),
                evidence=tuple(record.evidence for record in members),
            )
        )
    return sorted(found, key=lambda issue: (-issue.tickets, issue.issue_id))


def plan_repeated(
    found: Iterable[RepeatedIssue],
    shop: Shop,
    known: Mapping[tuple[str, str], PlannedAction],
    answered_topics: Iterable[str],
    decided_today: int = 0,
) -> list[PlannedAction]:
    """A macro and an article for each new repeated issue, both waiting for a person.

    A topic for which an insight already has a macro is left to it. `decided_today`: how many issues got drafts on this
    day already, so that a second run of a day makes no more than the policy's number.
    """
    planned: list[PlannedAction] = []
    taken = set(answered_topics)
    left = shop.policy.thresholds.repeated_drafts_per_day - decided_today
    for issue in found:
        if (issue.issue_id, "macro") in known or issue.topic in taken:
            continue
        if left <= 0:
            break
        left -= 1
        taken.add(issue.topic)
        planned += [_draft(issue, kind, shop) for kind in ("macro", "article")]
    return planned


def _draft(issue: RepeatedIssue, kind: str, shop: Shop) -> PlannedAction:
    gate = shop.policy.gates[kind]
    owner = gate.team or shop.policy.owner_of(issue.topic)
    team = shop.owners[owner]
    action = PlannedAction(issue.issue_id, kind, 2, owner, team.ticket_destination, "awaiting_approval")
    return replace(
        action, state_reason=f"{team.name} decides; {issue.tickets} tickets from {issue.customers} customers"
    )
