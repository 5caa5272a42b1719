"""The local desk: finished actions as files below `<home>/desk`, for a shop that has connected nothing yet.

Belongs here: paths, atomic writing, and delivering through the outbox so that each action arrives once. Does not belong
here: what the files say (`tickets.py`, `drafts.py`, `brief.py`, `queues.py`). The same bytes are never written twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from insights_assets.actions.escaping import file_name
from insights_assets.resources.operations import Operations

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


@dataclass(frozen=True)
class Document:
    """One file of the desk that carries out an action. `part` tells documents of one action apart (a language)."""

    action_id: str
    insight_id: str
    kind: str
    destination: str
    content: str
    idempotency_key: str
    part: str = ""

    @property
    def path(self) -> str:
        """Below the desk; from the ids alone, so that a later version replaces the earlier."""
        part = f"-{file_name(self.part)}" if self.part else ""
        return f"{FOLDERS[self.kind]}/{file_name(self.insight_id)}{part}.md"

    @property
    def key(self) -> str:
        return f"{self.idempotency_key}:{self.part}" if self.part else self.idempotency_key


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


def deliver(operations: Operations, desk: Desk, documents: Sequence[Document], run_id: str) -> int:
    """Bring documents to the desk, each action once; a changed one replaces its file. Gives how many were written.

    The operational database keeps path and hash, never the text. A process that died between file and mark is made good
    by the next call: the file has its final bytes already and only the mark is set.
    """
    by_key = {document.key: document for document in documents}
    operations.outbox.want([_wanted(document) for document in documents])
    written = 0
    # One process writes a home at a time, so a claim of a dead one is free at once.
    for row in operations.outbox.claim("desk", lease_seconds=0, limit=1_000_000):
        document = by_key.get(row.idempotency_key)
        if document is None:
            continue  # of an earlier run whose document is not made any more; it waits and is not lost
        written += desk.put(document.path, document.content.encode())
        note = None
        if document.destination != "desk":
            note = f"{document.destination} is not connected: delivered to the desk"
        operations.outbox.delivered(row, external_id=document.path, run_id=run_id, note=note)
    return written


def restore(desk: Desk, documents: Iterable[Document]) -> int:
    """Put back files that somebody deleted or changed by hand; gives how many. Nothing is delivered anew by it."""
    return sum(desk.put(document.path, document.content.encode()) for document in documents)


def _wanted(document: Document) -> dict[str, object]:
    digest = hashlib.sha256(document.content.encode()).hexdigest()
    return {
        "idempotency_key": document.key,
        "action_id": document.action_id,
        "insight_id": document.insight_id,
        "kind": document.kind,
        "destination": document.destination,
        "payload": {"path": document.path, "sha256": digest},
    }
