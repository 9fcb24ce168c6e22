"""Least-norm problems in a box, against their optimality conditions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.cones import least_norm_in_box


def violation(rows, linear, lower, upper, m):
    """Return how far the slopes are from the signs that a minimum asks for, in units of the terms' sizes."""
    slopes = rows @ (linear + rows.T @ m)
    wrong = np.where(
        m <= lower, np.minimum(slopes, 0.0), np.where(m >= upper, np.maximum(slopes, 0.0), slopes)
    )
    size = np.linalg.norm(rows, axis=1) * (np.linalg.norm(linear) + np.linalg.norm(rows.T @ m))
    return np.max(np.abs(wrong) / size, initial=0.0)


@given(seed=st.integers(0, 10**6), k=st.integers(0, 12), scale=st.sampled_from([1e-150, 1e-8, 1.0, 1e150]))
def test_multipliers_are_those_of_the_shortest_vector(seed, k, scale):
    rng = np.random.default_rng(seed)
    rows, linear = (
        rng.standard_normal((k, 3)) * 10.0 ** rng.integers(-3, 4, (k, 1)),
        scale * rng.standard_normal(3),
    )
    # boxes in which some multipliers end inside and some at a bound
    lower, upper = -scale * rng.uniform(size=k), scale * rng.uniform(size=k)
    m = least_norm_in_box(rows, linear, lower, upper)
    assert np.all((m >= lower) & (m <= upper))
    # bounded-variable least squares pivots exactly: rounding of sums of at most twelve terms
    assert violation(rows, linear, lower, upper, m) <= 1e-12
    if k > 1:
        inner = 0.5 * (lower + upper)
        assert violation(rows, linear, lower, upper, inner) > 1e-12  # the middle of the box is not it


@given(seed=st.integers(0, 10**6))
def test_a_start_changes_the_work_and_not_the_vector(seed):
    rng = np.random.default_rng(seed)
    rows, linear = rng.standard_normal((40, 3)), rng.standard_normal(3)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    lower, upper = -rng.uniform(size=40), np.zeros(40)
    fast = least_norm_in_box(rows, linear, lower, upper, rng.standard_normal(3))
    slow = least_norm_in_box(rows, linear, lower, upper)
    # the vector is unique, multipliers need not be; 1e-11 of the start's length is not worth another round
    np.testing.assert_allclose(linear + fast @ rows, linear + slow @ rows, atol=1e-9)


def test_rows_that_cannot_matter_stay_at_their_lower_bound():
    rows = np.array([[0.0, 0.0], [1.0, 0.0]])
    found = least_norm_in_box(rows, np.array([-0.5, 1.0]), np.zeros(2), np.ones(2))
    assert found == pytest.approx([0.0, 0.5])
    assert least_norm_in_box(rows, np.zeros(2), np.zeros(2), np.ones(2)) == pytest.approx([0.0, 0.0])
