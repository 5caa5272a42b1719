"""R80: a slice of product lines, regions or channels limits the whole run: voices, order lines, parcels and sessions. Spark frames in and out.

The limits are put to what is wanted before it is compared with what is stored, so a sliced home, too, has nothing to do the second time; and a
slice that is widened later brings in the days it lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from insights_assets.canonical import lineage
from insights_assets.canonical.orders import normal_region, normal_sku

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from insights_assets.shop.model import Slice


def voices_in(part: Slice, rows: DataFrame, order_lines: DataFrame, parcels: DataFrame, catalogue: DataFrame) -> DataFrame:
    """Voices of the slice. One that names no region or product has those of its order; what has none of either is outside."""
    if part.channel:
        rows = rows.where(_among("channel", part.channel))
    if not (part.region or part.product_line):
        return rows
    traced = lineage.attach_orders(rows, order_lines, parcels, catalogue)
    for name, allowed in (("region", part.region), ("product_line", part.product_line)):
        if allowed:
            traced = traced.where(_among(name, allowed))
    return rows.join(traced.select("source", "record_ref"), ["source", "record_ref"], "left_semi")


def order_lines_in(part: Slice, bronze: DataFrame, catalogue: DataFrame) -> DataFrame:
    """Order lines (bronze) of the slice's regions and product lines; a channel has no orders of its own."""
    from pyspark.sql import functions as F

    if part.region:
        bronze = bronze.where(normal_region().isin(_words(part.region)))
    if part.product_line:
        lines = catalogue.where(_among("product_line", part.product_line)).select(F.col("sku").alias("sku_in_slice"))
        bronze = bronze.join(lines, normal_sku() == F.col("sku_in_slice"), "left_semi")
    return bronze


def parcels_in(part: Slice, bronze: DataFrame, order_lines: DataFrame) -> DataFrame:
    """Parcels (bronze) of order lines that are in the slice."""
    from pyspark.sql import functions as F

    if not (part.region or part.product_line):
        return bronze
    lines = order_lines.select(F.col("order_id").alias("order_in_slice"), F.col("sku").alias("sku_in_slice"))
    mine = (F.col("order_id") == F.col("order_in_slice")) & (F.col("sku").isNull() | (normal_sku() == F.col("sku_in_slice")))
    return bronze.join(lines, mine, "left_semi")


def sessions_in(part: Slice, sessions: DataFrame) -> DataFrame:
    """Sessions of the slice's regions; a session belongs to no product line as long as it only looks."""
    return sessions.where(_among("region", part.region)) if part.region else sessions


def _among(name: str, allowed: tuple[str, ...]) -> Column:
    from pyspark.sql import functions as F

    return F.col(name).isin(_words(allowed))


def _words(allowed: tuple[str, ...]) -> list[str]:
    return [word.strip().lower() for word in allowed]
