"""Money of a scope: what a day's sales earn, and that the engine's order of rows leaves no trace in it."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.anomalies.panel import day_numbers
from insights_assets.anomalies.scopes import SALES_DAYS, Business, business_of

LAST = date(2026, 11, 22)
PRODUCTS = pd.DataFrame(
    [(f"SKU-{n}", f"Lamp {n}", "lamps", 0.1 + n / 3, n == 0) for n in range(7)], columns=["sku", "name", "product_line", "unit_margin", "is_flagship"],
)  # fmt: skip
SALES = [(sku, LAST - timedelta(days=back), 2, 0.1 * (back + 1), 1 + back % 3) for back in range(40) for sku in [*PRODUCTS["sku"], "SKU-unknown"]]


def business(sales: list[tuple[str, date, int, float, int]]) -> Business:
    frame = pd.DataFrame(sales, columns=["sku", "ordered_day", "lines", "amount", "quantity"])
    return business_of(PRODUCTS, frame, ())


def test_a_days_margin_is_the_mean_of_the_last_days_and_a_product_without_margin_counts_nothing() -> None:
    day = int(day_numbers([LAST])[0])
    earned = sum((0.1 + n / 3) * (1 + back % 3) for back in range(SALES_DAYS) for n in range(7))
    assert business(SALES).daily_margin(day) == pytest.approx(earned / SALES_DAYS)
    assert business(SALES).order_value({"sku": "SKU-1"}, day) == pytest.approx(sum(0.1 * (back + 1) for back in range(SALES_DAYS)) / (2 * SALES_DAYS))
    assert business([]).daily_margin(day) == 0.0


@given(st.permutations(SALES))
def test_money_is_the_same_to_the_last_digit_whatever_order_rows_come_in(sales: list[tuple[str, date, int, float, int]]) -> None:
    day = int(day_numbers([LAST])[0])
    usual, mixed = business(SALES), business(sales)
    assert mixed.daily_margin(day) == usual.daily_margin(day)
    assert mixed.order_value({"product_line": "lamps"}, day) == usual.order_value({"product_line": "lamps"}, day)
