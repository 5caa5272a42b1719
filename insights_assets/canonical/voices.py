"""Every source's records in one shape, still with the customer's own words and the source's own ids.

One function a source; the only place that knows what a review, ticket or session looks like. A session is a voice when it was
abandoned or met an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from insights_assets.canonical.channels import BY_SOURCE, SYNONYMS
from insights_assets.canonical.orders import normal_region, normal_sku

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

#: Sources whose records are customer voices, in the order R145 adds them.
FEEDBACK_SOURCES = ("reviews", "support_tickets", "chats", "surveys", "social", "returns", "clickstream")
#: Fields a record of the source is expected to fill; more than half of them empty makes it null-heavy (R74).
EXPECTED = {
    "reviews": ("rating", "body", "sku", "region", "customer_id"),
    "support_tickets": ("description", "subject", "status", "customer_id", "region"),
    "chats": ("turns", "customer_id", "region"),
    "surveys": ("score", "customer_id", "region"),
    "returns": ("reason_code", "order_id", "sku", "customer_id"),
    "social": ("text", "author_handle", "network"),
    "clickstream": (),
}
_COLUMNS = (
    "source", "record_ref", "channel", "conversation_id", "customer_id", "customer_name", "customer_email", "author_handle", "occurred_at", "received_at",
    "known_at", "occurred_at_text", "occurred_day", "known_day", "received_day", "rating", "nps", "reason_code", "signal", "signal_page", "text_original",
    "turns", "order_id", "own_sku", "region", "locale", "is_incentivised", "is_null_heavy", "payload_sha256",
)


def voices(bronze: Mapping[str, DataFrame], sessions: DataFrame) -> DataFrame:
    """All sources' voices, columns `_COLUMNS`, one row a record."""
    from functools import reduce

    parts = [_voice(name, bronze[name]) for name in FEEDBACK_SOURCES if name != "clickstream"]
    parts.append(_session_voice(sessions))
    return reduce(lambda left, right: left.unionByName(right), parts)


def channel_of(raw: Column, source: str) -> Column:
    """The closed-list channel of a source's own word."""
    from pyspark.sql import functions as F

    word = F.lower(F.trim(raw))
    expression = F.when(word.isNull(), F.lit(BY_SOURCE[source]))
    by_channel: dict[str, list[str]] = {}
    for synonym, channel in SYNONYMS.items():
        by_channel.setdefault(channel, []).append(synonym)
    for channel, words in by_channel.items():
        expression = expression.when(word.isin(words), F.lit(channel))
    return expression.otherwise(F.lit(BY_SOURCE[source]))


def _joined(*names: str) -> Column:
    """Texts one after the other, a sentence end between them, empty ones left out."""
    from pyspark.sql import functions as F

    parts = [F.when(F.length(F.trim(name)) > 0, F.trim(name)) for name in names]
    text = F.concat_ws("\n", *parts)
    return F.when(F.length(text) > 0, text)


def _voice(source: str, frame: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    has = set(frame.columns)

    def column(name: str, kind: str = "string") -> Column:
        return F.col(name) if name in has else F.lit(None).cast(kind)

    text = {
        "reviews": lambda: _joined("title", "body"), "support_tickets": lambda: _joined("subject", "description"), "chats": lambda: F.lit(None).cast("string"),
        "surveys": lambda: _joined("verbatim"), "returns": lambda: _joined("comment"), "social": lambda: _joined("text"),
    }[source]()
    expected = EXPECTED[source]
    empty = sum((F.when(F.col(name).isNull(), 1).otherwise(0) for name in expected), F.lit(0))
    return frame.select(
        F.lit(source).alias("source"), "record_ref", channel_of(column("channel"), source).alias("channel"),
        (F.col("record_ref") if source in ("support_tickets", "chats") else F.lit(None).cast("string")).alias("conversation_id"),
        column("customer_id").alias("customer_id"), column("customer_name").alias("customer_name"), F.lower(F.trim(column("customer_email"))).alias("customer_email"),
        column("author_handle").alias("author_handle"), F.col("happened_at").alias("occurred_at"), "received_at", "known_at",
        F.col("happened_at_text").alias("occurred_at_text"), F.col("happened_day").alias("occurred_day"), "known_day", "received_day",
        column("rating", "double").alias("rating"), (F.col("score") if source == "surveys" else F.lit(None).cast("double")).alias("nps"),
        column("reason_code").alias("reason_code"), F.lit(None).cast("string").alias("signal"), F.lit(None).cast("string").alias("signal_page"),
        text.alias("text_original"), column("turns", "array<struct<speaker:string,at:string,text:string>>").alias("turns"),
        F.when(F.length(F.trim(column("order_id"))) > 0, F.trim(column("order_id"))).alias("order_id"),
        (normal_sku() if "sku" in has else F.lit(None).cast("string")).alias("own_sku"), normal_region().alias("region"), column("locale").alias("locale"),
        F.coalesce(column("incentivised", "boolean"), F.lit(False)).alias("is_incentivised"), (empty * 2 > len(expected)).alias("is_null_heavy"), "payload_sha256",
    )


def _session_voice(sessions: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    none = F.lit(None).cast("string")
    return sessions.where("has_error OR is_abandoned").select(
        F.lit("clickstream").alias("source"), F.col("session_id").alias("record_ref"), F.lit("web_session").alias("channel"),
        F.col("session_id").alias("conversation_id"), "customer_id", none.alias("customer_name"), none.alias("customer_email"), none.alias("author_handle"),
        F.col("started_at").alias("occurred_at"), "received_at", "known_at", "occurred_at_text", "occurred_day", "known_day", "received_day",
        F.lit(None).cast("double").alias("rating"), F.lit(None).cast("double").alias("nps"), none.alias("reason_code"),
        F.when(F.col("has_error"), "error").otherwise("abandoned").alias("signal"), F.coalesce(F.when(F.col("has_error"), F.col("error_page")), "last_page").alias("signal_page"),
        none.alias("text_original"), F.lit(None).cast("array<struct<speaker:string,at:string,text:string>>").alias("turns"), none.alias("order_id"),
        F.col("sku").alias("own_sku"), "region", none.alias("locale"), F.lit(False).alias("is_incentivised"), F.lit(False).alias("is_null_heavy"), "payload_sha256",
    )
