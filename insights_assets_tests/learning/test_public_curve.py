"""The learning curve of `make eval-labels`: what is judged is never learned from, and a review changes only what the set judges."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.label_curve import curve, drawn_for_review, labeller_of, reviews, rows_said, sides
from benchmarks.label_lines import best_f1, f1_of, supervised
from benchmarks.labels import interval, page
from insights_assets.labels.build import SHIPPED
from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.public_sets import TONES, PublicSet, PublicText
from insights_assets_tests.learning.newspeak import complaints

NEW = tuple(PublicText(text, "en", frozenset({"product_quality"})) for text in complaints(200))
CALM = tuple(PublicText(f"My parcel number {n} is two weeks late", "en", frozenset()) for n in range(200))
DEVICES = PublicSet("devices", "reviews", NEW + CALM, ("product_quality",))


@pytest.fixture(scope="module")
def shipped() -> Labeller:
    return labeller_of(Classifier.load(SHIPPED))


def test_no_text_is_on_both_sides_and_seeds_differ() -> None:
    learn, judge = sides(DEVICES, 1)
    assert len(learn) + len(judge) == len(DEVICES.texts) and not {text.text for _, text in learn} & {text.text for text in judge}
    assert {text.text for _, text in learn} != {text.text for _, text in sides(DEVICES, 2)[0]}


def test_every_beginning_of_the_draw_has_the_rare_and_the_common() -> None:
    learn = sides(DEVICES, 1)[0]
    said = ["rare" if n in (90, 91) else "common" for n in range(len(learn))]
    drawn = drawn_for_review(learn, said, 10)
    assert len({group for group, _ in drawn}) == 10
    assert learn[90] in drawn and learn[0] in drawn


def test_a_review_leaves_topics_that_the_set_does_not_judge(shipped: Labeller) -> None:
    late = PublicSet("late", "reviews", CALM[:3], ("product_quality",))
    for one in reviews(late, shipped, [(f"g{n}", text) for n, text in enumerate(late.texts)]):
        assert one.right == ("shipping_delay",) and not one.contradicts
    tones = PublicSet("tones", "social", (PublicText("Der Karton war da", "de", frozenset({"positive"})),), TONES)
    [one] = reviews(tones, shipped, [("g", tones.texts[0])])
    assert one.sentiment == "positive" and one.right == one.said


def test_the_curve_rises_where_reviews_teach(shipped: Labeller) -> None:
    points = {point.size: point for point in curve(DEVICES, shipped, [1, 2], sizes=(0, 60, 10_000))}
    assert set(points) == {0, 60}, "a size that the set has not is left out"
    assert points[60].mean > points[0].mean + 0.2 and len(points[60].macro_f1) == 2


def test_lines_and_intervals(shipped: Labeller) -> None:
    assert supervised(DEVICES) == pytest.approx(1.0, abs=0.02)
    assert best_f1(np.array([0.1, 0.9, 0.2]), np.array([False, True, False])) == 1.0
    assert f1_of(np.array([True, True]), np.array([True, False])) == pytest.approx(2 / 3)
    said = [{topic["topic"] for topic in row["topics"]} for row in rows_said(shipped, DEVICES, DEVICES.texts)]
    low, high = interval(DEVICES, said)
    assert 0 <= low < high <= 1 and interval(DEVICES, said) == (low, high)


def test_the_page_says_whether_the_aim_is_reached() -> None:
    one = {
        "set": "devices", "kind": "topics", "texts": 400, "names": 1, "interval": (0.1, 0.2), "supervised": 0.9, "supervised_of_the_issue": None, "aim": {"0": 0.9, "200": 0.95},
        "curve": {"0": {"mean": 0.5, "spread": 0.01}, "200": {"mean": 0.96, "spread": 0.01}}, "reached": {"0": False, "200": True},
    }  # fmt: skip
    said = page([one], [1])
    assert "0: no, wanted 0.900; 200: yes" in said and "supervised 0.900" in said and "pip install" in said
