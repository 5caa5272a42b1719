"""The Databricks jobs of one run: launched once, attached to, cancelled with the run. Imported only when a job is launched: the SDK takes seconds.

Belongs here: all calls to the Jobs API and the order they are made in. Does not belong here: which steps go together (`waves.py`), what
a task is made of (`job_tasks.py`), what its end means (`job_outcome.py`), running a body (`insights_assets/job.py`).

What is promised and why it holds:
* One piece of work is one job run. Its idempotency token follows from lake, work and attempt, and the attempt is written down before the
  submission, so that a lost reply, a retry, or another process after a crash comes to the same run and waits for it. An attempt is given up
  only when its run is known to have ended badly.
* Tasks behind a gate begin when Dagster has done what stands before them, on the versions that it left: those are written down before the word is
  given, and a job whose tasks were let go on others is nobody's.
* No job writes on behalf of a run that is over: an interrupted, failed or finished run cancels what it left and waits until it has stopped. A
  run that was killed could not; the next one of the home adopts its job where it would launch the same work, and cancels it otherwise.
"""

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError  # not exported at top level
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import DeadlineExceeded, InternalError, InvalidParameterValue, NotFound, TemporarilyUnavailable
from databricks.sdk.service import jobs

from insights_assets.lake.lake import Lake
from insights_assets.resources import job_outcome, job_tasks
from insights_assets.resources.job_channel import Channel, ContextWithTask
from insights_assets.resources.job_files import remove_receipts, remove_scratch, write_beside
from insights_assets.resources.job_gate import word_text
from insights_assets.resources.job_request import JobRequest
from insights_assets.resources.receipts import Result, receipt_path
from insights_assets.resources.waves import token_of
from insights_assets.settings import Settings

#: Fact of the home: the last attempts at pieces of work, newest last.
ATTEMPTS = "databricks_attempts"
_KEPT_ATTEMPTS = 20
_LONGEST_NAME = 200
#: Answers of a workspace that say nothing about the question: it is asked again. The SDK itself repeats lost connections and 429 only.
_NO_ANSWER = (InternalError, TemporarilyUnavailable, DeadlineExceeded)


@dataclass
class Wave:
    """One job run and the steps that are its tasks. `gates`: the task that waits -> the steps behind it; `open` are those that wait no more."""

    token: str
    run_id: int
    steps: list[str]
    gates: dict[str, list[str]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def gate_before(self, step: str) -> str | None:
        return next((gate for gate, steps in self.gates.items() if step in steps and gate not in self.open), None)


def open_workspace(settings: Settings) -> WorkspaceClient:
    """The workspace by settings; what they leave out the SDK finds its own way (environment, profile, managed identity)."""
    token = settings.databricks_token.get_secret_value() if settings.databricks_token else None
    config = Config(host=settings.databricks_host, token=token, product="insights-assets", product_version="0.1.0", retry_timeout_seconds=settings.databricks_patience_seconds)
    return WorkspaceClient(config=config)


class JobRuns:
    """The job runs that one Dagster run has launched or adopted."""

    def __init__(self, settings: Settings, facts: Any, lake: Lake) -> None:
        warnings.filterwarnings("ignore", category=dg.PreviewWarning, module="dagster")
        self._settings, self._facts, self._lake = settings, facts, lake
        self._workspace = open_workspace(settings)
        self.channel = Channel(self._workspace, settings.databricks_volume, settings.databricks_poll_seconds)
        self._waves: list[Wave] = []
        self._prefix = f"insights {hashlib.sha256(self.lake_name.encode()).hexdigest()[:10]}: "

    @property
    def lake_name(self) -> str:
        """The lake as its jobs see it; names of runs and tokens hold it, so that two homes of one workspace leave each other alone."""
        return self._settings.job_lake or self._settings.lake_address

    def wave_with(self, step: str) -> Wave | None:
        return next((wave for wave in self._waves if step in wave.steps), None)

    @property
    def under_way(self) -> set[str]:
        """Steps that have a task."""
        return {step for wave in self._waves for step in wave.steps}

    def give_back(self, step: str) -> None:
        """Before a step is tried again: what did not come to its end in its job needs another one."""
        wave = self.wave_with(step)
        if wave is not None:
            run = self._run(wave.run_id)
            tasks = {name: job_outcome.task_of(run, name) for name in wave.steps}
            wave.steps = [name for name, task in tasks.items() if name != step and task is not None and (not job_outcome.has_ended(task) or job_outcome.succeeded(task))]

    # -- launching ----------------------------------------------------------------------------------------------------------

    def launch(
        self, context: dg.AssetExecutionContext, work_of: Callable[[Sequence[str]], str], requests: Sequence[JobRequest], upstream: Mapping[str, Set[str]],
        tables: Mapping[str, Sequence[str]],
    ) -> Wave:
        """The job run of a wave: one that already does this work, or a new one. `work_of` gives the key of the work that steps have now."""
        steps = [request.step for request in requests]
        attempts = self._attempts()
        found = next((kept for work, kept in reversed(attempts.items()) if work_of(kept["steps"]) == work and self._can_give(kept, steps, work_of)), None)
        if found is not None:
            self._cancel_orphans(context, found["run_id"], found["token"])
            return self._waits_for(context, Wave(found["token"], found["run_id"], steps, dict(found.get("gates", {}))), "Waiting for")
        work = work_of(steps)
        kept = attempts.get(work, {"attempt": 0, "run_id": None})
        if kept["run_id"] is not None:
            self._forget(context, kept)
            kept = {"attempt": kept["attempt"] + 1, "run_id": None}
        token = token_of(self.lake_name, work, kept["attempt"])
        self._cancel_orphans(context, None, token)
        gates = {name: [one.step for one in requests if one.gate == name] for name in sorted({one.gate for one in requests} - {""})}
        kept = {**kept, "token": token, "steps": steps, "gates": gates, "begun": {}}
        self._keep(context, attempts, work, kept)  # before the submission: whoever comes after a crash asks with the same token
        for step in steps:
            self._asked(lambda step=step: self.channel.make(token, step))
        given = [replace(request, token=token, channel=self.channel.kind) for request in requests]
        body = job_tasks.tasks(given, upstream, tables, self.channel, self._settings, job_name=context.job_name, retry_number=context.retry_number)
        name, shared = f"{self._prefix}{', '.join(steps)}"[:_LONGEST_NAME] + f" [{token[:10]}]", job_tasks.environments(self._settings)
        submitted = self._asked(lambda: self._workspace.jobs.submit(run_name=name, tasks=body, environments=shared, idempotency_token=token))
        kept["run_id"] = int(submitted.bind()["run_id"])
        self._keep(context, attempts, work, kept)
        return self._waits_for(context, Wave(token, kept["run_id"], steps, gates), "Launched")

    def _waits_for(self, context: dg.AssetExecutionContext, wave: Wave, how: str) -> Wave:
        self._waves.append(wave)
        context.log.info(f"{how} Databricks job run {wave.run_id} for {len(wave.steps)} steps: {', '.join(wave.steps)}")
        return wave

    def _can_give(self, kept: Mapping[str, Any], steps: Sequence[str], work_of: Callable[[Sequence[str]], str]) -> bool:
        """Whether the tasks of an earlier submission do or did the work of these steps: they are still at it, or the lake holds what they wrote.

        What others of its tasks wrote for them must be there unchanged, too, and so must what those behind a gate were let go on.
        """
        if kept["run_id"] is None or not set(steps) <= set(kept["steps"]):
            return False
        if any(work_of(kept["gates"][gate]) != work for gate, work in kept.get("begun", {}).items()):
            return False
        try:
            run = self._run(kept["run_id"])
        except (NotFound, InvalidParameterValue):
            return False
        receipts = {one: job_outcome.receipt_of(self._workspace, self._lake, kept["token"], one) for one in kept["steps"]}
        holds = {one: bool(results) and job_outcome.matches_lake(self._lake, results or ()) for one, results in receipts.items()}
        tasks = {one: job_outcome.task_of(run, one) for one in steps}
        at_it = {one: task is not None and not job_outcome.has_ended(task) and not job_outcome.has_ended(run) for one, task in tasks.items()}
        done = {one: task is not None and job_outcome.succeeded(task) and holds[one] for one, task in tasks.items()}
        return all(at_it[one] or done[one] for one in steps) and all(holds[one] for one in kept["steps"] if one not in steps)

    # -- gates --------------------------------------------------------------------------------------------------------------

    def lets_begin(self, context: dg.AssetExecutionContext, wave: Wave, step: str, work_of: Callable[[Sequence[str]], str], is_ready: Callable[[str], bool]) -> bool:
        """Open the gate before a step that Dagster has reached. False where its task is not to do it: then the step needs another job run.

        That is where a step behind the gate is not ready (one before it failed here), where the gate is gone (its time was over, or a task
        before it failed), and where the tasks were let go on other versions by a run that was killed since.
        """
        gate = wave.gate_before(step)
        if gate is None:
            return True
        attempts = self._attempts()
        key, kept = next((work, kept) for work, kept in attempts.items() if kept["token"] == wave.token)
        work, before = work_of(wave.gates[gate]), kept["begun"].get(gate)
        run = self._run(wave.run_id)
        task = job_outcome.task_of(run, gate)
        is_gone = before is None and (task is None or job_outcome.has_ended(task) or job_outcome.has_ended(run))
        if before not in (None, work):
            self._stop(wave.run_id)
        if is_gone or before not in (None, work) or not all(is_ready(one) for one in wave.gates[gate]):
            self._say(wave, gate, begins=False)
            context.log.warning(f"{', '.join(wave.gates[gate])} cannot be done by Databricks job run {wave.run_id} any more; another one is launched")
            wave.steps = [one for one in wave.steps if one not in wave.gates[gate]]
            del wave.gates[gate]
            return False
        kept["begun"][gate] = work
        self._keep(context, attempts, key, kept)  # before the word: whoever comes after a crash knows what the tasks may have begun with
        self._say(wave, gate, begins=True)
        wave.open.add(gate)
        context.log.info(f"Databricks job run {wave.run_id} goes on with {', '.join(wave.gates[gate])}")
        return True

    def _say(self, wave: Wave, gate: str, *, begins: bool) -> None:
        self._asked(lambda: write_beside(self._workspace, self._lake, receipt_path(self._lake.root, wave.token, gate), word_text(begins)))

    # -- orphans ------------------------------------------------------------------------------------------------------------

    def _cancel_orphans(self, context: dg.AssetExecutionContext, adopted: int | None, token: str) -> None:
        """Jobs of this home that no living run waits for: the home has one writer, so whatever runs beside ours was left by a run that was killed."""
        own = {wave.run_id for wave in self._waves} | {adopted}
        for run in self._asked(lambda: list(self._workspace.jobs.list_runs(active_only=True, run_type=jobs.RunType.SUBMIT_RUN))):
            name = run.run_name or ""
            if name.startswith(self._prefix) and not name.endswith(f"[{token[:10]}]") and run.run_id not in own:
                context.log.warning(f"Databricks job run {run.run_id} was left by a run that is over; it is cancelled")
                self._stop(run.run_id or 0)

    # -- waiting ------------------------------------------------------------------------------------------------------------

    def attach(self, context: dg.AssetExecutionContext, wave: Wave, step: str) -> list[Result]:
        """Wait for the step's task and return all it reported.

        Raises dg.Failure with the task's own error, DagsterExecutionInterruptedError when the run was cancelled. Whatever else goes wrong, the job
        is cancelled before the step ends.
        """
        wanted = {key.to_user_string() for key in context.selected_asset_keys}
        wanted |= {f"{check.asset_key.to_user_string()}:{check.name}" for check in context.selected_asset_check_keys}
        reader = self.channel.reader(wave.token, step)
        try:
            with dg.open_pipes_session(context, ContextWithTask(), reader) as session:
                run = self._wait(context, wave, step)
        except DagsterExecutionInterruptedError:
            self._try_to_stop(context.log.warning, wave.run_id)
            raise DagsterExecutionInterruptedError(f"{step}: the run was cancelled, and with it Databricks job run {wave.run_id}") from None
        except BaseException:
            self._try_to_stop(context.log.warning, wave.run_id)
            raise
        reported = list(session.get_results(implicit_materializations=False))
        return job_outcome.settle(context, self._workspace, self._lake, run, step, wave.token, reported, wanted)

    def _wait(self, context: dg.AssetExecutionContext, wave: Wave, step: str) -> Any:
        seen = None
        while True:
            run = self._run(wave.run_id)
            task = job_outcome.task_of(run, step)
            stands = job_outcome.stated(task) if task is not None else "UNKNOWN"
            if stands != seen:
                context.log.info(f"{step}: its task of Databricks job run {wave.run_id} is {stands}")
                seen = stands
            if job_outcome.has_ended(run) or (task is not None and job_outcome.has_ended(task)):
                return run
            time.sleep(self._settings.databricks_poll_seconds)

    # -- ending -------------------------------------------------------------------------------------------------------------

    def end(self, tell: Callable[[str], None]) -> None:
        """The Dagster run is over: nothing of it may go on, and its message folders are removed. Receipts stay for who does the same work again."""
        for wave in self._waves:
            self._try_to_stop(tell, wave.run_id)
            try:
                remove_scratch(self._workspace, self._lake, wave.token)
                self.channel.remove(wave.token)
            except OSError as error:
                tell(f"the files of Databricks job run {wave.run_id} could not be removed: {error}")
        self._waves = []

    def _try_to_stop(self, tell: Callable[[str], None], run_id: int) -> None:
        try:
            self._stop(run_id)
        except OSError as error:  # the SDK's errors are of this kind, those of the connection and of waiting too
            tell(f"Databricks job run {run_id} could not be cancelled and may still be running: {error}")

    def _stop(self, run_id: int) -> None:
        """Cancel a run that is still going on, and wait until it has stopped: only then does nothing of it write any more."""
        deadline = time.monotonic() + self._settings.databricks_patience_seconds
        is_asked = False
        while not job_outcome.has_ended(self._run(run_id)):
            if not is_asked:
                self._asked(lambda: self._workspace.jobs.cancel_run(run_id))
                is_asked = True
            if time.monotonic() > deadline:
                raise TimeoutError(f"it was asked to stop and had not after {self._settings.databricks_patience_seconds} s")
            time.sleep(min(self._settings.databricks_poll_seconds, 2))

    def _run(self, run_id: int) -> Any:
        return self._asked(lambda: self._workspace.jobs.get_run(run_id))

    def _asked(self, call: Callable[[], Any]) -> Any:
        """The answer to a call that may be made again: reading, cancelling, submitting under a token."""
        deadline = time.monotonic() + self._settings.databricks_patience_seconds
        while True:
            try:
                return call()
            except _NO_ANSWER:
                if time.monotonic() > deadline:
                    raise
                time.sleep(min(self._settings.databricks_poll_seconds, 5))

    # -- what is kept -------------------------------------------------------------------------------------------------------

    def _attempts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads(self._facts.get(ATTEMPTS) or "{}")
        return found

    def _keep(self, context: dg.AssetExecutionContext, attempts: dict[str, dict[str, Any]], work: str, kept: dict[str, Any]) -> None:
        attempts.pop(work, None)
        attempts[work] = kept
        for old in list(attempts)[:-_KEPT_ATTEMPTS]:
            self._forget(context, attempts.pop(old))
        self._facts.put(ATTEMPTS, json.dumps(attempts))

    def _forget(self, context: dg.AssetExecutionContext, kept: Mapping[str, Any]) -> None:
        """What an attempt left behind."""
        try:
            remove_receipts(self._workspace, self._lake, kept["token"])
            remove_scratch(self._workspace, self._lake, kept["token"])
            self.channel.remove(kept["token"])
        except OSError as error:
            context.log.warning(f"the files of an earlier job could not be removed: {error}")
