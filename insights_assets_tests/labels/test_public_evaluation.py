"""Public evaluation: sets are read and mapped as their files say, and the local path holds its figures on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from insights_assets.labels.build import SHIPPED
from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.public_evaluation import evaluate_tones, evaluate_topics, report
from insights_assets.labels.public_sets import PublicSet, PublicText, tone_sets, topic_map, topic_sets
from insights_assets.labels.rules import load_rules


@pytest.fixture(scope="module")
def labeller() -> Labeller:
    return Labeller(load_label_set(), load_rules(), Classifier.load(SHIPPED), [])


def small_folder(folder: Path) -> Path:
    (folder / "topic_map.csv").write_text(
        "dataset,label,sentiment,topic\nmabsa_phone,Logistics#Speed,negative,shipping_delay\nmabsa_phone,Price#*,negative,price_value\n"
        "oats_amazon_ff,food quality,negative,product_quality\nacos_laptop,WARRANTY#*,negative,returns_and_warranty\n"
        "absa_mens_tshirt,size|fit,negative,sizing_issue\nbitext_support_intents,get_refund,,returns_and_warranty\n",
        "utf-8",
    )
    (folder / "mabsa_phone").mkdir()
    rows = [
        {"text": "still waiting for my parcel", "triplets": [["x", "Logistics#Speed", "negative"]]},
        {"text": "way too expensive", "triplets": [["x", "Price#Price", "negative"], ["x", "Logistics#Speed", "positive"]]},
    ] * 10
    (folder / "mabsa_phone" / "en.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return folder


def test_the_map_speaks_our_names_and_its_patterns_and_tones_decide(tmp_path: Path) -> None:
    folder = small_folder(tmp_path)
    assert topic_map(folder)["acos_laptop"] == [("WARRANTY#*", "negative", "returns_and_refunds")]
    assert [label for label, _, _ in topic_map(folder)["absa_mens_tshirt"]] == ["size", "fit"]
    [phones] = topic_sets(folder)
    assert phones.names == ("price_value", "shipping_delay")
    assert [text.truth for text in phones.texts[:2]] == [{"shipping_delay"}, {"price_value"}]


def test_figures_are_of_the_judged_topics_alone(labeller: Labeller, tmp_path: Path) -> None:
    [figures] = evaluate_topics(labeller, topic_sets(small_folder(tmp_path)))
    assert {one.topic: (one.actual, one.f1) for one in figures.qualities} == {"price_value": (10, 1.0), "shipping_delay": (10, 1.0)}
    assert figures.macro_f1 == 1.0
    never = PublicSet("x", "reviews", (PublicText("way too expensive", "en", frozenset({"safety"})),), ("safety",))
    assert evaluate_topics(labeller, [never])[0].macro_f1 == 0.0


def test_an_empty_folder_is_said_plainly(labeller: Labeller, tmp_path: Path) -> None:
    assert report(labeller, tmp_path).startswith("no public data below")


@pytest.mark.slow
def test_the_local_path_on_data_nobody_here_wrote(labeller: Labeller, shared: Path) -> None:
    """Floors a little below what was reached; nearest phrase by MiniLM has 0.19, 0.14 and 0.48 on the first three."""
    found = {one.name: one.macro_f1 for one in evaluate_topics(labeller, topic_sets(shared / "data"))}
    floors = {"mabsa_phone": 0.24, "oats_amazon_ff": 0.19, "bitext": 0.58, "acos_laptop": 0.25, "absa_mens_tshirt": 0.48, "banking77": 0.66, "google_play": 0.52}
    assert not {name: found[name] for name, floor in floors.items() if found[name] < floor}
    tones = {one.name: one.macro_f1 for one in evaluate_tones(labeller, tone_sets(shared / "data"))}
    floors = {"umsab en": 0.44, "umsab de": 0.42, "umsab fr": 0.35, "umsab es": 0.48, "umsab pt": 0.50, "airline_tweets": 0.60, "womens_clothing": 0.47}
    assert not {name: tones[name] for name, floor in floors.items() if tones[name] < floor}
