"""Tables of the stage. `feedback` is what every later stage reads; `feedback_text` and `quarantine` hold what may not leave the raw tier."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

_RUN = (
    Column("ingested_at", "timestamp", "When the row was written", unit="UTC", volatile=True),
    Column("run_id", "string", "Run that wrote the row", volatile=True),
)

FEEDBACK = TableSpec(
    stage="canonical", name="feedback", key=("feedback_id",), write="replace_days", partition_by="received_day",
    grain="one row per source record: a review, ticket, chat, survey answer, return, post, or a session that was abandoned or met an error",
    description="Every customer voice in one shape, personal data replaced, joined to its order line, shipment, warehouse and batch.",
    columns=(
        Column("feedback_id", "string", "hash(source, record_ref)", nullable=False),
        Column("source", "string", "Landing folder the record came by", nullable=False),
        Column("record_ref", "string", "The record's own id", nullable=False),
        Column("kind", "string", "text, rating or signal", nullable=False),
        Column("channel", "string", "Closed list, see channels.py", nullable=False),
        Column("conversation_id", "string", "Ticket thread, chat or session the record belongs to"),
        Column("customer_key", "string", "Keyed pseudonym, one per person across sources"),
        Column("occurred_at", "timestamp", "When it happened", unit="UTC", nullable=False),
        Column("received_at", "timestamp", "When the source delivered it", unit="UTC", nullable=False),
        Column("known_at", "timestamp", "When this house could first know it", unit="UTC", nullable=False),
        Column("occurred_at_text", "string", "The time as the source wrote it"),
        Column("occurred_day", "date", "Day of occurred_at where the shop is", nullable=False, stats=True),
        Column("known_day", "date", "Day of known_at where the shop is", nullable=False, stats=True),
        Column("language", "string", "en, de, fr, es, pt, other, or und where there is too little text"),
        Column("language_confidence", "double", "Confidence of the language", unit="0 to 1"),
        Column("rating", "double", "Stars", unit="1 to 5"),
        Column("nps", "double", "Survey score", unit="0 to 10"),
        Column("reason_code", "string", "Return reason as coded by the source"),
        Column("signal", "string", "What a session showed: error or abandoned"),
        Column("signal_page", "string", "Page of the session's error or end"),
        Column("text", "string", "What the customer wrote, personal data replaced"),
        Column("order_id", "string", "Order the record names"),
        Column("order_ref_status", "string", "valid, missing or broken", nullable=False),
        Column("sku", "string", "Product it is about"),
        Column("sku_source", "string", "order, text, both or conflict"),
        Column("product_line", "string", "Line of that product"),
        Column("region", "string", "Region of the customer"),
        Column("warehouse", "string", "Warehouse that packed it"),
        Column("packaging_batch", "string", "Packaging batch it was packed with"),
        Column("carrier", "string", "Carrier that brought it"),
        Column("fulfilment_id", "string", "Shipment of that order line"),
        Column("shipped_day", "date", "Day that shipment left", nullable=True, stats=True),
        Column("duplicate_group", "string", "Records of the same words by the same person, or copied posts"),
        Column("duplicate_weight", "double", "1 for the record that counts, 0 for its copies", unit="0 or 1", nullable=False),
        Column("text_hash", "string", "Hash of the normalised text"),
        Column("is_incentivised", "boolean", "The review was paid for"),
        Column("raw_table", "string", "Raw table that holds its payload", nullable=False),
        Column("raw_version", "bigint", "Delta version of that table when it was read", volatile=True),
        Column("payload_sha256", "string", "SHA-256 of that payload", nullable=False),
        Column("received_day", "date", "Day of received_at where the shop is", nullable=False),
        *_RUN,
    ),
)

FEEDBACK_TEXT = TableSpec(
    stage="canonical", name="feedback_text", key=("feedback_id",), write="replace_days", partition_by="received_day", public=False,
    grain="one row per feedback record with text", description="The customer's own words, unredacted. Raw tier: reading it needs a reason.",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("text", "string", "The text as the customer wrote it", tier="raw"),
        Column("redactions", "map<string,int>", "How many values of each kind were replaced in feedback.text", unit="count"),
        Column("received_day", "date", nullable=False),
    ),
)

CONVERSATIONS = TableSpec(
    stage="canonical", name="conversations", key=("conversation_id", "turn"), write="replace_days", partition_by="received_day",
    grain="one row per turn of a chat", description="Who said what, in order, personal data replaced.",
    columns=(
        Column("conversation_id", "string", nullable=False),
        Column("feedback_id", "string", nullable=False),
        Column("turn", "int", "From 0", nullable=False),
        Column("speaker", "string", "customer, agent or bot"),
        Column("said_at_text", "string", "Time of the turn as the source wrote it"),
        Column("text", "string", "The turn, personal data replaced"),
        Column("received_day", "date", nullable=False),
    ),
)

ORDERS = TableSpec(
    stage="canonical", name="orders", key=("order_id", "sku"), write="replace_days", partition_by="received_day",
    grain="one row per order line", description="Order lines in the reporting currency.",
    columns=(
        Column("order_id", "string", nullable=False),
        Column("sku", "string", nullable=False),
        Column("product_line", "string"),
        Column("customer_key", "string", "Keyed pseudonym"),
        Column("region", "string"),
        Column("ordered_at", "timestamp", unit="UTC"),
        Column("ordered_day", "date", stats=True),
        Column("quantity", "bigint", unit="pieces"),
        Column("unit_price", "double", "As charged", unit="currency"),
        Column("currency", "string"),
        Column("amount", "double", "quantity x unit_price; empty where no rate is known", unit="reporting currency"),
        Column("known_day", "date", nullable=False, stats=True),
        Column("received_day", "date", nullable=False),
        Column("payload_sha256", "string", nullable=False),
    ),
)

SHIPMENTS = TableSpec(
    stage="canonical", name="shipments", key=("fulfilment_id",), write="replace_days", partition_by="received_day",
    grain="one row per fulfilled order line", description="Parcels with their order line: warehouse, packaging batch, carrier, and the days that matter.",
    columns=(
        Column("fulfilment_id", "string", nullable=False),
        Column("order_id", "string", nullable=False),
        Column("sku", "string"),
        Column("product_line", "string"),
        Column("region", "string"),
        Column("customer_key", "string"),
        Column("quantity", "bigint", unit="pieces"),
        Column("warehouse", "string"),
        Column("packaging_batch", "string"),
        Column("carrier", "string"),
        Column("status", "string"),
        Column("ordered_day", "date", stats=True),
        Column("shipped_day", "date", stats=True),
        Column("delivered_day", "date", "Empty until it is delivered"),
        Column("promised_day", "date"),
        Column("known_day", "date", nullable=False, stats=True),
        Column("received_day", "date", nullable=False),
        Column("payload_sha256", "string", nullable=False),
    ),
)

PRODUCTS = TableSpec(
    stage="canonical", name="products", key=("sku",), write="replace_all", grain="one row per SKU", description="The catalogue.",
    columns=(
        Column("sku", "string", nullable=False),
        Column("name", "string"),
        Column("product_line", "string"),
        Column("aliases", "array<string>", "Other names customers use"),
        Column("unit_price", "double", unit="reporting currency"),
        Column("unit_margin", "double", unit="reporting currency"),
        Column("is_flagship", "boolean"),
        Column("launched_on", "date"),
    ),
)

SESSIONS = TableSpec(
    stage="canonical", name="sessions", key=("session_id",), write="replace_days", partition_by="received_day",
    grain="one row per session", description="Sessions with what became of them: bought, abandoned a basket, met an error.",
    columns=(
        Column("session_id", "string", nullable=False),
        Column("customer_id", "string", tier="raw"),
        Column("started_at", "timestamp", unit="UTC"),
        Column("ended_at", "timestamp", unit="UTC"),
        Column("occurred_day", "date", stats=True),
        Column("known_day", "date", nullable=False, stats=True),
        Column("region", "string"),
        Column("sku", "string", "Last product seen"),
        Column("event_count", "bigint"),
        Column("has_error", "boolean"),
        Column("is_abandoned", "boolean", "Basket or checkout without purchase"),
        Column("has_purchase", "boolean"),
        Column("last_page", "string"),
        Column("error_page", "string"),
        Column("occurred_at_text", "string"),
        Column("received_at", "timestamp", unit="UTC"),
        Column("known_at", "timestamp", unit="UTC"),
        Column("received_day", "date", nullable=False),
        Column("payload_sha256", "string", "SHA-256 over its events' payload hashes", nullable=False),
    ),
)

DUPLICATES = TableSpec(
    stage="canonical", name="duplicates", key=("feedback_id",), write="replace_days", partition_by="received_day",
    grain="one row per record that shares its words with another",
    columns=(
        Column("feedback_id", "string", nullable=False),
        Column("duplicate_group", "string", nullable=False),
        Column("reason", "string", "same_customer or copied_post"),
        Column("counts", "boolean", "Whether this is the record of the group that counts"),
        Column("received_day", "date", nullable=False),
    ),
)

QUARANTINE = TableSpec(
    stage="canonical", name="quarantine", key=("source", "record_ref", "payload_sha256"), write="append", public=True,
    grain="one row per payload that could not be used", description="Everything that came in and could not be used, with the reason. Nothing is lost.",
    columns=(
        Column("source", "string", nullable=False),
        Column("source_file", "string", "File below landing/, or empty"),
        Column("line", "bigint"),
        Column("record_ref", "string", nullable=False),
        Column("reason", "string", "What is wrong, in words", nullable=False),
        Column("field", "string", "Column that is wrong"),
        Column("payload", "string", "The record as it came", tier="raw"),
        Column("payload_sha256", "string", nullable=False),
        Column("quarantined_at", "timestamp", unit="UTC", volatile=True),
        Column("run_id", "string", volatile=True),
    ),
)

SOURCE_COMPLETENESS = TableSpec(
    stage="canonical", name="source_completeness", key=("source",), write="replace_all",
    grain="one row per source", description="Every record that came is in bronze or in quarantine, or superseded by a later version.",
    columns=(
        Column("source", "string", nullable=False),
        Column("raw_count", "bigint", "Distinct payloads and unreadable lines taken in", unit="rows"),
        Column("bronze_count", "bigint", "Records typed", unit="rows"),
        Column("superseded_count", "bigint", "Payloads replaced by a later version of their record", unit="rows"),
        Column("quarantined_count", "bigint", "Payloads in quarantine", unit="rows"),
        Column("unexplained_count", "bigint", "raw - bronze - superseded - quarantined; 0 when sound", unit="rows"),
        Column("last_received_day", "date"),
        Column("quarantine_share", "double", unit="0 to 1"),
    ),
)

TABLES = (PRODUCTS, SESSIONS, ORDERS, SHIPMENTS, FEEDBACK, FEEDBACK_TEXT, CONVERSATIONS, DUPLICATES, QUARANTINE, SOURCE_COMPLETENESS)
