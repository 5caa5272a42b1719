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
#: Metrics by name, as people call what they measure.
NAMES = {
    "failed_check_count": "Checks that did not hold", "failed_task_count": "Tasks that failed", "run_success_share": "Runs that succeeded", "run_seconds": "How long a run takes",
    "ingestion_success_share": "Records that could be read", "schema_mismatch_count": "Records with a column that does not fit", "source_lag_days": "How late the slowest source is",
    "reviewed_accuracy": "Labels that people checked", "topic_drift": "Topics that shift", "label_confidence": "How sure the labels are", "unsure_label_share": "Labels that are unsure",
    "alert_precision": "Alerts that were right", "prompt_regression": "Labels against those of the version before", "conversion_impact": "Sales lost to errors in shop and app",
    "conversion_share": "Visits that end in a purchase", "negative_review_share": "Reviews that are negative", "first_response_hours": "Wait for a first answer",
    "refund_share": "Money paid back", "ticket_deflection_seconds": "Time that macros save",
}  # fmt: skip
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
        says = "; ".join(f"{metric_name(row['metric']).lower()}: {row['says']}" for row in telling if row["state"] == state)
    if parts:
        said = f"{len(parts)} red for single products ({', '.join(sorted({str(row['sku']) for row in parts})[:5])})"
        says = said if not any(row["state"] == state for row in whole) else f"{says}; {said}"
    if missing:
        says += f"; not available: {_named(sorted(row['metric'] for row in missing))}"
    return Layer(name, state, says, red, len(missing))


def still_rings(kind: str, states: Mapping[str, str]) -> bool:
    """Whether what an earlier run of the day raised still holds by the layers as they are now."""
    wanted = {BEHIND_GREEN: "green", UNTRUSTED: "red"}.get(kind)
    return wanted is None or (states.get("business") == "red" and states.get("technical") == wanted)


def metric_name(metric: str) -> str:
    """What a metric is called where people read; a shop's own as it is."""
    return NAMES.get(metric, metric.replace("_", " "))


def _named(metrics: Sequence[str]) -> str:
    return ", ".join(metric_name(metric).lower() for metric in metrics)


def alarms(layers: Sequence[Layer], day: date) -> list[Alarm]:
    """Green pipeline and red business: the figures are right and the shop is not. Red pipeline: the figures may be wrong."""
    by = {layer.layer: layer for layer in layers}
    technical, business = by["technical"], by["business"]
    if business.state != "red":
        return []
    if technical.state == "red":
        says = f"Business is red ({_named(business.red)}), but so is the pipeline ({_named(technical.red)}): put the pipeline right before believing it."
        return [Alarm(UNTRUSTED, day, (*business.red, *technical.red), says)]
    if technical.state != "green":
        return []
    says = f"Every run and source is well, yet business is red: {business.says.partition('; not available: ')[0]}. Look at the open insights, and at what none of them explains."
    return [Alarm(BEHIND_GREEN, day, business.red, says)]
