"""Batches: many questions for half the price, answered some time within the day, without ever blocking a step.

Belongs here: submitting, and finding one's own again after a kill. Does not belong here: which questions can wait (`labels/batching`), polling,
our own deadline and results (`batch_results`), what the home knows of its batches (`batch_rows`).
A batch is written down before it is submitted and carries its key in its metadata and its file's name: a process that was killed between the
server's yes and our note finds it there and does not submit a second. What a batch leaves unanswered is simply not in the store, so the next
run asks it one by one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from insights_assets.labels.model.batch_rows import ENDED, OPEN, SUBMITTING, BatchReport, fault_in, note, open_keys, told, unfinished
from insights_assets.labels.model.client import ModelClient
from insights_assets.labels.model.outcomes import Fault
from insights_assets.labels.model.questions import Question
from insights_assets.lake.crash import crash_here
from insights_assets.resources.operations.asking_tables import ModelBatch

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations

MOST_LINES = 10_000
MOST_BYTES = 90_000_000
#: A batch whose file is at the server may be listed late: so long it is looked for before it counts as never submitted.
LISTED_WITHIN = timedelta(minutes=10)
_PATH = "/v1/chat/completions"
_NAME = "insights_batch"
_MAY_PASS = frozenset({408, 409, 429})


def submit(client: ModelClient, operations: Operations, questions: Iterable[Question]) -> BatchReport:
    """Put questions that are neither answered nor under way into batches, as far as the budget goes."""
    report = BatchReport()
    deployment = client.connection.batch_deployment
    if deployment is None:
        raise ValueError("no batch deployment is named: set INSIGHTS_MODEL_BATCH_DEPLOYMENT")
    if not adopt(client, operations, report):
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
            _not_sent(client, operations, row, fault_in(client, error), report)
            return report
        report.submitted_count += 1
        report.open_count += 1
    return report


def adopt(client: ModelClient, operations: Operations, report: BatchReport) -> bool:
    """Find batches whose confirmation was never noted. False where the server cannot be asked: then nothing new is submitted."""
    lost = [row for row in unfinished(operations) if row.state == SUBMITTING]
    if not lost:
        return True
    sdk = client.connection.sdk
    try:
        files = {file.filename: file.id for file in sdk.files.list(purpose="batch")}
        there = list(sdk.batches.list(limit=100))
    except Exception as error:  # noqa: BLE001 - told; asked again next time
        report.is_unreachable = True
        report.sentences.append(f"{len(lost)} batches could not be looked for: {told(fault_in(client, error))}")
        return False
    now = client.time.now()
    for row in lost:
        file_id = files.get(_file_name(row)) or row.file_id
        mine = next((one for one in there if (one.metadata or {}).get(_NAME) == row.batch_key or (file_id and one.input_file_id == file_id)), None)
        if mine is not None:
            note(operations, row, state=OPEN, batch_id=mine.id, server_status=mine.status, file_id=file_id, submitted_at=row.started_at)
            report.adopted_count += 1
        elif row.file_id is not None and now - row.started_at < LISTED_WITHIN:
            report.open_count += 1
        else:
            # It left no question unanswered, because none was asked: they may go by batch again.
            note(operations, row, state=ENDED, ended_at=now, detail="never reached the server", file_id=file_id, cache_keys=[])
            remove_files(client, operations, row)
    return True


def remove_files(client: ModelClient, operations: Operations, row: ModelBatch, results: Iterable[str] = ()) -> None:
    """Customers' words do not stay at the server longer than needed. The row names its file until all are gone, so that a later look tries again."""
    import openai

    for file_id in (*results, row.file_id):
        if file_id:
            try:
                client.connection.sdk.files.delete(file_id)
            except openai.NotFoundError:
                continue  # gone already, as wanted
            except openai.APIError:
                return
    note(operations, row, file_id=None)


# -- one batch ----------------------------------------------------------------------------------------------------------


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
    crash_here(client.crash_at, "model.batch_upload:before")
    file = sdk.files.create(file=(_file_name(row), lines.encode(), "application/jsonl"), purpose="batch")
    crash_here(client.crash_at, "model.batch_upload:after")
    note(operations, row, file_id=file.id)
    crash_here(client.crash_at, "model.batch_submit:before")
    batch = sdk.batches.create(input_file_id=file.id, endpoint=_PATH, completion_window="24h", metadata={_NAME: row.batch_key})
    crash_here(client.crash_at, "model.batch_submit:after")
    note(operations, row, state=OPEN, batch_id=batch.id, server_status=batch.status, submitted_at=client.time.now())


def _not_sent(client: ModelClient, operations: Operations, row: ModelBatch, fault: Fault, report: BatchReport) -> None:
    """A clear no ends the batch, and its questions are asked one by one; after anything else the server may have it, and is asked next time."""
    status = fault.http_status or 0
    if 400 <= status < 500 and status not in _MAY_PASS and status not in (401, 403):
        note(operations, row, state=ENDED, ended_at=client.time.now(), detail=f"not accepted: {told(fault)}")
        remove_files(client, operations, row)
        report.is_refused = True
        report.sentences.append(f"the server takes no batch of {len(row.cache_keys)} questions: {told(fault)}; check INSIGHTS_MODEL_BATCH_DEPLOYMENT. They are asked one by one")
        return
    report.is_unreachable = True
    report.sentences.append(f"a batch of {len(row.cache_keys)} questions was not confirmed: {told(fault)}")


def _key(operations: Operations, cache_keys: Sequence[str]) -> str:
    """Name of a new batch. The same questions may be submitted again after a batch that came to nothing, so its number is part of it."""
    with operations.reading() as session:
        number = session.scalar(select(func.count()).select_from(ModelBatch))
    return hashlib.sha256(f"{number}:{''.join(cache_keys)}".encode()).hexdigest()[:32]


def _file_name(row: ModelBatch) -> str:
    return f"insights-{row.batch_key}.jsonl"
