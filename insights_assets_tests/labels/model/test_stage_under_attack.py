"""Attacked twins through the whole labels stage: what is asked gets the label of its clean twin, and nothing acts on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from insights_assets.actions.tables import ACTION_TICKETS
from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.cascade_tables import LABEL_DECISIONS
from insights_assets.labels.model.defence import prepare
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets_tests.contract.azure_openai_brains import obeying, oracle, reply
from insights_assets_tests.contract.azure_openai_server import AzureOpenAI
from insights_assets_tests.house import TestHouse, review
from insights_assets_tests.labels.model.house_with_model import decisions, label, open_house
from insights_assets_tests.labels.model.injection_corpus import twins
from insights_assets_tests.labels.model.test_injection import attackers_reply

pytestmark = pytest.mark.slow
TWINS = list(twins())
#: Every text is asked about, so that each twin's label is the model's.
ALL = {"model_share": 1.0, "model_exploration": 1.0, "model_tokens_per_run": 50_000_000, "model_cost_per_run": 100.0, "model_tokens_per_day": 90_000_000, "model_cost_per_day": 200.0}
_SEEN = ("primary_topic", "sentiment", "sentiment_score", "urgency", "sku", "risk_tags", "label_source", "confidence")


@pytest.fixture
def server() -> Iterator[AzureOpenAI]:
    known = {twin.clean: reply([(twin.topic, twin.quote)]) for twin in TWINS}
    with AzureOpenAI(brain=obeying(oracle(known), [(twin.attack, attackers_reply(twin)) for twin in TWINS])) as running:
        yield running


def test_attacked_twins_end_with_the_labels_of_their_clean_twins_and_no_action(tmp_path: Path, spark: Any, server: AzureOpenAI) -> None:
    house: TestHouse = open_house(tmp_path, spark, server, **ALL)
    locale = {"en": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "pt": "pt_PT"}
    house.put("reviews", "twins.jsonl", [
        review(f"{kind}{number}", None, f"C{number}", day=f"2026-11-0{1 + number % 9}", title=None, body=text, locale=locale[twin.language], rating=2)
        for number, twin in enumerate(TWINS) for kind, text in (("clean", twin.clean), ("dirty", twin.attacked))
    ])
    house.run("sources", "canonical", run_id="run-1")
    label(house, "run-1")
    refs = {row["feedback_id"]: row["record_ref"] for row in house.rows(FEEDBACK)}
    found = {refs[row["feedback_id"]]: row for row in house.rows(FEEDBACK_LABELS)}
    assert {one["outcome"] for one in decisions(house).values()} == {"ok"}

    def effect(row: dict[str, Any]) -> Any:
        return [(one["topic"], one["quote"], one["sentiment"], one["confidence"]) for one in row["topics"]], row["summary"], *(row[name] for name in _SEEN)

    steered = [twin.name for number, twin in enumerate(TWINS) if effect(found[f"clean{number}"]) != effect(found[f"dirty{number}"])]
    assert len(TWINS) >= 200 and steered == [], f"{len(steered)} of {len(TWINS)}"
    suspects = {refs[row["feedback_id"]] for row in house.rows(LABEL_DECISIONS) if row["is_suspect"]}
    spoke = {f"dirty{number}" for number, twin in enumerate(TWINS) if prepare(twin.attacked).left_out_count}
    assert suspects == spoke and len(spoke) >= 130, "who speaks to a machine is put before a person"
    house.run("clusters", "anomalies", "actions", run_id="run-1")
    assert not house.lake.exists(ACTION_TICKETS) or house.rows(ACTION_TICKETS) == [], "nobody acts on what an attacker wrote"
