"""Batches: many questions for half the price, answered some time within the day, without ever blocking a step.

Belongs here: submitting, finding one's own again after a kill, polling, our own deadline, joining results to questions. Does not belong here:
which questions can wait (the cascade), when to poll (a sensor calls `poll`), what a content is worth (judged when it is read from the store).
A batch is written down before it is submitted and carries its key in its metadata and its file's name: a process that was killed between the
server's yes and our note finds it there and does not submit a second. What a batch leaves unanswered is simply not in the store, so the next
run asks it one by one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from insights_assets.labels.model.client import ModelClient
from insights_assets.labels.model.outcomes import Fault, Outcome, fault_of, status_fault
from insights_assets.labels.model.questions import Question
from insights_assets.labels.model.reading import Reading, read_body, receipt_of
from insights_assets.resources.operations.asking_tables import ModelBatch

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations

SUBMITTING, OPEN, CANCELLING, ENDED = "submitting", "open", "cancelling", "ended"
MOST_LINES = 10_000
MOST_BYTES = 90_000_000
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})
_PATH = "/v1/chat/completions"
_NAME = "insights_batch"


@dataclass
class BatchReport:
    """What a look at the batches brought."""

    submitted_count: int = 0
    adopted_count: int = 0
    open_count: int = 0
    ended_count: int = 0
    cancelled_count: int = 0
    answered_count: int = 0
    unanswered_count: int = 0
    refused_by_budget_count: int = 0
    sentences: list[str] = field(default_factory=list)


def open_keys(operations: Operations) -> frozenset[str]:
    """Questions that an unfinished batch is about: nobody asks them meanwhile."""
    return frozenset(key for row in _rows(operations) for key in row.cache_keys)


def submit(client: ModelClient, operations: Operations, questions: Iterable[Question]) -> BatchReport:
    """Put questions that are neither answered nor under way into batches, as far as the budget goes."""
    report = BatchReport()
    deployment = client.connection.batch_deployment
    if deployment is None:
        raise ValueError("no batch deployment is named: set INSIGHTS_MODEL_BATCH_DEPLOYMENT")
    if not _adopt(client, operations, report):
        return report
    for some in _portions(_wanted(client, operations, questions, report)):
        keys = sorted(question.cache_key for question, _ in some)
        row = ModelBatch(
            batch_key=_key(operations, keys), run_id=client.run_id,
            task=some[0][0].task, prompt_version=some[0][0].prompt_version, deployment=deployment, cache_keys=keys, state=SUBMITTING,
            estimated_tokens=sum(question.estimate_tokens for question, _ in some),
            estimated_cost=round(sum(client.estimate(question, "batch").money for question, _ in some), 6), started_at=client.time.now(),
        )
        client.replies.also_about({question.cache_key: question.subjects for question, _ in some})
        with operations.writing() as session:
            session.add(row)
        try:
            _send(client, operations, row, "".join(line for _, line in some))
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is named and told; the row stays and is looked for at the server next time
            report.sentences.append(f"a batch of {len(keys)} questions was not confirmed: {_told(client, error)}")
            return report
        report.submitted_count += 1
        report.open_count += 1
    return report


def poll(operations: Operations, client: ModelClient, *, batch_hours: float = 12.0) -> BatchReport:
    """Look at every unfinished batch once. Safe to repeat; costs a request a batch."""
    report = BatchReport()
    if not _adopt(client, operations, report):
        return report
    for row in _rows(operations):
        if row.batch_id is None:
            continue
        try:
            _look(client, operations, row, timedelta(hours=batch_hours), report)
        except Exception as error:  # noqa: BLE001 - a batch that cannot be looked at now is looked at next time
            report.open_count += 1
            report.sentences.append(f"batch {row.batch_id} could not be looked at: {_told(client, error)}")
    return report


# -- submitting ---------------------------------------------------------------------------------------------------------


def _wanted(client: ModelClient, operations: Operations, questions: Iterable[Question], report: BatchReport) -> Iterator[tuple[Question, str]]:
    """Questions worth a line, each with its line; the budget is asked for each."""
    under_way = set(open_keys(operations))
    some = [question for question in questions if question.cache_key not in under_way]
    known = client.replies.known([question.cache_key for question in some], client.time.now())
    for question in {one.cache_key: one for one in some if one.cache_key not in known}.values():
        reserved = client.estimate(question, "batch")
        if not client.budget.reserve(reserved):
            client.budget.refuse()
            report.refused_by_budget_count += 1
            continue
        client.budget.settle(reserved, reserved)  # an open batch counts as spent; the next run knows it from the batch's row
        body = {**question.body, "model": client.connection.batch_deployment}
        line = {"custom_id": question.cache_key, "method": "POST", "url": _PATH, "body": body}
        yield question, json.dumps(line, ensure_ascii=False) + "\n"


def _portions(lines: Iterable[tuple[Question, str]]) -> Iterator[list[tuple[Question, str]]]:
    some: list[tuple[Question, str]] = []
    size = 0
    for question, line in lines:
        length = len(line.encode())
        if some and (len(some) == MOST_LINES or size + length > MOST_BYTES):
            yield some
            some, size = [], 0
        some.append((question, line))
        size += length
    if some:
        yield some


def _send(client: ModelClient, operations: Operations, row: ModelBatch, lines: str) -> None:
    sdk = client.connection.sdk
    file = sdk.files.create(file=(_file_name(row), lines.encode(), "application/jsonl"), purpose="batch")
    _note(operations, row, file_id=file.id)
    batch = sdk.batches.create(input_file_id=file.id, endpoint=_PATH, completion_window="24h", metadata={_NAME: row.batch_key})
    _note(operations, row, state=OPEN, batch_id=batch.id, server_status=batch.status, submitted_at=client.time.now())


def _adopt(client: ModelClient, operations: Operations, report: BatchReport) -> bool:
    """Find batches whose confirmation was never noted. False where the server cannot be asked: then nothing new is submitted."""
    lost = [row for row in _rows(operations) if row.state == SUBMITTING]
    if not lost:
        return True
    sdk = client.connection.sdk
    try:
        files = {file.filename: file.id for file in sdk.files.list(purpose="batch")}
        there = list(sdk.batches.list(limit=100))
    except Exception as error:  # noqa: BLE001 - told; asked again next time
        report.sentences.append(f"{len(lost)} batches could not be looked for: {_told(client, error)}")
        return False
    for row in lost:
        file_id = files.get(_file_name(row)) or row.file_id
        mine = next((one for one in there if (one.metadata or {}).get(_NAME) == row.batch_key or (file_id and one.input_file_id == file_id)), None)
        if mine is None:
            _note(operations, row, state=ENDED, ended_at=client.time.now(), detail="never reached the server", file_id=file_id)
            _remove_files(client, [file_id])
        else:
            _note(operations, row, state=OPEN, batch_id=mine.id, server_status=mine.status, file_id=file_id, submitted_at=row.started_at)
            report.adopted_count += 1
    return True


# -- polling ------------------------------------------------------------------------------------------------------------


def _look(client: ModelClient, operations: Operations, row: ModelBatch, deadline: timedelta, report: BatchReport) -> None:
    sdk = client.connection.sdk
    batch = sdk.batches.retrieve(str(row.batch_id))
    now = client.time.now()
    if batch.status not in _OVER:
        if row.state == OPEN and now - (row.submitted_at or row.started_at) > deadline:
            batch = sdk.batches.cancel(str(row.batch_id))
            _note(operations, row, state=CANCELLING, server_status=batch.status, detail="past our deadline")
            report.cancelled_count += 1
            report.sentences.append(f"batch {row.batch_id} was cancelled: not done within {deadline}; what is left is asked one by one")
        else:
            _note(operations, row, server_status=batch.status)
        report.open_count += 1
        return
    files = [one for one in (batch.output_file_id, batch.error_file_id) if one]
    answered = 0
    for file_id in files:
        for line in sdk.files.content(file_id).text.splitlines():
            answered += _take_in(client, row, line, now)
    errors = "; ".join(str(error.code) for error in (batch.errors.data or [])[:3]) if batch.errors else None
    _note(operations, row, state=ENDED, server_status=batch.status, ended_at=now, detail=errors or row.detail)
    _remove_files(client, [row.file_id, *files])
    report.ended_count += 1
    report.answered_count += answered
    report.unanswered_count += len(row.cache_keys) - answered
    if batch.status != "completed":
        report.sentences.append(f"batch {row.batch_id} ended as {batch.status}" + (f" ({errors})" if errors else ""))


def _take_in(client: ModelClient, row: ModelBatch, line: str, now: datetime) -> bool:
    """One line of results, in whatever order: ledger first, then the store. True where the question is answered."""
    try:
        found = json.loads(line)
        key, response = found["custom_id"], found.get("response") or {}
        status, body = int(response.get("status_code") or 0), response.get("body") or {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False  # the file is read as far as it goes; what it does not answer is asked one by one
    if key not in row.cache_keys or not isinstance(body, Mapping):
        return False  # erased meanwhile, or not ours
    receipt = receipt_of(body, response.get("request_id"), status)
    reading: Reading | Fault
    if status == 200:
        reading = read_body(body, receipt)
    else:
        reading = status_fault(status, body.get("error") or {}, {}, now) if status else Fault(Outcome.TRANSPORT, "no reply in the batch")
    client.ledger.batch_line(row, key, receipt, reading.outcome, reading.detail, now)
    kept = client.replies.keep(
        key, task=row.task, prompt_version=row.prompt_version, outcome=reading.outcome, detail=reading.detail,
        content=reading.content if isinstance(reading, Reading) else None, snapshot=receipt.snapshot, subjects=(), at=now,
    )
    return kept is not None


# -- rows ---------------------------------------------------------------------------------------------------------------


def _rows(operations: Operations) -> Sequence[ModelBatch]:
    with operations.reading() as session:
        return list(session.scalars(select(ModelBatch).where(ModelBatch.state != ENDED).order_by(ModelBatch.started_at, ModelBatch.batch_key)))


def _key(operations: Operations, cache_keys: Sequence[str]) -> str:
    """Name of a new batch. The same questions may be submitted again after a batch that came to nothing, so its number is part of it."""
    with operations.reading() as session:
        number = session.scalar(select(func.count()).select_from(ModelBatch))
    return hashlib.sha256(f"{number}:{''.join(cache_keys)}".encode()).hexdigest()[:32]


def _note(operations: Operations, row: ModelBatch, **values: Any) -> None:
    with operations.writing() as session:
        session.execute(update(ModelBatch).where(ModelBatch.batch_key == row.batch_key).values(**values))
    for name, value in values.items():
        setattr(row, name, value)


def _file_name(row: ModelBatch) -> str:
    return f"insights-{row.batch_key}.jsonl"


def _remove_files(client: ModelClient, file_ids: Iterable[str | None]) -> None:
    """Customers' words do not stay at the server longer than needed. A file that is gone already is as wanted."""
    import openai

    for file_id in file_ids:
        if file_id:
            try:
                client.connection.sdk.files.delete(file_id)
            except openai.APIError:
                continue


def _told(client: ModelClient, error: Exception) -> str:
    fault = fault_of(error, client.time.now())
    return f"{fault.outcome.value} ({fault.detail})"
