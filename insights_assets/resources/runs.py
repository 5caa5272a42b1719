"""The runs of a home as plain facts, read from Dagster's own record of them.

Belongs here: asking the instance. Does not belong here: judging a run (the health stage does). A run that still goes has no end.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import dagster as dg

Outcome = Literal["succeeded", "failed", "canceled", "running"]
_OUTCOMES: dict[dg.DagsterRunStatus, Outcome] = {
    dg.DagsterRunStatus.SUCCESS: "succeeded", dg.DagsterRunStatus.FAILURE: "failed", dg.DagsterRunStatus.CANCELED: "canceled",
}
#: How many runs back health looks: an hourly loop's two weeks and what else ran beside it.
LOOKED_AT = 500


@dataclass(frozen=True)
class RunFact:
    """One run: its job, when it went, how it ended. Steps are counted only when asked for (see `step_counts`)."""

    run_id: str
    job: str
    outcome: Outcome
    started_at: datetime | None
    ended_at: datetime | None


class Runs:
    """The latest runs of one instance, newest first. Without an instance (a test's bare step) there are none."""

    def __init__(self, instance: dg.DagsterInstance | None = None) -> None:
        self._instance = instance

    def latest(self, limit: int = LOOKED_AT) -> list[RunFact]:
        if self._instance is None:
            return []
        return [_fact(record) for record in self._instance.get_run_records(limit=limit)]

    def failed_steps(self, run_id: str) -> int:
        """Steps of a run that failed."""
        return int(self._instance.get_run_stats(run_id).steps_failed) if self._instance is not None else 0

    def failed_checks(self, run_id: str) -> tuple[list[str], list[str]]:
        """(checks of a run that failed, those among them that compare a table with its spec), by `table: check`."""
        if self._instance is None:
            return [], []
        records = self._instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
        failed = []
        for record in records:
            event = record.event_log_entry.dagster_event
            if event is not None and not event.asset_check_evaluation_data.passed:
                found = event.asset_check_evaluation_data
                failed.append(f"{found.asset_key.to_user_string().replace('/', '.')}: {found.check_name}")
        return sorted(failed), sorted(name for name in failed if name.endswith(": schema_matches_spec"))


def _fact(record: dg.RunRecord) -> RunFact:
    run = record.dagster_run
    return RunFact(run.run_id, run.job_name, _OUTCOMES.get(run.status, "running"), _moment(record.start_time), _moment(record.end_time))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
