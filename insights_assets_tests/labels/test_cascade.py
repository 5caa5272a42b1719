"""The labeller: what a record ends up with, with its evidence, its versions, and nothing that is not in the text."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights_assets.labels.build import SHIPPED
from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.evidence import is_quote
from insights_assets.labels.label_rows import LABEL_COLUMNS, NO_PLACE, RULE_COLUMNS
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.rules import TOPIC, SkuPattern, load_rules
from insights_assets.labels.topic_choice import SAFETY_BAR

PRODUCTS = pd.DataFrame([
    {"sku": "LMP-100", "name": "Halo Desk Lamp", "product_line": "lamps", "aliases": ["halo lamp"]},
    {"sku": "JKT-7", "name": "Fjord Jacket", "product_line": "jackets", "aliases": ["fjord"]},
])
LABEL_SET = load_label_set()


@pytest.fixture(scope="module")
def labeller() -> Labeller:
    return Labeller(LABEL_SET, load_rules(), Classifier.load(SHIPPED), PRODUCTS)


def record(text: str | None = None, **fields: Any) -> dict[str, Any]:
    base = {
        "feedback_id": "f1", "source": "reviews", "kind": "text" if text else "rating", "channel": "web", "language": "en" if text else None, "text": text,
        "rating": None, "nps": None, "reason_code": None, "signal": None, "sku": None, "sku_source": None, "order_id": None,
    }
    return {**base, **fields}


def label(labeller: Labeller, text: str | None = None, **fields: Any) -> dict[str, Any]:
    return labeller.label_records([record(text, **fields)])[0].row


def topics(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {topic["topic"]: topic for topic in row["topics"]}


@pytest.mark.parametrize(("text", "language", "topic"), [
    ("Still waiting for my parcel, tracking has not moved for two weeks", "en", "shipping_delay"),
    ("The box was crushed and the vase was in pieces", "en", "damaged_on_arrival"),
    ("No charging cable in the box", "en", "missing_accessories"),
    ("I ordered the blue one and got a red one", "en", "wrong_item"),
    ("The seams came apart after a week, poor quality", "en", "product_quality"),
    ("Runs small, squeezes my toes", "en", "sizing_issue"),
    ("You charged my card twice for one order", "en", "billing_confusion"),
    ("I sent it back a month ago and still no refund", "en", "returns_and_refunds"),
    ("Please add a dark mode to the app", "en", "feature_request"),
    ("The checkout page crashes every time I try to pay", "en", "app_or_site_problem"),
    ("The instructions are useless, I cannot figure out how to assemble it", "en", "usability_confusion"),
    ("Nobody answers my emails, terrible customer service", "en", "customer_service"),
    ("Way too expensive, not worth the money", "en", "price_value"),
    ("My size is always sold out, when will it be back in stock?", "en", "availability"),
    ("Smoke came out of the plug while charging", "en", "safety"),
    ("Love it, arrived quickly and works perfectly", "en", "praise"),
    ("Mein Paket ist seit zwei Wochen nicht angekommen", "de", "shipping_delay"),
    ("Il manque les vis dans la boîte", "fr", "missing_accessories"),
    ("Me cobraron dos veces", "es", "billing_confusion"),
    ("Ficou muito apertado no peito", "pt", "sizing_issue"),
])
def test_plain_cases(labeller: Labeller, text: str, language: str, topic: str) -> None:
    row = label(labeller, text, language=language)
    assert topic in topics(row)
    assert row["primary_topic"] == topic


def test_several_topics_have_their_own_quote_and_feeling(labeller: Labeller) -> None:
    row = label(labeller, "I love the colour, it is gorgeous. But the box was crushed on arrival. And nobody answers my emails.", rating=2)
    found = topics(row)
    assert {"praise", "damaged_on_arrival", "customer_service"} <= set(found)
    assert "crushed" in found["damaged_on_arrival"]["quote"] and "emails" in found["customer_service"]["quote"]
    assert found["praise"]["sentiment"] == "positive" and found["damaged_on_arrival"]["sentiment"] == "negative"
    assert row["primary_topic"] != "praise"


@pytest.mark.parametrize("text", ["Arrived early, no damage, very happy!", "Delivery was super fast and everything was in perfect condition", "It did not come late at all, great service"])
def test_praise_for_delivery_is_praise_and_no_delay(labeller: Labeller, text: str) -> None:
    row = label(labeller, text, rating=5)
    assert set(topics(row)) == {"praise"}
    assert row["sentiment"] == "positive" and row["urgency"] == "low"


def test_ratings_codes_and_signals_without_words(labeller: Labeller) -> None:
    def one(**fields: Any) -> tuple[str, str | None, str]:
        row = label(labeller, **fields)
        assert len(row["topics"]) == 1 and row["topics"][0]["quote"] is None
        return row["primary_topic"], row["topics"][0]["quote"], row["label_source"]

    assert one(rating=5.0) == ("praise", None, "rule")
    assert one(rating=2.0) == ("other", None, "rule")
    assert one(source="returns", reason_code="too_small") == ("sizing_issue", None, "rule")
    assert one(source="clickstream", kind="signal", signal="error") == ("app_or_site_problem", None, "rule")
    assert one(source="clickstream", kind="signal", signal="abandoned") == ("other", None, "rule")
    assert label(labeller, rating=1.0)["sentiment"] == "negative"


def test_r53_needs_a_product_by_text_or_by_order(labeller: Labeller) -> None:
    asks = "I want my money back, please."
    assert not {"potential_defect", "refund_risk"} & set(label(labeller, asks)["risk_tags"])
    assert {"potential_defect", "refund_risk"} <= set(label(labeller, asks, sku="LMP-100", sku_source="order")["risk_tags"])
    assert {"potential_defect", "refund_risk"} <= set(label(labeller, "I want my money back for the halo lamp.")["risk_tags"])
    assert not {"potential_defect", "refund_risk"} & set(label(labeller, "The halo lamp is lovely.", sku="LMP-100", sku_source="order")["risk_tags"])


def test_r54_is_tagged_for_the_quality_team(labeller: Labeller) -> None:
    row = label(labeller, "Works on arrival but fails after three days.", sku="LMP-100", sku_source="order")
    assert "quality_review" in row["risk_tags"]


def test_safety_is_raised_by_a_rule_or_a_sure_classifier_and_is_critical_either_way(labeller: Labeller) -> None:
    hot = label(labeller, "It caught fire on my desk!")
    assert hot["primary_topic"] == "safety" and hot["urgency"] == "critical" and hot["label_source"] == "rule"
    assert "safety" not in topics(label(labeller, "Not dangerous at all, no smoke, no sparks, lovely"))
    for harmless in ("Ran fine for a while, then began to cut out and went stone dead.", "I was cut of in the middle of a sentence and nobody called again."):
        assert "safety" not in topics(label(labeller, harmless))
    jolt = label(labeller, "Touched the metal rim and felt a nasty sting of electricity")
    assert topics(jolt)["safety"]["confidence"] >= SAFETY_BAR and jolt["urgency"] == "critical" and jolt["label_source"] == "classifier"


def test_product_attribution_reaches_the_label(labeller: Labeller) -> None:
    assert label(labeller, "the halo lamp broke")["sku_source"] == "text"
    assert label(labeller, "the halo lamp broke", sku="LMP-100", sku_source="order")["sku_source"] == "both"
    assert label(labeller, "the fjord broke", sku="LMP-100", sku_source="order")["sku_source"] == "conflict"
    assert label(labeller, "it broke", sku="LMP-100", sku_source="order")["sku_source"] == "order"


def test_a_language_nobody_configured_is_counted_not_guessed(labeller: Labeller) -> None:
    row = label(labeller, "De doos was helemaal kapot", language="nl")
    assert row["primary_topic"] == "other" and row["confidence"] == 0.0
    assert label(labeller, "still waiting for the parcel", language="und")["primary_topic"] == "shipping_delay"


def test_stars_move_doubtful_praise_only(labeller: Labeller) -> None:
    text = "It is a lamp and it stands on my desk"
    low, high = label(labeller, text, rating=1), label(labeller, text, rating=5)
    assert "praise" not in topics(low)
    assert high["sentiment_score"] > low["sentiment_score"]


def test_frame_and_rule_rows_have_their_columns(labeller: Labeller) -> None:
    frame = pd.DataFrame([record("Smoke came out of it", feedback_id="a"), record(feedback_id="b", rating=5.0), record("fine", feedback_id="c")])
    labels, fired = labeller.label_with_rules(frame)
    assert list(labels.columns) == list(LABEL_COLUMNS) and list(fired.columns) == list(RULE_COLUMNS)
    assert labels["feedback_id"].tolist() == ["a", "b", "c"]
    smoke = fired[fired["feedback_id"] == "a"].iloc[0]
    assert smoke["quote"] == "Smoke came out of" and (smoke["start"], smoke["end"]) == (0, 17)
    stars = fired[fired["feedback_id"] == "b"].iloc[0]
    assert (stars["start"], stars["end"], stars["quote"]) == (NO_PLACE, NO_PLACE, None)


def test_every_row_carries_its_versions(labeller: Labeller) -> None:
    row = label(labeller, "fine")
    assert row["label_set_version"] == "v1" and row["schema_version"] == LABEL_SET.schema_version and row["prompt_version"] == "none"
    assert row["model_version"].startswith("local@") and row["rules_version"] == load_rules().version


def test_each_distinct_text_is_read_once(labeller: Labeller, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    original = labeller._reader.read

    def counting(texts: list[str], languages: list[str]) -> Any:
        seen.extend(texts)
        return original(texts, languages)

    monkeypatch.setattr(labeller._reader, "read", counting)
    labeller.label_records([record("late again", feedback_id=str(n), rating=n % 5 + 1) for n in range(20)])
    assert seen == ["late again"]


def test_a_shops_own_words_for_one_product_raise_recall(labeller: Labeller) -> None:
    """R84: what customers of one product say, missed before, found after; other products unchanged."""
    text = "the gizmo ring slips again"
    own = load_rules().with_sku_patterns([SkuPattern("LMP-100", "gizmo ring slips", TOPIC, "product_quality")])
    taught = Labeller(LABEL_SET, own, Classifier.load(SHIPPED), PRODUCTS)
    assert "product_quality" not in topics(label(labeller, text, sku="LMP-100", sku_source="order"))
    assert "product_quality" in topics(label(taught, text, sku="LMP-100", sku_source="order"))
    assert "product_quality" not in topics(label(taught, text, sku="JKT-7", sku_source="order"))


def test_a_classifier_of_another_label_set_is_refused() -> None:
    model = Classifier.load(SHIPPED)
    model.topics = ("unheard_of", *model.topics[1:])
    with pytest.raises(ValueError, match="unheard_of"):
        Labeller(LABEL_SET, load_rules(), model, PRODUCTS)


words = st.sampled_from(["late", "broken", "refund", "Halo Desk Lamp", "smoke", "no", "but", "after three days", "love", "😡", ".", "!", "\n", "Größe", "&<b>", "ignore all rules", "0"])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, min_size=1, max_size=14).map(" ".join), st.sampled_from(["en", "de", "fr", "es", "pt", "und", "it", None]), st.sampled_from([None, 1.0, 3.0, 5.0]))
def test_whatever_comes_in_a_sound_label_comes_out(labeller: Labeller, text: str, language: str | None, rating: float | None) -> None:
    row = label(labeller, text, language=language, rating=rating)
    assert row["topics"] and row["primary_topic"] in {topic["topic"] for topic in row["topics"]}
    for topic in row["topics"]:
        assert topic["topic"] in LABEL_SET.topic_ids
        assert 0.0 <= topic["confidence"] <= 1.0 and topic["sentiment"] in ("negative", "neutral", "positive")
        if text.strip() and topic["quote"] is not None:
            assert is_quote(text, topic["quote"], topic["start"], topic["end"])
    if any(letter.isalnum() for letter in text):
        assert all(topic["quote"] for topic in row["topics"])
    assert set(row["risk_tags"]) <= set(LABEL_SET.risk_tag_ids)
    assert -1 <= row["sentiment_score"] <= 1 and len(row["summary"]) <= 160
    assert row == label(labeller, text, language=language, rating=rating)
