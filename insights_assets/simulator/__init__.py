"""The sample shop: a realistic history with planted incidents, and the truth about it.

Belongs here: the simulator's public names. The pipeline never imports this package; it reads the files. Modules, in
the order in which they build on one another: `plan`, `catalogue`, `people`, `logistics`, `wording`, `incidents`,
`decoys`, `events`, `orders`, `cases`, `reports`, `fresh`, `world`, `feedback_rows`, `sessions`, `mess`, `telling`,
`shop_files`, `truth`, `history`.
"""

from __future__ import annotations

from insights_assets.simulator.history import (
    STATE_FILE,
    TRUTH_FILE,
    SimulationReport,
    SimulatorError,
    simulate,
    simulate_next_day,
)
from insights_assets.simulator.incidents import IncidentsFileError
from insights_assets.simulator.wording.grammar import TOPICS, phrasing_families

__all__ = [
    "STATE_FILE",
    "TOPICS",
    "TRUTH_FILE",
    "IncidentsFileError",
    "SimulationReport",
    "SimulatorError",
    "phrasing_families",
    "simulate",
    "simulate_next_day",
]
