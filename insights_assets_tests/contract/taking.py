"""An inbox that remembers, for tests of what is handed to it, and what moves in Jira mean to the shop of these tests.

Belongs here: that alone. Does not belong here: carrying anything out (`actions/inbox.py`; `test_answers_taken.py` uses the real one).
"""

from __future__ import annotations

from insights_assets.actions.inbox import Answer, Outcome
from insights_assets.shop.destinations_file import JiraSetup

SETUP = JiraSetup(
    "Task", close="Done", reopen="Reopen",
    statuses={"acknowledged": "acknowledge", "in progress": "start", "fixed": "fix", "closed": "close", "not an issue": "dismiss"},
    resolutions={"duplicate": "duplicate", "won't do": "dismiss"},
)  # fmt: skip


class Inbox:
    """Takes each event once, as the product's inbox does, and remembers all it was handed."""

    def __init__(self, says: str = "Confirmed.", takes: bool = True) -> None:
        self.handed: list[Answer] = []
        self.taken: dict[str, Answer] = {}
        self.says, self.takes = says, takes
        self.fails = False

    def __call__(self, answer: Answer) -> Outcome:
        if self.fails:
            raise RuntimeError("the database is locked")
        self.handed.append(answer)
        self.taken.setdefault(answer.event_id, answer)
        return Outcome(self.takes, self.says)
