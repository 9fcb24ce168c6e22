"""Projection onto one cone: Moreau's decomposition names it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.cones import cone_multipliers, project_on_cone


def is_projection(A, g, w, z):
    """Return whether w is in the cone, g + A^T z, and orthogonal to what was added, to rounding."""
    size = np.linalg.norm(g) + 1e-300
    feasible = np.min(A @ w, initial=0.0) >= -1e-9 * size
    return bool(feasible and np.all(z >= 0) and abs(w @ (w - g)) <= 1e-9 * size**2)


@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-8, 1.0, 1e8]))
def test_both_give_the_projection(seed, scale):
    rng = np.random.default_rng(seed)
    k, r = int(rng.integers(1, 60)), int(rng.integers(1, 5))
    signs = np.where(rng.standard_normal((k, r)) @ rng.standard_normal(r) >= 0, 1.0, -1.0)
    A, g = rng.standard_normal((k, r)) * signs[:, None], scale * rng.standard_normal(r)
    z = cone_multipliers(A, g)
    assert is_projection(A, g, g + A.T @ z, z)
    w, rows, few = project_on_cone(A, g, np.linalg.norm(A, axis=1))
    assert is_projection(A, g, w, few)
    np.testing.assert_allclose(w, g + A[rows].T @ few, atol=1e-12 * scale)
    np.testing.assert_allclose(w, g + A.T @ z, atol=1e-8 * scale)


def test_a_vector_outside_the_cone_is_no_projection():
    assert not is_projection(np.eye(2), np.array([1.0, -1.0]), np.array([1.0, -1.0]), np.zeros(2))


def test_no_rows_leave_the_vector():
    w, rows, z = project_on_cone(np.zeros((0, 2)), np.array([1.0, -2.0]), np.zeros(0))
    assert w.tolist() == [1.0, -2.0]
    assert rows.size == z.size == 0
