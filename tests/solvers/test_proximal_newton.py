"""Every smooth loss, one and several outputs, offsets and sample weights: proximal Newton against interior point."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUProgram, sample_patterns, solve
from cvxnn.losses import HuberLoss, LogisticLoss, MultinomialLoss, SquaredHingeLoss, SquaredLoss
from cvxnn.solvers import ProximalNewton
from cvxnn.testing import check_interrupt, check_never_worse_than_start, check_solution, check_time_limit

LOSSES = [SquaredLoss(), HuberLoss(delta=0.5), LogisticLoss(), SquaredHingeLoss(), MultinomialLoss()]
CASES = [
    (loss, outputs, offset, weighted)
    for loss in LOSSES
    for outputs in (1, 3)
    for offset in (False, True)
    for weighted in (False, True)
    if outputs > 1 or loss.name != "multinomial"
]


def make_program(loss, outputs, offset, weighted, seed=3, beta=0.3):
    rng = np.random.default_rng(seed)
    n, d = 24, 4
    X = rng.standard_normal((n, d))
    f = rng.standard_normal((n, outputs)) + X[:, :1]
    if loss.name == "multinomial":
        y = np.eye(outputs)[np.argmax(f, axis=1)]
    else:
        y = np.where(f > 0, 1.0, -1.0) if loss.is_classification else f
    weights = rng.integers(0, 3, n).astype(np.float64) if weighted else None
    y = y[:, 0] if outputs == 1 else y
    problem = Problem(X, y, beta, loss, offset, weights)
    masks = np.asarray(sample_patterns(X, 12, random_state=0))
    signs = rng.standard_normal((masks.shape[1], outputs))
    signs = np.sign(signs[:, 0]) if outputs == 1 else signs / np.linalg.norm(signs, axis=1, keepdims=True)
    return ReLUProgram(problem, masks, signs)


@pytest.mark.parametrize(("loss", "outputs", "offset", "weighted"), CASES)
def test_it_finds_the_optimum_that_cvxpy_finds(loss, outputs, offset, weighted):
    program = make_program(loss, outputs, offset, weighted)
    solution = solve(program, "proximal_newton", tol=1e-6, max_steps=40)
    check_solution(solution)
    assert solution.certificate.proven
    # Clarabel's exponential cones end a little above their tolerance where weights are zero.
    reference = solve(program, "interior_point", tol=1e-5)
    assert solution.objective == pytest.approx(reference.objective, rel=1e-5)
    objectives = [record.objective for record in solution.history[1:]]
    assert objectives == sorted(objectives, reverse=True)  # the line search never lets it rise


def test_the_squared_loss_takes_one_step():
    solution = solve(make_program(SquaredLoss(), 1, True, True), "proximal_newton", tol=1e-5, max_steps=3)
    assert solution.certificate.proven


def test_a_weight_of_two_is_a_sample_twice():
    program = make_program(LogisticLoss(), 1, True, False)
    problem, twice = program.problem, np.arange(8)
    weights = np.ones(problem.n_samples)
    weights[twice] = 2.0
    weighted = Problem(problem.X, problem.y, problem.beta, problem.loss, True, weights)
    doubled = Problem(
        np.vstack([problem.X, problem.X[twice]]),
        np.r_[problem.y, problem.y[twice]],
        problem.beta,
        problem.loss,
        True,
    )
    masks = np.vstack([program.masks, program.masks[twice]])
    first = solve(ReLUProgram(weighted, program.masks, program.signs), tol=1e-9)
    second = solve(ReLUProgram(doubled, masks, program.signs), tol=1e-9)
    assert first.objective == pytest.approx(second.objective, rel=2e-9)


def test_starts_interrupts_and_limits():
    program = make_program(MultinomialLoss(), 3, True, False)
    good = solve(program, "proximal_newton", max_steps=2).blocks
    check_never_worse_than_start(program, "proximal_newton", good)
    check_interrupt(program, ProximalNewton(), 2, tol=1e-12)
    check_time_limit(program, "proximal_newton")
