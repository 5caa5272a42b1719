"""THE MAP: the stages in order, one sentence each. The README's table, asset groups, import rule and a test derive from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One room of the house: its name is folder, asset group, key prefix, schema and test folder."""

    name: str
    sentence: str


STAGES: tuple[Stage, ...] = (
    Stage("sources", "Take in what sources deliver, exactly as it came, once; then read it into typed columns."),
    Stage("canonical", "Make one feedback record of every voice: who, when, about which order, SKU, shipment and batch; redacted."),
    Stage("labels", "Say what each record is about, how it feels and how urgent it is, with a quote for every topic."),
    Stage("clusters", "Group what is said in other words into themes that keep their identity."),
    Stage("anomalies", "Find what is rising, why, and what it is worth a day."),
    Stage("actions", "Turn an issue into finished action: ticket, alert, hold, macro, article, brief; once, and undoable."),
    Stage("rehearsal", "Say what a change would do before it is made, on copies."),
    Stage("learning", "Notice when labels no longer fit, retrain, and let a gate decide."),
    Stage("health", "Say whether pipeline, model and business are well, and what the loop earned."),
    Stage("governance", "Pin what is published, keep what was promised about access, retention and audit."),
)
