"""The evidence of an issue as a CSV file for a ticket: redacted words, no customer, nothing a spreadsheet takes for a formula.

Belongs here: the columns, and making any CSV safe again on its way out. Does not belong here: which records are evidence, redaction
(`canonical`), sending.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from insights_assets.actions.escaping import csv_cell, inert
from insights_assets.actions.model import Evidence

COLUMNS = ("record", "source", "said_at", "sku", "language", "words")
MOST_RECORDS = 500


def evidence_csv(records: Iterable[Evidence]) -> str:
    """The newest records first, at most 500. `words` are redacted already; the customer's key stays at home."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    listed = sorted(records, key=lambda record: (record.occurred_at, record.feedback_id), reverse=True)[:MOST_RECORDS]
    for record in listed:
        cells = (record.record_ref, record.source, record.occurred_at.isoformat(timespec="minutes"), record.sku or "", record.language or "", inert(record.text, 500))
        writer.writerow([csv_cell(cell) for cell in cells])
    return out.getvalue()


def safe_csv(text: str) -> bytes:
    """The same table with every cell made inert; doing it twice changes nothing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in csv.reader(io.StringIO(text)):
        writer.writerow([csv_cell(cell) for cell in row])
    return out.getvalue().encode()
