"""The shortest neuron with given pre-activations, against an interior point method."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.cones import least_distance, least_norm


def reference(A, b, B):
    """Return the length of the shortest u, infinity where there is none."""
    u = cp.Variable(A.shape[1])
    constraints = [A @ u == b, B @ u <= 0] if len(B) else [A @ u == b]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(u)), constraints)
    return np.sqrt(problem.solve(solver=cp.CLARABEL))


@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-8, 1.0, 1e8]))
def test_it_is_the_shortest_solution(seed, scale):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    A, B = (
        rng.standard_normal((int(rng.integers(1, d + 1)), d)),
        rng.standard_normal((int(rng.integers(0, 5)), d)),
    )
    b = A @ rng.standard_normal(d)
    u = least_norm(scale * A, b, scale * B)
    expected = reference(A, b, B)
    if np.isinf(expected):
        assert np.isinf(u).all()
        return
    np.testing.assert_allclose(scale * A @ u, b, rtol=0, atol=1e-9 * np.abs(b).max())
    assert not len(B) or np.max(scale * B @ u) <= 1e-8 * np.linalg.norm(scale * u)
    # Clarabel's tolerance is 1e-8 on squares of lengths, amplified by the equations' condition number
    assert scale * np.linalg.norm(u) == pytest.approx(expected, rel=1e-4)


def test_contradictions_are_told_apart_from_long_solutions():
    opposite = np.array([[1.0, 0.0]])
    assert np.isinf(least_norm(opposite, np.array([1.0]), opposite)).all()
    assert np.isinf(least_norm(np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([1.0, 1.0]))).all()
    nearly = np.array([[1.0, -1e-4]])
    np.testing.assert_allclose(least_norm(opposite, np.array([1.0]), nearly), [1.0, 1e4], rtol=1e-6)
    assert np.isinf(least_norm(np.zeros((1, 2)), np.array([1.0]))).all()


@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_multipliers_prove_the_least_distance(seed, scale):
    rng = np.random.default_rng(seed)
    k, d = int(rng.integers(1, 8)), int(rng.integers(1, 5))
    G, inside = rng.standard_normal((k, d)), scale * rng.standard_normal(d)
    h = G @ inside - scale * rng.uniform(size=k)
    v, z = least_distance(G, h)
    # rounding of the residual, over its square: 1 + ||v||^2 times more
    slack = 1e-13 * scale * (1.0 + v @ v)
    assert np.min(G @ v - h) >= -slack
    assert np.all(z >= 0)
    np.testing.assert_allclose(G.T @ z, v, atol=slack)
    assert z @ (G @ v - h) <= 1e-9 * max(1.0, v @ v)  # complementary: no shorter vector satisfies the rows


def test_contradicting_rows_and_vectors_that_are_too_long_are_none():
    assert least_distance(np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])) is None
    thin = np.array([[1.0, 1e-3], [-1.0, 1e-3]])  # the shortest is (0, 1000)
    assert least_distance(thin, np.ones(2), longest=100.0) is None
    np.testing.assert_allclose(least_distance(thin, np.ones(2))[0], [0.0, 1000.0], atol=1e-6)
