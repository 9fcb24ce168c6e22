"""What oracles return."""

import numpy as np
import pytest

from cvxnn.function_spaces.oracles.neurons_found import NeuronsFound, as_dual, rank_neurons


def found(value, upper, method="angular sweep", rounding=0.0):
    return NeuronsFound(value, upper, np.zeros((1, 0)), np.zeros(0), np.zeros(0), method, rounding)


def test_exactness_allows_for_rounding_alone():
    assert found(1.0, 1.0 + 1e-9).is_exact
    assert not found(1.0, 1.01).is_exact
    assert not found(1.0, 1.0, "search").is_exact
    # a maximum of zero: no relative slack is left, the absolute one is
    assert not found(0.0, 1e-15).is_exact
    assert found(0.0, 1e-15, rounding=1e-15).is_exact


def test_neurons_are_ranked_with_their_better_sign_and_without_repeats():
    X, lam = np.eye(2), np.array([1.0, -3.0])
    ranked = rank_neurons(X, lam, np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]), 1, 0.0, "search")
    assert (ranked.values.tolist(), ranked.signs.tolist(), ranked.upper) == ([3.0, 1.0], [-1.0, 1.0], 3.0)
    many = rank_neurons(X, lam, np.eye(2), 1, 0.0, "search", limit=1)
    assert many.values.tolist() == [3.0]


def test_a_dual_variable_is_checked():
    np.testing.assert_array_equal(as_dual([1, 2], 2), [1.0, 2.0])
    for wrong in ([1.0], [[1.0, 2.0]], [1.0, np.nan], "ab"):
        with pytest.raises(ValueError, match="lam must"):
            as_dual(wrong, 2)
