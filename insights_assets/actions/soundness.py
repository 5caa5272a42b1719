"""The answers of the stage's checks: owners and destinations, one action a kind, the form of tickets, the cap of holds, nobody's insights.

Belongs here: predicates over what one run decided. Does not belong here: Dagster (`assets.py` declares the checks).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from insights_assets.actions.escalation import without_owner
from insights_assets.actions.finish import Decided
from insights_assets.actions.model import Issue
from insights_assets.actions.policy import IssueFacts, acts_on, decide
from insights_assets.actions.tickets import MAX_LINES
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.resources.step import Step


def answer_checks(step: Step, rows: Sequence[Mapping[str, Any]], decided: Decided, issues: Iterable[Issue]) -> None:
    """Answer every check that `planned_actions` declares. `rows`: what it writes. `issues`: as they came in."""
    homeless = [row["action_id"] for row in rows if not row["owner"] or not row["destination"]]
    step.check("actions_have_owner_and_destination", not homeless, homeless=len(homeless))
    pairs = [(row["insight_id"], row["kind"]) for row in rows]
    step.check("one_action_per_issue_and_kind", len(set(pairs)) == len(pairs), actions=len(pairs), distinct=len(set(pairs)))
    tickets = [row["body"] for row in rows if row["kind"] == "defect_ticket"]
    broken = [body for body in tickets if len(body.splitlines()) > MAX_LINES or "Undo: " not in body]
    step.check("tickets_keep_their_form", not broken, tickets=len(tickets), broken=len(broken))
    _holds_stay_under_cap(step, decided.holds)
    late = _nobodys(step, rows, decided, issues)
    step.check("no_insight_is_left_without_owner", not late, without_owner=len(late), insights=late[:20])


def _holds_stay_under_cap(step: Step, holds: Iterable[Hold]) -> None:
    placed = [hold for hold in holds if hold.state == "active" and hold.changed_by == "policy"]  # a person may go beyond
    held = round(sum(hold.revenue_share or 0.0 for hold in placed), 4)
    cap = step.shop.policy.holds.cap_share_of_revenue
    step.check("holds_stay_under_cap", held <= cap + 0.001, held_share=held, cap_share=cap)


def _nobodys(step: Step, rows: Iterable[Mapping[str, Any]], decided: Decided, issues: Iterable[Issue]) -> list[str]:
    """Insights that nobody has to decide about by hand: each has an action, sleeps, or is one of which the table says that nothing follows."""
    policy = step.shop.policy
    owed = [issue for issue in issues if acts_on(issue, policy, step.as_of)]
    settled = {str(row["insight_id"]) for row in rows} | set(step.operations.verdicts.snoozed(step.as_of))
    settled |= {i.insight_id for i in owed if i.owner in step.shop.owners and not decide(i, decided.facts.get(i.insight_id, IssueFacts()), policy).actions}
    return without_owner(owed, settled, step.shop, step.as_of_end)
