"""What goes wrong between the systems: broken records, the same record twice.

Belongs here: faults of delivery, each with its entry in the truth. Not here: what customers type (`wording/slips.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from insights_assets.simulator.files import csv_line, json_line

BROKEN_SHARE = 0.004
TWICE_SHARE = 0.004
OLDER_VERSION_SHARE = 0.012  # of tickets: delivered once while open, again when solved
BAD_TIMES: tuple[str, ...] = ("2026-13-45T10:00:00Z", "yesterday", "00.00.0000", "31/31/2026 25:61", "n/a")
ID_COLUMN = {
    "reviews": "review_id",
    "support_tickets": "ticket_id",
    "chats": "chat_id",
    "surveys": "response_id",
    "returns": "return_id",
    "social": "post_id",
}
TIME_COLUMN = {
    "reviews": "created_at",
    "support_tickets": "created_at",
    "chats": "started_at",
    "surveys": "responded_at",
    "returns": "requested_at",
    "social": "posted_at",
}
# Faults that only some sources can have; twice as often when listed twice.
OWN_FAULTS: dict[str, tuple[str, ...]] = {
    "reviews": ("rating_out_of_range", "rating_out_of_range"),
    "surveys": ("score_out_of_range", "score_out_of_range"),
    "returns": ("bad_amount",),
}
# Where a fault of content strikes, and what stands there instead.
SPOILED: dict[str, tuple[str, Any]] = {
    "rating_out_of_range": ("rating", 11),
    "score_out_of_range": ("score", 42),
    "bad_amount": ("refund_amount", "n/a"),
}


@dataclass
class Faults:
    """Every fault that was written on purpose."""

    broken: list[dict[str, Any]] = field(default_factory=list)
    redelivered: dict[str, int] = field(default_factory=dict)


class Spoiler:
    """Turns the records of one source into the lines that reach the files: the record, and sometimes more."""

    def __init__(self, source: str, chance: Random, faults: Faults) -> None:
        self.source = source
        self.chance = chance
        self.faults = faults

    def lines(self, ref: str, row: dict[str, Any], file: str) -> list[str]:
        """The lines of one record."""
        jsonl = ".jsonl" in file
        lines = [_line(row, jsonl)]
        draw = self.chance.random()
        if draw < TWICE_SHARE:
            lines.append(lines[0])
            self._count_again()
        elif draw < TWICE_SHARE + BROKEN_SHARE:
            lines.append(self._broken(ref, row, file, jsonl))
        elif draw < TWICE_SHARE + BROKEN_SHARE + OLDER_VERSION_SHARE and row.get("status") == "solved":
            lines.insert(0, _line(_while_open(row), jsonl))
            self._count_again()
        return lines

    def _count_again(self) -> None:
        self.faults.redelivered[self.source] = self.faults.redelivered.get(self.source, 0) + 1

    def _broken(self, ref: str, row: dict[str, Any], file: str, jsonl: bool) -> str:
        """A damaged copy of a record under an id of its own, so that nothing true is lost."""
        source, chance = self.source, self.chance
        kinds = ("missing_id", "missing_time", "bad_time", "truncated", *OWN_FAULTS.get(source, ()))
        kind = kinds[int(chance.random() * len(kinds))]
        new_ref: str | None = f"{ref}X"
        spoiled = {**row, ID_COLUMN[source]: new_ref}
        if kind == "missing_id":
            new_ref = None
            spoiled[ID_COLUMN[source]] = None if jsonl else ""
        elif kind == "missing_time":
            spoiled[TIME_COLUMN[source]] = None if jsonl else ""
        elif kind == "bad_time":
            spoiled[TIME_COLUMN[source]] = BAD_TIMES[int(chance.random() * len(BAD_TIMES))]
        elif kind in SPOILED:
            column, value = SPOILED[kind]
            spoiled[column] = value
        text = _line(spoiled, jsonl)
        if kind == "truncated":
            # A csv row is cut between cells: an open quote would swallow the good row that follows.
            text = text[: len(text) // 2] if jsonl else csv_line(list(spoiled.values())[:3])
        self.faults.broken.append({"source": source, "file": file, "record_ref": new_ref, "problem": kind})
        return text


def _line(row: dict[str, Any], jsonl: bool) -> str:
    return json_line(row) if jsonl else csv_line(row.values())


def _while_open(row: dict[str, Any]) -> dict[str, Any]:
    """A ticket as it stood before anybody had answered."""
    nothing = dict.fromkeys(("solved_at", "first_response_at", "handle_seconds", "assignee", "csat"))
    return {**row, **nothing, "status": "open", "updated_at": row["created_at"], "replies": 0, "reopened_count": 0}
