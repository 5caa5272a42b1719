"""The shop's calendar: promotions, launches, policies and seasons, and what they do to demand.

Belongs here: the events of the `calendar` source and the demand they cause. Not here: complaints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights_assets.simulator.catalogue import REGION_NAMES, Catalogue
from insights_assets.simulator.decoys import Decoys
from insights_assets.simulator.incidents import Incident
from insights_assets.simulator.plan import HORIZON_DAYS, SimulationPlan, stream

GROWTH_OVER_PERIOD = 0.25
# Monday to Sunday, in the shop's days.
WEEK = np.array([1.06, 1.00, 0.97, 0.96, 0.94, 1.00, 1.17])


@dataclass(frozen=True)
class CalendarEvent:
    kind: str
    name: str
    start: int
    end: int
    skus: tuple[str, ...] = ()
    regions: tuple[str, ...] = REGION_NAMES
    budget: float | None = None
    channel: str | None = None
    lift: float = 1.0  # what it does to the orders of its SKUs; not written anywhere
    hour: int = 0


def plan_calendar(
    plan: SimulationPlan, catalogue: Catalogue, incidents: list[Incident], decoys: Decoys
) -> list[CalendarEvent]:
    """Every event of the period and of the days ahead that are already decided."""
    rng = stream(plan.seed, "calendar")
    last = plan.days - 1
    events: list[CalendarEvent] = []

    def skus_of(line: str) -> tuple[str, ...]:
        return tuple(catalogue.products[i].sku for i in catalogue.of_line(line))

    used = {incident.cause.get("product_line") for incident in incidents} | {decoys.promotion_line}
    free = [name for name in catalogue.line_names if name not in used] or list(catalogue.line_names)
    for start, length in ((12, 6), (36, 5), (57, 7)):
        if start + length < plan.days - 40:
            line = str(rng.choice(catalogue.line_names if start < plan.days - 65 else free))
            lift = float(rng.uniform(1.5, 1.8))
            end = start + length
            events.append(
                CalendarEvent(
                    "promotion",
                    f"{line.title()} week",
                    start,
                    end,
                    skus_of(line),
                    budget=3_500,
                    channel="newsletter",
                    lift=lift,
                )
            )
    line = decoys.promotion_line
    events.append(
        CalendarEvent(
            "promotion",
            f"{line.title()} days",
            decoys.promotion_start,
            decoys.promotion_end,
            skus_of(line),
            budget=14_000,
            channel="paid_search",
            lift=2.0,
        )
    )
    for incident in incidents:
        if incident.kind == "damaged_batch" and "product_line" in incident.cause:
            choices = catalogue.flagships(incident.cause["product_line"])
            sku = incident.cause.get("sku") or catalogue.products[int(rng.choice(choices))].sku
            name = catalogue.products[catalogue.sku_index(sku)].name
            events.append(
                CalendarEvent(
                    "promotion",
                    f"{name} spotlight",
                    last - 4,
                    last + 9,
                    (sku,),
                    budget=18_000,
                    channel="paid_social",
                    lift=1.7,
                )
            )
        if incident.kind == "billing_policy":
            events.append(
                CalendarEvent("policy", "Card charged when each parcel ships", incident.start, last + 60, hour=6)
            )
        if incident.kind == "checkout_release":
            events.append(
                CalendarEvent("launch", "Release 8.4: one-page checkout", incident.start, incident.start + 1, hour=9)
            )
    events.append(CalendarEvent("policy", "Free gift wrap until the end of the year", 30, last + 40))
    events.append(CalendarEvent("launch", "Release 8.1: saved wish lists", 22, 23, hour=9))
    newcomer = catalogue.products[int(rng.choice(catalogue.of_line(str(rng.choice(free)))))]
    events.append(CalendarEvent("launch", f"{newcomer.name} in two new colours", 44, 45, (newcomer.sku,)))
    events.append(CalendarEvent("season", "Late summer", 0, max(1, plan.days // 3), lift=1.0))
    events.append(CalendarEvent("season", "Dark months", plan.days // 3, last + 60, skus_of("glass lamps"), lift=1.0))
    return sorted(events, key=lambda event: (event.start, event.kind, event.name))


def demand(plan: SimulationPlan, catalogue: Catalogue, events: list[CalendarEvent]) -> np.ndarray:
    """Relative demand of each product on each day up to the horizon: [day, product]."""
    days = np.arange(plan.days + HORIZON_DAYS)
    growth = 1 + GROWTH_OVER_PERIOD * np.minimum(days, plan.days) / max(plan.days - 1, 1)
    week = WEEK[(days + plan.first_day.weekday()) % 7]
    weights = (growth * week)[:, None] * catalogue.weights[None, :]
    for event in events:
        if event.lift != 1.0:
            columns = [catalogue.sku_index(sku) for sku in event.skus]
            weights[np.ix_(range(max(event.start, 0), min(event.end, len(days))), columns)] *= event.lift
    return weights
