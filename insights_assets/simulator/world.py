"""The whole life of the sample shop: its orders, who has something to complain about, what gets written where.

Belongs here: putting these together in their order, for the history and for days behind it. The history never depends
on how many days follow, so `--next-day` can rebuild it from the plan alone. Not here: files and words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from insights_assets.simulator.cases import Cases, add_second_matters, incident_cases, lone_safety_report, usual_cases
from insights_assets.simulator.fresh import fresh_cases
from insights_assets.simulator.incidents import Incident
from insights_assets.simulator.orders import OrderLines, draw_orders
from insights_assets.simulator.plan import HORIZON_DAYS, Progress, SimulationPlan, no_progress
from insights_assets.simulator.reports import SOURCE, Reports, flood_reports, quiet_reports, report_cases
from insights_assets.simulator.shop import Shop, plan_shop


@dataclass
class World:
    """One shop with its orders, its cases and all that people will write about them, cut off nowhere."""

    shop: Shop
    lines: OrderLines
    cases: Cases
    reports: Reports
    extra_days: int
    fresh: list[Incident] = field(default_factory=list)

    @property
    def plan(self) -> SimulationPlan:
        return self.shop.plan

    def order_key(self, rows: np.ndarray) -> np.ndarray:
        """A number that tells orders apart, for order lines."""
        return self.lines.day[rows].astype(np.int64) * 1_000_000 + self.lines.order_number[rows]

    def window(self, extra_day: int | None) -> tuple[int, int]:
        """First instant and first instant behind the history, or behind one day after it."""
        starts = self.shop.clock.starts
        if extra_day is None:
            return int(starts[0]), self.shop.clock.end
        day = self.plan.days - 1 + extra_day
        return int(starts[day]), int(starts[day + 1])


def build_world(
    plan: SimulationPlan, incidents_file: Path | None = None, extra_days: int = 0, progress: Progress = no_progress
) -> World:
    """Decide everything for the history and for `extra_days` days behind it."""
    if extra_days > HORIZON_DAYS:
        raise ValueError(f"at most {HORIZON_DAYS} days can follow the history, not {extra_days}")
    shop = plan_shop(plan, incidents_file)
    blocks: list[OrderLines] = []
    cases: list[Cases] = []
    reports: list[Reports] = []
    strengths: dict[int, float] = {}
    fresh: list[Incident] = []
    line_offset = case_offset = 0
    for extra in range(extra_days + 1):
        progress("orders", extra, extra_days + 1)
        block: str | int = "history" if extra == 0 else extra
        lines = draw_orders(shop, None if extra == 0 else plan.days - 1 + extra)
        found = [incident_cases(shop, lines, block, strengths)]
        taken = np.zeros(len(lines), dtype=bool)
        taken[found[0].line] = True
        if extra == 0:
            found.append(lone_safety_report(shop, lines))
        found.append(usual_cases(shop, lines, taken, block))
        block_cases = add_second_matters(plan, Cases.joined(found), block)
        block_cases.line += line_offset
        blocks.append(lines)
        if extra > 0:
            so_far = OrderLines.joined(blocks)
            incident, more = fresh_cases(shop, so_far, Cases.joined([*cases, block_cases]), extra, fresh)
            fresh.append(incident)
            block_cases = Cases.joined([block_cases, more])
        cases.append(block_cases)
        reports.append(report_cases(shop, block_cases, case_offset, block))
        case_offset += len(block_cases)
        line_offset += len(lines)
    flood, posts = flood_reports(shop, blocks[0], case_offset)
    cases.append(flood)
    reports.append(posts)
    progress("orders", extra_days + 1, extra_days + 1)
    return World(shop, OrderLines.joined(blocks), Cases.joined(cases), Reports.joined(reports), extra_days, fresh)


def told(world: World, extra_day: int | None, session_count: int) -> tuple[Cases, Reports]:
    """All cases with the records of one window: complaints as they fall, and quiet ones up to the wanted numbers."""
    if extra_day is None and world.extra_days:
        raise ValueError("the history is told before days are added behind it")
    window = world.window(extra_day)
    inside = np.flatnonzero((world.reports.at >= window[0]) & (world.reports.at < window[1]))
    loud = world.reports.taken(inside)
    counts = np.bincount(loud.source, minlength=len(SOURCE))
    targets = wanted_counts(world, extra_day)
    wanted = {name: targets[name] - int(counts[number]) for name, number in SOURCE.items()}
    # A small shop with large incidents has more complaints in a source than records wanted: reviews give way.
    wanted["reviews"] += targets["clickstream"] - session_count
    wanted["reviews"] += sum(
        min(missing, 0) for name, missing in wanted.items() if name not in ("reviews", "clickstream")
    )
    busy = np.zeros(len(world.lines), dtype=bool)
    busy[world.cases.line[world.cases.line >= 0]] = True
    block: str | int = "history" if extra_day is None else extra_day
    quiet, notes = quiet_reports(
        world.shop, world.lines, wanted, window, busy=busy, offset=len(world.cases), block=block
    )
    return Cases.joined([world.cases, quiet]), Reports.joined([loud, notes])


def wanted_counts(world: World, extra_day: int | None) -> dict[str, int]:
    """Feedback records of each source in a window: exact for the history, a day's share for a day behind it."""
    counts = world.plan.source_counts()
    if extra_day is None:
        return counts
    weights, days = world.shop.weights, world.plan.days
    share = weights[days - 1 + extra_day].sum() / weights[:days].sum()
    return {name: round(count * share) for name, count in counts.items()}
