"""What the records of an insight name, as the page *Insight* shows it: parts, carriers, products, countries, other shops, days, amounts.

Belongs here: the facets as a table and the sentence above them. Does not belong here: counting (`actions/named.py`), drawing (`views/insight.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from insights_assets.actions.escaping import plain
from insights_assets.actions.model import text_of
from insights_assets.actions.named import Named, named_things

Row = Mapping[str, Any]
#: Things of a kind that a page lists; days and amounts are named in many ways each, so that few say enough.
MOST_OF_A_KIND = {"date": 3, "amount": 3}
MOST = 8
_WORDS = {
    "part": "part", "carrier": "carrier", "product": "product", "place": "country or region", "competitor": "other shop", "date": "day", "amount": "amount",
}  # fmt: skip
#: Parts and carriers first: they say whom to ask.
_ORDER = tuple(_WORDS)


def facets(records: Iterable[Row], details: Iterable[Row]) -> list[dict[str, Any]]:
    """One row a thing that people name, by kind, most people first."""
    people = {str(row["feedback_id"]): text_of(row.get("customer_key")) or str(row["feedback_id"]) for row in records}
    listed: dict[str, list[Named]] = {}
    for one in named_things(details, people):
        listed.setdefault(one.kind, []).append(one)
    chosen = [one for kind in _ORDER for one in listed.get(kind, ())[: MOST_OF_A_KIND.get(kind, MOST)]]
    return [
        {"kind": _WORDS[one.kind], "named": plain(one.name, 60), "people": one.people, "records": one.records, "share of people": round(100 * one.share, 1)} for one in chosen
    ]


def facets_words(found: list[dict[str, Any]]) -> str:
    """The part and the carrier that most people name, in a sentence."""
    said = [next(row for row in found if row["kind"] == kind) for kind in ("part", "carrier") if any(row["kind"] == kind for row in found)]
    most = "; ".join(f"most named {row['kind']}: {row['named']} ({row['people']} people)" for row in said)
    return f"{most[:1].upper()}{most[1:]}. A thing is named, not proven: the cause stands above." if most else "No part and no carrier is named."
