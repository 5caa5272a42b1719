"""The sources as data: which columns each has, of what kind, what a record must have and what it may not be.

The column names are the contract of the landing files (docs/sources.md); other names are mapped in `shop/sources.yaml`, not in
code. A further source is a further entry here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["id", "text", "word", "time", "int", "double", "bool", "words", "turns"]

#: Longest text that is a customer's and not an accident (R74); a longer one sends its record to quarantine.
MAX_TEXT = 100_000


@dataclass(frozen=True)
class Field:
    """One column of a source. `low` and `high` bound numbers, inclusive; `personal` columns are tier raw."""

    name: str
    kind: Kind = "word"
    required: bool = False
    low: float | None = None
    high: float | None = None
    personal: bool = False

    @property
    def type(self) -> str:
        return {
            "id": "string", "text": "string", "word": "string", "time": "timestamp", "int": "bigint", "double": "double",
            "bool": "boolean", "words": "array<string>", "turns": "array<struct<speaker:string,at:string,text:string>>",
        }[self.kind]


@dataclass(frozen=True)
class Source:
    """One source. `record_id` names the columns that identify a record; `event_time` the column of when it happened,
    with `event_fallback` where that is still empty (a parcel that has not left)."""

    name: str
    sentence: str
    record_id: tuple[str, ...]
    event_time: str
    fields: tuple[Field, ...]
    updated: str | None = None
    event_fallback: str | None = None
    is_future_allowed: bool = False

    @cached_property
    def field_names(self) -> list[str]:
        return [field.name for field in self.fields]


def _id(name: str, *, required: bool = False, personal: bool = False) -> Field:
    return Field(name, "id", required, personal=personal)


_PERSON = (_id("customer_id"), Field("customer_name", personal=True), Field("customer_email", personal=True))

SOURCES: tuple[Source, ...] = (
    Source("reviews", "Product reviews of marketplaces and the shop's own storefront.", ("review_id",), "created_at", (
        _id("review_id", required=True), Field("created_at", "time", True), Field("channel"), Field("rating", "double", low=1, high=5),
        Field("title", "text", personal=True), Field("body", "text", personal=True), _id("sku"), _id("order_id"), *_PERSON, Field("region"), Field("locale"),
        Field("verified_purchase", "bool"), Field("syndicated_from"), Field("incentivised", "bool"), Field("helpful_count", "int", low=0),
    )),
    Source("support_tickets", "Tickets of the help desk.", ("ticket_id",), "created_at", (
        _id("ticket_id", required=True), Field("created_at", "time", True), Field("updated_at", "time"), Field("channel"),
        Field("subject", "text", personal=True), Field("description", "text", personal=True), Field("status"), Field("priority"), Field("tags", "words"),
        _id("order_id"), _id("sku"), *_PERSON, Field("region"), Field("first_response_at", "time"), Field("solved_at", "time"),
        Field("team"), Field("assignee", personal=True), Field("replies", "int", low=0), Field("handle_seconds", "double", low=0),
        Field("macro_ids", "words"), Field("reopened_count", "int", low=0), Field("csat", "double"),
    ), updated="updated_at"),
    Source("chats", "Chat transcripts, turn by turn.", ("chat_id",), "started_at", (
        _id("chat_id", required=True), Field("started_at", "time", True), Field("turns", "turns", True, personal=True), _id("order_id"), *_PERSON, Field("region"),
    )),
    Source("surveys", "Survey answers: NPS, CSAT and post-purchase.", ("response_id",), "responded_at", (
        _id("response_id", required=True), Field("responded_at", "time", True), Field("score", "double", low=0, high=10),
        Field("verbatim", "text", personal=True), _id("order_id"), _id("customer_id"), Field("region"), Field("locale"), Field("kind"), _id("sku"),
    )),
    Source("returns", "Returned order lines with their reason.", ("return_id",), "requested_at", (
        _id("return_id", required=True), Field("requested_at", "time", True), _id("order_id"), _id("sku"), Field("reason_code"),
        Field("comment", "text", personal=True), Field("refund_amount", "double", low=0), Field("currency"), _id("customer_id"), Field("region"),
        Field("refunded_at", "time"), Field("disposition"),
    )),
    Source("clickstream", "Events of sessions in the shop.", ("event_id",), "occurred_at", (
        _id("event_id", required=True), Field("occurred_at", "time", True), _id("session_id", required=True), _id("customer_id"), Field("event", required=True),
        _id("sku"), Field("page"), Field("region"),
    )),
    Source("social", "Posts that mention the shop.", ("post_id",), "posted_at", (
        _id("post_id", required=True), Field("posted_at", "time", True), Field("network"), Field("author_handle", personal=True),
        Field("text", "text", True, personal=True), Field("region"), Field("locale"), Field("url", personal=True),
    )),
    Source("orders", "Order lines.", ("order_id", "sku"), "ordered_at", (
        _id("order_id", required=True), Field("ordered_at", "time", True), *_PERSON, Field("region"), Field("currency"), _id("sku", required=True),
        Field("quantity", "int", low=0), Field("unit_price", "double", low=0),
    )),
    Source("fulfilments", "Parcels: warehouse, packaging batch, carrier and what became of them.", ("fulfilment_id",), "shipped_at", (
        _id("fulfilment_id", required=True), _id("order_id", required=True), _id("sku"), Field("warehouse"), Field("packaging_batch"), Field("carrier"),
        Field("shipped_at", "time"), Field("delivered_at", "time"), Field("promised_at", "time"), Field("status"),
    ), updated="delivered_at", event_fallback="promised_at"),
    Source("stock", "Stock events.", ("event_id",), "occurred_at", (
        _id("event_id", required=True), Field("occurred_at", "time", True), _id("sku", required=True), Field("warehouse"), Field("on_hand", "int"), Field("event"),
    )),
    Source("products", "The product catalogue.", ("sku",), "launched_on", (
        _id("sku", required=True), Field("name", required=True), Field("product_line"), Field("aliases", "words"), Field("unit_price", "double", low=0),
        Field("unit_margin", "double"), Field("is_flagship", "bool"), Field("launched_on", "time"),
    ), is_future_allowed=True),
    Source("calendar", "Promotions, launches, policies and seasons.", ("event_id",), "starts_at", (
        _id("event_id", required=True), Field("kind", required=True), Field("name"), Field("starts_at", "time", True), Field("ends_at", "time"),
        Field("skus", "words"), Field("regions", "words"), Field("budget", "double", low=0), Field("channel"),
    ), is_future_allowed=True),
    Source("fx", "Daily rates into the reporting currency.", ("day", "from_currency", "to_currency"), "day", (
        Field("day", "time", True), Field("from_currency", required=True), Field("to_currency", required=True), Field("rate", "double", True, low=0),
    )),
)

BY_NAME: dict[str, Source] = {source.name: source for source in SOURCES}
