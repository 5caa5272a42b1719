"""Operations' queues: what a team works through by hand, as rows and as spreadsheet files.

Belongs here: which records and actions stand in which queue (R54, R56, R94, R123), and their CSV. Does not belong here:
the label reviewers' queue (`labels`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from insights_assets.actions.escaping import csv_cell, inert
from insights_assets.actions.model import PlannedAction, list_of, text_of, time_of
from insights_assets.shop.model import Shop

QUALITY_REVIEW, ESCALATION, APPROVAL = "quality_review", "escalation", "approval"
SUMMARY_CHARACTERS = 160
CSV_COLUMNS = ("item_id", "owner", "state", "due_at", "insight_id", "source", "record_ref", "sku", "occurred_at", "why",
               "summary")  # fmt: skip


@dataclass(frozen=True)
class WaitingAction:
    """An action in the approval queue: its title, when it is due, and whether somebody decided."""

    action: PlannedAction
    title: str
    due_at: datetime | None
    is_decided: bool


def record_queues(records: Iterable[Mapping[str, Any]], shop: Shop) -> list[dict[str, Any]]:
    """Rows of the queues that take single records.

    `records`: dicts of feedback_id, source, record_ref, sku, occurred_at, text, risk_tags, urgency, primary_topic.
    quality_review takes the tag of R54; escalation takes safety reports, fraud-like and critical ones (R155).
    """
    rows = []
    for record in records:
        tags = {str(tag) for tag in list_of(record.get("risk_tags"))}
        topic = text_of(record.get("primary_topic"))
        if "quality_review" in tags:
            rows.append(_record_row(QUALITY_REVIEW, shop.policy.owner_of("product_quality"), record, "fails after use"))
        if why := _escalation_reason(topic, tags, text_of(record.get("urgency"))):
            owner = shop.policy.owner_of("safety" if why == "safety report" else "billing_confusion")
            if why == "critical urgency":
                owner = shop.policy.owner_of("customer_service")
            rows.append(_record_row(ESCALATION, owner, record, why))
    return sorted(rows, key=lambda row: (row["queue"], row["item_id"]))


def _escalation_reason(topic: str, tags: set[str], urgency: str) -> str:
    if topic == "safety":
        return "safety report"
    if "fraud_like" in tags:
        return "fraud-like"
    return "critical urgency" if urgency == "critical" else ""


def approval_queue(waiting: Iterable[WaitingAction]) -> list[dict[str, Any]]:
    """Rows of the approval queue: every action that needs or needed a person."""
    return [
        {
            "queue": APPROVAL,
            "item_id": item.action.action_id,
            "owner": item.action.owner,
            "insight_id": item.action.insight_id,
            "source": None,
            "record_ref": None,
            "sku": None,
            "occurred_at": None,
            "due_at": item.due_at,
            "summary": f"{item.action.kind.replace('_', ' ')}: {inert(item.title, SUMMARY_CHARACTERS)}",
            "why": item.action.state_reason,
            "state": "decided" if item.is_decided else "waiting",
        }
        for item in sorted(waiting, key=lambda item: item.action.action_id)
    ]


def _record_row(queue: str, owner: str, record: Mapping[str, Any], why: str) -> dict[str, Any]:
    return {
        "queue": queue,
        "item_id": str(record["feedback_id"]),
        "owner": owner,
        "insight_id": None,
        "source": text_of(record.get("source")),
        "record_ref": text_of(record.get("record_ref")),
        "sku": text_of(record.get("sku")) or None,
        "occurred_at": time_of(record.get("occurred_at")),
        "due_at": None,
        "summary": inert(text_of(record.get("text")), SUMMARY_CHARACTERS),
        "why": why,
        "state": "waiting",
    }


def queue_files(rows: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """One CSV a queue, below the desk; every queue has its file, even when nothing waits."""
    return {
        f"queues/{queue}.csv": _csv([row for row in rows if row["queue"] == queue])
        for queue in (QUALITY_REVIEW, ESCALATION, APPROVAL)
    }


def _csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        cells = []
        for name in CSV_COLUMNS:
            value = row[name]
            cells.append(value.isoformat() if isinstance(value, datetime) else csv_cell(value))
        writer.writerow(cells)
    return out.getvalue().encode()
