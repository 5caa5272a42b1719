"""The local desk: finished actions as files below `<home>/desk`, for a shop that has connected nothing yet.

Belongs here: folders and atomic writing; the same bytes are never written twice. Does not belong here: what the files say
(`tickets.py`, `drafts.py`, `brief.py`, `queues.py`), and which message is which file (`destinations/desk.py`).
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDERS = {
    "defect_ticket": "tickets",
    "notification": "alerts",
    "escalation": "escalations",
    "copy_change": "copy_changes",
    "macro": "macros",
    "article": "articles",
    "promo_hold": "holds",
    "digest": "digests",
    "unanswered": "unanswered",
}


class Desk:
    """The folder. Writing is atomic: a reader sees the old file or the new one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, content: bytes) -> bool:
        """Write a file below the desk; gives whether its bytes changed. Paths that lead out are refused."""
        target = (self.root / path).resolve()
        if not target.is_relative_to(self.root.resolve()):
            raise ValueError(f"{path!r} leads out of the desk")
        if target.is_file() and target.read_bytes() == content:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.part")
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(target)
        return True
