"""The desk as a destination: one file a message, below `<home>/desk`; what every other destination falls back to.

Belongs here: the file of a message. Does not belong here: how a file is written (`actions/desk.py`), the other files of the desk.
"""

from __future__ import annotations

from datetime import datetime

from insights_assets.actions.desk import FOLDERS, Desk
from insights_assets.actions.destinations.port import Message, Receipt
from insights_assets.actions.escaping import file_name


def path_of(message: Message) -> str:
    """Below the desk; from the ids alone, so that a later version replaces the earlier. Languages of one action are files of their own."""
    _, _, part = message.key.partition(":")
    folder = FOLDERS.get(message.kind) or file_name(message.kind)
    return f"{folder}/{file_name(message.insight_id)}{f'-{file_name(part)}' if part else ''}.md"


class DeskDestination:
    """Files of the local desk. The same bytes are never written twice; twice the same message is one file."""

    name = "desk"
    is_searchable = True
    is_repeatable = True
    settles_after = 0.0

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        #: Files whose bytes changed by this object, for the run's account.
        self.written = 0

    def find(self, message: Message, since: datetime) -> Receipt | None:
        path = path_of(message)
        return Receipt(path) if (self.desk.root / path).is_file() else None

    def create(self, message: Message) -> Receipt:
        path = path_of(message)
        self.written += self.desk.put(path, message.body.encode())
        return Receipt(path)

    def update(self, message: Message, external_id: str) -> Receipt:
        return self.create(message)
