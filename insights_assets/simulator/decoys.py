"""What was planted to mislead: things that look like incidents and are none.

Belongs here: the doubled orders of a promotion, the flood of copied posts, the source that falls silent and delivers
late. They are in the truth under `decoys`; a good pipeline raises no customer insight for them.
"""

from __future__ import annotations

from dataclasses import dataclass

from insights_assets.simulator.catalogue import Catalogue
from insights_assets.simulator.incidents import Incident
from insights_assets.simulator.plan import SimulationPlan, stream


@dataclass(frozen=True)
class Decoys:
    promotion_line: str
    promotion_start: int
    promotion_end: int
    flood_topic: str
    flood_start: int  # lasts two days
    flood_posts: int
    silent_source: str
    silent_start: int
    silent_end: int  # first day on which it speaks again; the missing days arrive in that day's file


def plan_decoys(plan: SimulationPlan, catalogue: Catalogue, incidents: list[Incident]) -> Decoys:
    """Place the three decoys away from the lines that incidents use."""
    rng = stream(plan.seed, "decoys")
    last = plan.days - 1
    used = {incident.cause.get("product_line") for incident in incidents}
    free = [name for name in catalogue.line_names if name not in used] or list(catalogue.line_names)
    promotion_start = last - int(rng.integers(24, 30))
    flood_start = last - int(rng.integers(9, 13))
    silent_start = last - int(rng.integers(20, 24))
    silent_days = int(rng.integers(4, 6))
    social = plan.source_counts()["social"]
    posts = int(rng.integers(80, 111))
    return Decoys(
        promotion_line=str(rng.choice(free)),
        promotion_start=promotion_start,
        promotion_end=promotion_start + 7,
        flood_topic="price_value",
        flood_start=flood_start,
        flood_posts=min(posts, max(30, social // 3)),
        silent_source="surveys",
        silent_start=silent_start,
        silent_end=silent_start + silent_days,
    )
