"""The whole loop through the command, in its own process: files in, tickets out; again for nothing; killed and run again, the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from insights_assets.resources.operations import open_operations
from insights_assets_tests import commanding
from insights_assets_tests.shared_homes import LAST_DAY, SECRET, published_rows, published_versions, sample_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
#: Where the process is killed, one after the other, before the home may finish.
CRASHES = ("sources.orders_raw:after", "canonical.feedback:before", "labels.feedback_labels:after", "anomalies.insights:before", "outbox.mark:after", "outbox.call:after", "actions.action_tickets:after")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_run(tmp_path_factory)


def insights(*words: str, crash_at: str = "", expect: int | None = 0) -> subprocess.CompletedProcess[str]:
    done = commanding.insights(*words, environment={"INSIGHTS_CUSTOMER_KEY_SECRET": SECRET, "INSIGHTS_CRASH_AT": crash_at})
    if expect is not None:
        assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def run(home: Path, sample: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return insights("run", "--landing", str(sample / "landing"), "--home", str(home), "--as-of", LAST_DAY.isoformat(), "--json", **options)


@pytest.fixture(scope="module")
def undisturbed(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    home = Path(shutil.copytree(sample / "home", tmp_path_factory.mktemp("undisturbed") / "home"))
    return home, json.loads((sample / "report.json").read_text(encoding="utf-8"))


def test_files_become_insights_and_actions(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    home, report = undisturbed
    assert report["succeeded"] and not report["error"]
    assert report["tables"]["canonical.feedback"] == pytest.approx(1_500, rel=0.01)
    assert report["insights"] and report["actions"]
    assert all(insight["owner"] and insight["recommended_step"] for insight in report["insights"])
    assert (home / "desk" / "tickets").is_dir()


def test_a_second_run_changes_nothing(undisturbed: tuple[Path, dict[str, Any]], sample: Path) -> None:
    home, _ = undisturbed
    before = published_versions(home)
    desk = {path: path.read_bytes() for path in sorted((home / "desk").rglob("*")) if path.is_file()}
    assert json.loads(run(home, sample).stdout)["succeeded"]
    assert published_versions(home) == before
    assert {path: path.read_bytes() for path in sorted((home / "desk").rglob("*")) if path.is_file()} == desk


def test_an_insight_is_traced_to_its_files_and_exports_keep_the_tier(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    home, report = undisturbed
    traced = json.loads(insights("trace", report["insights"][0]["insight_id"], "--home", str(home), "--json").stdout)
    assert traced["kind"] == "insight" and traced["records"]
    for record in traced["records"]:
        assert record["raw"]["payload_sha256"] and (record["source"] == "clickstream" or record["raw"]["line"] is not None)
    insights("export", "canonical.feedback_text", "--home", str(home), "--out", str(tmp_path / "t.jsonl"))
    assert "text" not in json.loads((tmp_path / "t.jsonl").read_text().splitlines()[0])
    insights("export", "canonical.feedback_text", "--home", str(home), "--out", str(tmp_path / "r.csv"), "--tier", "raw", expect=2)
    insights("export", "canonical.feedback_text", "--home", str(home), "--out", str(tmp_path / "r.csv"), "--tier", "raw", "--reason", "a customer asked")
    assert [row.action for row in _audit(home)].count("raw_read") == 1
    insights("audit", "verify", "--home", str(home))


def _audit(home: Path) -> list[Any]:
    from sqlalchemy import select

    from insights_assets.resources.operations.models import AuditRow

    with open_operations(f"sqlite:///{home / 'operations.db'}").reading() as session:
        return list(session.scalars(select(AuditRow)))


def test_known_personal_values_reach_nothing_that_people_open(undisturbed: tuple[Path, dict[str, Any]], sample: Path) -> None:
    home, _ = undisturbed
    truth = json.loads((sample / "truth.json").read_text())
    planted = {value for values in _values(truth["personal_data"]) for value in values if len(value) >= 8}
    assert len(planted) > 20, "the sample must hold canaries for this to say anything"
    places = [path for folder in ("desk", "dagster") for path in (home / folder).rglob("*") if path.is_file()]
    found = {(path.name, value) for path in places for value in planted if value.encode() in path.read_bytes()}
    assert not found


def _values(node: Any) -> list[list[str]]:
    if isinstance(node, str):
        return [[node]]
    if isinstance(node, dict):
        return [found for value in node.values() for found in _values(value)]
    if isinstance(node, list):
        return [found for value in node for found in _values(value)]
    return []


def test_killed_at_its_commits_a_home_ends_as_if_undisturbed(undisturbed: tuple[Path, dict[str, Any]], sample: Path, tmp_path: Path, spark: Any) -> None:
    home = tmp_path / "killed"
    for point in CRASHES:
        assert run(home, sample, crash_at=point, expect=None).returncode == -9, point
        assert open_operations(f"sqlite:///{home / 'operations.db'}").latest_publication() is None, f"half a run was published at {point}"
    run(home, sample)
    calm, shaken = published_rows(undisturbed[0], spark), published_rows(home, spark)
    assert calm.keys() == shaken.keys()
    assert [name for name in calm if calm[name] != shaken[name]] == []
