"""Knots at quantiles: what weights mean, ties, signs, extreme sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.encoding.quantiles import quantile_knots

NUMBERS = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=40)


def by_definition(x, n_intervals):
    """Return the knots as NumPy's quantiles of the same convention give them."""
    if len(set(x)) < 3:
        return np.empty(0)
    shares = np.linspace(0, 1, n_intervals + 1)
    return np.unique(np.quantile(x, shares, method="averaged_inverted_cdf"))


@given(NUMBERS, st.sampled_from([1, 2, 4, 5, 8, 10]))
def test_knots_are_the_quantiles(numbers, n_intervals):
    x = np.array(numbers)
    shares = np.arange(1, n_intervals) / n_intervals
    ties = shares * len(x)
    if np.any(np.abs(ties - np.round(ties)) < 1e-9) and n_intervals not in (1, 2, 4, 8):
        return  # NumPy decides these by rounding
    np.testing.assert_allclose(quantile_knots(x, n_intervals), by_definition(x, n_intervals))


@given(NUMBERS, st.integers(1, 12), st.data())
def test_a_weight_is_a_number_of_copies(numbers, n_intervals, data):
    x = np.array(numbers)
    copies = np.array(data.draw(st.lists(st.integers(0, 4), min_size=len(x), max_size=len(x))))
    if not copies.any():
        copies[0] = 1
    repeated = quantile_knots(np.repeat(x, copies), n_intervals)
    np.testing.assert_array_equal(quantile_knots(x, n_intervals, copies.astype(float)), repeated)
    for scale in (1e-300, 0.3, 1e300):
        np.testing.assert_array_equal(quantile_knots(x, n_intervals, scale * copies), repeated)


@given(NUMBERS, st.integers(1, 12))
def test_minus_x_has_minus_the_knots(numbers, n_intervals):
    x = np.array(numbers)
    np.testing.assert_array_equal(quantile_knots(-x, n_intervals), -quantile_knots(x, n_intervals)[::-1])


def test_columns_of_two_values_have_no_knots():
    assert len(quantile_knots(np.array([0.0, 1.0, 1.0, 0.0]), 5)) == 0
    assert len(quantile_knots(np.array([-0.0, 1.0, 0.0]), 5)) == 0
    assert len(quantile_knots(np.full(5, 3.0), 5)) == 0
    # a third value of weight zero is none
    assert len(quantile_knots(np.array([0.0, 1.0, 2.0]), 5, np.array([1.0, 1.0, 0.0]))) == 0


def test_equal_quantiles_are_merged():
    x = np.concatenate([np.zeros(95), np.arange(1.0, 6.0)])
    np.testing.assert_array_equal(quantile_knots(x, 4), [0.0, 5.0])
    np.testing.assert_array_equal(quantile_knots(x, 20), [0.0, 0.5, 5.0])


@pytest.mark.parametrize("unit", [1e-308, 1.0, 1e308])
def test_numbers_of_any_size(unit):
    x = unit * np.array([-1.5, -1.0, 0.5, 1.5])
    np.testing.assert_allclose(quantile_knots(x, 2), unit * np.array([-1.5, -0.25, 1.5]))
