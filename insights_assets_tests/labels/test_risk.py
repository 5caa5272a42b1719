"""Risk of a label: what probabilities expect, the lead over what was not given, and a curve that must order better than either alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.labels.build import SHIPPED
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.risk import FEWEST, error_of, lead_of, risk_curve, risk_of


def texts(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(chance, whole, said, truth): three topics; probabilities half know whether the first is right, the lead in raw scores knows better."""
    draw = np.random.default_rng(seed)
    lead = draw.uniform(0, 1, count)
    whole = np.stack([lead / 2, -lead / 2, np.full(count, -2.0)], axis=1)
    chance = np.stack([0.5 + 0.2 * lead + draw.uniform(0.0, 0.25, count), draw.uniform(0.0, 0.3, count), np.full(count, 0.01)], axis=1)
    truth = np.zeros((count, 3), dtype=int)
    truth[np.arange(count), np.where(draw.random(count) < 0.4 + 0.6 * lead, 0, 1)] = 1
    said = np.zeros((count, 3), dtype=bool)
    said[:, 0] = True
    return chance, whole, said, truth


def test_the_lead_is_between_the_weakest_given_and_the_strongest_other() -> None:
    whole = np.array([[0.9, 0.4, -0.3]])
    assert lead_of(whole, np.array([[True, True, False]]))[0] == pytest.approx(0.7)
    assert lead_of(whole, np.array([[True, False, False]]))[0] == pytest.approx(0.5)
    assert lead_of(whole, np.array([[False, False, True]]))[0] == pytest.approx(-1.2), "a given topic may be behind"
    assert lead_of(whole, np.zeros((1, 3), dtype=bool))[0] == pytest.approx(-0.9), "nothing given: how far all are below zero"
    assert lead_of(whole, np.ones((1, 3), dtype=bool))[0] == pytest.approx(-0.3)
    by_rule = np.array([[True, True, False]])
    assert lead_of(whole, np.array([[True, False, True]]), by_rule)[0] == pytest.approx(0.5), "what a rule gave needs no score"


def test_a_curve_finds_faults_that_probabilities_do_not() -> None:
    curve = risk_curve(*texts(2_000))
    assert curve is not None and curve[0] >= 0 > curve[1]
    chance, whole, said, truth = texts(2_000, seed=1)
    wrong = (said != (truth == 1)).any(axis=1)
    expected, weighed = (risk_of(chance, whole, said, one) for one in (None, curve))
    assert np.array_equal(expected, error_of(chance, said))
    first = [wrong[np.argsort(-risk, kind="stable")[:300]].mean() for risk in (expected, weighed)]
    assert first[1] > first[0] + 0.15
    assert abs(weighed.mean() - wrong.mean()) < 0.03, "and says how many are wrong"


def test_too_few_faults_or_a_lead_that_speaks_for_them_give_no_curve() -> None:
    chance, whole, said, truth = texts(400)
    right = said.astype(int)
    assert risk_curve(chance, whole, said, right) is None
    right[: FEWEST - 1, 1] = 1
    assert risk_curve(chance, whole, said, right) is None
    assert risk_curve(chance, -whole, said, truth) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(-3, 3), st.booleans()), min_size=1, max_size=6))
def test_a_risk_is_a_probability_whatever_is_said(topics: list[tuple[float, float, bool]]) -> None:
    chance, whole, said = (np.array([column]) for column in zip(*topics, strict=True))
    for curve in (None, np.array([0.5, -2.4, 1.1])):
        assert 0 <= risk_of(chance, whole, said, curve)[0] <= 1


def test_a_model_keeps_its_curve_in_the_file_and_its_version_without_it(tmp_path: Path) -> None:
    shipped = Classifier.load(SHIPPED)
    model = replace(shipped, risk_curve=np.array([0.5, -2.4, 1.1]))
    model.save(tmp_path / "model")
    loaded = Classifier.load(tmp_path / "model")
    assert loaded.risk_curve is not None and loaded.risk_curve.tolist() == [0.5, -2.4, 1.1]
    assert loaded.model_version == shipped.model_version == replace(shipped, risk_curve=None).model_version
