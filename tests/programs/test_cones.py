"""Projection on cones: closed forms, an independent reference, and working sets that remember the face."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from cvxnn import Problem, ReLUProgram
from cvxnn.programs import WorkingSets
from cvxnn.testing import samplers

seeds = st.integers(0, 2**32 - 1)


def cones(X, masks):
    """One block for every pattern: a program that is there for its cones."""
    masks = np.asarray(masks)
    return ReLUProgram(Problem(X, np.ones(len(X)), 1.0), masks, np.ones(masks.shape[1]))


def test_projection_on_an_orthant_clips():
    orthants = cones(np.diag([1.0, 2.0, 1e-8, 1e8]), np.array([[1, 1], [1, 0], [1, 0], [1, 1]]))
    V = np.tile([[1.0], [-2.0], [0.0], [-0.5]], 2)
    sets = WorkingSets.empty(2)
    assert orthants.project(V, sets).T.tolist() == [[1.0, 0.0, 0.0, 0.0], [1.0, -2.0, 0.0, 0.0]]
    assert [set(rows[rows >= 0]) for rows in sets.rows] == [{1, 3}, {3}]


def test_projection_on_a_half_space_removes_the_normal_part():
    half_space = cones([[3.0, 4.0]], [[True]])
    assert half_space.project(np.array([[-1.0], [0.0]])).ravel() == pytest.approx([-1 + 9 / 25, 12 / 25])


def test_zero_rows_do_not_bound_a_cone():
    everything = cones(np.zeros((3, 2)), np.ones((3, 1)))
    V = np.array([[-1.0], [2.0]])
    assert everything.project(V).tolist() == V.tolist()


@given(seed=seeds)
def test_projection_agrees_with_non_negative_least_squares_on_all_rows(seed):
    """The projection of v on {u : A u >= 0} is v + A^T z with z = argmin over z >= 0 of ||v + A^T z||."""
    rng = np.random.default_rng(seed)
    n, d = rng.integers(1, 30), rng.integers(1, 6)
    X = rng.standard_normal((n, d))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    masks, V = X @ rng.standard_normal((d, 4)) >= 0, rng.standard_normal((d, 4))
    T = cones(X, masks).project(V)
    for mask, v, t in zip(masks.T, V.T, T.T, strict=True):
        A = np.where(mask, 1.0, -1.0)[:, None] * X
        z, _ = nnls(A.T, -v)
        np.testing.assert_allclose(
            t, v + A.T @ z, rtol=0, atol=1e-10
        )  # multipliers up to 10^4 times rounding


@pytest.mark.parametrize(("n", "d"), [(40, 3), (5, 8), (200, 2)])
def test_projection_agrees_with_a_quadratic_program(n, d):
    rng = np.random.default_rng(n)
    X = samplers.with_bias_column(rng, n, d)
    program, V = cones(X, X @ rng.standard_normal((d, 6)) >= 0), rng.standard_normal((d, 6))
    T = program.project(V)
    for b, (mask, v) in enumerate(zip(program.masks.T, V.T, strict=True)):
        u = cp.Variable(d)
        problem = cp.Problem(cp.Minimize(cp.sum_squares(u - v)), [cp.multiply(2.0 * mask - 1.0, X @ u) >= 0])
        problem.solve(solver=cp.CLARABEL)
        np.testing.assert_allclose(T[:, b], u.value, rtol=0, atol=1e-5)  # Clarabel's 1e-8 is of the square


def test_working_sets_hold_the_face_of_the_last_projection():
    rng = np.random.default_rng(0)
    X = samplers.with_bias_column(rng, 500, 4)
    program = cones(X, X @ rng.standard_normal((4, 10)) >= 0)
    sets = WorkingSets.empty(10)
    for _ in range(5):
        V = rng.standard_normal((4, 10))
        T = program.project(V, sets)
        for b, t in enumerate(T.T):
            face = sets.rows[b][sets.rows[b] >= 0]
            assert len(set(face)) == len(face) == sets.counts[b] <= 4
            np.testing.assert_allclose(X[face] @ t, 0.0, rtol=0, atol=1e-12)
            # A^T z = t - v with z >= 0: the polar cone of the face alone
            signed = np.where(program.masks[face, b], 1.0, -1.0)[:, None] * X[face]
            z = np.linalg.lstsq(signed.T, t - V[:, b], rcond=None)[0]
            assert np.all(z > -1e-10)


def test_only_the_blocks_asked_for_are_remembered():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 3))
    program, sets = cones(X, X @ rng.standard_normal((3, 4)) >= 0), WorkingSets.empty(4)
    program.project(-np.ones((3, 4)), sets, np.array([1, 2]))
    assert sets.counts[[0, 3]].tolist() == [0, 0]
