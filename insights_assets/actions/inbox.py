"""What people answer where they work: a button in Slack, a transition in Jira, the console, a command; each counted once.

Belongs here: one answer as every surface hands it over, and carrying it out by who it is and what it asks. Does not belong here:
listening (`destinations/`), the rules of approvals and verdicts (`approvals.py`, `verdicts.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Answer:
    """One thing a person did. `event_id` is the surface's own name of it, so that the same delivery twice counts once.

    `act`: approve, reject, confirm, dismiss, duplicate, snooze, release, place, extend, acknowledge, start, fix or close.
    `person`: the e-mail address (or the surface's user id where it gives no address). `through`: console, command, jira or slack.
    """

    event_id: str
    act: str
    subject: str
    person: str
    through: str
    at: datetime
    token: str = ""
    reason: str = ""
    until: date | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an answer: taken or not, and the sentence the person is shown."""

    is_taken: bool
    said: str
