"""Business health: negative reviews, ticket deflection, first response, conversion, refunds; now against the period before (R108, R5).

Belongs here: the metrics, from sums by day and product. Does not belong here: making those sums (`business_days.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from insights_assets.health.metric import WINDOW_DAYS, Change, Daily, Metric, change, daily, judge, not_available, weekly

Rows = Sequence[Mapping[str, Any]]
ALL = "all"
#: Reviews, or order lines, of one product below which its own share is not given.
SKU_AT_LEAST = 20


@dataclass(frozen=True)
class BusinessDays:
    """Sums by `day` (and `sku` where named): see `business_days.py` for the columns of each."""

    reviews: Rows
    tickets: Rows
    sessions: Rows
    orders: Rows
    refunds: Rows
    currency: str
    #: Refunds in currencies without a rate: said beside, never added.
    unrated_refunds: int = 0


def business_metrics(found: BusinessDays, as_of: date) -> list[tuple[str, Metric]]:
    """(sku or `all`, metric) of every metric, in a fixed order."""
    out = [(ALL, metric) for metric in _shop_metrics(found, as_of)]
    skus = sorted({str(row["sku"]) for row in (*found.reviews, *found.orders) if row["sku"] is not None and row["sku"] != ""})
    for sku in skus:
        reviews = [row for row in found.reviews if row["sku"] == sku]
        out.extend((sku, metric) for metric in _enough(_negative(reviews, as_of)))
        out.extend((sku, metric) for metric in _enough(_refunds(_refund_days(found, sku), found, as_of, apart=0)))
    return out


def _shop_metrics(found: BusinessDays, as_of: date) -> list[Metric]:
    return [
        _negative(found.reviews, as_of), _deflection(found.tickets, as_of), _first_response(found.tickets, as_of),
        *_conversion(found.sessions, found.orders, as_of, found.currency), _refunds(_refund_days(found, None), found, as_of, apart=found.unrated_refunds),
    ]  # fmt: skip


def _enough(metric: Metric) -> list[Metric]:
    return [metric] if metric.value is not None and (metric.sample_count or 0) >= SKU_AT_LEAST and metric.z is not None else []


def _from(metric: str, series: Daily, as_of: date, worse: Literal["higher", "lower"], unit: str, source: str, says: Callable[[Change], str], *, is_share: bool = False) -> Metric | None:
    found = change(series, as_of)
    if found is None:
        return None
    state, z = judge(found, worse)
    low, high = found.low, found.high
    if is_share and low is not None and high is not None:
        low, high = max(0.0, low), min(1.0, high)
    return Metric(metric, state, says(found), source, found.now, unit, low, high, found.before, z, found.sample, trend=weekly(series, as_of))


def _was(found: Change, shape: Callable[[float], str]) -> str:
    return f"; {shape(found.before)} in the {WINDOW_DAYS} days before" if found.before is not None else f"; nothing to compare in the {WINDOW_DAYS} days before"


def percent(value: float) -> str:
    return f"{value * 100:.1f} %"


def hours(value: float) -> str:
    return f"{value:.1f} h"


def _negative(reviews: Rows, as_of: date) -> Metric:
    source = "canonical.feedback (source reviews: rating, sku, occurred_day), copies and paid reviews left out"
    made = _from(
        "negative_review_share", daily(reviews, "negative", "reviews"), as_of, "higher", "0 to 1", source,
        lambda f: f"{percent(f.now)} of {f.sample:,} reviews are negative{_was(f, percent)}", is_share=True,
    )  # fmt: skip
    return made or not_available("negative_review_share", f"rating in reviews of the last {WINDOW_DAYS} days", source)


def _in_window(rows: Rows, as_of: date) -> Rows:
    first = as_of - timedelta(days=WINDOW_DAYS - 1)
    return [row for row in rows if row["day"] is not None and first <= row["day"] <= as_of]


def _first_response(tickets: Rows, as_of: date) -> Metric:
    source = "sources.support_tickets (created_at, first_response_at)"
    now = _in_window(tickets, as_of)
    waiting = sum(row["tickets"] - row["answered"] for row in now)
    made = _from(
        "first_response_hours", daily(tickets, "response_hours", "answered"), as_of, "higher", "hours", source,
        lambda f: f"{hours(f.now)} to the first answer of {f.sample:,} tickets, {waiting:,} still wait{_was(f, hours)}",
    )
    return made or not_available("first_response_hours", "first_response_at in support_tickets", source)


def _deflection(tickets: Rows, as_of: date) -> Metric:
    """Handling time saved a ticket by macros: what tickets without one take, less what those with one take, times their share."""
    metric, source = "ticket_deflection_seconds", "sources.support_tickets (handle_seconds, macro_ids)"
    now = _in_window(tickets, as_of)
    if not sum(row["handled"] for row in now):
        return not_available(metric, "handle_seconds in support_tickets", source)
    with_macro, plain = sum(row["macro_handled"] for row in now), sum(row["handled"] - row["macro_handled"] for row in now)
    if not with_macro or not plain:
        needs = "macro_ids in support_tickets" if not with_macro else "tickets handled without a macro"
        return not_available(metric, needs, source)
    series = {day: saved for day, rows in _by_day(tickets).items() if (saved := _saved(rows)) is not None}
    found = change(Daily(series), as_of)
    if found is None:
        return not_available(metric, "days on which tickets with and without a macro were handled", source)
    state, z = judge(found, "lower")
    says = f"macros save {found.now:,.0f} s of handling a ticket ({with_macro:,} of {with_macro + plain:,} tickets used one){_was(found, lambda v: f'{v:,.0f} s')}"
    # A difference of two means has no natural zero: only a change that is sure colours it, never one that is merely large.
    return Metric(metric, state, says, source, found.now, "seconds a ticket", found.low, found.high, found.before, z, found.sample, trend=weekly(Daily(series), as_of))


def _by_day(rows: Rows) -> dict[date, list[Mapping[str, Any]]]:
    days: dict[date, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["day"] is not None:
            days.setdefault(row["day"], []).append(row)
    return days


def _saved(rows: Rows) -> tuple[float, float] | None:
    """(seconds saved, tickets handled) of a day; None where one of the two kinds is missing."""
    macro, handled = sum(row["macro_handled"] for row in rows), sum(row["handled"] for row in rows)
    if not macro or macro == handled:
        return None
    with_macro = sum(row["macro_seconds"] for row in rows) / macro
    plain = sum(row["handle_seconds"] - row["macro_seconds"] for row in rows) / (handled - macro)
    return (plain - with_macro) * macro, float(handled)


def _conversion(sessions: Rows, orders: Rows, as_of: date, currency: str) -> list[Metric]:
    source = "canonical.sessions (has_purchase, has_error)"
    share = _from(
        "conversion_share", daily(sessions, "purchases", "sessions"), as_of, "lower", "0 to 1", source,
        lambda f: f"{percent(f.now)} of {f.sample:,} sessions buy{_was(f, percent)}", is_share=True,
    )
    if share is None:
        return [not_available("conversion_share", "clickstream", source), not_available("conversion_impact", "clickstream", source)]
    lost_source = f"{source}, canonical.orders (amount)"
    priced = sum(row["lines"] for row in _in_window(orders, as_of))
    if not priced:
        return [share, not_available("conversion_impact", "orders in the reporting currency", lost_source)]
    line = sum(row["amount"] or 0.0 for row in _in_window(orders, as_of)) / priced
    series = {}
    for day, rows in _by_day(sessions).items():
        clean, erred = sum(row["sessions"] - row["errors"] for row in rows), sum(row["errors"] for row in rows)
        if clean > 0:
            expected = sum(row["purchases"] - row["error_purchases"] for row in rows) / clean * erred
            series[day] = ((expected - sum(row["error_purchases"] for row in rows)) * line, 1.0)
    lost = _from(
        "conversion_impact", Daily(series), as_of, "higher", f"{currency} a day", lost_source,
        lambda f: f"{f.now:,.0f} {currency} a day not bought in sessions that met an error, had they bought like the others{_was(f, lambda v: f'{v:,.0f} {currency}')}",
    )  # fmt: skip
    return [share, lost or not_available("conversion_impact", "sessions without an error", lost_source)]


def _refund_days(found: BusinessDays, sku: str | None) -> list[dict[str, Any]]:
    """Refunds and ordered amounts by day, of one product or of the shop."""
    days: dict[date, dict[str, Any]] = {}
    for name, rows in (("refund", found.refunds), ("ordered", found.orders)):
        for row in rows:
            if row["day"] is not None and (sku is None or row["sku"] == sku):
                day = days.setdefault(row["day"], {"day": row["day"], "refund": 0.0, "refunds": 0, "ordered": 0.0, "lines": 0})
                if name == "refund":
                    day["refund"] += row["amount"] or 0.0
                    day["refunds"] += row["refunds"]
                else:
                    day["ordered"] += row["amount"] or 0.0
                    day["lines"] += row["lines"]
    return [days[day] for day in sorted(days)]


def _refunds(days: Rows, found: BusinessDays, as_of: date, *, apart: int) -> Metric:
    """Refund volume as a share of what was ordered: refunds in money grow with the shop and say nothing alone."""
    metric, source = "refund_share", "sources.returns (refund_amount, currency), canonical.orders (amount)"
    now = _in_window(days, as_of)
    if not found.refunds:
        return not_available(metric, "refund_amount in returns", source)
    if not sum(row["ordered"] for row in now):
        return not_available(metric, "orders in the reporting currency", source)
    money, number = sum(row["refund"] for row in now), sum(row["refunds"] for row in now)
    beside = f"; {apart:,} refunds in currencies without a rate stand apart" if apart else ""
    made = _from(
        metric, daily(days, "refund", "ordered"), as_of, "higher", "0 to 1", source,
        lambda f: f"{money:,.0f} {found.currency} refunded in {number:,} returns, {percent(f.now)} of what was ordered{_was(f, percent)}{beside}",
    )
    if made is None:
        return not_available(metric, "orders in the reporting currency", source)
    return Metric(**{**made.__dict__, "sample_count": sum(row["lines"] for row in now)})
