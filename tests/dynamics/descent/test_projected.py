"""Projected gradient descent on convex programs."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUProgram, enumerate_patterns, sample_patterns, solve
from cvxnn.dynamics.descent.projected import projected_descent
from cvxnn.programs import GatedReLUProgram
from cvxnn.statuses import TrajectoryStatus


def random_program(seed, n=10, d=3, P=6, beta=0.1, loss="squared"):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = rng.standard_normal(n) if loss == "squared" else rng.choice([-1.0, 1.0], n)
    return ReLUProgram(Problem(X, y, beta, loss=loss), X @ rng.standard_normal((d, P)) >= 0)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), beta=st.floats(1e-2, 1.0), loss=st.sampled_from(["squared", "logistic"]))
def test_descent_and_rate_at_every_step(seed, beta, loss):
    program = random_program(seed, beta=beta, loss=loss)
    solution = solve(program, tol=1e-10)
    path = projected_descent(program, n_steps=60, n_records=61)
    rounding = 1e-12 * path.objective[0]
    assert np.all(np.diff(path.objective) <= rounding)
    excess = path.objective[1:] - solution.objective
    distance = np.sum((path.blocks[0] - solution.blocks) ** 2)
    assert np.all(excess <= distance / (2 * path.step_size * path.steps[1:]) + rounding)
    assert max(program.violation(W) for W in path.blocks) <= 1e-10  # of projections, to rounding


def test_the_end_is_the_optimum_that_cvxpy_finds():
    import cvxpy as cp

    program = random_program(1, n=6, d=2, P=3)
    path = projected_descent(program, n_steps=600, n_records=2)
    reference = program.to_cvxpy().problem.solve(solver=cp.CLARABEL)
    assert path.objective[-1] == pytest.approx(reference, rel=1e-6)
    assert path.against_optimum(tol=1e-6).holds
    assert not projected_descent(program, n_steps=1).against_optimum(tol=1e-6).holds


def test_zero_stays_where_zero_is_optimal():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=2.0)
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    assert not np.any(projected_descent(program, n_steps=5).blocks)
    below = ReLUProgram(problem.with_beta(1.9), enumerate_patterns(problem.X))
    assert np.any(projected_descent(below, n_steps=5).blocks)


def test_a_step_is_the_projected_gradient_step_of_the_whole_objective_to_first_order():
    program = random_program(2)
    W = projected_descent(program, n_steps=40).blocks[-1]
    W = W[:, np.linalg.norm(W, axis=0) > 1e-3]
    kept = np.linalg.norm(projected_descent(program, n_steps=40).blocks[-1], axis=0) > 1e-3
    program = ReLUProgram(program.problem, program.masks[:, kept], program.signs[kept])
    errors = []
    for step in (1e-3, 1e-4):
        units = W / np.linalg.norm(W, axis=0)
        gradient = -program.adjoint(program.dual_variable(W)) + program.problem.beta * units
        plain = program.project(W - step * gradient)
        errors.append(
            np.max(np.abs(projected_descent(program, W, n_steps=1, step_size=step).blocks[-1] - plain))
        )
    # second order: a tenth of the step, a hundredth of the error; a wrong sign or factor would give a tenth
    assert errors[1] < 0.02 * errors[0] or errors[1] < 1e-12


def test_without_projection_blocks_leave_their_cones():
    problem = random_program(3).problem
    patterns = sample_patterns(problem.X, 6, random_state=0)
    program = ReLUProgram(problem, patterns, np.ones(len(patterns)))
    path = projected_descent(GatedReLUProgram(problem, patterns), n_steps=50)
    assert program.violation(path.blocks[-1]) > 1e-3


def test_refusals():
    program = random_program(4)
    with pytest.raises(ValueError, match="start must have shape"):
        projected_descent(program, np.zeros((2, 2)), n_steps=1)
    with pytest.raises(ValueError, match="n_steps"):
        projected_descent(program, n_steps=0)
    with pytest.raises(ValueError, match="step_size"):
        projected_descent(program, n_steps=1, step_size=0.0)
    with pytest.raises(ValueError, match="smooth"):
        projected_descent(random_program(4, loss="hinge"), n_steps=1)


def test_the_time_limit_records_the_last_step(monkeypatch):
    program = ReLUProgram(Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1), [[1, 0], [0, 1]])
    whole = projected_descent(program, n_steps=100, n_records=11)
    assert whole.status is TrajectoryStatus.FINISHED
    looks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(looks)))
    cut = projected_descent(program, n_steps=100, n_records=11, max_seconds=36.0)
    assert cut.status is TrajectoryStatus.MAX_SECONDS
    assert 10 < cut.steps[-1] <= 36  # others look at the clock too
    k = len(cut.steps) - 1
    np.testing.assert_array_equal(cut.steps[:k], 10.0 * np.arange(k))
    np.testing.assert_array_equal(cut.blocks[:k], whole.blocks[:k])
    assert cut.objective[-1] == program.objective(cut.blocks[-1])
