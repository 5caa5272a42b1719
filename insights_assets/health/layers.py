"""The three layers beside each other, and the alarm that only all three together can raise (R109).

Belongs here: colouring a layer and deciding an alarm. Does not belong here: any metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from insights_assets.health.metric import State, worst

LAYERS = ("technical", "model", "business")
BEHIND_GREEN = "business_red_behind_green_pipeline"
UNTRUSTED = "untrusted_figures"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Layer:
    """One layer's colour, its red metrics, and why, in a sentence."""

    layer: str
    state: State
    says: str
    red: tuple[str, ...]
    unavailable: int


@dataclass(frozen=True)
class Alarm:
    """What the layers say together. The id names kind and day, so that a rerun rings no second time."""

    kind: str
    raised_day: date
    metrics: tuple[str, ...]
    says: str

    @property
    def alarm_id(self) -> str:
        return f"{self.kind}:{self.raised_day.isoformat()}"


def layer_of(name: str, metrics: Sequence[Row]) -> Layer:
    """A layer is as bad as its worst metric of the whole shop; a product's red metric makes it amber at least."""
    whole = [row for row in metrics if row.get("sku", "all") == "all"]
    parts = [row for row in metrics if row.get("sku", "all") != "all" and row["state"] == "red"]
    state = worst([row["state"] for row in whole])
    if parts and state in ("green", "not_available"):
        state = "amber"
    red = tuple(sorted(row["metric"] for row in whole if row["state"] == "red"))
    missing = [row for row in whole if row["state"] == "not_available"]
    telling = [row for row in whole if row["state"] == state] or whole
    if state == "green":
        says = f"all {sum(row['state'] == 'green' for row in whole)} measured metrics are well"
    elif state == "not_available":
        says = "nothing could be judged yet"
    else:
        says = "; ".join(f"{row['metric']}: {row['says']}" for row in telling if row["state"] == state)
    if parts:
        said = f"{len(parts)} red for single products ({', '.join(sorted({str(row['sku']) for row in parts})[:5])})"
        says = said if not any(row["state"] == state for row in whole) else f"{says}; {said}"
    if missing:
        says += f"; not available: {', '.join(sorted(row['metric'] for row in missing))}"
    return Layer(name, state, says, red, len(missing))


def alarms(layers: Sequence[Layer], day: date) -> list[Alarm]:
    """Green pipeline and red business: the figures are right and the shop is not. Red pipeline: the figures may be wrong."""
    by = {layer.layer: layer for layer in layers}
    technical, business = by["technical"], by["business"]
    if business.state != "red":
        return []
    if technical.state == "red":
        says = f"Business is red ({', '.join(business.red)}), but so is the pipeline ({', '.join(technical.red)}): put the pipeline right before believing it."
        return [Alarm(UNTRUSTED, day, (*business.red, *technical.red), says)]
    if technical.state != "green":
        return []
    says = f"Every run and source is well, yet business is red: {business.says}. Look at the open insights, and at what none of them explains."
    return [Alarm(BEHIND_GREEN, day, business.red, says)]
