"""R2 and root mean squares, against scikit-learn's and at scales whose squares overflow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import r2_score, root_mean_squared_error

from cvxnn.statistics import r_squared, root_mean_square


@given(seed=st.integers(0, 10**6), n=st.integers(2, 20))
def test_they_are_scikit_learns(seed, n):
    rng = np.random.default_rng(seed)
    y = 100.0 + rng.standard_normal(n)
    f = y + rng.standard_normal(n)
    # the mean of numbers of size 100 and spread 1 has two digits less
    assert r_squared(y, f) == pytest.approx(r2_score(y, f), rel=1e-9, abs=1e-9)
    assert root_mean_square(y - f) == pytest.approx(root_mean_squared_error(y, f), rel=1e-12)
    assert r_squared(y, y) == 1.0
    assert r_squared(y, f[::-1]) < 1.0


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e200])
def test_they_know_no_scale(scale):
    y, f = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    assert r_squared(scale * y, scale * f) == pytest.approx(r_squared(y, f), rel=1e-13)
    assert root_mean_square(scale * y) / scale == pytest.approx(root_mean_square(y), rel=1e-13)


def test_constant_truths_have_no_r_squared():
    assert np.isnan(r_squared(np.ones(3), np.zeros(3)))
    assert root_mean_square(np.zeros(3)) == 0.0
