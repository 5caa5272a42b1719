"""`insights prompts preview` on a real home: what a deaf classifier would cost the shop, and that nothing but the preview is written."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from insights_assets.actions.tables import ACTION_TICKETS
from insights_assets.anomalies.tables import INSIGHTS
from insights_assets.cli import main
from insights_assets.labels import models
from insights_assets.labels.classifier import Classifier
from insights_assets.lake.lake import Lake
from insights_assets.rehearsal.tables import CHANGE_PREVIEWS
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.run import run_whole_loop
from insights_assets.settings import Settings
from insights_assets.simulator import simulate
from insights_assets.tables import all_tables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LAST = date(2026, 11, 22)


@dataclasses.dataclass
class Home:
    """A sample shop after one run, and a candidate that hears nothing of what its dearest running issue is about."""

    path: Path
    lake: Lake
    operations: Operations
    topic: str
    insight_id: str

    def versions(self) -> dict[str, int | None]:
        return {str(spec): self.lake.version(spec) for spec in all_tables() if spec != CHANGE_PREVIEWS}

    def preview(self, *words: str, code: int = 0) -> dict[str, Any]:
        result = CliRunner().invoke(main, ["prompts", "preview", *words, "--home", str(self.path), "--json"], env={"INSIGHTS_HOME": None})
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[Home]:
    before = os.environ.get("DAGSTER_HOME")
    root = tmp_path_factory.mktemp("preview")
    simulate(root, days=90, records=6_000, seed=7, last_day=LAST)
    settings = Settings(home=root / "home", landing=root / "landing", as_of=LAST, customer_key_secret="test")
    outcome = run_whole_loop(settings)
    assert outcome.succeeded, (outcome.error, outcome.stopped_by)
    lake = Lake(settings.lake_path, lambda: spark)
    shipped = Classifier.load(models.SHIPPED)
    running = [row for row in lake.read_arrow(INSIGHTS).to_pylist() if row["state"] == "active" and row["tier"] == 1 and row["cause_status"] == "cause"]
    issue = max(running, key=lambda row: row["risk_per_day"])
    thresholds = shipped.thresholds.copy()
    thresholds[shipped.topics.index(issue["topic"])] = 2.0
    deaf = dataclasses.replace(shipped, thresholds=thresholds)
    deaf.save(models.model_file(settings.home, deaf.model_version))
    operations = open_operations(settings.operations_target)
    operations.activations.activate(models.CANDIDATE_KIND, deaf.model_version, by="test", reason="sabotage")
    yield Home(settings.home, lake, operations, issue["topic"], issue["insight_id"])
    if before is None:
        os.environ.pop("DAGSTER_HOME", None)
    else:
        os.environ["DAGSTER_HOME"] = before


def test_what_a_deaf_classifier_would_take_away_is_told_and_nothing_is_changed(home: Home) -> None:
    versions, activations, published = home.versions(), len(home.operations.activations.history()), home.operations.latest_publication()
    told = home.preview("candidate")
    found = {kind: [row for row in told["findings"] if row["finding"] == kind] for kind in ("summary", "flip", "trend", "insight", "ticket", "cost")}
    assert told["change_kind"] == "classifier" and told["against_version"] == models.shipped_version()
    flips = {row["subject"]: row for row in found["flip"]}
    assert flips["records"]["count"] > 0 and flips["records"]["low"] is None and all(name.startswith(f"{home.topic} -> ") for name in flips if " -> " in name)
    pair = next(row for name, row in flips.items() if " -> " in name)
    assert 0 < len(pair["sample_ids"]) <= 5 and pair["quotes"]
    trend = {row["subject"]: row for row in found["trend"]}
    assert trend[home.topic]["answer"] == "leaves" and len(trend[home.topic]["weeks"]) == 8 and trend[home.topic]["after"] < trend[home.topic]["before"]
    assert {row["answer"] for name, row in trend.items() if name != home.topic} == {"holds"}, "another topic's line does not move"
    assert home.insight_id in {row["subject"] for row in found["insight"] if row["answer"] == "vanishes"}
    tickets = {row["action_id"] for row in home.lake.read_arrow(ACTION_TICKETS).to_pylist() if row["insight_id"] == home.insight_id and row["issue_state"] != "closed"}
    assert tickets and tickets == {row["subject"] for row in found["ticket"] if row["answer"] == "loses_most"}
    assert (found["cost"][0]["answer"], found["cost"][0]["calls_count"], found["cost"][0]["cost"]) == ("free", 0, 0.0)
    page = (home.path / told["report"]).read_text()
    assert "<svg" in page and told["words"].split(";")[0] in page
    assert home.versions() == versions, "no live table was written"
    assert len(home.operations.activations.history()) == activations and models.active_version(home.path, home.operations) == models.shipped_version()
    assert home.operations.latest_publication() == published or home.operations.latest_publication().publication_id == published.publication_id  # type: ignore[union-attr]
    assert not [one for kind in ("preview", "replay") for one in (home.path / "lake" / "_scratch").glob(f"{kind}_*")], "copies are thrown away"


def test_the_same_preview_takes_its_own_place_and_another_stands_beside_it(home: Home, tmp_path: Path) -> None:
    rows = home.lake.read_arrow(CHANGE_PREVIEWS)
    again = home.preview("candidate", "--days", "28")
    stable = CHANGE_PREVIEWS.stable_columns
    order = [(name, "ascending") for name in CHANGE_PREVIEWS.key]
    assert home.lake.read_arrow(CHANGE_PREVIEWS).sort_by(order).select(stable).equals(rows.sort_by(order).select(stable)), "a replay is the same every time"
    from insights_assets.labels.prompts import prompt_text

    draft = tmp_path / "set.yaml"
    draft.write_text(prompt_text("label_sets/v1.yaml").replace("version: v1", "version: v2"))
    quiet = home.preview(str(draft), "--days", "7")
    assert quiet["findings"][0]["answer"] == "nothing_changes" and quiet["preview_id"] != again["preview_id"]
    assert {row["preview_id"] for row in home.lake.read_arrow(CHANGE_PREVIEWS).to_pylist()} == {again["preview_id"], quiet["preview_id"]}


@pytest.mark.parametrize(("word", "told"), [("v1", "a prompt speaks to a model, and none is named"), ("nosuch", "names no change"), ("label_sets/v1", "is in force already")])
def test_wrong_use_is_told(home: Home, word: str, told: str) -> None:
    result = CliRunner().invoke(main, ["prompts", "preview", word, "--home", str(home.path)], env={"INSIGHTS_HOME": None})
    assert result.exit_code == 2 and told in result.output, result.output
