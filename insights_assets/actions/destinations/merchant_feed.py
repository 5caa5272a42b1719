"""A supplemental feed for Merchant Center: the products of running holds, each taken out of paid destinations.

Belongs here: the file's form. Does not belong here: which holds run (`actions/holds.py`) and fetching (Merchant Center does that, or a
person uploads it). The file is the whole desired state: on release a product leaves it, and the header alone puts everything back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.destinations_file import FeedSetup

#: Below the desk.
PATH = "holds/merchant_feed.tsv"
HEADER = "id\texcluded_destination\n"
#: What a product id may hold. Others could break the file or begin a formula in a spreadsheet; Merchant Center takes at most 50.
_PRODUCT_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/ -]{0,49}")


@dataclass(frozen=True)
class Feed:
    """`left_out`: held SKUs that cannot stand in a feed, which a person has to hold by hand."""

    content: bytes
    products: tuple[str, ...]
    left_out: tuple[str, ...]


def feed(holds: Iterable[Hold], setup: FeedSetup, as_of_day: date | None = None) -> Feed:
    """The feed of the running holds; a hold whose last day is before `as_of_day` counts as over."""
    skus = {sku for hold in holds if is_running(hold, as_of_day) for sku in hold.skus}
    ids = {sku: setup.product_id.replace("{sku}", sku) for sku in skus}
    listed = sorted(product for product in ids.values() if _PRODUCT_ID.fullmatch(product))
    excluded = ",".join(setup.excluded_destinations)
    content = HEADER + "".join(f"{product}\t{excluded}\n" for product in listed)
    return Feed(content.encode(), tuple(listed), tuple(sorted(sku for sku, product in ids.items() if not _PRODUCT_ID.fullmatch(product))))


def is_running(hold: Hold, as_of_day: date | None) -> bool:
    return hold.state == "active" and (as_of_day is None or hold.expires_on is None or hold.expires_on >= as_of_day)
