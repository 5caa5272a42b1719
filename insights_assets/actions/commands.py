"""What commands do in this stage, as plain functions: verdict, hold list/release/extend/place, approve, answer.

Belongs here: acting on the operational database and reading what was published, for the command line and the console to
call. Does not belong here: options, printing, exit codes. Each act leaves an audit entry and takes effect on the desk
at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.actions import gather
from insights_assets.actions.answer import BASELINE_DAYS, Answer, Review, answer_question, first_day_of
from insights_assets.actions.decide import with_verdicts
from insights_assets.actions.desk import Desk
from insights_assets.actions.holds import desired_state
from insights_assets.actions.model import Issue, number_of, text_of
from insights_assets.actions.ranking import Complaint
from insights_assets.actions.verdicts import give_verdict
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.holds import RefusedHold
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.resources.operations.models import Approval, Hold
from insights_assets.shop.model import Shop, UseCase

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = [
    "Published",
    "RefusedHold",
    "RefusedJudgement",
    "answer",
    "approve",
    "extend_hold",
    "list_holds",
    "place_hold",
    "release_hold",
    "verdict",
]


def verdict(
    operations: Operations,
    insight_id: str,
    judgement: str,
    *,
    by: str,
    reason: str | None = None,
    until: date | None = None,
    known_insights: Iterable[str] | None = None,
    as_of: date | None = None,
) -> str:
    """`insights verdict`: see `give_verdict`. Gives a sentence; raises RefusedJudgement with what to do."""
    return give_verdict(
        operations,
        insight_id,
        judgement,
        by=by,
        reason=reason,
        until=until,
        known_insights=known_insights,
        as_of=as_of,
    )


def list_holds(operations: Operations) -> list[dict[str, Any]]:
    """`insights hold list`: running holds first, then proposed, then ended ones; plain values."""
    order = {"active": 0, "proposed": 1, "released": 2, "expired": 3}
    holds = sorted(operations.holds.all(), key=lambda hold: (order[hold.state], hold.hold_id))
    return [hold.as_dict() for hold in holds]


def release_hold(
    home: Path, operations: Operations, hold_id: str, *, by: str, reason: str = "released by hand"
) -> Hold:
    """`insights hold release`: end a hold now; the desired state on the desk is empty of it when this returns."""
    hold = operations.holds.release(hold_id, by=by, reason=reason)
    return _changed(home, operations, hold, "hold_release", by, reason)


def extend_hold(
    home: Path,
    operations: Operations,
    shop: Shop,
    hold_id: str,
    *,
    by: str,
    until: date | None = None,
    reason: str = "extended by hand",
) -> Hold:
    """`insights hold extend`: move the end, by default by the shop's number of days. Only a person extends a hold
    (R158).
    """
    hold = next((row for row in operations.holds.all() if row.hold_id == hold_id), None)
    if hold is None:
        raise RefusedHold(f"there is no hold {hold_id}; see `insights hold list`")
    days = timedelta(days=shop.policy.holds.extension_days)
    last = until or (hold.expires_on + days if hold.expires_on is not None else None)
    if last is None:
        raise RefusedHold(f"{hold_id} is {hold.state}; only an active hold can be extended")
    extended = operations.holds.extend(hold_id, by=by, until=last, reason=reason)
    return _changed(home, operations, extended, "hold_extend", by, reason)


def place_hold(home: Path, operations: Operations, shop: Shop, hold_id: str, *, by: str, as_of: date) -> Hold:
    """`insights hold place`: put a proposed hold into force; a person decides, so the cap does not bind."""
    expires = as_of + timedelta(days=shop.policy.holds.expires_after_days)
    hold = operations.holds.place(hold_id, by=by, placed_on=as_of, expires_on=expires)
    return _changed(home, operations, hold, "hold_place", by, "placed by hand")


def approve(operations: Operations, action_id: str, approved: bool, *, by: str, reason: str | None = None) -> Approval:
    """`insights approve`: decide on an action that waits; once. The next run carries it out."""
    row = operations.approvals.decide(action_id, approved, by=by, reason=reason)
    operations.audit.append(by, "approve" if approved else "reject", action_id, reason=reason)
    return row


def write_desired_state(home: Path, operations: Operations, shop: Shop | None = None) -> bool:
    """Bring `desk/holds.csv` up to date, and the promotion feed where a shop with one is given; gives whether `holds.csv` changed."""
    if shop is not None:
        from insights_assets.actions.destinations.hold_state import write_feed

        write_feed(operations, shop, home)
    return Desk(home / "desk").put("holds.csv", desired_state(operations.holds.all()))


@dataclass(frozen=True)
class Published:
    """What an answer reads: frames and rows of the published versions. Without orders `orders` is None."""

    insights: list[dict[str, Any]]
    tickets: list[dict[str, Any]]
    products: list[dict[str, Any]]
    feedback: DataFrame
    labels: DataFrame
    orders: DataFrame | None = None


def answer(
    published: Published,
    operations: Operations,
    shop: Shop,
    as_of: date,
    use_case_id: str | None = None,
    *,
    trusted: bool = True,
    trust_reason: str = "",
) -> Answer:
    """`insights answer`: the use case's question answered from what was published. Raises KeyError for an unknown one.

    An Answer whose `trusted` is False means exit code 3.
    """
    use_case = shop.use_case(use_case_id)
    first = first_day_of(use_case, as_of)
    days = (as_of - first).days + 1 + BASELINE_DAYS
    rows = gather.recent_rows(published.feedback, published.labels, as_of, days, use_case.sources)
    revenue = gather.revenue_by_sku(published.orders, first, as_of) if published.orders is not None else {}
    issues = with_verdicts((Issue.from_row(row) for row in published.insights), operations)
    tickets: dict[str, list[str]] = {}
    for row in sorted(published.tickets, key=lambda row: (row["kind"] != "defect_ticket", row["kind"])):
        if row.get("external_id"):
            tickets.setdefault(str(row["insight_id"]), []).append(str(row["external_id"]))
    return answer_question(
        use_case,
        shop,
        issues,
        reviews_of(rows, use_case),
        revenue,
        gather.products_of(published.products),
        tickets,
        as_of,
        trusted=trusted,
        trust_reason=trust_reason,
    )


def reviews_of(rows: Iterable[Mapping[str, Any]], use_case: UseCase) -> list[Review]:
    """The records of a use case, negative by its rating threshold or, without a rating, by sentiment."""
    found = []
    for row in rows:
        complaint = Complaint.from_row(row, gather.ATTRIBUTES)
        if complaint is None or text_of(row.get("source")) not in use_case.sources:
            continue
        rating = number_of(row.get("rating"))
        is_negative = complaint.is_negative if rating is None else rating <= use_case.negative_rating_at_most
        found.append(Review(complaint, is_negative))
    return found


def _changed(home: Path, operations: Operations, hold: Hold, act: str, by: str, reason: str) -> Hold:
    write_desired_state(home, operations)
    operations.audit.append(by, act, hold.hold_id, reason=reason, state=hold.state, until=hold.expires_on)
    return hold
