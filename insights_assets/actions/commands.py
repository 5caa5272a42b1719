"""What commands do in this stage beside answering, as plain functions: holds in a list and as files, the use case's answer.

Belongs here: reading the operational database and what was published, for the command line and the console to call. Does not belong
here: options, printing, exit codes, and what people decide (`inbox.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.actions import gather
from insights_assets.actions.answer import BASELINE_DAYS, Answer, Review, answer_question, first_day_of
from insights_assets.actions.decide import with_verdicts
from insights_assets.actions.desk import Desk
from insights_assets.actions.hold_costs import hold_rows
from insights_assets.actions.holds import desired_state
from insights_assets.actions.model import Issue, number_of, text_of
from insights_assets.actions.ranking import Complaint
from insights_assets.resources.clock import shop_today
from insights_assets.resources.operations import Operations
from insights_assets.shop.model import Shop, UseCase

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

def list_holds(operations: Operations, shop: Shop | None = None) -> list[dict[str, Any]]:
    """`insights hold list`: running holds first, then proposed, then ended ones; plain values, with what wrong ones cost where the shop is given."""
    order = {"active": 0, "proposed": 1, "released": 2, "expired": 3}
    holds = sorted(operations.holds.all(), key=lambda hold: (order[hold.state], hold.hold_id))
    if shop is None:
        return [hold.as_dict() for hold in holds]
    verdicts = {key: row.verdict for key, row in operations.verdicts.latest().items()}
    latest = operations.latest_publication()
    return hold_rows(holds, verdicts, shop, latest.as_of_day if latest is not None else shop_today(operations.clock, shop.shop_time_zone))


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
