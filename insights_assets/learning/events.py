"""The record of learning: ticks that fired, gates, reviews and activations as rows of `learning.retraining_events`.

Belongs here: turning operational rows into events. Does not belong here: deciding anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from insights_assets.labels.candidate import GATE_TICK
from insights_assets.labels.models import KIND
from insights_assets.learning.review import REVIEW_TICK
from insights_assets.learning.triggers import TRAIN_CANDIDATE

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.step import Step

DRIFT_SENSOR, RETRAINING_SENSOR, RETRAINING_SCHEDULE = "drift_sensor", "retraining_sensor", "retraining_schedule"
SOURCES = (DRIFT_SENSOR, RETRAINING_SENSOR, RETRAINING_SCHEDULE, GATE_TICK, REVIEW_TICK)
EVENTS_AT_MOST = 500
BY_HAND = "started by hand"


def event_rows(operations: Operations) -> list[dict[str, Any]]:
    """Events, oldest first: what fired, every answer of a gate, every activation."""
    rows = [
        {
            "event_id": f"T{tick.tick_id}", "kind": name, "is_fired": tick.fired, "reason": tick.reason, "job": tick.details.get("job"),
            "model_version": tick.details.get("version"), "happened_at": tick.ticked_at,
        }
        for name in SOURCES for tick in operations.ticks.recent(name, EVENTS_AT_MOST) if tick.fired or name == GATE_TICK
    ]  # fmt: skip
    rows += [
        {
            "event_id": f"A{row.activation_id}", "kind": "activation", "is_fired": True, "reason": f"by {row.activated_by}: {row.reason}", "job": None,
            "model_version": row.version, "happened_at": row.activated_at,
        }
        for row in operations.activations.history(KIND)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["happened_at"], row["event_id"]))


def event_state(step: Step) -> str:
    """What the events and signals depend on beside their tables."""
    operations = step.operations
    newest = [tick.tick_id for name in SOURCES for tick in operations.ticks.recent(name, 1)]
    active = operations.activations.active(KIND)
    corrections = operations.corrections.all()
    return f"{newest} {active.activation_id if active else 0} {corrections[-1].correction_id if corrections else 0}"


def last_reason(operations: Operations) -> str:
    """Why the latest training was asked for."""
    asked = [
        tick for name in (RETRAINING_SENSOR, RETRAINING_SCHEDULE) for tick in operations.ticks.recent(name, 20) if tick.fired and tick.details.get("job") == TRAIN_CANDIDATE
    ]
    return max(asked, key=lambda tick: tick.tick_id).reason if asked else BY_HAND
