"""Packaging batches: which were in use at which warehouse on which day.

Belongs here: the schedule of batches and the draw of a batch for a shipment. Each warehouse opens a new batch every
few days and uses up the old one meanwhile, so that on any day two or three are in use and can be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from insights_assets.simulator.catalogue import WAREHOUSES
from insights_assets.simulator.plan import HORIZON_DAYS, SimulationPlan, stream


@dataclass(frozen=True)
class Batch:
    code: str
    warehouse: int
    start: int  # first day in use
    end: int  # first day no longer in use
    weight: float = 1.0


def batch_schedule(plan: SimulationPlan) -> list[Batch]:
    """All batches of all warehouses, from before the first day to the end of the horizon."""
    batches: list[Batch] = []
    for warehouse, name in enumerate(WAREHOUSES):
        rng = stream(plan.seed, "batches", name)
        day, number = -6, int(rng.integers(1, 9))
        while day < plan.days + HORIZON_DAYS:
            life = int(rng.integers(8, 12))
            batches.append(Batch(f"{name[3:]}-PB{number:02d}", warehouse, day, day + life))
            day += int(rng.integers(4, 6))
            number += 1
    return batches


def stretched(batches: list[Batch], code: str, end: int, weight: float) -> list[Batch]:
    """The schedule with one large lot: a batch that is used longer and more than the others."""
    return [
        replace(batch, end=max(end, batch.end), weight=weight) if batch.code == code else batch for batch in batches
    ]


def draw_batches(batches: list[Batch], warehouse: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Index into `batches` for each shipment by its warehouse and day."""
    chosen = np.zeros(len(day), dtype=np.int16)
    draw = rng.random(len(day))
    for house in range(len(WAREHOUSES)):
        members = [(i, batch) for i, batch in enumerate(batches) if batch.warehouse == house]
        here = np.flatnonzero(warehouse == house)
        for value in np.unique(day[here]):
            rows = here[day[here] == value]
            usable = [(i, b) for i, b in members if b.start <= value < b.end] or [members[-1]]
            weights = np.cumsum([b.weight for _, b in usable])
            picks = np.searchsorted(weights / weights[-1], draw[rows], side="right")
            chosen[rows] = np.array([i for i, _ in usable], dtype=np.int16)[picks]
    return chosen
