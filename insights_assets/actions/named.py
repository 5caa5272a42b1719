"""What the records of an issue name: which part, which carrier, counted by people.

Belongs here: counting the things of `labels.label_details`, and the ticket's sentence about them. Does not belong here: finding them (`labels`),
the cause: what people name is what they see, and a large carrier is named often because it is large.

A name that only a model gave counts from two people on: what one text alone says is never shown as a thing of the shop's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from insights_assets.actions.model import Evidence, list_of, text_of
from insights_assets.labels.entity_words import KINDS, PART

#: People who must name a thing that only a model called so.
LEAST_PEOPLE = 2
#: A ticket says which part from so many people and such a share of those who report; at most so many parts.
TICKET_PEOPLE, TICKET_SHARE, TICKET_PARTS = 4, 0.2, 2
#: Issues whose people are told of by the part: what has no goods in it has no parts.
PART_TOPICS = frozenset({"damaged_on_arrival", "missing_accessories", "product_quality", "safety", "usability_confusion", "wrong_item", "feature_request"})
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Named:
    """One thing that records of an issue name. `share` is of the people who report."""

    kind: str
    name: str
    people: int
    records: int
    share: float


def named_things(details: Iterable[Row], people: Mapping[str, str]) -> tuple[Named, ...]:
    """Things by kind and how many people name them. `details`: rows of label_details; `people`: feedback_id -> who said it."""
    heard: dict[tuple[str, str], set[str]] = {}
    sure: set[tuple[str, str]] = set()
    records: dict[tuple[str, str], set[str]] = {}
    for row in details:
        feedback_id = str(row["feedback_id"])
        if feedback_id not in people:
            continue
        for one in list_of(row.get("entities")):
            key = (text_of(one["kind"]), text_of(one["name"]))
            heard.setdefault(key, set()).add(people[feedback_id])
            records.setdefault(key, set()).add(feedback_id)
            if text_of(one["source"]) != "model":
                sure.add(key)
    everybody = len(set(people.values())) or 1
    found = [
        Named(kind, name, len(who), len(records[kind, name]), round(len(who) / everybody, 4))
        for (kind, name), who in heard.items() if (kind, name) in sure or len(who) >= LEAST_PEOPLE
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (KINDS.index(one.kind) if one.kind in KINDS else len(KINDS), -one.people, one.name)))


def named_by_issue(evidence: Mapping[str, Sequence[Evidence]], details: Iterable[Row]) -> dict[str, tuple[Named, ...]]:
    """insight id -> what its records name."""
    by_id = {str(row["feedback_id"]): row for row in details}
    return {
        insight_id: named_things(
            (by_id[one.feedback_id] for one in records if one.feedback_id in by_id), {one.feedback_id: one.customer_key or one.feedback_id for one in records}
        )
        for insight_id, records in evidence.items()
    }  # fmt: skip


def parts_of(topic: str, named: Sequence[Named], dull: Collection[str] = ()) -> tuple[Named, ...]:
    """The parts a ticket speaks of: those that enough of its people name, most of them first.

    `dull`: words of the product's own name; a charger of a shop's chargers is no part of one.
    """
    if topic not in PART_TOPICS:
        return ()
    fitting = (one for one in named if one.kind == PART and one.people >= TICKET_PEOPLE and one.share >= TICKET_SHARE)
    return tuple(one for one in fitting if not any(word in dull or f"{word}s" in dull for word in one.name.split()))[:TICKET_PARTS]
