"""How right labels are: figures by hand, intervals, gates that answer pass, fail or too few."""

from __future__ import annotations

import numpy as np
import pytest

from insights_assets.labels.evaluation import Judged, calibration_error, gate, micro, quality, wilson


def judged(said: str, right: str, count: int = 1, weight: float = 1.0) -> list[Judged]:
    return [Judged(frozenset(said.split()), frozenset(right.split()), weight)] * count


def test_precision_recall_and_f1_by_hand() -> None:
    records = judged("a", "a", 6) + judged("a", "b", 2) + judged("b", "a", 3) + judged("a b", "a b", 1)
    [a] = quality(records, ["a"])
    assert (a.predicted, a.actual) == (9, 10)
    assert a.precision == round(7 / 9, 4) and a.recall == 0.7
    assert a.f1 == pytest.approx(2 * (7 / 9) * 0.7 / (7 / 9 + 0.7), abs=1e-3)


def test_wilson_is_the_textbook_interval() -> None:
    assert wilson(0.9, 50) == pytest.approx((0.7864, 0.9565), abs=2e-3)
    assert wilson(1.0, 10)[0] < 1.0 and wilson(0.0, 0) == (0.0, 1.0)


def test_weights_count_and_narrow_less_than_records() -> None:
    even = quality(judged("a", "a", 40) + judged("a", "b", 10), ["a"])[0]
    uneven = quality(judged("a", "a", 40, 1.0) + judged("a", "b", 10, 4.0), ["a"])[0]
    assert even.precision == 0.8 and uneven.precision == 0.5
    assert uneven.precision_high - uneven.precision_low > even.precision_high - even.precision_low


def test_records_picked_for_their_doubt_carry_no_weight() -> None:
    assert quality(judged("a", "a", 5) + judged("a", "b", 50, 0.0), ["a"])[0].precision == 1.0


def test_a_topic_nobody_met_has_no_figures() -> None:
    nothing = quality(judged("a", "a"), ["z"])[0]
    assert nothing.precision is None and nothing.f1 is None


def test_the_gate_answers_pass_fail_or_too_few() -> None:
    def answer(records: list[Judged]) -> str:
        return gate(quality(records, ["a"])[0], precision_low=0.75, recall_low=0.65, reviewed=30)[0]

    assert answer(judged("a", "a", 60)) == "pass"
    assert answer(judged("a", "a", 20)) == "too_few"
    assert answer(judged("a", "a", 40) + judged("a", "b", 30)) == "fail"
    assert answer(judged("a", "a", 40) + judged("b", "a", 40)) == "fail"


def test_micro_counts_every_pair() -> None:
    found = micro(judged("a b", "a", 1) + judged("a", "a b", 1))
    assert found.precision == pytest.approx(2 / 3, abs=1e-3) and found.recall == pytest.approx(2 / 3, abs=1e-3)


def test_calibration_error_is_nought_when_right_and_large_when_boastful() -> None:
    rng = np.random.default_rng(1)
    chance = rng.random(20_000)
    assert calibration_error(chance, rng.random(20_000) < chance) < 0.02
    assert calibration_error(np.full(100, 0.95), np.zeros(100, bool)) == pytest.approx(0.95)
