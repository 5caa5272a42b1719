"""The sensors on a home's operational database and a real instance: they fire once a key, try a failing job three times, and say why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from insights_assets.anomalies.drift_rule import JudgedWindow
from insights_assets.definitions import build_definitions
from insights_assets.learning import signals
from insights_assets.learning.events import event_rows
from insights_assets.learning.schedules import due
from insights_assets.learning.sensors import TRIGGER_TAG, tick
from insights_assets.learning.triggers import Signals, decide_review, next_step
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.settings import Settings

DAY = date(2026, 11, 22)
FAILED = Signals(as_of=DAY, failed_topics={"sizing_issue": "precision at least 0.41, wanted 0.75"}, topics=frozenset({"sizing_issue"}), reviewed=200, last_correction_id=200)


@dg.op
def breaks() -> None:
    raise ValueError("no")


@dg.op
def works() -> None:
    return None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def operations(settings: Settings, clock: Any) -> Operations:
    found = open_operations(settings.operations_target, clock=clock)
    found.migrate()
    return found


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def ask(instance: dg.DagsterInstance, settings: Settings) -> dg.SensorResult:
    return tick(instance, settings, "retraining_sensor", lambda found, past, limits: next_step(found, past, limits.retraining, limits.drift.runs))


def execute(instance: dg.DagsterInstance, request: dg.RunRequest, op: Any) -> None:
    dg.GraphDefinition(name=str(request.job_name), node_defs=[op]).to_job().execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)


def test_a_home_without_a_run_has_nothing_to_go_by(settings: Settings, instance: dg.DagsterInstance) -> None:
    found = ask(instance, settings)
    assert not found.run_requests and found.skip_reason is not None and found.skip_reason.skip_message == "no run of this home yet"


def test_a_failing_job_is_tried_three_times_under_keys_of_their_own(settings: Settings, operations: Operations, instance: dg.DagsterInstance) -> None:
    signals.keep(operations, FAILED)
    keys = []
    for _ in range(3):
        [request] = ask(instance, settings).run_requests or []
        assert request.job_name == "train_candidate" and request.tags[TRIGGER_TAG] == "gate:200"
        keys.append(request.run_key)
        execute(instance, request, breaks)
    assert len(set(keys)) == 3
    found = ask(instance, settings)
    assert not found.run_requests and "failed 3 times" in str(found.skip_reason)
    assert [row.fired for row in operations.ticks.recent("retraining_sensor")] == [False, True, True, True]


def test_an_answered_key_is_not_asked_again_and_new_reviews_are_a_new_key(settings: Settings, operations: Operations, instance: dg.DagsterInstance) -> None:
    signals.keep(operations, FAILED)
    [request] = ask(instance, settings).run_requests or []
    execute(instance, request, works)
    assert "has answered this already" in str(ask(instance, settings).skip_reason)
    assert "has answered this already" in str(ask(instance, settings).skip_reason)
    assert len(operations.ticks.recent("retraining_sensor")) == 2, "the same reason is kept once"
    signals.keep(operations, replace(FAILED, last_correction_id=240, reviewed=240))
    [again] = ask(instance, settings).run_requests or []
    assert again.tags[TRIGGER_TAG] == "gate:240"
    events = event_rows(operations)
    assert [row["job"] for row in events] == ["train_candidate", "train_candidate"] and all("label gate failed" in row["reason"] for row in events)


def test_a_run_under_way_is_waited_for(settings: Settings, operations: Operations, instance: dg.DagsterInstance) -> None:
    signals.keep(operations, FAILED)
    [request] = ask(instance, settings).run_requests or []
    job = dg.GraphDefinition(name="train_candidate", node_defs=[works]).to_job()
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=dict(request.tags))
    assert "is under way" in str(ask(instance, settings).skip_reason)


def test_signals_come_back_as_they_were_put(operations: Operations) -> None:
    given = replace(FAILED, windows=(JudgedWindow(DAY, {"shares": {"z": "strongest", "a": "second"}, "novelty": {"": "far"}}),), seasons=("winter",), launches_lately=2)
    signals.keep(operations, given)
    found = signals.kept(operations)
    assert found == given
    assert found is not None and list(found.windows[0].material["shares"]) == ["z", "a"], "the strongest reason stays first"


def test_the_schedule_asks_once_a_due_day(settings: Settings, operations: Operations, instance: dg.DagsterInstance) -> None:
    signals.keep(operations, replace(FAILED, as_of=date(2026, 10, 1)))
    assert isinstance(due(instance, settings), dg.SkipReason)
    signals.keep(operations, FAILED)
    request = due(instance, settings)
    assert isinstance(request, dg.RunRequest) and request.tags[TRIGGER_TAG] == "schedule:2026-10-29"
    assert operations.ticks.recent("retraining_schedule", 1)[0].reason == "every 28 days: due since 2026-10-29"


def test_review_and_training_are_told_apart(settings: Settings, operations: Operations, instance: dg.DagsterInstance) -> None:
    windows = tuple(JudgedWindow(day, {"confidence": {"": "mean confidence moved from 0.85 to 0.80"}}) for day in (date(2026, 11, 15), DAY))
    signals.keep(operations, Signals(as_of=DAY, windows=windows, reviewed=200))
    [request] = tick(instance, settings, "drift_sensor", lambda found, past, limits: decide_review(found, past, limits.drift.runs)).run_requests or []
    assert request.job_name == "model_review"
    assert not ask(instance, settings).run_requests, "drift alone never trains"


def test_the_graph_offers_jobs_sensors_and_schedule() -> None:
    definitions = build_definitions()
    jobs = {job.name: job for job in definitions.resolve_all_job_defs()}
    assert {"model_review", "train_candidate", "judge_candidate", "relabel", "feature_refresh", "batch_prediction", "evaluation_checks"} <= jobs.keys()
    hourly = set(jobs["whole_loop"].graph.node_dict)
    apart = {"learning__training_set", "learning__classifier", "learning__evaluations", "learning__review_sample", "labels__label_candidates", "labels__label_promotion", "labels__relabel_plan"}
    assert not hourly & apart and {"learning__retraining_events", "anomalies__drift", "anomalies__trust_certificate"} <= hourly
    assert {"drift_sensor", "retraining_sensor"} <= {sensor.name for sensor in definitions.sensors or ()}
    assert "retraining_schedule" in {schedule.name for schedule in definitions.schedules or ()}
