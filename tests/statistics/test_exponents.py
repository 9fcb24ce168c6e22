"""Exponents of power laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.statistics import log_log_slope


@given(exponent=st.floats(-3, 3), scale=st.sampled_from([1e-8, 1.0, 1e8]))
def test_power_laws_are_recovered(exponent, scale):
    sizes = np.array([3.0, 10.0, 80.0])
    slope = log_log_slope(sizes, scale * sizes[:, None] ** exponent * [1.0, 5.0])
    # rounding of logarithms of size 20
    assert slope.value == pytest.approx(exponent, abs=1e-12)
    assert slope.standard_error < 1e-12


def test_the_standard_error_is_that_of_the_mean():
    rng = np.random.default_rng(0)
    sizes = np.array([1.0, 2.0, 4.0, 8.0])
    fits = [log_log_slope(sizes, np.exp(rng.standard_normal((4, 10)))) for _ in range(400)]
    spread = np.std([fit.value for fit in fits])
    # the squared error is unbiased; over 400 fits its mean is known to some 4 %
    assert np.sqrt(np.mean([fit.standard_error**2 for fit in fits])) == pytest.approx(spread, rel=0.15)
    assert np.isnan(log_log_slope(sizes, sizes).standard_error)


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ([1, 2], [[1.0]], "values must have one row for each of the 2 sizes"),
        ([1, 0], [[1.0], [1.0]], "sizes must be > 0; found 0"),
        ([1, 2], [[1.0], [-1.0]], "values must be > 0; found -1"),
        ([2, 2], [[1.0], [1.0]], "sizes must not all be equal; got 2"),
    ],
)
def test_bad_values_are_named(sizes, values, message):
    with pytest.raises(ValueError, match=message):
        log_log_slope(sizes, values)
