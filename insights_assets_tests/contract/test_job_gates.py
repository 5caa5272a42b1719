"""Later tasks of a job wait for Dagster's own steps behind a gate: the word, the tasks, and whose job it is after a crash. No engine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from insights_assets.lake.unity import UnityLake
from insights_assets.resources import heavy, job_files
from insights_assets.resources.job_gate import Gate, NotBegunError, gate_name, refuse_before, word_at, word_text
from insights_assets.resources.job_request import JobRequest, key_check
from insights_assets.resources.jobs import JobRuns, Wave, open_workspace
from insights_assets.resources.receipts import receipt_path
from insights_assets.settings import Settings
from insights_assets_tests.contract.databricks_server import DatabricksServer
from insights_assets_tests.contract.feedback_run import AS_OF, SECRET
from insights_assets_tests.contract.test_job import job_settings
from insights_assets_tests.contract.test_job_runs import Facts, ended, facts, receipts, runs, script, server  # noqa: F401 - fixtures among them

GATE = gate_name(1)
#: Labels are made by Dagster from what the first step wrote; the second step reads them.
UPSTREAM: dict[str, set[str]] = {"a__first": set(), "labels": {"a__first"}, "a__second": {"labels"}, "a__other": set()}
WAITS = "import sys\nfrom insights_assets.resources.job_gate import Gate\ngate = Gate.from_arguments(sys.argv[1:])\nif gate: gate.wait()\n"
CONTEXT: Any = SimpleNamespace(job_name="j", retry_number=0, log=logging.getLogger("test"))


class Works(dict[str, str]):
    """The work of steps as it is now: equal for equal words."""

    def __call__(self, steps: Any) -> str:
        return self.get("+".join(sorted(steps)), "work")


def launch(made: JobRuns, works: Works, *steps: str) -> Wave:
    requests = [JobRequest(step, "run", made.lake_name, None, AS_OF, None, key_check(SECRET), gate=GATE if step == "a__second" else "") for step in steps]
    return made.launch(CONTEXT, works, requests, UPSTREAM, {step: ["a/b"] for step in steps})


def begin(made: JobRuns, wave: Wave, works: Works, ready: bool = True) -> bool:
    return made.lets_begin(CONTEXT, wave, "a__second", works, lambda step: ready)


@pytest.fixture
def waiting(server: DatabricksServer, facts: Facts, tmp_path: Path) -> Iterator[SimpleNamespace]:  # noqa: F811
    """A job that has done its first step and waits."""
    script(server, WAITS)
    made = runs(facts, tmp_path)
    works = Works({"a__first+a__second": "both", "a__second": "on labels 1"})
    wave = launch(made, works, "a__first", "a__second")
    run = server.runs[1000]
    yield SimpleNamespace(server=server, facts=facts, home=tmp_path, made=made, works=works, wave=wave, run=run)


def test_tasks_behind_a_gate_begin_when_dagster_says_so(waiting: SimpleNamespace) -> None:
    before = {task.key: {one["task_key"] for one in task.settings.get("depends_on", ())} for task in waiting.run.tasks}
    assert before == {"a__first": set(), GATE: {"a__first"}, "a__second": {GATE}}, "the gate stands where its steps' own inputs are done"
    gate = waiting.run.task(GATE)
    while gate.life_cycle != "RUNNING":
        assert waiting.run.task("a__second").seen == ["BLOCKED"]
    assert gate.settings["timeout_seconds"] > 3600 and word_at(waiting.home / "lake", waiting.wave.token, GATE) is None
    assert begin(waiting.made, waiting.wave, waiting.works) and begin(waiting.made, waiting.wave, waiting.works)
    assert ended(waiting.server, 1000) == "SUCCESS" and waiting.server.count("/runs/submit") == 1
    assert waiting.run.task("a__second").started_at > gate.ended_at > waiting.run.task("a__first").ended_at


def test_who_comes_after_a_crash_opens_the_gate_of_the_same_job(waiting: SimpleNamespace) -> None:
    receipts(waiting.home, waiting.wave.token)
    made = runs(waiting.facts, waiting.home)
    wave = launch(made, Works({**waiting.works, "a__second": "on labels 1"}), "a__second")
    assert wave.run_id == 1000 and begin(made, wave, waiting.works)
    again = runs(waiting.facts, waiting.home)
    assert begin(again, launch(again, waiting.works, "a__second"), waiting.works), "and once more after a crash behind the word"
    assert ended(waiting.server, 1000) == "SUCCESS" and waiting.server.count("/runs/submit") == 1


def test_a_job_that_was_let_go_on_other_labels_is_nobodys(waiting: SimpleNamespace) -> None:
    receipts(waiting.home, waiting.wave.token)
    script(waiting.server, WAITS + "import time; time.sleep(60 * (not gate))")
    assert begin(waiting.made, waiting.wave, waiting.works)
    made, works = runs(waiting.facts, waiting.home), Works({**waiting.works, "a__second": "on labels 2"})
    assert launch(made, works, "a__second").run_id == 2000
    assert ended(waiting.server, 1000) == "CANCELED", "before the other one starts"


def test_labels_that_change_behind_an_adopted_job_stop_it(waiting: SimpleNamespace) -> None:
    assert begin(waiting.made, waiting.wave, waiting.works)
    made = runs(waiting.facts, waiting.home)
    wave = Wave(waiting.wave.token, 1000, ["a__first", "a__second"], dict(waiting.wave.gates))
    assert not begin(made, wave, Works({**waiting.works, "a__second": "on labels 2"}))
    assert wave.steps == ["a__first"] and waiting.run.ended.is_set()


def test_a_gate_that_is_gone_gives_its_steps_to_another_job(waiting: SimpleNamespace) -> None:
    gate = waiting.run.task(GATE)
    while gate.process is None:
        pass
    gate.process.kill()
    assert ended(waiting.server, 1000) == "FAILED" and waiting.run.task("a__second").result == "UPSTREAM_FAILED"
    assert not begin(waiting.made, waiting.wave, waiting.works)
    assert waiting.made.under_way == {"a__first"} and launch(waiting.made, waiting.works, "a__second").run_id == 2000


def test_steps_that_cannot_run_are_not_begun_and_the_rest_goes_on(server: DatabricksServer, facts: Facts, tmp_path: Path) -> None:  # noqa: F811
    script(server, WAITS + "import time; time.sleep(4 * ('a__other' in sys.argv))")
    made, works = runs(facts, tmp_path), Works()
    wave = launch(made, works, "a__first", "a__other", "a__second")
    assert not begin(made, wave, works, ready=False)
    assert ended(server, 1000) == "FAILED"
    results = {task.key: task.result for task in server.runs[1000].tasks}
    assert results == {"a__first": "SUCCESS", "a__other": "SUCCESS", GATE: "FAILED", "a__second": "UPSTREAM_FAILED"}
    assert "is done by another job run" in server.runs[1000].task(GATE).errors


def test_a_run_that_ends_before_the_word_leaves_nothing_waiting(waiting: SimpleNamespace) -> None:
    gate = waiting.run.task(GATE)
    while gate.process is None:
        pass
    kept = waiting.home / "lake" / "_scratch" / waiting.wave.token / "a__first-1" / "frame.parquet"
    kept.parent.mkdir(parents=True)
    kept.touch()
    waiting.made.end(pytest.fail)
    assert ended(waiting.server, 1000) == "CANCELED" and gate.process.poll() is not None
    assert not kept.parents[1].exists(), "frames of a task that was killed go, too"


def test_a_gate_waits_for_a_whole_word_and_not_for_ever(tmp_path: Path) -> None:
    gate, clock = Gate(GATE, str(tmp_path), "t", 60), [0.0]
    assert Gate.from_arguments(gate.to_arguments()) == gate and Gate.from_arguments(["--step", "x"]) is None
    path = receipt_path(tmp_path, "t", GATE)
    path.parent.mkdir(parents=True)

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        path.write_text(word_text(True)[: int(clock[0])], encoding="utf-8")

    gate.wait(sleep, lambda: clock[0])
    assert clock[0] >= len(word_text(True)), "a word that is cut off is none"
    path.unlink()
    with pytest.raises(NotBegunError, match="did not say within 60 s"):
        gate.wait(lambda seconds: clock.append(clock.pop() + seconds), lambda: clock[0])
    path.write_text(word_text(False), encoding="utf-8")
    with pytest.raises(NotBegunError, match="another job run"):
        gate.wait(sleep, lambda: clock[0])


@pytest.mark.parametrize("word", [None, False])
def test_a_task_that_is_started_before_the_word_refuses(tmp_path: Path, word: bool | None) -> None:
    path = receipt_path(tmp_path, "t", GATE)
    path.parent.mkdir(parents=True)
    if word is not None:
        path.write_text(word_text(word), encoding="utf-8")
    with pytest.raises(NotBegunError, match="a__second: Dagster did not say"):
        refuse_before(tmp_path, "t", GATE, "a__second")
    refuse_before(tmp_path, "t", "", "a__first")
    path.write_text(word_text(True), encoding="utf-8")
    refuse_before(tmp_path, "t", GATE, "a__second")


def test_the_word_reaches_a_volume_that_is_not_mounted_here(server: DatabricksServer, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    lake = UnityLake("main", lambda: None)  # type: ignore[arg-type,return-value]
    lake.root = server.volume.root / "scratch"
    monkeypatch.setattr(job_files, "_is_away", lambda lake: True)
    workspace = open_workspace(Settings())
    path = receipt_path(lake.root, "t", GATE)
    job_files.write_beside(workspace, lake, path, word_text(True))
    assert word_at(lake.root, "t", GATE) is True
    job_files.remove_receipts(workspace, lake, "t")
    job_files.remove_receipts(workspace, lake, "t")
    assert not path.parent.exists()


def test_later_tasks_wait_where_compute_is_shared(tmp_path: Path) -> None:
    own = job_settings(tmp_path)
    shared = job_settings(tmp_path, databricks_cluster=None, databricks_cluster_id="1123-shared")
    assert not heavy._may_wait(own), "a cluster of its own would stand idle"
    assert heavy._may_wait(shared) and not heavy._may_wait(shared.model_copy(update={"databricks_wait_minutes": 0}))
    request = replace(JobRequest("s", "r", "/lake", None, AS_OF, None, "k"), gate=GATE)
    assert JobRequest.from_arguments(request.to_arguments()).gate == GATE
