"""Separability by a ReLU network: the exact test, its conflicts, and what the program finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import enumerate_patterns
from cvxnn.margin.columns import solve_blocks
from cvxnn.margin.separating import require_separable, separability
from cvxnn.margin.widest import max_margin
from cvxnn.programs import MaxMarginProgram
from cvxnn.theorems import HypothesisError

seeds = st.integers(0, 2**32 - 1)


def feasible(X, y):
    """Whether the program on all patterns has a solution, by the interior-point method."""
    try:
        solution = solve_blocks(MaxMarginProgram(X, y, enumerate_patterns(X)))
    except ArithmeticError:
        return False
    return bool(np.min(solution.program.margins(solution.W)) > 0.9)


@given(seed=seeds)
def test_the_linear_program_agrees_with_the_convex_one(seed):
    """Small integers: many equal and opposite rows, about half of the draws not separable."""
    rng = np.random.default_rng(seed)
    X, y = rng.integers(-1, 2, (6, 2)).astype(float), rng.choice([-1.0, 1.0], 6)
    found = separability(X, y)
    if np.all(np.any(X != 0, axis=1)):
        assert found.is_separable == feasible(X, y)
    # A conflict is a proof: the combination vanishes on any neuron, to rounding.
    U = rng.standard_normal((2, 50))
    np.testing.assert_allclose((found.conflict * y) @ np.maximum(X @ U, 0.0), 0.0, atol=1e-9)
    assert np.all(found.conflict >= 0)
    assert found.is_separable == (not np.any(found.conflict))


def test_what_is_not_separable_is_refused_by_name():
    with pytest.raises(HypothesisError, match=r"positive multiples .* opposite labels; rows 0 and 2"):
        max_margin([[1.0, 2.0], [1.0, 0.0], [2.0, 4.0]], [1.0, 1.0, -1.0])
    with pytest.raises(HypothesisError, match="row of X may be zero; row 1 is"):
        require_separable([[1.0, 2.0], [0.0, 0.0]], [1.0, 1.0])
    angles = 2 * np.pi * np.arange(3) / 3
    rows = np.c_[np.cos(angles), np.sin(angles)]
    # f(x) - f(-x) is linear in x, and these rows sum to zero.
    with pytest.raises(HypothesisError, match="may vanish for all u; one of rows 0, 1, 2, 3, 4, 5 does"):
        max_margin(np.r_[rows, -rows], np.r_[np.ones(3), -np.ones(3)])
    assert separability(np.r_[rows[:2], -rows], np.r_[np.ones(2), -np.ones(3)]).is_separable


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_changes_nothing(scale):
    X, y = np.array([[1.0, 2.0], [1.0, 0.0], [2.0, 4.0]]), np.array([1.0, 1.0, -1.0])
    assert not separability(scale * X, y).is_separable
    assert separability(scale * X, np.abs(y)).is_separable


def test_opposite_rows_with_opposite_labels_are_separable():
    """Planted fault: a test of parallel rows that forgets their orientation."""
    assert separability([[1.0, 1.0], [-2.0, -2.0]], [1.0, -1.0]).is_separable
