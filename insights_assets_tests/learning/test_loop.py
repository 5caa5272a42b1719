"""The loop of learning on a real home, its own Dagster instance and real runs: drift to review; failed gate to training, promotion and back.

A shop begins to sell smart-home devices: half its complaints are suddenly in words nobody used before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from insights_assets.definitions import build_definitions
from insights_assets.labels import models
from insights_assets.labels.candidate import waiting_candidate
from insights_assets.labels.splits import SIDES
from insights_assets.labels.tables import LABEL_QUALITY, LABEL_VERSIONS
from insights_assets.labels.version_tables import LABEL_CANDIDATES
from insights_assets.learning.schedules import due
from insights_assets.learning.tables import CLASSIFIER, EVALUATIONS, RETRAINING_EVENTS, REVIEW_SAMPLE, TRAINING_SET
from insights_assets.resources.home import open_instance
from insights_assets.settings import Settings
from insights_assets_tests.learning.shop_in_drift import END, Home, drifted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[Home]:
    with drifted(tmp_path_factory, spark) as found:
        yield found


def test_sensors_of_an_empty_home_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "put back when the test is over")
    settings = Settings(home=tmp_path / "home", customer_key_secret="test")
    for name in ("drift_sensor", "retraining_sensor"):
        with open_instance(settings.home) as instance:
            said = build_definitions(settings).get_sensor_def(name)(dg.build_sensor_context(instance=instance))
        assert isinstance(said, dg.SensorResult) and said.skip_reason and said.skip_reason.skip_message == "no run of this home yet"


def test_planted_drift_leads_to_a_model_review_at_its_second_run(home: Home) -> None:
    calm, middle, once = json.loads((home.root / "said.json").read_text(encoding="utf-8")).values()
    assert "RunRequest" not in calm + middle + once and "must last for 2 windows in a row" in once, (calm, middle, once)
    twice = home.tick("drift_sensor")
    assert isinstance(twice, dg.RunRequest) and twice.job_name == "model_review"
    told = home.operations.ticks.recent("drift_sensor", 1)[0]
    assert told.fired and told.run_key == twice.run_key and "twice in a row" in told.reason

    assert home.run(twice).success
    assert {row["topic"] for row in home.rows(EVALUATIONS)} >= {"micro", "shipping_delay"}
    sample = {row["feedback_id"] for row in home.rows(REVIEW_SAMPLE)}
    assert len(sample & home.new.keys()) > len(sample) / 2, "the sample shows what is new"
    report = (home.root / "home" / "desk" / "model_review" / f"{END}.md").read_text()
    assert "twice in a row" in report and "insights review export --drift" in report
    assert home.rows(CLASSIFIER) == [], "a review trains nothing"
    assert "looked at it" in str(home.tick("drift_sensor")), "the same drift opens no second review"
    reasons = [tick.reason for tick in home.operations.ticks.recent("drift_sensor")]
    assert all(reasons) and len(reasons) == len(set(reasons)), "each new reason is kept once"


def test_a_failed_gate_trains_a_candidate(home: Home) -> None:
    assert "12 of 30" not in str(home.tick("retraining_sensor"))
    home.read_by_a_person()
    home.whole_loop(END)
    quality = {row["topic"]: row for row in home.rows(LABEL_QUALITY)}
    assert quality["micro"]["gate"] == "fail", quality["micro"]
    request = home.tick("retraining_sensor")
    assert isinstance(request, dg.RunRequest) and request.job_name == "train_candidate", request
    assert "label gate failed (" in home.operations.ticks.recent("retraining_sensor", 1)[0].reason

    assert home.run(request).success
    [made] = home.rows(CLASSIFIER)
    assert made["parent_version"] == models.shipped_version() and "label gate failed" in made["reason"]
    assert (home.root / "home" / made["path"]).is_file() and json.loads(made["card"])["reviewed_rows"] == made["train_count"]
    data = home.rows(TRAINING_SET)
    sides = {}
    for row in data:
        sides.setdefault(row["group_key"], set()).add(row["side"])
    assert all(len(side) == 1 for side in sides.values()) and {row["side"] for row in data} == set(SIDES)
    first = sorted(data, key=lambda row: row["place"])[0]
    assert first["is_correction"] and {row["dataset_version"] for row in data} == {made["dataset_version"]}
    assert waiting_candidate(home.operations) == made["model_version"]
    assert models.active_version(home.root / "home", home.operations) == models.shipped_version(), "training brings nothing into force"


def test_the_gate_promotes_and_labels_are_made_again(home: Home) -> None:
    before = home.labels()
    heard_before = next(row["recall"] for row in home.rows(LABEL_QUALITY) if row["topic"] == "product_quality")
    judge = home.tick("retraining_sensor")
    assert isinstance(judge, dg.RunRequest) and judge.job_name == "judge_candidate", judge
    result = home.run(judge)
    assert result.success, home.operations.ticks.recent("candidate_gate", 1)[0].reason
    [check] = [found for found in result.get_asset_check_evaluations() if found.check_name == "candidate_beats_active"]
    assert check.passed and check.blocking
    version = home.rows(CLASSIFIER)[0]["model_version"]
    assert models.active_version(home.root / "home", home.operations) == version
    reviewed, trained = {row["feedback_id"] for row in home.rows(LABEL_CANDIDATES)}, {row["feedback_id"] for row in home.rows(TRAINING_SET) if row["side"] == "train"}
    assert reviewed and not reviewed & trained, "the gate looks at nothing that was learned from"

    request = home.tick("retraining_sensor")
    assert isinstance(request, dg.RunRequest) and request.job_name == "relabel", request
    assert home.run(request).success
    after = home.labels()
    changed = {one for one in before if after[one]["model_version"] == version}
    heard = [one for one in home.new if one in changed and after[one]["primary_topic"] == "product_quality"]
    assert len(heard) > 0.8 * len([one for one in home.new if before[one]["label_source"] != "person"]), "what nobody reviewed is heard now"
    assert {row["feedback_id"] for row in home.rows(LABEL_VERSIONS)} == changed, "the earlier labels are kept"
    assert "relabel" not in str(home.tick("retraining_sensor")).split(" ")[0]
    assert home.run(dg.RunRequest(run_key=None, job_name="evaluation_checks")).success
    quality = {row["topic"]: row for row in home.rows(LABEL_QUALITY)}
    assert quality["product_quality"]["model_version"] == version and quality["product_quality"]["recall"] > heard_before + 0.2, (heard_before, quality["product_quality"])

    active = home.operations.activations.active(models.KIND)
    models.rollback(home.root / "home", home.operations, by="ana", reason="a drill")
    back = home.tick("retraining_sensor")
    assert isinstance(back, dg.RunRequest) and back.job_name == "relabel" and active is not None
    assert home.run(back).success
    assert home.labels() == before, "going back restores exactly the earlier rows"
    assert waiting_candidate(home.operations) is None, "what was taken back does not come back by itself"
    home.whole_loop(END)
    kinds = {row["kind"] for row in home.rows(RETRAINING_EVENTS)}
    assert kinds >= {"drift_sensor", "retraining_sensor", "candidate_gate", "model_review", "activation"}
    assert all(row["reason"] for row in home.rows(RETRAINING_EVENTS))


def test_the_schedule_says_when_it_is_due(home: Home) -> None:
    with open_instance(home.root / "home") as instance:
        said = due(instance, home.settings(END))
    assert isinstance(said, dg.SkipReason) and said.skip_message and "next on" in said.skip_message
