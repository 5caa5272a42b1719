"""Orders, shipments, products and sessions in canonical form: Spark frames in, Spark frames out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame


def normal_sku(name: str = "sku") -> Column:
    """R42: SKUs compare without case and outer blanks."""
    from pyspark.sql import functions as F

    return F.upper(F.trim(F.col(name)))


def normal_region(name: str = "region") -> Column:
    from pyspark.sql import functions as F

    return F.lower(F.trim(F.col(name)))


def products(bronze: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    return bronze.select(
        normal_sku().alias("sku"), "name", F.lower(F.trim("product_line")).alias("product_line"), "aliases", "unit_price", "unit_margin",
        F.coalesce("is_flagship", F.lit(False)).alias("is_flagship"), F.to_date("launched_on").alias("launched_on"),
    ).dropDuplicates(["sku"])


def daily_rates(fx: DataFrame, reporting_currency: str) -> DataFrame:
    """The last known rate of each currency into the reporting currency, with the days it covers (from its day to the next)."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    into = fx.where(F.upper("to_currency") == reporting_currency.upper()).select(
        F.upper("from_currency").alias("fx_currency"), F.col("happened_day").alias("fx_from"), F.col("rate").alias("fx_rate")
    )
    following = Window.partitionBy("fx_currency").orderBy("fx_from")
    return into.withColumn("fx_to", F.coalesce(F.lead("fx_from").over(following), F.lit("9999-12-31").cast("date")))


def orders(bronze: DataFrame, fx: DataFrame, catalogue: DataFrame, identities: DataFrame, reporting_currency: str) -> DataFrame:
    """Order lines with product line, pseudonym and amount. An amount of a currency without a rate stays empty, never 0."""
    from pyspark.sql import functions as F

    lines = bronze.select(
        "order_id", normal_sku().alias("sku"), "customer_id", normal_region().alias("region"), F.col("happened_at").alias("ordered_at"),
        F.col("happened_day").alias("ordered_day"), "quantity", "unit_price", F.upper("currency").alias("currency"), "known_day", "received_day", "payload_sha256",
    )
    named = lines.join(catalogue.select("sku", "product_line"), "sku", "left").join(identities, "customer_id", "left")
    return _priced(named, fx, reporting_currency)


def _priced(lines: DataFrame, fx: DataFrame, reporting_currency: str) -> DataFrame:
    """Lines with `amount`: quantity and unit price at the rate of their day."""
    from pyspark.sql import functions as F

    rated = lines.join(
        daily_rates(fx, reporting_currency),
        (F.col("currency") == F.col("fx_currency")) & (F.col("ordered_day") >= F.col("fx_from")) & (F.col("ordered_day") < F.col("fx_to")), "left",
    )
    rate = F.when(F.col("currency").isNull() | (F.col("currency") == reporting_currency.upper()), F.lit(1.0)).otherwise(F.col("fx_rate"))
    return rated.withColumn("amount", F.round(F.col("quantity") * F.col("unit_price") * rate, 2))


def priced_otherwise(stored: DataFrame, fx: DataFrame, since: date, reporting_currency: str) -> DataFrame:
    """received_day of stored order lines, ordered on `since` or later, whose amount is another by these rates."""
    from pyspark.sql import functions as F

    foreign = stored.where((F.col("ordered_day") >= F.lit(since)) & (F.col("currency") != reporting_currency.upper()))
    anew = _priced(foreign.withColumnRenamed("amount", "stored_amount"), fx, reporting_currency)
    return anew.where("NOT amount <=> stored_amount").select("received_day")


def of_another_line(stored: DataFrame, catalogue: DataFrame) -> DataFrame:
    """received_day of stored rows with a SKU that the catalogue puts into another product line than they say, or takes out of it."""
    from pyspark.sql import functions as F

    now = catalogue.select("sku", F.col("product_line").alias("line_now"))
    return stored.where("sku IS NOT NULL").select("sku", "product_line", "received_day").join(now, "sku", "left").where("NOT product_line <=> line_now").select("received_day")


#: What a parcel takes over from its order line.
_LINE = ("product_line", "region", "customer_key", "quantity", "ordered_day")


def of_other_orders(parcels: DataFrame, order_lines: DataFrame) -> DataFrame:
    """received_day of stored parcels that these order lines, which came since, tell otherwise."""
    from pyspark.sql import functions as F

    came = order_lines.select("order_id", F.col("sku").alias("came_sku"), *(F.col(name).alias(f"came_{name}") for name in _LINE))
    differs = " OR ".join(f"NOT {name} <=> came_{name}" for name in _LINE)
    both = parcels.select("order_id", "sku", *_LINE, "received_day").join(came, "order_id")
    return both.where(f"sku IS NULL OR (sku = came_sku AND ({differs}))").select("received_day")


def shipments(bronze: DataFrame, order_lines: DataFrame) -> DataFrame:
    """Parcels joined to their order line. A parcel without SKU takes that of a single-line order."""
    from pyspark.sql import functions as F

    # Of the orders that these parcels name: what a few parcels cost does not go by how many orders there ever were.
    order_lines = order_lines.join(bronze.where("order_id IS NOT NULL").select("order_id").distinct(), "order_id", "left_semi")
    single = order_lines.groupBy("order_id").agg(F.count("*").alias("lines"), F.min("sku").alias("only_sku")).where("lines = 1").select("order_id", "only_sku")
    parcels = (
        bronze.select(
            "fulfilment_id", "order_id", normal_sku().alias("own_sku"), F.upper(F.trim("warehouse")).alias("warehouse"),
            F.upper(F.trim("packaging_batch")).alias("packaging_batch"), F.trim("carrier").alias("carrier"), F.lower("status").alias("status"),
            F.when(F.col("shipped_at").isNotNull(), F.col("happened_day")).alias("shipped_day"), F.to_date("delivered_at").alias("delivered_day"), F.to_date("promised_at").alias("promised_day"),
            "known_day", "received_day", "payload_sha256",
        )
        .join(single, "order_id", "left")
        .withColumn("sku", F.coalesce("own_sku", "only_sku"))
    )
    lines = order_lines.select("order_id", "sku", *_LINE)
    return parcels.join(lines, ["order_id", "sku"], "left")


def sessions(events: DataFrame) -> DataFrame:
    """One row a session (R32): what it saw, whether it bought, abandoned a basket or met an error."""
    from pyspark.sql import functions as F

    event = F.lower(F.trim("event"))
    flagged = events.withColumns({"event_word": event, "is_error": event == "error"})
    grouped = flagged.groupBy("session_id").agg(
        F.min("customer_id").alias("customer_id"), F.min("happened_at").alias("started_at"), F.max("happened_at").alias("ended_at"),
        F.min("happened_day").alias("occurred_day"), F.max("known_day").alias("known_day"), F.max("known_at").alias("known_at"),
        F.max("received_at").alias("received_at"), F.max("received_day").alias("received_day"), F.max_by(normal_region(), "happened_at").alias("region"),
        F.max_by(normal_sku(), F.when(F.col("sku").isNotNull(), F.col("happened_at"))).alias("sku"), F.count("*").alias("event_count"),
        F.max("is_error").alias("has_error"), F.max(F.col("event_word") == "purchase").alias("has_purchase"),
        F.max(F.col("event_word").isin("add_to_cart", "checkout")).alias("has_basket"), F.max_by("page", "happened_at").alias("last_page"),
        F.max_by("page", F.when(F.col("is_error"), F.col("happened_at"))).alias("error_page"),
        F.min_by("happened_at_text", "happened_at").alias("occurred_at_text"),
        F.sha2(F.concat_ws(",", F.sort_array(F.collect_list("payload_sha256"))), 256).alias("payload_sha256"),
    )
    return grouped.withColumn("is_abandoned", F.col("has_basket") & ~F.col("has_purchase")).drop("has_basket")
