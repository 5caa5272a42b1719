"""Batches come back: polled without blocking anybody, cut off at our own deadline, each line taken in once with its ledger row.

Belongs here: a look at what lies at the server, cancelling, joining results to questions. Does not belong here: submitting and finding again
(`batch`), what the home knows of its batches (`batch_rows`), what a content is worth (judged when it is read from the store).
Reading the same results twice adds nothing: a line's ledger row is unique, the first reply stays, and the batch is over only once all of it is in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.labels.model.batch import adopt, remove_files
from insights_assets.labels.model.batch_rows import CANCELLING, ENDED, GRACE, OPEN, BatchReport, begun, fault_in, not_tidied, note, told, unfinished
from insights_assets.labels.model.outcomes import Fault, Outcome, status_fault
from insights_assets.labels.model.reading import Reading, read_body, receipt_of
from insights_assets.lake.crash import crash_here

if TYPE_CHECKING:
    from insights_assets.labels.model.client import ModelClient
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.asking_tables import ModelBatch

_OVER = frozenset({"completed", "failed", "expired", "cancelled"})
#: Faults after which the next batch would not be reached either.
_NOBODY_THERE = frozenset({Outcome.AUTH, Outcome.RATE_LIMITED_DEFERRED})


def poll(operations: Operations, client: ModelClient, *, batch_hours: float = 12.0, in_force: Mapping[str, str] | None = None) -> BatchReport:
    """Look at every unfinished batch once. Safe to repeat; costs a request a batch.

    `in_force`: task -> prompt version; a batch of another version is cancelled, because nobody waits for its answers any more.
    """
    report = BatchReport()
    if not adopt(client, operations, report):
        report.open_count = len(unfinished(operations))
        return report
    _tidy(client, operations)
    report.open_count = 0
    for row in unfinished(operations):
        if row.batch_id is None or report.is_unreachable:
            report.open_count += 1
            continue
        try:
            _look(client, operations, row, timedelta(hours=batch_hours), in_force or {}, report)
        except Exception as error:  # noqa: BLE001 - a batch that cannot be looked at now is looked at next time
            fault = fault_in(client, error)
            if fault.http_status == 404 and client.time.now() - begun(row) > timedelta(hours=batch_hours) + GRACE:
                _give_up(client, operations, row, report)
                continue
            report.open_count += 1
            report.is_unreachable = fault.outcome in _NOBODY_THERE or (fault.outcome is Outcome.TRANSPORT and fault.http_status is None)
            report.sentences.append(f"batch {row.batch_id} could not be looked at: {told(fault)}")
    return report


def _look(client: ModelClient, operations: Operations, row: ModelBatch, deadline: timedelta, in_force: Mapping[str, str], report: BatchReport) -> None:
    sdk = client.connection.sdk
    batch = sdk.batches.retrieve(str(row.batch_id))
    now = client.time.now()
    if batch.status not in _OVER:
        why = _why_cancelled(row, now, deadline, in_force)
        if why is not None and row.state == OPEN:
            batch = sdk.batches.cancel(str(row.batch_id))
            note(operations, row, state=CANCELLING, server_status=batch.status, detail=why)
            report.cancelled_count += 1
            report.sentences.append(f"batch {row.batch_id} was cancelled: {why}")
        else:
            note(operations, row, server_status=batch.status)
        report.open_count += 1
        return
    files = [one for one in (batch.output_file_id, batch.error_file_id) if one]
    keys, answered = frozenset(row.cache_keys), set()
    for file_id in files:
        for line in sdk.files.content(file_id).text.splitlines():
            answered.add(_take_in(client, row, keys, line, now))
    answered.discard(None)
    errors = "; ".join(str(error.code) for error in (batch.errors.data or [])[:3]) if batch.errors else None
    left = sorted(keys - answered)
    crash_here(client.crash_at, "model.batch_results:before")
    note(operations, row, state=ENDED, server_status=batch.status, ended_at=now, detail=errors or row.detail, cache_keys=left)
    crash_here(client.crash_at, "model.batch_results:after")
    remove_files(client, operations, row, files)
    report.ended_count += 1
    report.answered_count += len(answered)
    report.unanswered_count += len(left)
    if batch.status != "completed":
        report.sentences.append(f"batch {row.batch_id} ended as {batch.status}" + (f" ({errors})" if errors else "") + f": {len(left)} of its questions are left")


def _tidy(client: ModelClient, operations: Operations) -> None:
    """Remove what a process that died after the last line of a batch left at the server."""
    import openai

    for row in not_tidied(operations, client.time.now()):
        try:
            batch = client.connection.sdk.batches.retrieve(str(row.batch_id)) if row.batch_id else None
        except openai.APIError:
            continue  # tried again by the next look
        remove_files(client, operations, row, [one for one in (batch.output_file_id, batch.error_file_id) if one] if batch is not None else ())


def _why_cancelled(row: ModelBatch, now: datetime, deadline: timedelta, in_force: Mapping[str, str]) -> str | None:
    if in_force.get(row.task, row.prompt_version) != row.prompt_version:
        return f"{row.prompt_version} is in force no more"
    if now - begun(row) > deadline:
        return f"not done within {deadline.total_seconds() / 3600:g} hours; what is left is asked one by one"
    return None


def _give_up(client: ModelClient, operations: Operations, row: ModelBatch, report: BatchReport) -> None:
    """The server knows the batch no more, long after our deadline. It may have been charged, so its estimate counts as spent."""
    client.ledger.batch_lost(row, client.time.now())
    note(operations, row, state=ENDED, ended_at=client.time.now(), detail="gone from the server")
    report.ended_count += 1
    report.unanswered_count += len(row.cache_keys)
    report.sentences.append(f"batch {row.batch_id} is gone from the server; it counts as paid, and its {len(row.cache_keys)} questions are asked one by one")


def _take_in(client: ModelClient, row: ModelBatch, keys: frozenset[str], line: str, now: datetime) -> str | None:
    """One line of results, in whatever order: ledger first, then the store. Gives the key where the question is answered."""
    try:
        found: dict[str, Any] = json.loads(line)
        key, response = found["custom_id"], found.get("response") or {}
        status, body = int(response.get("status_code") or 0), response.get("body") or {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # the file is read as far as it goes; what it does not answer is asked one by one
    if not isinstance(key, str) or key not in keys or not isinstance(body, Mapping):
        return None  # erased meanwhile, or not ours
    receipt = receipt_of(body, response.get("request_id"), status)
    reading: Reading | Fault
    if status == 200:
        reading = read_body(body, receipt)
    else:
        error = body.get("error")
        reading = status_fault(status, error if isinstance(error, Mapping) else {}, {}, now) if status else Fault(Outcome.TRANSPORT, "no reply in the batch")
    client.ledger.batch_line(row, key, receipt, reading.outcome, reading.detail, now)
    kept = client.replies.keep(
        key, task=row.task, prompt_version=row.prompt_version, outcome=reading.outcome, detail=reading.detail,
        content=reading.content if isinstance(reading, Reading) else None, snapshot=receipt.snapshot, subjects=(), at=now,
    )
    return key if kept is not None else None
