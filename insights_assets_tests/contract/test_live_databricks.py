"""`make live-databricks`: a plain sentence without settings, and the cases with them (here against the stand-in)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from insights_assets_tests.contract import live_databricks
from insights_assets_tests.contract.databricks_runs import TaskRun
from insights_assets_tests.contract.databricks_workspace import workspace_in
from insights_assets_tests.contract.feedback_run import environment


def test_without_settings_it_says_that_nothing_was_tested(capsys: pytest.CaptureFixture[str]) -> None:
    with environment():
        assert live_databricks.main() == 0
    said = capsys.readouterr().out
    assert "not run: set DATABRICKS_HOST" in said and "Nothing was tested against a real workspace" in said


def test_settings_that_do_not_fit_together_fail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVE_DATABRICKS_HOME", "/nowhere")
    with environment(DATABRICKS_HOST="https://x.test", DATABRICKS_WHEEL="w", DATABRICKS_SERVERLESS="3"):
        assert live_databricks.main() == 1
    assert "databricks_serverless needs databricks_volume" in capsys.readouterr().out


@pytest.mark.slow
def test_with_settings_every_case_runs_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LIVE_DATABRICKS_HOME", str(tmp_path / "live"))
    (tmp_path / "live").mkdir()
    with workspace_in(tmp_path / "workspace", "serverless") as server:
        # Compute takes its time to start, as in life: the second run, which is to be cancelled, must not be over before.
        def hold(moment: str, task: TaskRun) -> None:
            until = time.monotonic() + 60
            while moment == "before start" and 2000 in server.runs and not server.runs[2000].cancelled and time.monotonic() < until:
                time.sleep(0.1)

        server.jobs.hold = hold
        assert live_databricks.main() == 0
        assert [run.result for run in server.runs.values()] == ["SUCCESS", "CANCELED"]
    assert capsys.readouterr().out.count("ok    ") == 3
    assert list((tmp_path / "live").iterdir()) == []
