"""The fresh incident of a day that is added behind the history.

Belongs here: which shipments it strikes and who complains on that day. It is large for its age, so that a detector
which looks at one to three days must open it.
"""

from __future__ import annotations

import numpy as np

from insights_assets.simulator.cases import NO_INCIDENT, TOPIC, Cases, cases_from_lines
from insights_assets.simulator.catalogue import WAREHOUSES, Catalogue
from insights_assets.simulator.incidents import Incident
from insights_assets.simulator.logistics import Batch
from insights_assets.simulator.orders import OrderLines
from insights_assets.simulator.plan import DAY_SECONDS, ShopClock, SimulationPlan, stream

TOPICS_IN_TURN = ("missing_accessories", "damaged_on_arrival", "wrong_item")
WANTED_CUSTOMERS = 36
YOUNGEST_DELIVERY, OLDEST_DELIVERY = 0.3, 5.0  # days before the complaint


def fresh_cases(
    plan: SimulationPlan,
    clock: ShopClock,
    catalogue: Catalogue,
    batches: list[Batch],
    lines: OrderLines,
    known: Cases,
    extra: int,
    earlier: list[Incident],
) -> tuple[Incident, Cases]:
    """One batch of one product line that goes wrong; complaints of its customers on the added day."""
    rng = stream(plan.seed, "fresh", extra)
    day = plan.days - 1 + extra
    noon = int(clock.starts[day]) + DAY_SECONDS // 2
    age = (noon - lines.delivered_at) / DAY_SECONDS
    free = np.ones(len(lines), dtype=bool)
    free[known.line[(known.line >= 0)]] = False
    able = np.flatnonzero((age > YOUNGEST_DELIVERY) & (age < OLDEST_DELIVERY) & free)
    topic = TOPICS_IN_TURN[(extra - 1) % len(TOPICS_IN_TURN)]
    product_line = catalogue.line_of[lines.product[able]]
    used = {(incident.cause["packaging_batch"]) for incident in earlier} | {
        batches[lines.batch[row]].code for row in np.unique(known.line[(known.incident != NO_INCIDENT) & (known.line >= 0)])[-2_000:]
    }
    cell = lines.batch[able].astype(np.int64) * 100 + product_line
    cells, counts = np.unique(cell, return_counts=True)
    # The youngest batches first: nobody has seen them go wrong yet. Among these the best filled cell.
    newest = np.array([batches[int(c) // 100].start >= day - 16 and batches[int(c) // 100].code not in used for c in cells])
    if not newest.any():
        newest = np.ones(len(cells), dtype=bool)
    best = int(cells[newest][np.argmax(counts[newest])])
    batch, line = batches[best // 100], catalogue.lines[best % 100]
    rows = able[cell == best]
    cause = {"warehouse": WAREHOUSES[batch.warehouse], "packaging_batch": batch.code, "product_line": line.name}
    if len(rows) < WANTED_CUSTOMERS:  # a small shop: the whole batch goes wrong, whatever is in it
        rows = able[lines.batch[able] == best // 100]
        del cause["product_line"]
    _, first = np.unique(lines.customer[rows], return_index=True)
    rows = rows[np.sort(first)]
    chosen = np.sort(rng.choice(rows, size=min(WANTED_CUSTOMERS, len(rows)), replace=False))
    at = clock.starts[day] + (rng.uniform(0.28, 0.9, len(chosen)) * DAY_SECONDS).astype(np.int64)
    cases = cases_from_lines(lines, chosen, np.full(len(chosen), TOPIC[topic]), at, NO_INCIDENT, True)
    incident = Incident(f"N{extra}-fresh_batch", "fresh_batch", topic, cause, day, None, float(len(chosen)))
    return incident, cases
