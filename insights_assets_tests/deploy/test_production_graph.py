"""The graph itself in production: files land, the daemon starts the run, everything of it stands in PostgreSQL, and a command sees the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from insights_assets.resources.operations import open_operations
from insights_assets_tests.deploy.processes import PASSWORD, production
from insights_assets_tests.graph.dev_server import wait_for
from insights_assets_tests.house import review
from insights_assets_tests.labels.model.house_with_model import texts
from insights_assets_tests.resources import postgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.skipif(postgres.why_not() is not None, reason=str(postgres.why_not()))]


def test_files_that_land_become_a_published_run_of_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dagster as dg

    landing = tmp_path / "landing"
    today = datetime.now(UTC).date().isoformat()
    (landing / "reviews").mkdir(parents=True)
    rows = [review(f"r-{number}", None, f"C{number}", day=today, title=None, body=text, rating=2) for number, (text, _) in enumerate(texts())]
    (landing / "reviews" / "reviews.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "insights_customer_key_secret").write_text("a key of this test\n", encoding="utf-8")
    with production(tmp_path / "installation", {}, {"INSIGHTS_LANDING": str(landing), "INSIGHTS_SECRETS_DIR": str(secrets)}) as one:
        assert one.ask("migrate").returncode == 0
        one.start("code")
        one.start("daemon")
        for name in ("INSIGHTS_DAGSTER_URL", "INSIGHTS_DAGSTER_STATE"):
            monkeypatch.setenv(name, one.environment[name])
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        with dg.DagsterInstance.from_config(one.environment["DAGSTER_HOME"]) as instance:
            ended = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
            wait_for(lambda: instance.get_runs(filters=ended), 400, "the run of the landing sensor", lambda: one.log("code") + one.log("daemon"))
            (run, *_) = instance.get_runs(filters=ended)
            assert run.is_success and run.job_name == "whole_loop" and run.tags["dagster/sensor_name"] == "landing_sensor"
        operations = open_operations(one.environment["INSIGHTS_OPERATIONS_URL"])
        published = operations.latest_publication()
        assert published is not None and published.run_id == run.run_id
        operations.engine.dispose()
        home = Path(one.environment["INSIGHTS_HOME"])
        assert not (home / "operations.db").exists() and not (home / "keys" / "customer_key").exists(), "what is elsewhere is not made here"
        shown = one.ask("insights", "show", "health", "--json")
        assert shown.returncode == 0, shown.stderr[-1000:]
        assert (home / "dagster" / "dagster.yaml").read_text() == (Path(one.environment["DAGSTER_HOME"]) / "dagster.yaml").read_text()
