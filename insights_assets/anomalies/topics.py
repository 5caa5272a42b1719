"""What the detector must know about each topic: which mentions count, and what its complaints are measured against.

Belongs here: facts of the label set that shape a rate. Not here: owners, words and money, which the shop decides
(`shop/policy.yaml`).
"""

from __future__ import annotations

#: Topics whose mentions count whatever the tone: a wish or a danger is news even when it is said politely.
ANY_TONE = frozenset({"feature_request", "safety"})
#: Topics that say what people would like to have: nothing is broken, so nobody complains and there is no cause to find.
WISHES = frozenset({"feature_request"})
#: Topics that are no problem to be found.
NEVER_MONITORED = frozenset({"praise", "other"})
#: Judged report by report (`safety.py`), never by a rate.
BY_REPORT = frozenset({"safety"})
#: A pseudo topic of sessions that left a basket; its issues belong to the topic on the right.
CART_ABANDONMENT = "cart_abandonment"
BELONGS_TO = {CART_ABANDONMENT: "app_or_site_problem"}
#: A session that met an error is a mention of this topic.
SESSION_ERROR_TOPIC = "app_or_site_problem"

#: Topics whose cause is met at the order, not at the parcel; all others are measured against shipped order lines.
ORDERED_TOPICS = frozenset({"billing_confusion", "price_value", "availability"})
#: What a rate is per. Lines as they were ordered know product and region; lines as they were shipped know batch, warehouse and carrier too.
SHIPPED_LINES, ORDERED_LINES = "order lines", "ordered lines"
#: Topics that sessions bring about; measured against sessions where the shop delivers them.
SESSION_TOPICS = frozenset({"app_or_site_problem", CART_ABANDONMENT})

#: Attributes a series may be cut by, broad to fine; column names of `canonical.feedback`.
SERIES_ATTRIBUTES = ("all", "product_line", "warehouse", "carrier", "region", "channel", "sku")
#: A session belongs to no parcel; its issues are cut by these only.
SESSION_ATTRIBUTES = ("all", "region", "channel")
#: Attributes a parcel carries, so that a rate per shipped or ordered line exists.
SHIPMENT_ATTRIBUTES = ("product_line", "sku", "region", "warehouse", "packaging_batch", "carrier")
#: Attributes in which a cause may be named (`causes.py`), in the order titles use them.
CAUSE_ATTRIBUTES = ("product_line", "sku", "region", "warehouse", "packaging_batch", "carrier", "channel")


def basis_of(topic: str, attribute: str, available: frozenset[str]) -> str:
    """What a series is measured against: shipped, ordered, sessions, or records (the share model).

    `available` are the bases the shop's data carries. A channel has no orders of its own, so its basis is the records that
    came by it; the same holds for everything where no orders are delivered at all.
    """
    if attribute == "channel":
        return "records"
    if topic in SESSION_TOPICS and "sessions" in available:
        return "sessions"
    if topic in ORDERED_TOPICS | SESSION_TOPICS and "ordered" in available and attribute in ("all", "product_line", "sku", "region"):
        return "ordered"
    if "shipped" in available and attribute in ("all", *SHIPMENT_ATTRIBUTES):
        return "shipped"
    if "ordered" in available and attribute in ("all", "product_line", "sku", "region"):
        return "ordered"
    return "records"
