"""The life of an incident: open, active, watching, resolved. A pure function of yesterday's state and today's signal.

Belongs here: the state machine that series and issues share. Not here: what makes a signal (`detectors.py`, `issues.py`).

A series with an open incident is not tested again, so an incident that lasts cannot spend the alert budget every day
(research: the plain daily rule let about 10 % false ones in beside each true one).
"""

from __future__ import annotations

from dataclasses import dataclass

NONE, OPEN, ACTIVE, WATCHING, RESOLVED = "none", "open", "active", "watching", "resolved"
#: States in which the incident still runs.
RUNNING = frozenset({OPEN, ACTIVE, WATCHING})


@dataclass(frozen=True)
class IncidentRules:
    """`quiet_days` in a row close an incident; within `reopen_days` of closing, a new alarm re-opens the same one."""

    quiet_days: int = 5
    reopen_days: int = 14


@dataclass(frozen=True)
class Incident:
    """Where an incident stands at the end of a day. Days are days since 1970; -1 where there is none."""

    state: str = NONE
    opened: int = -1
    quiet: int = 0
    closed: int = -1
    reopened: int = 0

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING


NO_INCIDENT = Incident()


def advance(incident: Incident, day: int, *, alarm: bool, quiet: bool, rules: IncidentRules = IncidentRules()) -> Incident:
    """The incident at the end of `day`.

    `alarm`: the detector would open one today. `quiet`: today looks usual. An alarm is never quiet.
    """
    if incident.is_running:
        if alarm or not quiet:
            return Incident(ACTIVE, incident.opened, 0, -1, incident.reopened)
        waited = incident.quiet + 1
        if waited >= rules.quiet_days:
            return Incident(RESOLVED, incident.opened, waited, day, incident.reopened)
        return Incident(WATCHING, incident.opened, waited, -1, incident.reopened)
    recent = incident.state == RESOLVED and day - incident.closed <= rules.reopen_days
    if alarm:
        return Incident(OPEN, incident.opened, 0, -1, incident.reopened + 1) if recent else Incident(OPEN, day, 0, -1, 0)
    return incident if recent else NO_INCIDENT
