"""The records of a feedback source in the order of time, each with its columns and the truth about it.

Belongs here: from cases and reports to told records: ids, local times, labels. Not here: which records there are
(`reports.py`), the columns of a source (`source_columns.py`), files (`files.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from insights_assets.simulator.cases import FLOOD, NO_INCIDENT, NO_TOPIC, SAFETY_ALONE, Cases
from insights_assets.simulator.catalogue import CARRIERS, LANGUAGES, REGIONS
from insights_assets.simulator.entries import Columns, Entry
from insights_assets.simulator.fresh import FRESH
from insights_assets.simulator.plan import SHOP_TIME_ZONE, stream
from insights_assets.simulator.reports import SOURCE, Reports
from insights_assets.simulator.shop import Shop
from insights_assets.simulator.shop_files import iso_strings
from insights_assets.simulator.source_columns import ColumnWriter
from insights_assets.simulator.wording.compose import Case, Said
from insights_assets.simulator.wording.grammar import TOPICS
from insights_assets.simulator.world import World

PREFIX = {"reviews": "RV", "support_tickets": "TK", "chats": "CH", "surveys": "SV", "returns": "RT", "social": "SO"}
CALM_TOPICS = frozenset({"praise", "other", "feature_request"})
# What people say in each place when nothing is wrong: lukewarm words, questions, reasons to give something back.
OTHER_FLAVOURS = {
    "reviews": "meh",
    "surveys": "meh",
    "support_tickets": "ask",
    "chats": "ask",
    "returns": "back",
    "social": "ask",
}


@dataclass(frozen=True)
class Told:
    """One record: its columns, its day and what is true about it."""

    ref: str
    day: int
    row: dict[str, Any]
    label: dict[str, Any]
    personal: list[tuple[str, str]]


class Teller:
    """Tells the records of one source. `shared` holds the words that other sources repeat."""

    def __init__(self, world: World, source: str, extra_day: int | None, shared: dict[int, Said]) -> None:
        self.world = world
        self.source = source
        self.shared = shared
        block = "history" if extra_day is None else extra_day
        chance = Random(int(stream(world.plan.seed, "tell", source, block).integers(0, 2**62)))
        self.writer = ColumnWriter(world.shop, world.lines, chance, world.window(extra_day)[1])
        self.incident_ids = {number: incident.incident_id for number, incident in enumerate(world.shop.incidents)}
        self.incident_ids |= {FRESH + number: incident.incident_id for number, incident in enumerate(world.fresh)}
        self.incident_ids |= {SAFETY_ALONE: "safety_alone", FLOOD: "decoy-flood"}

    def records(self, cases: Cases, reports: Reports) -> Iterator[Told]:
        """Every record of this source among the reports."""
        mine = np.flatnonzero(reports.source == SOURCE[self.source])
        mine = mine[np.lexsort((reports.case[mine], reports.at[mine]))]
        at = reports.at[mine]
        days = self.world.shop.clock.day_of(at)
        position = np.arange(len(mine)) - np.searchsorted(days, days) + 1
        numbers = reports.case[mine]
        are_shared = reports.repeats[mine] | reports.is_shared[mine]
        local = local_times(self.world.shop, at, cases.region[numbers], self.source)
        make: Callable[[Entry], Columns] = getattr(self.writer, self.source)
        for i in range(len(mine)):
            number, day = int(numbers[i]), int(days[i])
            ref = f"{PREFIX[self.source]}{self.world.plan.day(day):%y%m%d}-{position[i]:04d}"
            case = self._case(cases, number)
            known = self.shared.get(number) if are_shared[i] else None
            incident = int(cases.incident[number])
            entry = Entry(
                ref=ref,
                at=int(at[i]),
                local=local[i],
                case=case,
                known=known,
                line=int(cases.line[number]),
                has_order=bool(cases.has_order[number]),
                customer=int(cases.customer[number]),
                region=int(cases.region[number]),
                product=int(cases.product[number]),
                is_flood=incident == FLOOD,
            )
            made = make(entry)
            if are_shared[i] and known is None and made.said.sentences:
                self.shared[number] = made.said
            label = {
                "topics": _topics(case),
                "sentiment": made.sentiment,
                "families": made.said.families,
                "incident": None if incident == NO_INCIDENT else self.incident_ids[incident],
            }
            yield Told(ref, day, made.row, label, made.personal)

    def _case(self, cases: Cases, number: int) -> Case:
        shop = self.world.shop
        topic, second = int(cases.topic[number]), int(cases.second[number])
        name = TOPICS[topic] if topic != NO_TOPIC else ""
        incident = int(cases.incident[number])
        flavour = shop.incidents[incident].flavour if 0 <= incident < len(shop.incidents) else None
        if name == "other":
            flavour = OTHER_FLAVOURS[self.source]
        line = int(cases.line[number])
        return Case(
            topic=name,
            second=TOPICS[second] if second != NO_TOPIC else None,
            product=shop.catalogue.products[int(cases.product[number])],
            language=LANGUAGES[int(shop.customers.language[int(cases.customer[number])])],
            currency=REGIONS[int(cases.region[number])].currency,
            carrier=CARRIERS[self.world.lines.carrier[line]] if line >= 0 else CARRIERS[0],
            mood="positive" if name == "praise" else ("neutral" if name in CALM_TOPICS or not name else "negative"),
            is_mixed=bool(cases.is_mixed[number]),
            flavour=flavour,
        )


def _topics(case: Case) -> list[str]:
    topics = [case.topic] if case.topic else []
    if case.second:
        topics.append(case.second)
    if case.is_mixed:
        topics.append("praise")
    return topics


def local_times(shop: Shop, at: np.ndarray, region: np.ndarray, source: str) -> list[Any]:
    """Times in the manner of each source: offsets of the region, of the shop, none, or an epoch."""
    if source == "chats":
        return [int(value) * 1_000 for value in at]
    if source == "surveys":
        return [int(value) for value in at]
    if source == "support_tickets":
        return list(iso_strings(at, np.zeros(len(at), dtype=np.int64), zulu=True))
    if source == "returns":
        return [str(value).replace("T", " ") for value in iso_strings(at, shop.clock.offset_at(SHOP_TIME_ZONE, at))]
    offset = np.zeros(len(at), dtype=np.int64)
    for number, place in enumerate(REGIONS):
        here = np.flatnonzero(region == number)
        offset[here] = shop.clock.offset_at(place.zone, at[here])
    return list(iso_strings(at, offset))
