"""What holds that turned out wrong cost: the days held times the revenue that paid promotion is taken to bring.

Belongs here: pricing a hold whose issue was dismissed, with the assumption in words, and the rows of `actions.promo_holds`. Does not
belong here: whether a hold fits (`holds.py`). What promotion really would have brought is not known: the products' usual revenue times
the policy's `promoted_share_of_revenue` stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from insights_assets.resources.operations.holds import days_held
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.model import Shop

#: The verdict that makes a hold a wrong one. A duplicate was right about the goods.
WRONG = "dismissed"


def hold_rows(holds: Iterable[Hold], verdicts: Mapping[str, str], shop: Shop, today: date) -> list[dict[str, Any]]:
    """Every hold with the days it held and, where its issue was dismissed, what that cost. `verdicts`: insight id -> the one that counts."""
    rows = []
    for hold in holds:
        days, is_wrong = days_held(hold, today), verdicts.get(hold.insight_id) == WRONG
        cost = wrong_cost(hold, days, shop) if is_wrong else None
        rows.append(
            {
                **hold.as_dict(), "days_held": days, "is_wrong": is_wrong, "wrong_cost": cost, "currency": shop.reporting_currency,
                "cost_basis": cost_words(hold, days, shop) if is_wrong else None,
            }
        )  # fmt: skip
    return rows


def wrong_cost(hold: Hold, days: int, shop: Shop) -> float | None:
    """In the reporting currency; None where the products' revenue is not known, 0 for a hold that was only proposed."""
    if days == 0:
        return 0.0
    return None if hold.daily_revenue is None else round(days * hold.daily_revenue * shop.policy.holds.promoted_share_of_revenue, 2)


def cost_words(hold: Hold, days: int, shop: Shop) -> str:
    """The sum as a sentence, so that nobody takes the assumption for a measurement."""
    if days == 0:
        return "it was only proposed: nothing was held"
    if hold.daily_revenue is None:
        return "not known: its products had no orders with an amount"
    span = f"{days} day{'s' if days != 1 else ''}"
    share = f"{shop.policy.holds.promoted_share_of_revenue:.0%}"
    return (
        f"{span} x {hold.daily_revenue:,.2f} {shop.reporting_currency} a day (mean of the 28 days before the hold) x {share} of it "
        "taken to come from paid promotion"
    )
