"""What goes wrong between the systems: broken records, the same record twice, records that come later.

Belongs here: faults of delivery, each with its entry in the truth. Not here: what customers type (`wording/slips.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from insights_assets.simulator.feedback_rows import ID_COLUMN, TIME_COLUMN
from insights_assets.simulator.files import csv_line, json_line

BROKEN_SHARE = 0.004
TWICE_SHARE = 0.004
OLDER_VERSION_SHARE = 0.012  # of tickets: delivered once while open, again when solved
BAD_TIMES: tuple[str, ...] = ("2026-13-45T10:00:00Z", "yesterday", "00.00.0000", "31/31/2026 25:61", "n/a")


@dataclass
class Faults:
    """Every fault that was written on purpose."""

    broken: list[dict[str, Any]] = field(default_factory=list)
    redelivered: dict[str, int] = field(default_factory=dict)


def with_faults(source: str, form: str, ref: str, row: dict[str, Any], file: str, chance: Random, faults: Faults) -> list[str]:
    """The lines that reach the file for one record: the record, and sometimes more."""
    jsonl = form.startswith("jsonl")
    write = json_line if jsonl else lambda r: csv_line(r.values())
    lines = [write(row)]
    draw = chance.random()
    if draw < TWICE_SHARE:
        lines.append(lines[0])
        faults.redelivered[source] = faults.redelivered.get(source, 0) + 1
    elif draw < TWICE_SHARE + BROKEN_SHARE:
        lines.append(_broken(source, jsonl, ref, row, file, chance, faults))
    elif source == "support_tickets" and row["status"] == "solved" and draw < TWICE_SHARE + BROKEN_SHARE + OLDER_VERSION_SHARE:
        earlier = {**row, "status": "open", "updated_at": row["created_at"], "solved_at": None, "first_response_at": None}
        lines.insert(0, write({**earlier, "replies": 0, "handle_seconds": None, "assignee": None, "csat": None, "reopened_count": 0}))
        faults.redelivered[source] = faults.redelivered.get(source, 0) + 1
    return lines


def _broken(source: str, jsonl: bool, ref: str, row: dict[str, Any], file: str, chance: Random, faults: Faults) -> str:
    """A damaged copy of a record under an id of its own."""
    new_ref = f"{ref}X"
    spoiled = {**row, ID_COLUMN[source]: new_ref}
    kinds = ["missing_id", "missing_time", "bad_time", "truncated"]
    kinds += {"reviews": ["rating_out_of_range"] * 2, "surveys": ["score_out_of_range"] * 2, "returns": ["bad_amount"]}.get(source, [])
    kind = kinds[int(chance.random() * len(kinds))]
    shown: str | None = new_ref
    if kind == "missing_id":
        spoiled[ID_COLUMN[source]] = None if jsonl else ""
        shown = None
    elif kind == "missing_time":
        spoiled[TIME_COLUMN[source]] = None if jsonl else ""
    elif kind == "bad_time":
        spoiled[TIME_COLUMN[source]] = BAD_TIMES[int(chance.random() * len(BAD_TIMES))]
    elif kind == "rating_out_of_range":
        spoiled["rating"] = 11
    elif kind == "score_out_of_range":
        spoiled["score"] = 42
    elif kind == "bad_amount":
        spoiled["refund_amount"] = "n/a"
    text = json_line(spoiled) if jsonl else csv_line(spoiled.values())
    if kind == "truncated":
        # Cut where no quote of a csv cell can stay open and swallow the next line.
        text = text[: max(20, len(text) // 2)] if jsonl else csv_line(list(spoiled.values())[:3])
    faults.broken.append({"source": source, "file": file, "record_ref": shown, "problem": kind})
    return text
