"""The two rules of the brief and the safety rule, through the whole labeller: what fires them, what must not, in five languages."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from insights_assets.labels.build import SHIPPED
from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.rules import load_rules

PRODUCTS = pd.DataFrame([{"sku": "LMP-1", "name": "Aurora glass lamp", "product_line": "glass lamps", "aliases": ["aurora lamp"]}])


@pytest.fixture(scope="module")
def labeller() -> Labeller:
    return Labeller(load_label_set(), load_rules(), Classifier.load(SHIPPED), PRODUCTS)


def label(labeller: Labeller, text: str | None, language: str = "en", **fields: Any) -> dict[str, Any]:
    record = {
        "feedback_id": "f1", "source": "reviews", "kind": "text", "channel": "storefront", "language": language, "text": text, "rating": None, "nps": None,
        "reason_code": None, "signal": None, "sku": None, "sku_source": None, "order_id": None, **fields,
    }
    return labeller.label(pd.DataFrame([record])).to_dict("records")[0]


REFUNDS = [("I want a refund for this.", "en"), ("Ich möchte mein Geld zurück!", "de"), ("Je veux être remboursé", "fr"), ("Quiero que me devuelvan el dinero", "es"), ("Quero o meu dinheiro de volta", "pt")]


@pytest.mark.parametrize(("text", "language"), REFUNDS)
def test_r53_refund_with_a_sku_is_a_potential_defect_and_a_refund_risk(labeller: Labeller, text: str, language: str) -> None:
    assert {"potential_defect", "refund_risk"} <= set(label(labeller, text, language, sku="LMP-1", sku_source="order", order_id="O1")["risk_tags"])
    assert "potential_defect" not in label(labeller, text, language)["risk_tags"]


def test_r53_the_sku_may_stand_in_the_text(labeller: Labeller) -> None:
    row = label(labeller, "I want a refund for the Aurora glass lamp.")
    assert row["sku"] == "LMP-1" and row["sku_source"] == "text"
    assert {"potential_defect", "refund_risk"} <= set(row["risk_tags"])


def test_r53_a_sku_without_refund_language_is_neither(labeller: Labeller) -> None:
    assert not {"potential_defect", "refund_risk"} & set(label(labeller, "The lamp is lovely.", sku="LMP-1", sku_source="order")["risk_tags"])


@pytest.mark.parametrize(("text", "language"), [
    ("Works on arrival but fails after three days.", "en"), ("It worked fine and then, two weeks later, it stopped charging.", "en"),
    ("Hat anfangs funktioniert, nach zwei Wochen geht es nicht mehr.", "de"), ("Au bout de trois jours il ne marche plus.", "fr"),
    ("A los pocos días dejó de funcionar.", "es"), ("Depois de duas semanas parou de funcionar.", "pt"),
])
def test_r54_fails_after_days_goes_to_the_quality_team(labeller: Labeller, text: str, language: str) -> None:
    assert "quality_review" in label(labeller, text, language)["risk_tags"]


@pytest.mark.parametrize(("text", "language"), [
    ("It arrived after three days, perfect.", "en"), ("Delivery took three days and it works great.", "en"), ("I ordered three days ago.", "en"), ("Nach drei Tagen geliefert, alles gut.", "de"),
])
def test_r54_unrelated_days_do_not(labeller: Labeller, text: str, language: str) -> None:
    assert "quality_review" not in label(labeller, text, language)["risk_tags"]


@pytest.mark.parametrize(("text", "language"), [
    ("Smoke came out of the plug", "en"), ("It gave me an electric shock", "en"), ("Das Gehäuse hat sich aufgebläht und gezischt", "de"), ("Ich habe eine gewischt bekommen", "de"),
])
def test_danger_is_safety_and_critical(labeller: Labeller, text: str, language: str) -> None:
    row = label(labeller, text, language)
    assert row["primary_topic"] == "safety" and row["urgency"] == "critical"


@pytest.mark.parametrize(("text", "language"), [
    ("The smoke grey glass looks lovely", "en"), ("You cut my discount", "en"), ("It began to cut out after a while", "en"), ("un coup de tête, j'ai changé d'avis", "fr"),
])
def test_harmless_words_are_not(labeller: Labeller, text: str, language: str) -> None:
    assert "safety" not in {topic["topic"] for topic in label(labeller, text, language)["topics"]}


def test_wordless_records_are_labelled_by_code_signal_and_stars(labeller: Labeller) -> None:
    assert label(labeller, None, kind="rating", source="returns", reason_code="too_small")["primary_topic"] == "sizing_issue"
    assert label(labeller, None, kind="signal", source="clickstream", signal="error")["primary_topic"] == "app_or_site_problem"
    assert label(labeller, None, kind="rating", rating=5.0)["primary_topic"] == "praise"


def test_every_quote_is_a_part_of_the_text(labeller: Labeller) -> None:
    text = "The glass was shattered when I opened the parcel, but support was lovely. Größe passt nicht!"
    topics = label(labeller, text)["topics"]
    assert len(topics) >= 2
    assert all(text[topic["start"] : topic["end"]] == topic["quote"] for topic in topics)
