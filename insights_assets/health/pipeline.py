"""Technical health of one run: ingestion success, latency, failed tasks, schema mismatches, and how many runs succeed (R106, R8, R144).

Belongs here: the metrics, from plain facts. Does not belong here: asking Dagster or the lake for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.health.metric import Metric, State, not_available

if TYPE_CHECKING:
    from insights_assets.resources.runs import RunFact
    from insights_assets.shop.model import Acceptance

#: Shares of what came in that could be read: below these amber, red.
READ_AMBER, READ_RED = 0.99, 0.95
#: An hourly loop that takes longer than half its hour is amber, than its hour red.
RUN_AMBER_SECONDS, RUN_RED_SECONDS = 1_800.0, 3_600.0
#: Days since a source that delivers every day last did.
SILENT_AMBER_DAYS, SILENT_RED_DAYS = 2, 5
#: Runs below which a share of successful ones says nothing.
RUNS_AT_LEAST = 10
#: Sources that bring something every day of a living shop; the others (catalogue, calendar, rates) may rest.
DAILY_SOURCES = ("reviews", "support_tickets", "chats", "surveys", "returns", "clickstream", "social", "orders", "fulfilments")


@dataclass(frozen=True)
class Intake:
    """What one run took in: payloads appended, those it set aside, and of these the ones whose columns did not fit."""

    taken_in: int
    set_aside: int
    misfits: int


def intake_metrics(intake: Intake) -> list[Metric]:
    """Ingestion success and schema mismatches of the run."""
    tables = "sources.*_raw (rows), canonical.quarantine (run_id, field)"
    if intake.taken_in == 0:
        said = "nothing new came in"
        return [
            Metric("ingestion_success_share", "green", said, tables, unit="0 to 1", sample_count=0),
            Metric("schema_mismatch_count", "green", said, tables, 0.0, "records", sample_count=0),
        ]
    share = max(0.0, 1 - intake.set_aside / intake.taken_in)
    state: State = "green" if share >= READ_AMBER else "amber" if share >= READ_RED else "red"
    misfits: State = "green" if intake.misfits <= intake.taken_in * (1 - READ_AMBER) else "amber" if intake.misfits <= intake.taken_in * (1 - READ_RED) else "red"
    return [
        Metric(
            "ingestion_success_share", state, f"{intake.taken_in - intake.set_aside:,} of {intake.taken_in:,} payloads could be read", tables, share, "0 to 1",
            previous=READ_AMBER, sample_count=intake.taken_in,
        ),
        Metric(
            "schema_mismatch_count", misfits, f"{intake.misfits:,} payloads had a column that does not fit", tables, float(intake.misfits), "records",
            sample_count=intake.taken_in,
        ),
    ]  # fmt: skip


def latency_metrics(seconds: float | None, completeness: Sequence[Mapping[str, Any]], as_of: date) -> list[Metric]:
    """How long the run took, and how old the newest record of the slowest source is."""
    runs, sources = "Dagster's run record (start to this stage)", "canonical.source_completeness (last_received_day)"
    if seconds is None:
        found = [not_available("run_seconds", "a run of Dagster's", runs)]
    else:
        state: State = "green" if seconds < RUN_AMBER_SECONDS else "amber" if seconds < RUN_RED_SECONDS else "red"
        found = [Metric("run_seconds", state, f"{_time_words(seconds)} from its start to this point; a run that goes every hour has 60 min", runs, round(seconds, 1), "seconds", previous=RUN_RED_SECONDS)]
    lags = {row["source"]: (as_of - row["last_received_day"]).days for row in completeness if row["source"] in DAILY_SOURCES and row["last_received_day"] is not None}
    if not lags:
        return [*found, not_available("source_lag_days", "a source that delivers every day", sources)]
    slowest = max(sorted(lags), key=lambda source: lags[source])
    lag = lags[slowest]
    state = "green" if lag < SILENT_AMBER_DAYS else "amber" if lag < SILENT_RED_DAYS else "red"
    silent = sum(days >= SILENT_AMBER_DAYS for days in lags.values())
    says = f"{slowest} delivered last, {lag} days ago; {silent} of {len(lags)} sources are {SILENT_AMBER_DAYS} days behind or more" if lag else "every source delivered today"
    return [*found, Metric("source_lag_days", state, says, sources, float(lag), "days", previous=float(SILENT_AMBER_DAYS), sample_count=len(lags))]


#: Checks that fail while the pipeline runs as it should.
OF_THE_MODEL = frozenset({"labels.label_quality: label_quality_holds"})


def task_metrics(failed_steps: int, failed_checks: Sequence[str], misfit_tables: Sequence[str], outcome: str) -> list[Metric]:
    """Failed tasks and failed checks of a run; a check of how right labels are is the model layer's to tell. A table that does not match its spec is red."""
    source = "Dagster's event log of the run"
    failed_checks = [check for check in failed_checks if check not in OF_THE_MODEL]
    state: State = "red" if failed_steps or outcome == "failed" else "green"
    says = f"{failed_steps} tasks failed" + (f"; the run {outcome}" if outcome != "succeeded" else "")
    checks: State = "red" if misfit_tables else "amber" if failed_checks else "green"
    named = ", ".join(_check_words(check) for check in failed_checks[:3]) + (f" and {len(failed_checks) - 3} more" if len(failed_checks) > 3 else "")
    return [
        Metric("failed_task_count", state, says, source, float(failed_steps), "tasks"),
        Metric("failed_check_count", checks, f"did not hold: {named}" if failed_checks else "every check so far held", source, float(len(failed_checks)), "checks"),
    ]


def _time_words(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def _check_words(check: str) -> str:
    """`label quality holds (labels.label_quality)` for `labels.label_quality: label_quality_holds`"""
    table, _, name = check.partition(": ")
    return f"{name.replace('_', ' ')} ({table})" if name else check


def success_metric(runs: Sequence[RunFact], current: str, job: str, now: datetime, acceptance: Acceptance) -> Metric:
    """The gate of run success: the share of finished runs of the job over the policy's days, the current one counted as it stands."""
    source = "Dagster's run records"
    since = now - timedelta(days=acceptance.runs_days)
    recent = [run for run in runs if run.job == job and run.started_at is not None and run.started_at >= since]
    finished = [run for run in recent if run.outcome in ("succeeded", "failed") or run.run_id == current]
    failed = sum(run.outcome == "failed" for run in finished)
    if len(finished) < RUNS_AT_LEAST:
        says = f"{len(finished) - failed} of {len(finished)} runs in {acceptance.runs_days} days succeeded; {RUNS_AT_LEAST} are needed to judge"
        return Metric("run_success_share", "too_few", says, source, unit="0 to 1", previous=acceptance.runs_success_share, sample_count=len(finished))
    share = 1 - failed / len(finished)
    state: State = "green" if share >= acceptance.runs_success_share else "red"
    says = f"{len(finished) - failed} of {len(finished)} runs in {acceptance.runs_days} days succeeded; wanted {acceptance.runs_success_share:.0%}"
    return Metric("run_success_share", state, says, source, share, "0 to 1", previous=acceptance.runs_success_share, sample_count=len(finished))
