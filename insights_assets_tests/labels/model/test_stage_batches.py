"""The labels stage and the Batch API over real HTTP: what can wait goes for half the price, whatever dies on the way is paid once, and nothing waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from insights_assets.labels.asking import OPEN_QUESTIONS
from insights_assets.labels.batching import look_at_home
from insights_assets.labels.model import batch
from insights_assets.labels.model.batch_rows import unfinished_count
from insights_assets.labels.model.ledger import Ledger
from insights_assets.labels.model.prices import load_prices
from insights_assets.labels.prompt_versions import promote, rollback
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.lake import Lake
from insights_assets_tests.contract.azure_openai_server import BATCH_DEPLOYMENT, AzureOpenAI
from insights_assets_tests.house import TestHouse
from insights_assets_tests.labels.model.house_with_model import asking, decisions, knowing, label, open_house, rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
#: One of the six texts that go to the model is asked at once, the others wait.
BATCHES = {"model_batch_deployment": BATCH_DEPLOYMENT, "model_batch_above": 1, "model_batch_least": 2}
SENT, AT_ONCE = 6, 1


@pytest.fixture
def server() -> Any:
    with AzureOpenAI(brain=knowing()) as running:
        running.deployments.add(BATCH_DEPLOYMENT)
        yield running


@pytest.fixture
def house(tmp_path: Path, spark: Any, server: AzureOpenAI) -> TestHouse:
    return open_house(tmp_path, spark, server, **BATCHES)


def changed(house: TestHouse, **settings: Any) -> TestHouse:
    house.settings = house.settings.model_copy(update=settings)
    return house


def outcomes(house: TestHouse) -> Counter[str]:
    return Counter(one["outcome"] for one in decisions(house).values() if one["is_for_model"])


def paid_once(house: TestHouse, server: AzureOpenAI) -> None:
    """Our ledger is the server's, token for token, and the server was asked no question twice."""
    ours = [(row.request_id, row.input_tokens, row.cached_tokens, row.output_tokens) for row in Ledger(house.operations, load_prices()).calls()]
    theirs = [(one.request_id, one.prompt_tokens, one.cached_tokens, one.completion_tokens) for one in server.billed]
    assert sorted(ours) == sorted(theirs)
    keys = Counter(row.cache_key for row in Ledger(house.operations, load_prices()).calls())
    assert max(keys.values()) == 1, "each question was paid once"


def test_what_can_wait_goes_by_batch_and_the_local_label_stands_meanwhile(house: TestHouse, server: AzureOpenAI) -> None:
    step = label(house, "run-1")
    assert len(server.chats) == AT_ONCE and list(server.batches.batches) == ["batch_0000"]
    assert outcomes(house) == {"ok": AT_ONCE, "waits_for_batch": SENT - AT_ONCE}
    waiting = {text for text, one in decisions(house).items() if one["outcome"] == "waits_for_batch"}
    assert {rows(house)[text]["label_source"] for text in waiting} <= {"rule", "classifier"} and {decisions(house)[text]["step"] for text in waiting} <= {"rule", "classifier"}
    at_once = next(one for one in decisions(house).values() if one["outcome"] == "ok")
    assert at_once["risk"] >= max(decisions(house)[text]["risk"] for text in waiting), "the riskiest do not wait"
    assert (step.notes[FEEDBACK_LABELS]["batches_submitted"], step.notes[FEEDBACK_LABELS]["batches_open"]) == (1, 1)
    again = label(house, "run-2")
    assert len(server.chats) == AT_ONCE and len(server.batches.batches) == 1, "a run over an open batch asks nothing"
    assert not [spec.name for spec, written in again.results.items() if written.changed], "and writes nothing"
    reserved = Ledger(house.operations, load_prices()).spent(run_id="run-1")
    server.batches.work("batch_0000")
    done = label(house, "run-3")
    assert outcomes(house) == {"ok": SENT} and {rows(house)[text]["label_source"] for text in waiting} == {"model"}
    assert done.notes[FEEDBACK_LABELS]["batches_answered"] == SENT - AT_ONCE
    assert len(server.chats) == AT_ONCE and server.batches.files == {}, "no customer's word is left at the server"
    assert Ledger(house.operations, load_prices()).spent(run_id="run-1").money < reserved.money, "what was set aside became what was used"
    paid_once(house, server)
    assert not label(house, "run-4").results and len(server.batches.batches) == 1


def test_danger_never_waits_and_few_questions_make_no_batch(house: TestHouse, server: AzureOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    from insights_assets.labels import asking as module

    label(changed(house, model_batch_least=SENT), "run-1")
    assert not server.batches.batches and len(server.chats) == SENT
    chosen = [{"rank": rank, "settled": 1, "newest": house.as_of, "text_key": f"t{rank}"} for rank in (0, 1, 2)]
    assert module.batching.patient_texts(chosen, house.as_of, house.settings) == {"t1", "t2"}


def test_a_new_prompt_asks_by_batch_what_had_an_answer_and_a_rollback_cancels_it(house: TestHouse, server: AzureOpenAI) -> None:
    label(changed(house, model_batch_least=100), "run-1")
    first, asked = rows(house), len(server.chats)
    promote(house.operations, "label_feedback", "v1", by="ana", reason="a test")
    label(changed(house, model_batch_least=2), "run-2")
    assert len(server.chats) == asked and outcomes(house) == {"waits_for_batch": SENT}
    rollback(house.operations, "label_feedback", by="ana", reason="worse")
    step = label(house, "run-3")
    assert server.batches.batches["batch_0000"]["status"] == "cancelling" and "in force no more" in step.notes[FEEDBACK_LABELS]["model_says"]
    assert rows(house) == first and len(server.chats) == asked and not [one for one in server.billed if one.batch_id], "rows as before, with no call"
    server.batches.work("batch_0000", share=0.5, ends="cancelled")
    label(house, "run-4")
    assert rows(house) == first and len(server.chats) == asked and not unfinished_count(house.operations)
    assert sum(row.service_tier == "batch" for row in Ledger(house.operations, load_prices()).calls()) == SENT // 2, "what the server had done by then is paid, and told"
    paid_once(house, server)


@pytest.mark.parametrize("ends", ["expired", "failed", "cancelled by our deadline"])
def test_what_a_batch_does_not_answer_is_asked_one_by_one_and_never_by_batch_again(house: TestHouse, server: AzureOpenAI, ends: str) -> None:
    label(house, "run-1")
    if ends == "failed":
        server.deployments.discard(BATCH_DEPLOYMENT)
        server.batches.work("batch_0000")
    elif ends == "expired":
        server.batches.work("batch_0000", share=0.4, ends="expired", faults={1: "filtered_prompt"})
    else:
        step = label(changed(house, model_batch_hours=1e-6), "run-late")
        assert server.batches.batches["batch_0000"]["status"] == "cancelling" and "asked one by one" in step.notes[FEEDBACK_LABELS]["model_says"]
        assert outcomes(house)["waits_for_batch"] == SENT - AT_ONCE, "it may still bring what it has"
        server.batches.work("batch_0000", share=0.4, ends="cancelled")
    label(house, "run-2")
    answered = {"failed": 0, "expired": 2}.get(ends, 2)
    assert len(server.chats) == SENT - answered and len(server.batches.batches) == 1
    assert outcomes(house) == ({"ok": SENT - 1, "filtered_prompt": 1} if ends == "expired" else {"ok": SENT})
    assert not label(house, "run-3").results and len(server.batches.batches) == 1


def test_a_server_that_never_ends_a_cancelled_batch_keeps_nobody_waiting(house: TestHouse, server: AzureOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from insights_assets.labels.model import batch_rows

    label(house, "run-1")
    monkeypatch.setattr(batch_rows, "GRACE", timedelta(0))
    label(changed(house, model_batch_hours=1e-6), "run-2")
    assert outcomes(house) == {"ok": SENT} and len(server.chats) == SENT and unfinished_count(house.operations) == 1
    server.batches.work("batch_0000", ends="cancelled")
    before = rows(house)
    label(house, "run-3")
    assert rows(house) == before and not unfinished_count(house.operations), "late answers change nothing, and are in the ledger"
    assert sum(row.service_tier == "batch" for row in Ledger(house.operations, load_prices()).calls()) == SENT - AT_ONCE


def test_a_deployment_that_takes_no_batch_is_told_and_everything_is_asked_at_once(house: TestHouse, server: AzureOpenAI) -> None:
    server.batches.refuses_to_create = 1
    step = label(house, "run-1")
    assert outcomes(house) == {"ok": SENT} and not server.batches.batches and not server.batches.files
    assert "INSIGHTS_MODEL_BATCH_DEPLOYMENT" in step.notes[FEEDBACK_LABELS]["model_says"]


def test_a_batch_api_that_rests_puts_questions_off_and_pays_nothing_twice(house: TestHouse, server: AzureOpenAI) -> None:
    server.batches.lose_reply_to_create = 1
    step = label(house, "run-1")
    assert "not confirmed" in step.notes[FEEDBACK_LABELS]["model_says"] and outcomes(house) == {"ok": AT_ONCE, "waits_for_batch": SENT - AT_ONCE}
    assert house.operations.facts.get(OPEN_QUESTIONS) == str(SENT - AT_ONCE)
    label(house, "run-2")
    assert len(server.batches.batches) == 1 and len(server.chats) == AT_ONCE
    server.batches.work("batch_0000")
    label(house, "run-3")
    assert outcomes(house) == {"ok": SENT}
    paid_once(house, server)


def test_the_sensor_takes_results_in_between_runs(house: TestHouse, server: AzureOpenAI) -> None:
    assert look_at_home(house.settings) == "no batch is open"
    label(house, "run-1")
    assert look_at_home(house.settings) == "batches: 1 open"
    server.batches.work("batch_0000")
    assert look_at_home(house.settings) == f"batches: 1 ended; {SENT - AT_ONCE} questions answered, 0 left to be asked one by one"
    assert look_at_home(house.settings) == "no batch is open"
    label(house, "run-2")
    assert outcomes(house) == {"ok": SENT}
    paid_once(house, server)


def label_in_a_process_of_its_own(home: str, url: str, crash_at: str, run_id: str) -> None:
    """One run of the body with an engine of its own, which dies where the setting says."""
    from insights_assets.engine.session import session

    stand_in: Any = SimpleNamespace(url=url, deployments=set())
    house = asking(Path(home), session(None), stand_in, crash_at=crash_at, **BATCHES)
    house.lake = Lake(house.settings.lake_path, lambda: session(None), crash_at=crash_at)
    label(house, run_id)


def killed_at(house: TestHouse, server: AzureOpenAI, point: str, run_id: str) -> None:
    root = Path(__file__).resolve().parents[3]
    code = f"from {__name__} import label_in_a_process_of_its_own as go; import sys; go(*sys.argv[1:])"
    words = [sys.executable, "-c", code, str(house.settings.home), server.url, point, run_id]
    died = subprocess.run(words, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False, capture_output=True, text=True, timeout=200)
    assert died.returncode == -signal.SIGKILL, died.stderr[-3000:]


@pytest.mark.parametrize("point", ["model.batch_upload:before", "model.batch_upload:after", "model.batch_submit:before", "model.batch_submit:after", "labels.feedback_labels:before"])
def test_killed_around_the_submission_one_batch_is_made_and_paid(house: TestHouse, server: AzureOpenAI, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    killed_at(house, server, point, "run-1")
    there = len(server.batches.batches)
    assert there == (point in ("model.batch_submit:after", "labels.feedback_labels:before")) and len(server.chats) == AT_ONCE
    if point == "model.batch_submit:before":
        label(house, "run-early")
        assert not server.batches.batches and len(server.chats) == AT_ONCE, "a batch may be listed late: nothing is submitted in its place yet"
        monkeypatch.setattr(batch, "LISTED_WITHIN", timedelta(0))
    label(house, "run-2")
    # The run between asked its one text of the store, so that this one asks the next at once.
    at_once = AT_ONCE + (point == "model.batch_submit:before")
    assert len(server.batches.batches) == 1 and len(server.chats) == at_once, "the next run finds the batch, or makes the only one"
    assert outcomes(house) == {"ok": at_once, "waits_for_batch": SENT - at_once}
    server.batches.work("batch_0000", seed=11)
    label(house, "run-3")
    assert outcomes(house) == {"ok": SENT} and len(server.chats) == at_once and server.batches.files == {}
    paid_once(house, server)


@pytest.mark.parametrize("point", ["model.batch_results:before", "model.batch_results:after"])
def test_killed_while_results_are_taken_in_they_count_once(house: TestHouse, server: AzureOpenAI, point: str) -> None:
    label(house, "run-1")
    server.batches.work("batch_0000")
    killed_at(house, server, point, "run-2")
    label(house, "run-3")
    assert outcomes(house) == {"ok": SENT} and len(server.chats) == AT_ONCE
    paid_once(house, server)
    look_at_home(house.settings)
    assert server.batches.files == {}, "and what the dead process left at the server goes too"
