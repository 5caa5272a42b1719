"""The quantiles and tails of `statistics.py` are those of `scipy.stats`, which the product does not import because of what that costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from insights_assets.anomalies.statistics import count_quantile, gamma_quantile, student_quantile, student_tail

_MEANS = st.floats(0.05, 50_000.0)
_SPREADS = st.sampled_from((0.01, 0.15, 0.5)) | st.floats(0.005, 0.5)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from((0.0005, 0.1, 0.9, 0.9995)), _MEANS, _SPREADS)
def test_count_quantile(p: float, mean: float, spread: float) -> None:
    size = 1.0 / spread
    assert count_quantile(p, size, size / (size + mean)) == stats.nbinom(size, size / (size + mean)).ppf(p)


def test_count_quantile_of_many_means() -> None:
    means = np.array([0.05, 1.0, 7.5, 120.0])
    found = count_quantile(0.9, 4.0, 4.0 / (4.0 + means))
    assert found.tolist() == stats.nbinom(4.0, 4.0 / (4.0 + means)).ppf(0.9).tolist()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from((0.1, 0.5)), st.floats(0.5, 5_000.0), st.floats(0.001, 100.0))
def test_gamma_quantile(p: float, shape: float, scale: float) -> None:
    assert gamma_quantile(p, shape, scale) == pytest.approx(stats.gamma.ppf(p, shape, scale=scale), rel=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.floats(-40.0, 40.0), st.integers(1, 60))
def test_student(t: float, freedom: int) -> None:
    assert student_tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), rel=1e-12)
    assert student_quantile(0.975, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-12)
