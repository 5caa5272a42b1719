"""What reviews are worth: which answer stands, weights of a half-done round, agreement by hand, calibration, and the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insights_assets.labels.evaluation import calibration_error, expected_error, reliability
from insights_assets.labels.review import measured, readers, standing, values_in_force
from insights_assets.labels.review_agreement import agreement, alpha, masi, nominal, ordered
from insights_assets.labels.review_report import render, report
from insights_assets.resources.operations import Operations, open_operations


@pytest.fixture
def operations(tmp_path: Path) -> Operations:
    made = open_operations(f"sqlite:///{tmp_path / 'operations.db'}")
    made.migrate()
    return made


def say(operations: Operations, record: str, topics: list[str] | None, by: str = "ana", said: str | None = "safety", **asked: Any) -> None:
    before = {"weight": 1.0, "model_version": "clf@1", **asked, **({"topics": [said], "confidences": {said: 0.8}} if said else {})}
    operations.corrections.add_many([{"feedback_id": record, "field": "topics", "value": topics, "previous_value": before}], by=by, through="test")


def test_the_newest_answer_is_in_force_until_it_is_taken_back(operations: Operations) -> None:
    say(operations, "F1", ["safety"])
    say(operations, "F1", ["price_value"], by="bob", said=None, weight=0.0)
    assert values_in_force(operations.corrections.all()) == {"F1": {"topics": ["price_value"]}} and readers(operations.corrections.all()) == {"F1": 2}
    say(operations, "F1", None, by="bob", said=None)
    assert values_in_force(operations.corrections.all()) == {"F1": {"topics": ["safety"]}} and readers(operations.corrections.all()) == {"F1": 1}
    say(operations, "F1", None)
    assert standing(operations.corrections.all()) == {} and len(operations.corrections.all()) == 4


def test_a_person_may_return_to_an_earlier_answer_but_an_older_sheet_again_says_nothing(operations: Operations) -> None:
    say(operations, "F1", ["safety"], sheet="one")
    say(operations, "F1", ["price_value"], sheet="two")
    say(operations, "F1", ["safety"], sheet="one")
    assert values_in_force(operations.corrections.all())["F1"]["topics"] == ["price_value"]
    say(operations, "F1", ["safety"])
    assert values_in_force(operations.corrections.all())["F1"]["topics"] == ["safety"]


def test_a_record_that_two_read_is_measured_once_with_what_the_label_said_first(operations: Operations) -> None:
    say(operations, "F1", ["safety"], weight=10.0)
    say(operations, "F1", ["price_value"], by="bob", said=None, weight=0.0)
    [one] = measured(operations.corrections.all(), {}, None)
    assert (one.said, one.right, one.weight) == ({"safety"}, {"price_value"}, 10.0)


def test_weights_of_a_half_done_round_still_add_up_to_all_records(operations: Operations) -> None:
    for n in range(10):
        say(operations, f"S{n}", ["safety"], stratum="safety", stratum_size=400, weight=10.0)
    for n in range(20):
        say(operations, f"P{n}", ["praise"], said="praise", stratum="praise", stratum_size=20, weight=1.0)
    found = measured(operations.corrections.all(), {}, None)
    total = {name: sum(one.weight for one in found if one.asked["stratum"] == name) for name in ("safety", "praise")}
    assert total == {"safety": 400.0, "praise": 20.0}


def test_none_of_these_is_neither_found_nor_missed(operations: Operations) -> None:
    say(operations, "F1", ["other"], said="other")
    [one] = measured(operations.corrections.all(), {}, None)
    assert one.said == one.right == frozenset()


def test_alpha_is_the_textbooks() -> None:
    """Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, example C: 4 observers, 12 units, nominal alpha 0.743."""
    rows = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
    units = [[value for value in column if value != "."] for column in zip(*(row.split() for row in rows), strict=True)]
    assert alpha(units, nominal) == pytest.approx(0.743, abs=1e-3)
    assert alpha([["a"], ["b"]], nominal) is None and alpha([["a", "a"], ["a", "a"]], nominal) == 1.0


def test_agreement_by_chance_is_none_and_sets_and_ranks_count_by_distance() -> None:
    rng = np.random.default_rng(3)
    chance = alpha(rng.integers(0, 4, (4_000, 2)).tolist(), nominal)
    assert chance is not None and abs(chance) < 0.03
    assert masi(frozenset("ab"), frozenset("ab")) == 0.0 and masi(frozenset("ab"), frozenset("a")) == pytest.approx(2 / 3) and masi(frozenset("a"), frozenset("b")) == 1.0
    assert ordered("low", "critical") > ordered("high", "critical")


def test_two_readers_are_compared_by_field(operations: Operations) -> None:
    for n in range(40):
        say(operations, f"F{n}", ["safety"] if n % 2 else ["praise"])
        say(operations, f"F{n}", ["safety"] if n % 2 or n == 0 else ["praise"], by="bob", said=None, weight=0.0)
    topics = agreement(standing(operations.corrections.all()).values())[0]
    assert (topics.field, topics.n, topics.raw) == ("topics", 40, 0.975) and topics.alpha is not None and 0.94 < topics.alpha < 0.96


def test_the_reliability_table_has_15_bins_intervals_and_the_error_by_hand() -> None:
    said = [(0.95, True, 1.0)] * 90 + [(0.95, False, 1.0)] * 10 + [(0.5, True, 3.0)] * 20 + [(0.5, False, 1.0)] * 20 + [(0.1, True, 0.0)]
    low, high = reliability(said)
    assert (low.n, low.stated, low.right) == (40, 0.5, 0.75) and (high.n, high.right) == (100, 0.9)
    assert high.right_low < 0.9 < high.right_high and round(high.high - high.low, 3) == 0.067
    assert expected_error([low, high]) == pytest.approx((80 * 0.25 + 100 * 0.05) / 180, abs=1e-4)
    even = [(stated, right, 1.0) for stated, right, _ in said[:-1]]
    assert expected_error(reliability(even)) == calibration_error(np.array([one[0] for one in even]), np.array([one[1] for one in even]), 15)
    assert reliability([]) == [] and expected_error([]) is None


def test_the_report_uses_the_random_part_alone_and_says_too_few(operations: Operations) -> None:
    for n in range(60):
        say(operations, f"R{n}", ["safety"], asked="stratified", language="de" if n % 2 else "en", channel="app", is_blind=n < 10)
        say(operations, f"D{n}", ["price_value"], weight=0.0, asked="uncertain", language="en", channel="app")
    rows = operations.corrections.all()
    found = report(standing(rows).values(), measured(rows, {}, None), ["safety", "price_value"], 30)
    safety, price = found["topics"]
    assert (found["reviewed"], found["measured"], safety["n"], safety["precision"]) == (120, 60, 60, 1.0), "the doubtful ones would have halved it"
    assert price["precision"] is None and price["too_few"] and found["by_part"] == {"stratified": 60, "uncertain": 60}
    assert [(one["name"], one["records"]) for one in found["languages"]] == [("de", 30), ("en", 30)]
    assert found["calibration"]["ece"] == pytest.approx(0.2) and found["sway"]["shown"]["n"] == 50 and found["sway"]["blind"]["share"] is None
    text = render(found)
    assert "too few (0 of 30)" in text and "expected error 0.200" in text and "label blind: too few (10 of 30)" in text
    assert "Nothing is reviewed yet" in render(report([], [], ["safety"], 30))


def test_the_reliability_plot_fits_into_dagsters_page() -> None:
    from insights_assets.resources.previews import SHOWN_IN_PLACE
    from insights_assets.resources.previews import reliability as plot

    full = plot([(n / 15 + 0.03, n / 15) for n in range(15)], "How sure labels are (across) against how often reviewers kept them (up); expected error 0.123 over 12,345 topics given")
    assert "![plot]" in full.value and len(full.value) < SHOWN_IN_PLACE
    assert "nothing to show" in plot([], "x").value
