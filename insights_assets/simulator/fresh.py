"""The fresh incident of a day that is added behind the history.

Belongs here: which shipments it strikes and who complains on that day and on the next ones. It is large for its age,
so that a detector which looks at one to three days must open it.
"""

from __future__ import annotations

import numpy as np

from insights_assets.simulator.cases import TOPIC, Cases, cases_from_lines
from insights_assets.simulator.catalogue import WAREHOUSES
from insights_assets.simulator.incidents import Incident
from insights_assets.simulator.orders import OrderLines, in_cause
from insights_assets.simulator.plan import DAY_SECONDS, stream
from insights_assets.simulator.shop import Shop

FRESH = 110  # incident number of the first fresh incident; one a day added
TOPICS_IN_TURN = ("missing_accessories", "damaged_on_arrival", "wrong_item")
WANTED_CUSTOMERS = 36
LATER_CUSTOMERS = 10  # a day, on the two days that follow
YOUNGEST_DELIVERY, OLDEST_DELIVERY = 0.3, 5.0  # days before the complaint


def fresh_cases(
    shop: Shop, lines: OrderLines, known: Cases, extra: int, earlier: list[Incident]
) -> tuple[Incident, Cases]:
    """A new incident in one batch, with its first customers, and some more customers of those before it."""
    able = _able(shop, lines, known, extra)
    incident = _new_incident(shop, lines, able, extra, earlier)
    parts = [_complaints(shop, lines, able, incident, extra)]
    parts += [_complaints(shop, lines, able, older, extra) for older in earlier[-2:]]
    return incident, Cases.joined(parts)


def _able(shop: Shop, lines: OrderLines, known: Cases, extra: int) -> np.ndarray:
    """Order lines that came lately and about which nobody has complained."""
    noon = int(shop.clock.starts[shop.plan.days - 1 + extra]) + DAY_SECONDS // 2
    age = (noon - lines.delivered_at) / DAY_SECONDS
    free = np.ones(len(lines), dtype=bool)
    free[known.line[known.line >= 0]] = False
    return np.flatnonzero((age > YOUNGEST_DELIVERY) & (age < OLDEST_DELIVERY) & free)


def _new_incident(shop: Shop, lines: OrderLines, able: np.ndarray, extra: int, earlier: list[Incident]) -> Incident:
    """One batch of one line that no incident has met, filled well enough for the customers wanted."""
    catalogue, day = shop.catalogue, shop.plan.days - 1 + extra
    topic = TOPICS_IN_TURN[(extra - 1) % len(TOPICS_IN_TURN)]
    # A line that has an incident of the same topic would swallow this one.
    busy_lines = {i.cause.get("product_line") for i in [*shop.incidents, *earlier[-3:]] if i.topic == topic}
    busy_batches = {i.cause.get("packaging_batch") for i in [*shop.incidents, *earlier]}
    cell = lines.batch[able].astype(np.int64) * 100 + catalogue.line_of[lines.product[able]]
    cells, counts = np.unique(cell, return_counts=True)
    free = np.array([shop.batches[c // 100].code not in busy_batches for c in cells.tolist()])
    free &= np.array([catalogue.line_names[c % 100] not in busy_lines for c in cells.tolist()])
    # The youngest batches first: nobody has seen them go wrong yet.
    young = free & np.array([shop.batches[c // 100].start >= day - 14 for c in cells.tolist()])
    usable = young if young.any() else (free if free.any() else np.ones(len(cells), dtype=bool))
    best = int(cells[usable][np.argmax(counts[usable])])
    batch = shop.batches[best // 100]
    cause = {"warehouse": WAREHOUSES[batch.warehouse], "packaging_batch": batch.code}
    if counts[usable].max() >= WANTED_CUSTOMERS:  # in a small shop the whole batch goes wrong, whatever is in it
        cause["product_line"] = catalogue.line_names[best % 100]
    return Incident(f"N{extra}-fresh_batch", "fresh_batch", topic, cause, day, None, float(WANTED_CUSTOMERS))


def _complaints(shop: Shop, lines: OrderLines, able: np.ndarray, incident: Incident, extra: int) -> Cases:
    """Customers of one fresh incident who complain on the added day."""
    number = FRESH + int(incident.incident_id[1:].partition("-")[0]) - 1
    rng = stream(shop.plan.seed, "fresh", number, extra)
    day = shop.plan.days - 1 + extra
    rows = able[in_cause(shop, incident.cause, lines)[able]]
    _, first = np.unique(lines.customer[rows], return_index=True)
    rows = rows[np.sort(first)]
    count = min(WANTED_CUSTOMERS if incident.start == day else LATER_CUSTOMERS, len(rows))
    chosen = np.sort(rng.choice(rows, size=count, replace=False))
    at = shop.clock.starts[day] + (rng.uniform(0.28, 0.9, count) * DAY_SECONDS).astype(np.int64)
    return cases_from_lines(lines, chosen, np.full(count, TOPIC[incident.topic]), at, incident=number)
