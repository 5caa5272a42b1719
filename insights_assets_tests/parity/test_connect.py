"""`heavy_steps=connect` on a JVM Spark: Dagster's step asks dagster-pyspark's resource for the second engine, and its tables are equal."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from insights_assets.engine.jvm import JvmServer
from insights_assets.resources.house import Engine
from insights_assets_tests.contract.feedback_run import environment, failure_of, prepare, reported, rows, run_heavy_step

pytestmark = pytest.mark.slow


def test_a_heavy_step_over_connect_writes_and_reports_what_it_does_here(tmp_path: Path, jvm: JvmServer, spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions: list[Any] = []
    real = Engine.over_connect
    monkeypatch.setattr(Engine, "over_connect", lambda engine, remote: sessions.append(real(engine, remote)) or sessions[-1])
    with environment():
        prepare(tmp_path / "here")
        there = Path(shutil.copytree(tmp_path / "here", tmp_path / "there"))
        here = run_heavy_step(tmp_path / "here")
    with environment(HEAVY_STEPS="connect", SPARK_REMOTE=jvm.url):
        try:
            over = run_heavy_step(there)
        finally:
            for session in {id(one): one for one in sessions}.values():
                session.stop()  # before its server
    assert here.success and over.success, failure_of(here) + failure_of(over)
    assert sessions and sessions[0] is not spark, "the step asked for the second engine"
    assert rows(there, spark) == rows(tmp_path / "here", spark)
    assert len(rows(there, spark)["canonical.feedback"]) == 42
    assert reported(over) == reported(here)
