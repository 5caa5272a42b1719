"""Sums by day and product that business health is made of: Spark frames in, small rows out.

Belongs here: which records count and on which day. Does not belong here: what the sums mean (`business.py`). Only the best-selling
products keep their own rows, so that what reaches the driver does not grow with the catalogue.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.orders import daily_rates, normal_sku
from insights_assets.health.business import BusinessDays
from insights_assets.health.metric import TREND_WEEKS, WINDOW_DAYS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

#: Products with rows of their own.
SKUS_KEPT = 30
LOOK_BACK_DAYS = max(7 * TREND_WEEKS, 2 * WINDOW_DAYS)


def business_days(
    *, feedback: DataFrame, tickets: DataFrame, sessions: DataFrame, orders: DataFrame, returns: DataFrame, fx: DataFrame, as_of: date, as_of_end: datetime, currency: str,
    negative_rating_at_most: float,
) -> BusinessDays:
    """All sums of the last weeks, by what was known at the end of the as-of day."""
    from pyspark.sql import functions as F

    since = as_of - timedelta(days=LOOK_BACK_DAYS)
    recent = orders.where((F.col("received_day") >= F.lit(since)) & F.col("ordered_day").between(F.lit(since), F.lit(as_of)))
    by_sku = _rows(
        recent.groupBy("sku", F.col("ordered_day").alias("day")).agg(F.sum("amount").alias("amount"), F.sum(F.col("amount").isNotNull().cast("bigint")).alias("lines"))
    )
    top = best_sellers(by_sku)
    known = tickets.where((F.col("received_day") >= F.lit(since)) & (F.col("known_at") <= F.lit(as_of_end)))
    refunded = returns.where((F.col("received_day") >= F.lit(since)) & (F.col("known_at") <= F.lit(as_of_end)) & F.col("refund_amount").isNotNull())
    refunds = _refunds(refunded, fx, top, currency.upper())
    return BusinessDays(
        reviews=_reviews(feedback.where(F.col("received_day") >= F.lit(since)), top, negative_rating_at_most),
        tickets=_tickets(known),
        sessions=_sessions(sessions.where(F.col("received_day") >= F.lit(since))),
        orders=_fold(by_sku, set(top), ("amount", "lines")),
        refunds=[row for row in refunds if row["is_rated"]],
        currency=currency,
        unrated_refunds=sum(row["refunds"] for row in refunds if not row["is_rated"]),
    )


def best_sellers(rows: list[dict[str, Any]]) -> list[str]:
    """The products that sold most over the rows, by amount, then name."""
    sold: dict[str, float] = {}
    for row in rows:
        if row["sku"]:
            sold[row["sku"]] = sold.get(row["sku"], 0.0) + (row["amount"] or 0.0)
    return sorted(sold, key=lambda sku: (-sold[sku], sku))[:SKUS_KEPT]


def _fold(rows: list[dict[str, Any]], kept: set[str], sums: tuple[str, ...]) -> list[dict[str, Any]]:
    """Products that are not kept become one, without a name."""
    out: dict[tuple[str, Any], dict[str, Any]] = {}
    for row in rows:
        sku = row["sku"] if row["sku"] in kept else ""
        into = out.setdefault((sku, row["day"]), {"sku": sku, "day": row["day"], **dict.fromkeys(sums, 0)})
        for name in sums:
            into[name] += row[name] or 0
    return list(out.values())


def _kept(sku: Column, top: list[str]) -> Column:
    from pyspark.sql import functions as F

    return F.when(sku.isin(top), sku).otherwise(F.lit("")) if top else F.lit("")


def _reviews(feedback: DataFrame, top: list[str], negative_at_most: float) -> list[dict[str, Any]]:
    from pyspark.sql import functions as F

    counted = feedback.where("source = 'reviews' AND rating IS NOT NULL AND duplicate_weight > 0 AND NOT coalesce(is_incentivised, false)")
    return _rows(
        counted.groupBy(_kept(F.col("sku"), top).alias("sku"), F.col("occurred_day").alias("day"))
        .agg(F.count("*").alias("reviews"), F.sum((F.col("rating") <= negative_at_most).cast("bigint")).alias("negative"))
    )


def _tickets(known: DataFrame) -> list[dict[str, Any]]:
    from pyspark.sql import functions as F

    answered = F.col("first_response_at").isNotNull() & (F.col("first_response_at") >= F.col("happened_at"))
    # Whole milliseconds, for the same reason as the cents of refunds.
    waited = F.round((F.col("first_response_at").cast("double") - F.col("happened_at").cast("double")) * 1_000).cast("bigint")
    handled = F.col("handle_seconds").isNotNull()
    macro = handled & (F.coalesce(F.size("macro_ids"), F.lit(0)) > 0)
    return _rows(
        known.groupBy(F.col("happened_day").alias("day")).agg(
            F.count("*").alias("tickets"), F.sum(answered.cast("bigint")).alias("answered"), (F.sum(F.when(answered, waited).otherwise(0)) / 3_600_000).alias("response_hours"),
            F.sum(handled.cast("bigint")).alias("handled"), F.sum(F.when(handled, F.col("handle_seconds")).otherwise(0.0)).alias("handle_seconds"),
            F.sum(macro.cast("bigint")).alias("macro_handled"), F.sum(F.when(macro, F.col("handle_seconds")).otherwise(0.0)).alias("macro_seconds"),
        )
    )


def _sessions(sessions: DataFrame) -> list[dict[str, Any]]:
    from pyspark.sql import functions as F

    bought, erred = F.coalesce("has_purchase", F.lit(False)), F.coalesce("has_error", F.lit(False))
    return _rows(
        sessions.groupBy(F.col("occurred_day").alias("day")).agg(
            F.count("*").alias("sessions"), F.sum(bought.cast("bigint")).alias("purchases"), F.sum(erred.cast("bigint")).alias("errors"),
            F.sum((bought & erred).cast("bigint")).alias("error_purchases"),
        )
    )


def _refunds(refunded: DataFrame, fx: DataFrame, top: list[str], currency: str) -> list[dict[str, Any]]:
    """Refunds in the reporting currency, as orders are converted; those without a rate are counted apart, never added."""
    from pyspark.sql import functions as F

    paid = refunded.select(_kept(normal_sku(), top).alias("sku"), "happened_day", "refund_amount", F.upper("currency").alias("paid_in"))
    rated = paid.join(
        daily_rates(fx, currency), (F.col("paid_in") == F.col("fx_currency")) & (F.col("happened_day") >= F.col("fx_from")) & (F.col("happened_day") < F.col("fx_to")), "left",
    )
    rate = F.when(F.col("paid_in").isNull() | (F.col("paid_in") == currency), F.lit(1.0)).otherwise(F.col("fx_rate"))
    # Cents, as whole numbers: a sum of floats would end in what the order of the rows happened to be.
    amounts = rated.select("sku", F.col("happened_day").alias("day"), F.round(F.col("refund_amount") * rate * 100).cast("bigint").alias("cents"))
    return _rows(
        amounts.groupBy("sku", "day", F.col("cents").isNotNull().alias("is_rated")).agg((F.sum("cents") / 100).alias("amount"), F.count("*").alias("refunds"))
    )


def _rows(frame: DataFrame) -> list[dict[str, Any]]:
    """Rows on the driver in a fixed order: sums of floats must not depend on how the engine happened to group."""
    rows: list[dict[str, Any]] = frame.toArrow().to_pylist()
    return sorted(rows, key=lambda row: (str(row["day"]), str(row.get("sku", ""))))
