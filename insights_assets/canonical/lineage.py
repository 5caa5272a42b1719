"""From a complaint to its order line, SKU, shipment, warehouse and batch (R43, R49, R75). Spark frames in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def attach_orders(rows: DataFrame, order_lines: DataFrame, parcels: DataFrame, catalogue: DataFrame) -> DataFrame:
    """Rows with `order_id` and `own_sku` gain order_ref_status, sku, sku_source, product_line, region and the shipment's columns."""
    from pyspark.sql import functions as F

    named = rows.select("order_id").where("order_id IS NOT NULL").distinct()
    lines = (
        order_lines.join(named, "order_id", "left_semi")
        .groupBy("order_id")
        .agg(F.count("*").alias("line_count"), F.collect_set("sku").alias("order_skus"), F.min("sku").alias("first_sku"), F.min("region").alias("order_region"))
    )
    joined = rows.join(lines, "order_id", "left")
    own, ordered = F.col("own_sku").isNotNull(), F.col("line_count").isNotNull()
    inside = F.array_contains("order_skus", F.col("own_sku"))
    sourced = joined.withColumns({
        "order_ref_status": F.when(F.col("order_id").isNull(), "missing").when(ordered, "valid").otherwise("broken"),
        "sku": F.when(own, F.col("own_sku")).when(F.col("line_count") == 1, F.col("first_sku")),
        "sku_source": F.when(own & ordered & inside, "both").when(own & ordered, "conflict").when(own, "text").when(F.col("line_count") == 1, "order"),
        "region": F.coalesce("region", "order_region"),
    }).drop("line_count", "order_skus", "first_sku", "order_region")
    return (
        sourced.join(shipment_of_line(parcels.join(named, "order_id", "left_semi")), ["order_id", "sku"], "left")
        .join(catalogue.select("sku", F.col("product_line")), "sku", "left")
    )


def shipment_of_line(parcels: DataFrame) -> DataFrame:
    """One shipment per order line: the first to leave where a line was split."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    first = Window.partitionBy("order_id", "sku").orderBy("shipped_day", "fulfilment_id")
    return (
        parcels.withColumn("rank", F.row_number().over(first)).where("rank = 1")
        .select("order_id", "sku", "fulfilment_id", "warehouse", "packaging_batch", "carrier", "shipped_day")
    )


def stale_days(feedback: DataFrame, order_lines: DataFrame | None, parcels: DataFrame | None) -> DataFrame | None:
    """Days of stored feedback whose order or shipment is among these, and was not there when it was written; None where there are none to look for."""
    from functools import reduce

    from pyspark.sql import functions as F

    parts = []
    if order_lines is not None:
        parts.append(order_lines.select("order_id", F.lit(None).cast("string").alias("came_sku")).distinct())
    if parcels is not None:
        parts.append(parcels.where("sku IS NOT NULL").select("order_id", F.col("sku").alias("came_sku")).distinct())
    if not parts:
        return None
    came = reduce(lambda left, right: left.union(right), parts)
    broken, unshipped = "order_ref_status = 'broken'", "order_ref_status = 'valid' AND sku IS NOT NULL AND fulfilment_id IS NULL"
    open_ends = feedback.where(f"({broken}) OR ({unshipped})").select("order_id", "sku", "order_ref_status", "received_day")
    closed = open_ends.join(came, "order_id").where("(order_ref_status = 'broken' AND came_sku IS NULL) OR (order_ref_status = 'valid' AND came_sku = sku)")
    return closed.select("received_day").distinct()
