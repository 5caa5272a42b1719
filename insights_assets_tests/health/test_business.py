"""Business metrics from sums by day: exact figures on known days, and "not available: needs …" for every column that is absent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from insights_assets.health.business import BusinessDays, business_metrics

AS_OF = date(2026, 11, 22)


def by_day(row: Any, n: int = 56) -> list[dict[str, Any]]:
    return [{"day": AS_OF - timedelta(days=back), **row(back)} for back in range(n)]


def shop(**changes: Any) -> BusinessDays:
    given: dict[str, Any] = {
        "reviews": by_day(lambda back: {"sku": "LMP-1", "reviews": 10, "negative": 5 + back % 2 if back < 28 else 1 + back % 2}),
        "tickets": by_day(lambda back: {
            "tickets": 8, "answered": 6, "response_hours": 6 * (4.0 + back % 3), "handled": 8, "handle_seconds": 6 * 600.0 + 2 * 200.0, "macro_handled": 2, "macro_seconds": 400.0,
        }),
        "sessions": by_day(lambda back: {"sessions": 100, "purchases": 20 + back % 3, "errors": 10, "error_purchases": 1}),
        "orders": by_day(lambda back: {"sku": "LMP-1", "amount": 1_000.0, "lines": 20}),
        "refunds": by_day(lambda back: {"sku": "LMP-1", "amount": 20.0 + back % 2, "refunds": 1}),
    }  # fmt: skip
    return BusinessDays(**{**given, **changes}, currency="USD")


def found(days: BusinessDays) -> dict[tuple[str, str], Any]:
    return {(sku, metric.metric): metric for sku, metric in business_metrics(days, AS_OF)}


def test_each_metric_has_its_figure() -> None:
    metrics = found(shop())
    negative = metrics["all", "negative_review_share"]
    assert (negative.state, negative.value, negative.previous) == ("red", 0.55, 0.15)
    assert len(negative.trend) == 8
    # 400 s saved on each of 2 tickets of 8
    assert metrics["all", "ticket_deflection_seconds"].value == pytest.approx(100.0)
    assert metrics["all", "first_response_hours"].value == pytest.approx(5.0, abs=0.1)
    assert "56 still wait" in metrics["all", "first_response_hours"].says
    assert metrics["all", "conversion_share"].value == pytest.approx(0.21, abs=0.005)
    # sessions with an error buy 1 where about 2.2 would: 1.2 lines of 50 USD a day
    assert metrics["all", "conversion_impact"].value == pytest.approx(((20 + 27 / 28 - 1) / 90 * 10 - 1) * 50, rel=0.02)
    assert metrics["all", "refund_share"].value == pytest.approx(0.0205, abs=0.0001)


def test_products_stand_for_themselves_where_there_is_enough() -> None:
    few = [{"day": AS_OF, "sku": "KNT-2", "reviews": 3, "negative": 3}]
    metrics = found(shop(reviews=[*shop().reviews, *few]))
    assert metrics["LMP-1", "negative_review_share"].state == "red"
    assert ("KNT-2", "negative_review_share") not in metrics
    assert ("LMP-1", "refund_share") in metrics


@pytest.mark.parametrize(("changes", "metric", "needs"), [
    ({"reviews": []}, "negative_review_share", "rating in reviews of the last 28 days"),
    ({"tickets": by_day(lambda _: {"tickets": 8, "answered": 6, "response_hours": 9.0, "handled": 0, "handle_seconds": 0.0, "macro_handled": 0, "macro_seconds": 0.0})},
     "ticket_deflection_seconds", "handle_seconds in support_tickets"),
    ({"tickets": by_day(lambda _: {"tickets": 8, "answered": 0, "response_hours": 0.0, "handled": 8, "handle_seconds": 9.0, "macro_handled": 0, "macro_seconds": 0.0})},
     "ticket_deflection_seconds", "macro_ids in support_tickets"),
    ({"tickets": by_day(lambda _: {"tickets": 8, "answered": 0, "response_hours": 0.0, "handled": 8, "handle_seconds": 9.0, "macro_handled": 0, "macro_seconds": 0.0})},
     "first_response_hours", "first_response_at in support_tickets"),
    ({"sessions": []}, "conversion_share", "clickstream"),
    ({"sessions": []}, "conversion_impact", "clickstream"),
    ({"orders": []}, "conversion_impact", "orders in the reporting currency"),
    ({"refunds": []}, "refund_share", "refund_amount in returns"),
    ({"orders": []}, "refund_share", "orders in the reporting currency"),
])  # fmt: skip
def test_a_metric_without_its_columns_says_what_it_needs(changes: dict[str, Any], metric: str, needs: str) -> None:
    absent = found(shop(**changes))["all", metric]
    assert (absent.state, absent.value, absent.says) == ("not_available", None, f"not available: needs {needs}")


def test_refunds_without_a_rate_stand_apart() -> None:
    assert found(shop(unrated_refunds=3))["all", "refund_share"].says.endswith("3 refunds in currencies without a rate stand apart")
