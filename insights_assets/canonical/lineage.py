"""From a complaint to its order line, SKU, shipment, warehouse and batch (R43, R49, R75). Spark frames in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from insights_assets.canonical.orders import of_another_line

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: What feedback takes over from its parcel.
SHIPMENT = ("fulfilment_id", "warehouse", "packaging_batch", "carrier", "shipped_day")


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

    first = Window.partitionBy("order_id", "sku").orderBy(F.col("shipped_day").asc_nulls_last(), "fulfilment_id")
    return parcels.withColumn("rank", F.row_number().over(first)).where("rank = 1").select("order_id", "sku", *SHIPMENT)


def told_otherwise(feedback: DataFrame, order_lines: DataFrame | None, parcels: DataFrame | None, catalogue: DataFrame | None) -> list[DataFrame]:
    """received_day of stored feedback that would be told otherwise by what came since it was written: order lines, parcels, a new catalogue."""
    parts = []
    if order_lines is not None:
        parts.append(_told_otherwise_by_orders(feedback, order_lines))
    if parcels is not None:
        parts.append(_told_otherwise_by_parcels(feedback, parcels))
    if catalogue is not None:
        parts.append(of_another_line(feedback, catalogue))
    return parts


def _told_otherwise_by_orders(feedback: DataFrame, order_lines: DataFrame) -> DataFrame:
    """Its order was not known yet, has another line than the one it was taken to be about, or knows a region that it does not."""
    from pyspark.sql import functions as F

    came = order_lines.select("order_id", F.col("sku").alias("came_sku"), F.col("region").alias("came_region")).distinct()
    named = feedback.where("order_id IS NOT NULL").select("order_id", "order_ref_status", "sku", "sku_source", "region", "received_day")
    unknown, other_line, own_line = "order_ref_status = 'broken'", "sku_source = 'order' AND came_sku <> sku", "sku_source = 'conflict' AND came_sku = sku"
    return named.join(came, "order_id").where(f"({unknown}) OR ({other_line}) OR ({own_line}) OR (region IS NULL AND came_region IS NOT NULL)").select("received_day")


def _told_otherwise_by_parcels(feedback: DataFrame, parcels: DataFrame) -> DataFrame:
    """Its parcel was not known yet or had not left, is another now, or is written of otherwise."""
    from pyspark.sql import functions as F

    came = parcels.where("sku IS NOT NULL").select("order_id", "sku", *(F.col(name).alias(f"came_{name}") for name in SHIPMENT))
    named = feedback.where("order_id IS NOT NULL AND sku IS NOT NULL").select("order_id", "sku", *SHIPMENT, "received_day")
    unknown, same = "fulfilment_id IS NULL", "fulfilment_id = came_fulfilment_id"
    differs = " OR ".join(f"NOT {name} <=> came_{name}" for name in SHIPMENT)
    left_before = (
        "came_shipped_day < shipped_day OR (came_shipped_day IS NOT NULL AND shipped_day IS NULL) "
        "OR (came_shipped_day <=> shipped_day AND came_fulfilment_id < fulfilment_id)"
    )
    return named.join(came, ["order_id", "sku"]).where(f"({unknown}) OR ({same} AND ({differs})) OR ({left_before})").select("received_day")
