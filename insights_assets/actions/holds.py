"""Promotion holds: whether one fits, which SKUs, until when, when it ends; and the desired state others read.

Belongs here: the bounds of a hold (R93, R125, R131) and `holds.csv`. Does not belong here: whether an issue deserves a
hold (`policy.py`), rows of the database (`resources/operations/holds.py`). A hold is temporary, capped, and released on
recovery.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from insights_assets.actions.escaping import csv_cell
from insights_assets.actions.model import Issue, PlannedAction, hold_id
from insights_assets.actions.policy import SILENCING_VERDICTS, IssueFacts
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.model import Policy

HOLD_COLUMNS = ("sku", "hold_id", "insight_id", "held_from", "held_until", "reason")


@dataclass(frozen=True)
class HoldPlan:
    """A hold as it should be made: with `placed_on` at once, without it as a proposal. Shares are 0 to 1 of revenue."""

    hold_id: str
    action_id: str
    insight_id: str
    skus: tuple[str, ...]
    reason: str
    state_reason: str
    revenue_share: float | None
    placed_on: date | None
    expires_on: date | None
    daily_revenue: float | None = None


def plan_hold(
    action: PlannedAction,
    issue: Issue,
    facts: IssueFacts,
    revenue_share: Mapping[str, float] | None,
    held: Iterable[str],
    policy: Policy,
    as_of: date,
    daily_revenue: Mapping[str, float] | None = None,
) -> HoldPlan:
    """One hold within its bounds.

    `revenue_share`: SKU -> share of the last 28 days' revenue, None where orders are not known. `held`: SKUs under a
    running hold. `daily_revenue`: SKU -> revenue a day of the same time, which prices the hold should it turn out wrong. SKUs are taken in the order of their complaints while the cap of all holds together is kept.
    """
    limits = policy.holds
    running = sorted(set(held))
    affected = facts.affected_skus
    skus = tuple(sku for sku in affected if sku not in running) or affected
    reason, placed = action.state_reason, action.state == "planned"
    fits: list[str] = []
    spent = sum((revenue_share or {}).get(sku, 0.0) for sku in running)
    for sku in skus:
        if spent + (revenue_share or {}).get(sku, 0.0) <= limits.cap_share_of_revenue:
            spent += (revenue_share or {}).get(sku, 0.0)
            fits.append(sku)
    if placed:
        placed, reason = _bounds(skus, fits, revenue_share, policy)
    chosen = tuple(fits) if placed else skus
    topic = policy.topics[issue.topic]
    return HoldPlan(
        hold_id=hold_id(action.action_id),
        action_id=action.action_id,
        insight_id=issue.insight_id,
        skus=tuple(sorted(chosen)),
        reason=topic.title,
        state_reason=reason,
        revenue_share=round(sum(revenue_share.get(sku, 0.0) for sku in chosen), 4) if revenue_share else None,
        placed_on=as_of if placed else None,
        expires_on=as_of + timedelta(days=limits.expires_after_days) if placed else None,
        daily_revenue=round(sum(daily_revenue.get(sku, 0.0) for sku in chosen), 2) if daily_revenue is not None else None,
    )


def may_hold_again(hold: Hold, issue: Issue) -> bool:
    """Whether an issue that came back takes its hold up again: one that ended by itself, never one that a person released."""
    ended_by_itself = hold.state == "expired" or (hold.state == "released" and hold.released_by == "policy")
    return ended_by_itself and issue.is_open and issue.reopened_day is not None and hold.ended_on is not None and issue.reopened_day >= hold.ended_on


def _bounds(
    skus: tuple[str, ...], fits: list[str], revenue_share: Mapping[str, float] | None, policy: Policy
) -> tuple[bool, str]:
    """Whether a hold may be placed, and what to say."""
    limits = policy.holds
    cap = f"{limits.cap_share_of_revenue:.0%} of revenue"
    if not skus:
        return False, "no single product stands out"
    if len(skus) > limits.skus_at_most:
        return False, f"it would touch {len(skus)} products, at most {limits.skus_at_most} are held without a person"
    if revenue_share is None:
        return False, "its share of revenue is not known: needs orders"
    if not fits:
        return False, f"all holds together would pass {cap}"
    return True, "" if len(fits) == len(skus) else f"{len(fits)} of {len(skus)} products: the rest would pass {cap}"


def settle_holds(
    operations: Operations, plans: Iterable[HoldPlan], issues: Mapping[str, Issue], as_of: date
) -> list[Hold]:
    """Bring the holds up to date: end what ran out or recovered, make what is planned. Gives all holds. Repeatable."""
    operations.holds.expire(as_of)
    for hold in operations.holds.all():
        recovered = _recovery(issues.get(hold.insight_id))
        if recovered and hold.state in ("active", "proposed"):
            operations.holds.release(hold.hold_id, by="policy", reason=recovered, on=as_of)
    for plan in plans:
        if _recovery(issues.get(plan.insight_id)):
            continue
        hold = operations.holds.make(
            plan.hold_id,
            plan.action_id,
            plan.insight_id,
            list(plan.skus),
            reason=plan.reason,
            by="policy",
            revenue_share=plan.revenue_share,
            placed_on=plan.placed_on,
            expires_on=plan.expires_on,
            state_reason=plan.state_reason or None,
            daily_revenue=plan.daily_revenue,
        )
        if plan.placed_on is None or plan.expires_on is None:
            continue
        if hold.state == "proposed":
            operations.holds.place(
                hold.hold_id,
                by="policy",
                placed_on=plan.placed_on,
                expires_on=plan.expires_on,
                skus=list(plan.skus),
                revenue_share=plan.revenue_share,
                daily_revenue=plan.daily_revenue,
            )
        elif plan.insight_id in issues and may_hold_again(hold, issues[plan.insight_id]):
            operations.holds.place_again(
                hold.hold_id, by="policy", placed_on=plan.placed_on, expires_on=plan.expires_on, skus=list(plan.skus),
                revenue_share=plan.revenue_share, daily_revenue=plan.daily_revenue,
            )  # fmt: skip
    return operations.holds.all()


def _recovery(issue: Issue | None) -> str:
    """Why a hold is no longer needed, or an empty text."""
    if issue is None:
        return ""
    if issue.verdict in SILENCING_VERDICTS:
        return f"the issue was judged {issue.verdict}"
    return "" if issue.is_open else "the issue is over"


def revenue_shares(revenue: Mapping[str, float]) -> dict[str, float] | None:
    """SKU -> share of all revenue given (reporting currency, the last 28 days); None where there is none."""
    total = sum(value for value in revenue.values() if value > 0)
    return {sku: value / total for sku, value in revenue.items() if value > 0} if total > 0 else None


def desired_state(holds: Iterable[Hold]) -> bytes:
    """`holds.csv`: one row a held SKU, only running holds; the header alone when nothing is held."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HOLD_COLUMNS)
    for hold in sorted(holds, key=lambda row: row.hold_id):
        if hold.state == "active":
            for sku in hold.skus:
                cells = (sku, hold.hold_id, hold.insight_id, hold.placed_on, hold.expires_on, hold.reason)
                writer.writerow([csv_cell(cell) for cell in cells])
    return out.getvalue().encode()
