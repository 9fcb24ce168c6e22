"""Ramps: clipped, monotone, exact at their ends, whatever the size of the numbers."""

import numpy as np
import pytest

from cvxnn.encoding.ramps import Ramps


def test_ramps_are_what_their_formula_says():
    knots = [np.array([0.0, 2.0, 3.0]), np.empty(0), np.array([-1.0, 1.0])]
    X = np.random.default_rng(0).uniform(-3, 5, (50, 3))
    ramps = Ramps.between(knots)
    assert ramps.columns.tolist() == [0, 0, 2]
    expected = [np.clip(X[:, 0] / 2, 0, 1), np.clip(X[:, 0] - 2, 0, 1), np.clip((X[:, 2] + 1) / 2, 0, 1)]
    np.testing.assert_allclose(ramps.beside(X), np.column_stack([X, *expected]), atol=1e-15)


def test_no_knots_leave_the_data_as_they_are():
    X = np.eye(3)
    assert len(Ramps.between([np.empty(0)] * 3)) == 0
    np.testing.assert_array_equal(Ramps.between([np.empty(0)] * 3).beside(X), X)


@pytest.mark.parametrize("unit", [5e-324, 1e-300, 1.0, 1e300, 1.7e308])
def test_ends_are_exact_and_what_is_beyond_is_clipped(unit):
    start, end = -unit, unit
    x = np.array([[start], [0.0], [end], [-1.79e308], [1.79e308]])
    values = Ramps.between([np.array([start, end])]).beside(x)[:, 1]
    np.testing.assert_array_equal(values[[0, 2, 3, 4]], [0.0, 1.0, 0.0, 1.0])
    assert values[1] == pytest.approx(0.5)
