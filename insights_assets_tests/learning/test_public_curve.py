"""The learning curve of `make eval-labels`: what is judged is never learned from, and a review changes only what the set judges."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.label_curve import curves, labeller_of, reviews, rows_said, sides
from benchmarks.label_draws import QUEUE, RANDOM, Drawn, drawn
from benchmarks.label_lines import best_f1, f1_of, supervised
from benchmarks.label_plot import plot
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


def test_as_they_come_is_a_plain_draw(shipped: Labeller) -> None:
    learn = sides(DEVICES, 1)[0]
    assert drawn(RANDOM, learn, (), 10, "reviews") == [Drawn(group, text, 1.0) for group, text in learn[:10]]


@pytest.mark.slow
def test_the_queue_asks_for_the_least_certain_and_measures_by_topic(shipped: Labeller, spark: object) -> None:
    learn = sides(DEVICES, 1)[0]
    rows = [row | {"confidence": n / 1_000, "primary_topic": "safety" if n in (90, 91) else "praise", "urgency": "normal"} for n, row in enumerate(rows_said(shipped, DEVICES, [text for _, text in learn]))]
    found = drawn(QUEUE, learn, rows, 40, "reviews")
    assert len(found) == 40 == len({own.group for own in found})
    place = {group: n for n, (group, _) in enumerate(learn)}
    assert {90, 91} & {place[own.group] for own in found[:10]}, "a rare topic is among the first"
    measured, doubtful = ([place[own.group] for own in found if (own.weight > 0) == is_measured] for is_measured in (True, False))
    assert len(measured) == pytest.approx(40 * 0.3 / 0.8, abs=1) and np.mean(doubtful) < np.mean(measured), "the doubtful half is the least certain"


def test_a_review_leaves_topics_that_the_set_does_not_judge(shipped: Labeller) -> None:
    late = PublicSet("late", "reviews", CALM[:3], ("product_quality",))
    for one in reviews(late, shipped, [Drawn(f"g{n}", text, 1.0) for n, text in enumerate(late.texts)]):
        assert one.right == ("shipping_delay",) and not one.contradicts
    tones = PublicSet("tones", "social", (PublicText("Der Karton war da", "de", frozenset({"positive"})),), TONES)
    [one] = reviews(tones, shipped, [Drawn("g", tones.texts[0], 1.0)])
    assert one.sentiment == "positive" and one.right == one.said


def test_the_curve_rises_where_reviews_teach(shipped: Labeller) -> None:
    points = {point.size: point for point in curves(DEVICES, shipped, [1, 2], sizes=(0, 60, 10_000), draws=(RANDOM,))[RANDOM]}
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
        "curves": {way: {"0": {"mean": 0.5, "spread": 0.01}, "200": {"mean": high, "spread": 0.01}} for way, high in ((RANDOM, 0.91), (QUEUE, 0.96))},
        "reached": {RANDOM: {"0": False, "200": False}, QUEUE: {"0": False, "200": True}},
    }  # fmt: skip
    said = page([one], [1])
    assert "0: no, wanted 0.900; 200: yes" in said and "200: no, wanted 0.950" in said and "supervised 0.900" in said and "pip install" in said
    assert QUEUE in said and plot([one]) == plot([one]) and "by the queue" in plot([one])
