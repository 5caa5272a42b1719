"""The sample shop before its first order: everything that the plan and the seed decide about it.

Belongs here: the bundle that the later modules work on. Not here: orders, cases or records (`world.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from insights_assets.simulator.catalogue import Catalogue, load_catalogue
from insights_assets.simulator.decoys import Decoys, plan_decoys
from insights_assets.simulator.events import CalendarEvent, demand, plan_calendar
from insights_assets.simulator.incidents import Incident, plan_incidents
from insights_assets.simulator.logistics import Batch, batch_schedule
from insights_assets.simulator.people import Customers, draw_customers
from insights_assets.simulator.plan import ShopClock, SimulationPlan

LINES_AN_ORDER = 1.2


@dataclass(frozen=True)
class Shop:
    """One shop: what it sells, to whom, from where, what will go wrong in it."""

    plan: SimulationPlan
    clock: ShopClock
    catalogue: Catalogue
    customers: Customers
    batches: list[Batch]
    incidents: list[Incident]
    decoys: Decoys
    events: list[CalendarEvent]
    weights: np.ndarray  # demand of each product on each day


def plan_shop(plan: SimulationPlan, incidents_file: Path | None = None) -> Shop:
    """Decide the shop of a plan."""
    catalogue = load_catalogue()
    incidents, batches = plan_incidents(plan, catalogue, batch_schedule(plan), incidents_file)
    decoys = plan_decoys(plan, catalogue, incidents)
    events = plan_calendar(plan, catalogue, incidents, decoys)
    customers = draw_customers(plan, round(plan.order_lines / LINES_AN_ORDER))
    weights = demand(plan, catalogue, events)
    return Shop(plan, ShopClock(plan), catalogue, customers, batches, incidents, decoys, events, weights)
