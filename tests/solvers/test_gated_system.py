"""The Newton system of gated programs of several outputs: every way to solve it, with offsets and scaled rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ActivationPatterns, Problem
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.programs import GatedReLUProgram, OutOfTime
from cvxnn.programs.singular_values import ShrinkJacobian
from cvxnn.solvers import gated_system, newton_system
from cvxnn.solvers.gated_system import gated_newton_solve
from cvxnn.testing import samplers

norms = pytest.mark.parametrize("norm", ["l2", "l1"])
offsets = pytest.mark.parametrize("offset", [False, True], ids=["no offset", "offset"])
SIGMA = 0.7


def sample(seed, norm, offset, n=12, d=3, C=2, G=6):
    rng = np.random.default_rng(seed)
    X, y = samplers.gaussian(rng, n, d), rng.standard_normal((n, C))
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, G)))
    program = GatedReLUProgram(Problem(X, y, 2.0, output_offset=offset, output_norm=norm), patterns)
    V = 2.0 * rng.standard_normal((d, program.n_blocks))
    return program, V, program.problem.project_dual(rng.standard_normal((n, C))), rng


def residual(program, V, x, gradient):
    """The system, from the prox by central differences: J is that of the prox."""
    direction, step = program.adjoint(x), 1e-6
    moved = (program.prox(V + step * direction, SIGMA) - program.prox(V - step * direction, SIGMA)) / (
        2 * step
    )
    return x + SIGMA * program.problem.project_dual(program.forward(moved)) - gradient


def solve_with(program, V, gradient, monkeypatch, *, stored):
    monkeypatch.setattr(gated_system, "_is_worth_storing", lambda *a: stored)
    monkeypatch.setattr(newton_system, "_RESIDUAL", 1e-12)
    return gated_newton_solve(program, V, SIGMA, gradient)


@norms
@offsets
@pytest.mark.parametrize("seed", range(5))
def test_every_way_solves_the_system_of_the_prox(norm, offset, seed, monkeypatch):
    program, V, gradient, _ = sample(seed, norm, offset)
    direct, iterated = (
        solve_with(program, V, gradient, monkeypatch, stored=stored) for stored in (True, False)
    )
    # Differences of the prox are good to 1e-8 away from its kinks, times sigma ||A||^2 of some tens.
    assert np.linalg.norm(residual(program, V, direct, gradient)) <= 1e-5 * np.linalg.norm(gradient)
    np.testing.assert_allclose(iterated, direct, rtol=0, atol=1e-9)
    jacobian = ShrinkJacobian.at(program.matrices(V), SIGMA * 2.0)
    directions = gated_system._Directions.of(program, jacobian)
    for solve in (gated_system._solve_by_directions, gated_system._solve_by_predictions):
        np.testing.assert_allclose(solve(program, directions, SIGMA, gradient, NEVER), direct, atol=1e-9)


@norms
@pytest.mark.parametrize("kind", ["vectors", "matrices"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_scaled_rows(norm, kind, seed):
    plain, V, gradient, rng = sample(seed, norm, False)
    shape = (12, 2) if kind == "vectors" else (12, 2, 2)
    program = plain.with_problem(plain.problem, rng.standard_normal(shape))
    jacobian = ShrinkJacobian.at(program.matrices(V), SIGMA * 2.0)
    directions = gated_system._Directions.of(program, jacobian)
    one, two = (
        solve(program, directions, SIGMA, gradient, NEVER)
        for solve in (gated_system._solve_by_directions, gated_system._solve_by_predictions)
    )
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-8)
    used = program.matrices(program.adjoint(one))
    moved = np.zeros_like(used)
    moved[jacobian.used] = jacobian.times(used[jacobian.used])
    back = program.forward(moved.reshape(program.n_blocks, -1).T)
    np.testing.assert_allclose(one + SIGMA * back, gradient, rtol=0, atol=1e-8)


def test_blocks_that_shrink_to_zero_leave_the_identity():
    program, V, gradient, _ = sample(0, "l2", False)
    assert np.array_equal(gated_newton_solve(program, 1e-3 * V, SIGMA, gradient), gradient)


@pytest.mark.parametrize("stored", [True, False])
def test_a_passed_deadline_ends_it(stored, monkeypatch):
    program, V, gradient, _ = sample(0, "l2", False)
    monkeypatch.setattr(gated_system, "_is_worth_storing", lambda *a: stored)
    with pytest.raises(OutOfTime):
        gated_newton_solve(program, V, SIGMA, gradient, Deadline(0.0))
