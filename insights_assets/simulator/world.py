"""The whole sample shop of one plan: everything that is decided before a single file is written.

Belongs here: putting the parts together in their order, for the history and for days behind it. The history never
depends on how many days follow, so `--next-day` can rebuild it from the plan alone. Not here: files and words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from insights_assets.simulator.cases import (
    NO_INCIDENT,
    Cases,
    add_second_matters,
    incident_cases,
    lone_safety_report,
    usual_cases,
)
from insights_assets.simulator.catalogue import Catalogue, load_catalogue
from insights_assets.simulator.decoys import Decoys, plan_decoys
from insights_assets.simulator.events import CalendarEvent, demand, plan_calendar
from insights_assets.simulator.fresh import fresh_cases
from insights_assets.simulator.incidents import Incident, plan_incidents
from insights_assets.simulator.logistics import Batch, batch_schedule
from insights_assets.simulator.orders import OrderLines, draw_orders
from insights_assets.simulator.people import Customers, draw_customers
from insights_assets.simulator.plan import HORIZON_DAYS, Progress, ShopClock, SimulationPlan, no_progress
from insights_assets.simulator.reports import SOURCE, Reports, flood_reports, quiet_reports, report_cases

FRESH = 110  # incident number of the first fresh incident; one a day added


@dataclass
class World:
    """One shop with its orders, its cases and all that people will write about them, cut off nowhere."""

    plan: SimulationPlan
    clock: ShopClock
    catalogue: Catalogue
    batches: list[Batch]
    incidents: list[Incident]
    decoys: Decoys
    events: list[CalendarEvent]
    weights: np.ndarray
    customers: Customers
    lines: OrderLines
    cases: Cases
    reports: Reports
    extra_days: int
    fresh: list[Incident] = field(default_factory=list)

    def order_key(self, rows: np.ndarray) -> np.ndarray:
        """A number that tells orders apart, for order lines."""
        return self.lines.day[rows].astype(np.int64) * 1_000_000 + self.lines.order_number[rows]

    def window(self, extra_day: int | None) -> tuple[int, int]:
        """First and last-but-one instant of the history, or of one day behind it."""
        if extra_day is None:
            return int(self.clock.starts[0]), self.clock.end
        day = self.plan.days - 1 + extra_day
        return int(self.clock.starts[day]), int(self.clock.starts[day + 1])


def build_world(
    plan: SimulationPlan, incidents_file: Path | None = None, extra_days: int = 0, progress: Progress = no_progress
) -> World:
    """Decide everything for the history and for `extra_days` days behind it."""
    if extra_days > HORIZON_DAYS:
        raise ValueError(f"at most {HORIZON_DAYS} days can follow the history, not {extra_days}")
    clock, catalogue = ShopClock(plan), load_catalogue()
    incidents, batches = plan_incidents(plan, catalogue, batch_schedule(plan), incidents_file)
    decoys = plan_decoys(plan, catalogue, incidents)
    events = plan_calendar(plan, catalogue, incidents, decoys)
    weights = demand(plan, catalogue, events)
    customers = draw_customers(plan, round(plan.order_lines / 1.2))

    blocks: list[OrderLines] = []
    cases: list[Cases] = []
    reports: list[Reports] = []
    strengths: dict[int, float] = {}
    fresh: list[Incident] = []
    line_offset = case_offset = 0
    for extra in range(extra_days + 1):
        progress("orders", extra, extra_days + 1)
        block: str | int = "history" if extra == 0 else extra
        day = None if extra == 0 else plan.days - 1 + extra
        lines = draw_orders(plan, clock, catalogue, customers, batches, incidents, weights, day)
        found = [incident_cases(plan, clock, catalogue, batches, incidents, lines, block, strengths)]
        taken = np.zeros(len(lines), dtype=bool)
        taken[found[0].line] = True
        if extra == 0:
            found.append(lone_safety_report(plan, clock, catalogue, incidents, lines))
        found.append(usual_cases(plan, catalogue, lines, taken, block))
        block_cases = add_second_matters(plan, Cases.joined(found), block)
        block_cases.line += line_offset
        blocks.append(lines)
        if extra > 0:
            so_far = OrderLines.joined(blocks)
            incident, more = fresh_cases(plan, clock, catalogue, batches, so_far, Cases.joined([*cases, block_cases]), extra, fresh)
            more.incident[:] = FRESH + extra - 1
            fresh.append(incident)
            block_cases = Cases.joined([block_cases, more])
        cases.append(block_cases)
        reports.append(report_cases(plan, clock, block_cases, case_offset, block))
        case_offset += len(block_cases)
        line_offset += len(lines)
    if len(decoys.flood_topic):
        flood, posts = flood_reports(plan, clock, decoys, blocks[0], case_offset)
        cases.append(flood)
        reports.append(posts)
    progress("orders", extra_days + 1, extra_days + 1)
    return World(
        plan, clock, catalogue, batches, incidents, decoys, events, weights, customers,
        OrderLines.joined(blocks), Cases.joined(cases), Reports.joined(reports), extra_days, fresh,
    )  # fmt: skip


def told(world: World, extra_day: int | None, session_count: int) -> tuple[Cases, Reports]:
    """All cases with the records of one window: complaints as they fall, and quiet ones up to the wanted numbers."""
    window = world.window(extra_day)
    inside = np.flatnonzero((world.reports.at >= window[0]) & (world.reports.at < window[1]))
    loud = world.reports.taken(inside)
    counts = np.bincount(loud.source, minlength=len(SOURCE))
    targets = wanted_counts(world, extra_day)
    wanted = {name: targets[name] - int(counts[number]) for name, number in SOURCE.items()}
    wanted["reviews"] += targets["clickstream"] - session_count
    for name, missing in wanted.items():
        if missing < 0 and name != "clickstream":  # a small shop with large incidents: reviews give way
            wanted["reviews"] += missing
    busy = np.zeros(len(world.lines), dtype=bool)
    busy[world.cases.line[world.cases.line >= 0]] = True
    lines = world.lines
    block: str | int = "history" if extra_day is None else extra_day
    if extra_day is None and world.extra_days:
        raise ValueError("the history is told before days are added behind it")
    quiet, notes = quiet_reports(world.plan, world.clock, lines, busy, wanted, window, len(world.cases), block)
    return Cases.joined([world.cases, quiet]), Reports.joined([loud, notes])


def wanted_counts(world: World, extra_day: int | None) -> dict[str, int]:
    """Feedback records of each source in a window: exact for the history, a day's share for a day behind it."""
    counts = world.plan.source_counts()
    if extra_day is None:
        return counts
    history = world.weights[: world.plan.days].sum()
    share = world.weights[world.plan.days - 1 + extra_day].sum() / history
    return {name: round(count * share) for name, count in counts.items()}


def usual_incident_free(cases: Cases) -> np.ndarray:
    return cases.incident == NO_INCIDENT
