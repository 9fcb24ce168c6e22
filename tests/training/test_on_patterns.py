"""Training on given patterns: the program's optimum, whatever the outputs."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUProgram, sample_patterns, solve
from cvxnn.statuses import SolveStatus
from cvxnn.training.on_patterns import train_on_patterns


def make_problem(outputs, norm="l2"):
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal((20, outputs))
    return Problem(X, y if outputs > 1 else y[:, 0], 0.3, output_norm=norm)


@pytest.mark.parametrize(("outputs", "norm"), [(1, "l2"), (2, "l1")])
def test_one_program_where_output_directions_are_fixed(outputs, norm):
    problem = make_problem(outputs, norm)
    patterns = sample_patterns(problem.X, 10, random_state=0)
    result = train_on_patterns(problem, patterns, tol=1e-5, max_seconds=None)
    expected = solve(ReLUProgram(problem, patterns), "interior_point").objective
    assert result.status is SolveStatus.PROVEN
    assert result.certificate.objective == pytest.approx(expected, rel=1e-5)
    assert result.certificate.objective == pytest.approx(problem.objective(result.network), rel=1e-12)


def test_free_output_directions_are_better_than_one_output_each():
    problem = make_problem(3)
    patterns = sample_patterns(problem.X, 10, random_state=0)
    free = train_on_patterns(problem, patterns, tol=1e-4, max_seconds=None)
    each = solve(ReLUProgram(problem, patterns)).objective
    assert free.certificate.objective < each * (1 - 1e-3)
    assert 0 < free.certificate.lower_bound <= free.certificate.objective
    assert free.certificate.scope == "program"
    # No cell's best direction, from random output directions on, violates the dual by more than tol.
    rng, lam = np.random.default_rng(0), problem.dual_variable(free.network.predict(problem.X))
    masks = np.asarray(patterns)
    for _ in range(20):
        signs = rng.standard_normal((masks.shape[1], 3))
        program = ReLUProgram(problem, masks, signs / np.linalg.norm(signs, axis=1, keepdims=True))
        assert program.critical_beta(lam) <= problem.beta * (1 + 1e-3)


def test_a_time_limit_returns_what_there_is():
    problem = make_problem(3)
    result = train_on_patterns(
        problem, sample_patterns(problem.X, 10, random_state=0), tol=1e-4, max_seconds=1e-9
    )
    assert result.status is SolveStatus.MAX_SECONDS
    assert result.network.n_neurons > 0
    assert result.certificate.objective < problem.loss_value(np.zeros_like(problem.y), np.zeros(3))


def test_no_neurons_at_the_time_limit_are_named(monkeypatch):
    """Where the few blocks that are moved without time stay zero."""
    monkeypatch.setattr(
        "cvxnn.solvers.loop._step_of_few", lambda program, lam: np.zeros((3, program.n_blocks))
    )
    problem = make_problem(3)
    result = train_on_patterns(
        problem, sample_patterns(problem.X, 10, random_state=0), tol=1e-4, max_seconds=1e-9
    )
    assert result.network.n_neurons == 0
    assert result.status is SolveStatus.EMPTY
