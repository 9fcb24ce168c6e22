"""Candidates in the order of their values."""

import numpy as np
import pytest

from cvxnn.function_spaces.oracles.ranking import as_dual, rank_neurons


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
