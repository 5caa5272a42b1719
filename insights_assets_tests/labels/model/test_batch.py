"""Batches: one at the server whatever dies, joined by key in any order, cut off at our own deadline, and no word left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from insights_assets.labels.model.batch import submit
from insights_assets.labels.model.batch_results import poll
from insights_assets.labels.model.batch_rows import open_keys
from insights_assets.labels.model.label import questions_of
from insights_assets.labels.model.outcomes import Outcome
from insights_assets.labels.model.request import Candidates
from insights_assets_tests.contract.azure_openai_server import KEY, AzureOpenAI
from insights_assets_tests.labels.model.desk import PRODUCTS, Desk, complaints
from insights_assets_tests.labels.model.test_client import same_ledgers


def questions(desk: Desk, count: int) -> list:
    return list(questions_of(complaints(count), desk.prompt, Candidates(PRODUCTS)))


def test_results_in_any_order_are_joined_by_key_and_asked_no_second_time(desk: Desk) -> None:
    assert submit(desk.client(), desk.operations, questions(desk, 40)).submitted_count == 1
    waiting = desk.label(complaints(40), in_batches=open_keys(desk.operations))
    assert {one.outcome for one in waiting} == {Outcome.WAITS_FOR_BATCH} and desk.server.chats == []
    assert submit(desk.client(), desk.operations, questions(desk, 40)).submitted_count == 0, "what is under way is not submitted again"
    assert poll(desk.operations, desk.client()).open_count == 1
    desk.server.batches.work("batch_0000", faults={3: "filtered_prompt", 5: "refused", 7: "quote_mismatch"})
    report = poll(desk.operations, desk.client("run-2"))
    assert (report.ended_count, report.answered_count, report.unanswered_count) == (1, 40, 0)
    labels = desk.label(complaints(40), desk.client("run-3"), in_batches=open_keys(desk.operations))
    assert desk.server.chats == []
    assert Counter(one.outcome for one in labels) == {Outcome.OK: 37, Outcome.FILTERED_PROMPT: 1, Outcome.REFUSED: 1, Outcome.QUOTE_MISMATCH: 1}
    for one, record in zip(labels, complaints(40), strict=True):
        assert one.row is None or one.row["topics"][0]["quote"] in record["text"]
    same_ledgers(desk)
    half = [row for row in desk.client().ledger.calls() if row.service_tier == "batch"]
    assert len(half) == 40 and sum(row.cost for row in half) > 0
    assert desk.server.batches.files == {}, "customers' words do not stay at the server"
    assert poll(desk.operations, desk.client()).ended_count == 0


@pytest.mark.parametrize("ends", ["expired", "cancelled"])
def test_what_a_batch_leaves_over_is_asked_one_by_one(desk: Desk, ends: str) -> None:
    submit(desk.client(), desk.operations, questions(desk, 20))
    desk.server.batches.work("batch_0000", share=0.6, ends=ends)
    report = poll(desk.operations, desk.client())
    assert (report.answered_count, report.unanswered_count) == (12, 8) and ends in report.sentences[0]
    labels = desk.label(complaints(20), desk.client("run-2"), in_batches=open_keys(desk.operations))
    assert {one.outcome for one in labels} == {Outcome.OK} and len(desk.server.chats) == 8
    same_ledgers(desk)


def test_a_batch_that_fails_validation_is_told_and_leaves_everything_over(desk: Desk) -> None:
    submit(desk.client(), desk.operations, questions(desk, 5))
    desk.server.deployments.discard("labels-mini-batch")
    desk.server.batches.work("batch_0000")
    report = poll(desk.operations, desk.client())
    assert report.unanswered_count == 5 and "model_mismatch" in report.sentences[0]
    assert open_keys(desk.operations) == frozenset()


def test_our_own_deadline_cancels_because_the_service_sets_none(desk: Desk) -> None:
    submit(desk.client(), desk.operations, questions(desk, 10))
    desk.server.time.sleep_until(desk.server.time.now() + timedelta(hours=11))
    assert poll(desk.operations, desk.client(), batch_hours=12).cancelled_count == 0
    desk.server.time.sleep_until(desk.server.time.now() + timedelta(hours=2))
    assert poll(desk.operations, desk.client(), batch_hours=12).cancelled_count == 1
    assert desk.server.batches.batches["batch_0000"]["status"] == "cancelling"
    assert poll(desk.operations, desk.client(), batch_hours=12).cancelled_count == 0, "cancelled once"
    desk.server.batches.work("batch_0000", share=0.3, ends="cancelled")
    assert poll(desk.operations, desk.client()).answered_count == 3
    assert {one.outcome for one in desk.label(complaints(10), desk.client("run-2"))} == {Outcome.OK} and len(desk.server.chats) == 7


def test_a_lost_reply_to_the_submission_is_found_again_and_not_repeated(desk: Desk) -> None:
    desk.server.batches.lose_reply_to_create = 1
    report = submit(desk.client(), desk.operations, questions(desk, 10))
    assert report.submitted_count == 0 and "not confirmed" in report.sentences[0]
    assert open_keys(desk.operations), "nobody asks them meanwhile"
    again = submit(desk.client("run-2"), desk.operations, questions(desk, 10))
    assert (again.adopted_count, again.submitted_count) == (1, 0)
    assert len(desk.server.batches.batches) == 1
    desk.server.batches.work("batch_0000")
    assert poll(desk.operations, desk.client()).answered_count == 10


def test_a_batch_that_never_reached_the_server_is_submitted_anew(desk: Desk) -> None:
    desk.server.keys.clear()
    assert "auth" in submit(desk.client(), desk.operations, questions(desk, 4)).sentences[0]
    desk.server.keys.add(KEY)
    report = submit(desk.client("run-2"), desk.operations, questions(desk, 4))
    assert (report.adopted_count, report.submitted_count) == (0, 1) and len(desk.server.batches.batches) == 1


_KILLED = """
import os, signal, sys
from pathlib import Path
from insights_assets.labels.model import batch
from insights_assets_tests.labels.model.desk import complaints, open_desk, Candidates, PRODUCTS
from insights_assets.labels.model.label import questions_of
from insights_assets_tests.contract.azure_openai_server import AzureOpenAI

class There:
    pass

server = There()
server.url, server.deployments = sys.argv[2], set()
from insights_assets_tests.contract.azure_openai_server import FakeTime
server.time = FakeTime()
desk = open_desk(server, Path(sys.argv[1]))
note = batch.note
def dying(operations, row, **values):
    if values.get("state") == batch.OPEN:
        os.kill(os.getpid(), signal.SIGKILL)
    note(operations, row, **values)
batch.note = dying
batch.submit(desk.client(), desk.operations, list(questions_of(complaints(25), desk.prompt, Candidates(PRODUCTS))))
"""


def test_kill_between_the_servers_yes_and_our_note_leaves_one_batch(desk: Desk, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    died = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), desk.server.url], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(desk.server.batches.batches) == 1, "the server took it"
    report = submit(desk.client("run-2"), desk.operations, questions(desk, 25))
    assert (report.adopted_count, report.submitted_count) == (1, 0)
    desk.server.batches.work("batch_0000", seed=11)
    assert poll(desk.operations, desk.client("run-3")).answered_count == 25
    assert len(desk.server.batches.batches) == 1
    labels = desk.label(complaints(25), desk.client("run-4"))
    assert {one.outcome for one in labels} == {Outcome.OK} and desk.server.chats == []
    same_ledgers(desk)


def test_the_same_results_read_twice_add_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from insights_assets.labels.model import batch_results

    submit(desk.client(), desk.operations, questions(desk, 6))
    desk.server.batches.work("batch_0000")
    with monkeypatch.context() as patched:
        def stop(*_: object, **__: object) -> None:
            raise KeyboardInterrupt
        patched.setattr(batch_results, "note", stop)
        with pytest.raises(KeyboardInterrupt):
            poll(desk.operations, desk.client())
    assert poll(desk.operations, desk.client()).answered_count == 6
    assert len(desk.client().ledger.calls()) == 6
    same_ledgers(desk)


def test_an_open_batch_counts_against_the_days_budget_and_an_erased_person_does_not_come_back(desk: Desk) -> None:
    submit(desk.client(), desk.operations, questions(desk, 6))
    assert desk.client("other").ledger.spent(day=desk.server.time.now().date()).tokens > 6 * 2000
    desk.client().replies.forget("c0002")
    desk.server.batches.work("batch_0000")
    poll(desk.operations, desk.client())
    with desk.operations.reading() as session:
        from sqlalchemy import select

        from insights_assets.resources.operations.asking_tables import ModelReply

        stored = [json.loads(row.content or "{}") for row in session.scalars(select(ModelReply))]
    assert len(stored) == 5
    assert not any("item 2 " in json.dumps(one) for one in stored)


def test_a_server_that_cannot_be_asked_leaves_the_batch_for_the_next_look(desk: Desk) -> None:
    submit(desk.client(), desk.operations, questions(desk, 3))
    desk.server.keys.clear()
    report = poll(desk.operations, desk.client())
    assert report.open_count == 1 and "could not be looked at" in report.sentences[0]
    desk.server.keys.add(KEY)
    desk.server.batches.work("batch_0000")
    assert poll(desk.operations, desk.client()).answered_count == 3


def test_the_lines_are_one_model_and_in_the_form_of_the_vendor(desk: Desk, server: AzureOpenAI) -> None:
    submit(desk.client(), desk.operations, questions(desk, 3))
    (_, _, data), = server.batches.files.values()
    lines = [json.loads(line) for line in data.splitlines()]
    assert {line["url"] for line in lines} == {"/v1/chat/completions"} and {line["method"] for line in lines} == {"POST"}
    assert {line["body"]["model"] for line in lines} == {"labels-mini-batch"}
    assert not data.startswith("\ufeff") and all(len(line["custom_id"]) == 64 for line in lines)
