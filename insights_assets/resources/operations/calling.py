"""What is remembered about calling people: what an alert said when, and how far up an unanswered ticket went.

Belongs here: reading and writing those two tables. Does not belong here: the rules (`actions/alerts.py`, `actions/escalation.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from insights_assets.resources.operations.models import TicketStamp
from insights_assets.resources.operations.sending_tables import AlertState, Escalation

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations


class AlertStates:
    """One row an issue, written after the run that told it has stored what it told: a run that dies before tells the same again."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def all(self) -> dict[str, AlertState]:
        with self._operations.reading() as session:
            return {row.insight_id: row for row in session.scalars(select(AlertState).order_by(AlertState.insight_id))}

    def put(self, states: Iterable[Mapping[str, Any]]) -> int:
        """Store states that changed; gives how many did."""
        changed = 0
        with self._operations.writing() as session:
            for state in sorted(states, key=lambda row: str(row["insight_id"])):
                row = session.get(AlertState, state["insight_id"])
                if row is None:
                    session.add(AlertState(**state))
                    changed += 1
                elif (kept := row.as_dict()) != {**kept, **state}:
                    for name, value in state.items():
                        setattr(row, name, value)
                    changed += 1
        return changed


class Escalations:
    """Steps up, each made once for ever."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def make(self, steps: Iterable[Mapping[str, Any]]) -> list[Escalation]:
        """Write down steps (action_id, step, insight_id, team, reason, due_at) in one transaction, with an audit entry each; gives the new ones."""
        now = self._operations.clock()
        made = []
        with self._operations.writing() as session:
            for step in sorted(steps, key=lambda row: (row["action_id"], row["step"])):
                if session.get(Escalation, (step["action_id"], step["step"])) is not None:
                    continue
                row = Escalation(**step, raised_at=now)
                session.add(row)
                made.append(row)
                self._operations.audit.append_within(session, "clock", "escalate", row.action_id, step=row.step, team=row.team, reason=row.reason)
        return made

    def all(self) -> list[Escalation]:
        with self._operations.reading() as session:
            return list(session.scalars(select(Escalation).order_by(Escalation.action_id, Escalation.step)))

    def stamps(self) -> list[TicketStamp]:
        """What people did with tickets where they are."""
        with self._operations.reading() as session:
            return list(session.scalars(select(TicketStamp).order_by(TicketStamp.at, TicketStamp.action_id, TicketStamp.stage)))
