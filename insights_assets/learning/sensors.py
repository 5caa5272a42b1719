"""Sensors of the stage and the jobs they launch. They read the operational database alone and leave a reason with every tick.

Loops close there: a run writes signals, a sensor reads them; a gate writes its answer, a sensor reads it. No asset of an earlier
stage depends on one of this stage. No `from __future__ import annotations`: Dagster reads annotations.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import dagster as dg

from insights_assets.jobs import Job
from insights_assets.learning.events import DRIFT_SENSOR, RETRAINING_SENSOR
from insights_assets.learning.signals import history, kept
from insights_assets.learning.triggers import (
    JUDGE_CANDIDATE,
    MODEL_REVIEW,
    RELABEL,
    TRAIN_CANDIDATE,
    Decision,
    History,
    Signals,
    decide_review,
    next_step,
)
from insights_assets.settings import Settings

TRIGGER_TAG = "insights/trigger"
MOST_ATTEMPTS = 3

_LABELS = ("labels.feedback_labels", "labels.rule_labels", "labels.label_versions", "labels.relabelled", "labels.label_decisions", "labels.label_conflicts",
           "labels.model_entities")  # fmt: skip
JOBS = (
    Job(MODEL_REVIEW, ("labels.label_corrections", "labels.label_quality", "labels.review_queue", "learning.evaluations", "learning.review_sample"),
        "Drift lasted: evaluate the active version, draw what a person should read, write a report. Changes no model.",
        apart=("learning.evaluations", "learning.review_sample")),
    Job(TRAIN_CANDIDATE, ("learning.training_set", "learning.classifier"), "Train a candidate on the corpus and what was reviewed. Brings nothing into force.", apart=True),
    Job(JUDGE_CANDIDATE, ("labels.label_candidates", "labels.label_promotion"), "Hold the candidate against the active version; promote it if it is better.", apart=True),
    Job(RELABEL, ("labels.relabel_plan", *_LABELS, "labels.labelled_feedback", "labels.label_details"), "After a promotion: make labels again where they would change, newest days first.",
        apart=("labels.relabel_plan",)),
    Job("feature_refresh", ("clusters.embeddings", "learning.training_set"), "Bring vectors and training set up to date (R104)."),
    Job("batch_prediction", (*_LABELS, "labels.labelled_feedback", "labels.label_details"), "Label what is new with the active versions (R104)."),
    Job("evaluation_checks", ("labels.label_corrections", "labels.label_quality", "learning.evaluations"), "How right are the labels, and does the gate hold (R104)?"),
)  # fmt: skip

Decide = Callable[[Signals, History, Any], Decision]


def drift_sensor(jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """Two material windows in a row open a model review (R100, R103)."""

    @dg.sensor(
        name=DRIFT_SENSOR, jobs=[jobs[MODEL_REVIEW]], minimum_interval_seconds=settings.learning_seconds, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Opens a model review when the same drift is material in two windows in a row; never retrains.",
    )
    def sense(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return tick(context.instance, settings, DRIFT_SENSOR, lambda signals, past, limits: decide_review(signals, past, limits.drift.runs))

    return sense


def retraining_sensor(jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """From a trigger to labels made again: train, judge, relabel, one job at a time (R99, R101, R102)."""

    @dg.sensor(
        name=RETRAINING_SENSOR, jobs=[jobs[TRAIN_CANDIDATE], jobs[JUDGE_CANDIDATE], jobs[RELABEL]], minimum_interval_seconds=settings.learning_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="A failed label gate, launch language or a label shift trains a candidate; its gate decides; a promotion makes labels again.",
    )
    def sense(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return tick(context.instance, settings, RETRAINING_SENSOR, lambda signals, past, limits: next_step(signals, past, limits.retraining, limits.drift.runs))

    return sense


def tick(instance: dg.DagsterInstance, settings: Settings, name: str, decide: Decide) -> dg.SensorResult:
    """One evaluation: decide, see whether the key was answered, leave the reason in Dagster and in the operational database."""
    decision, run_key = evaluate(instance, settings, name, decide)
    if run_key is None:
        return dg.SensorResult(skip_reason=dg.SkipReason(decision.reason))
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=run_key, job_name=decision.job, tags={TRIGGER_TAG: decision.key})])


def evaluate(instance: dg.DagsterInstance, settings: Settings, name: str, decide: Decide) -> tuple[Decision, str | None]:
    """The decision, and the run key to start under; None where nothing is to be started, for the decision's reason."""
    from insights_assets.resources.operations import open_operations
    from insights_assets.shop import load_shop

    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return Decision(None, "no run of this home yet"), None
    limits = load_shop(settings.shop).policy.learning
    with closing(open_operations(settings.operations_target)) as operations:  # a sensor's process lives long: no connection is left open
        operations.migrate()
        signals = kept(operations)
        if signals is None:
            return Decision(None, "the first run of the whole loop has not ended yet"), None
        decision, run_key = decide(signals, history(operations, signals.as_of), limits), None
        if decision.fires:
            decision, run_key = _attempt(instance, decision)
        details = {"job": decision.job, "key": decision.key} if decision.fires else {}
        latest = next(iter(operations.ticks.recent(name, 1)), None)
        if run_key is not None or latest is None or latest.reason != decision.reason:  # the same reason every minute tells nobody more
            operations.ticks.record(name, run_key is not None, decision.reason, details=details, run_key=run_key)
    return decision, run_key


def _attempt(instance: dg.DagsterInstance, decision: Decision) -> tuple[Decision, str | None]:
    """The run key of the next attempt for a key, unless it is under way, answered, or was tried too often."""
    runs = instance.get_runs(filters=dg.RunsFilter(job_name=decision.job, tags={TRIGGER_TAG: decision.key}))
    if any(not run.is_finished for run in runs):
        return Decision(None, f"{decision.job} is under way: {decision.reason}"), None
    if any(run.status == dg.DagsterRunStatus.SUCCESS for run in runs):
        return Decision(None, f"{decision.job} has answered this already: {decision.reason}"), None
    if len(runs) >= MOST_ATTEMPTS:
        return Decision(None, f"{decision.job} failed {len(runs)} times; mend the cause and start it by hand: {decision.reason}"), None
    return decision, f"{decision.key}-{len(runs)}"  # a run key is spent for ever, so each attempt has its own


SENSORS = [drift_sensor, retraining_sensor]
