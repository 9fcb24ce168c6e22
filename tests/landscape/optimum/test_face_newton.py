"""Newton's method on faces: to rounding, inside closed cells, never up, and beside Clarabel."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.landscape.optimum.face_newton import FacePoint, loss_curvature, settle


def make_point(loss="squared", *, signs_only=True, offset=False, kinked=False):
    """Return a point of two neurons, each in a cell of the plane that its pattern names."""
    rng = np.random.default_rng(2)
    angles = np.array([0.3, 1.2])
    blocks = np.vstack([np.cos(angles), np.sin(angles)])
    X = rng.standard_normal((6, 2))
    if kinked:
        X[0] = [-blocks[1, 0], blocks[0, 0]]
    y = rng.standard_normal(6) if loss == "squared" else rng.choice([-1.0, 1.0], 6)
    problem = Problem(X, y, 0.1, loss, offset, rng.uniform(0.5, 2.0, 6))
    kinks = np.zeros((6, 2), dtype=bool)
    kinks[0, 0] = kinked
    gains = np.array([1.0, -1.0]) if signs_only else np.array([0.7, -1.5])
    return FacePoint(problem, blocks, X @ blocks >= 0, kinks, gains, 0.0, signs_only)


def reference(point):
    """Return the optimal value on the closed cells and faces, by Clarabel."""
    problem = point.problem
    U, b = cp.Variable(point.blocks.shape), cp.Variable()
    Z = problem.X @ U
    f = cp.sum(cp.multiply(point.masks * point.gains, Z), axis=1) + (b if problem.output_offset else 0.0)
    sizes = cp.sum(cp.norm(U, 2, axis=0)) if point.signs_only else 0.5 * cp.sum_squares(U)
    cones = [cp.multiply(np.where(point.masks, 1.0, -1.0), Z) >= 0, cp.multiply(point.kinks * 1.0, Z) == 0]
    loss = problem.loss.to_cvxpy(f, problem.y, problem.sample_weight)
    statement = cp.Problem(cp.Minimize(loss + problem.beta * sizes), cones)
    return float(statement.solve(solver=cp.CLARABEL)), np.asarray(U.value)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("signs_only", [True, False])
@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("kinked", [True, False])
def test_it_ends_in_the_closed_cells_no_higher_and_at_the_optimum_from_near_it(
    loss, signs_only, offset, kinked
):
    start = make_point(loss, signs_only=signs_only, offset=offset, kinked=kinked)
    ended = settle(start)
    margins = np.where(start.masks, 1.0, -1.0) * (start.problem.X @ ended.blocks)
    assert np.min(margins) >= -1e-13
    assert np.max(np.abs(margins[ended.kinks]), initial=0.0) <= 1e-14
    assert np.all(ended.kinks >= start.kinks)
    assert ended.value < start.value
    value, blocks = reference(start)
    # Clarabel's tolerance is 1e-8.
    assert ended.value >= value - 1e-7
    lengths = np.linalg.norm(blocks, axis=0)
    if np.min(lengths) > 1e-3:
        binding = np.abs(start.problem.X @ blocks) <= 1e-6 * lengths
        near = settle(replace(start, blocks=blocks, kinks=binding))
        assert near.value == pytest.approx(value, abs=1e-7)


def test_the_curvature_is_that_of_the_loss():
    point = make_point("logistic", offset=True)
    fit = point.fit
    p = 1.0 / (1.0 + np.exp(-point.problem.y * (fit + point.offset)))
    expected = point.problem.sample_weight * p * (1 - p)
    # Central differences of step 1e-5: 1e-10 of truncation, and rounding of 1e-16 / 1e-5.
    np.testing.assert_allclose(point.curvature(fit), expected, rtol=1e-8)


def test_at_the_end_the_gradient_along_the_faces_is_rounding():
    problem = Problem([[1.0, 0.0], [0.5, 1.0], [0.2, -1.0]], [1.5, 0.9, 0.3], 0.1)
    u = np.array([[1.0], [0.1]])
    ended = settle(FacePoint(problem, u, problem.X @ u >= 0, np.zeros((3, 1), dtype=bool), np.ones(1), 0.0))
    assert not ended.kinks.any()
    w = ended.blocks[:, 0]
    lam = problem.y - problem.X @ w
    np.testing.assert_allclose(problem.X.T @ lam, 0.1 * w / np.linalg.norm(w), atol=1e-14)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_curvature_is_the_second_derivative(loss):
    f = np.array([-20.0, -1.0, 0.0, 3.0])
    problem = Problem(np.eye(4), np.ones(4), 1.0, loss)
    exact = np.ones(4) if loss == "squared" else 1.0 / (2.0 + np.exp(f) + np.exp(-f))
    # Central differences of relative step 1e-5 are off by its square; their rounding is 1e-11.
    np.testing.assert_allclose(loss_curvature(problem, f, np.zeros(1)), exact, rtol=1e-8, atol=1e-10)
