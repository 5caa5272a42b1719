"""A home's event log: Dagster's own files and tables, with connections that stay open and never too many of them."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from insights_assets.resources import event_log
from insights_assets.resources.event_log import SteadyEventLog
from insights_assets.resources.home import open_instance

pytestmark = pytest.mark.slow


@dg.asset
def lamp() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"watts": 40})


def test_runs_are_kept_where_dagster_keeps_them_and_read_by_another_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MOST_OPEN", 2)
    instance = open_instance(tmp_path)
    log = instance.event_log_storage
    assert isinstance(log, SteadyEventLog)
    runs = [dg.materialize([lamp], instance=instance).run_id for _ in range(4)]
    assert len(log._open) == 2  # the index and the last run; the others were closed and are opened again when asked for
    for run in runs:
        assert (tmp_path / "dagster" / "history" / "runs" / f"{run}.db").is_file()
    # What is written is there for a reader that shares nothing with the writer, before the writer closes anything.
    plain = dg.DagsterInstance.local_temp(str(tmp_path / "dagster"))
    for run in runs:
        told = [entry.dagster_event.event_type_value for entry in plain.all_logs(run) if entry.dagster_event]
        assert (told.count("ASSET_MATERIALIZATION"), told.count("PIPELINE_SUCCESS")) == (1, 1)
    assert plain.get_latest_materialization_event(lamp.key).run_id == runs[-1]
