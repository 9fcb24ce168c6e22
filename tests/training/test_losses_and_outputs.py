"""Training with every loss, several outputs, offsets and sample weights, against CVXPY and against restarts."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, ReLUProgram, beta_max, enumerate_patterns, solve, train
from cvxnn.losses import (
    HingeLoss,
    HuberLoss,
    LogisticLoss,
    MultinomialLoss,
    QuantileLoss,
    SquaredHingeLoss,
    SquaredLoss,
)
from cvxnn.training.descent import descend, small_random_network

SMOOTH = [SquaredLoss(), HuberLoss(delta=0.3), LogisticLoss(), SquaredHingeLoss()]
KINKED = [HingeLoss(), QuantileLoss(level=0.3)]


def make_problem(loss, outputs, *, offset=False, norm="l2", n=14, ratio=0.1, seed=0, weighted=False):
    """Return a problem in the plane, with a bias column, whose optimum can be enumerated and proven."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal(n), np.ones(n)])
    f = rng.standard_normal((n, outputs)) + np.abs(X[:, :1]) - 0.5
    if loss.name == "multinomial":
        y = np.eye(outputs)[np.argmax(f, axis=1)]
    else:
        y = np.where(f > 0, 1.0, -1.0) if loss.is_classification else f
    weights = rng.integers(1, 4, n).astype(np.float64) if weighted else None
    problem = Problem(X, y[:, 0] if outputs == 1 else y, 1.0, loss, offset, weights, norm)
    # Far below the weight decay from which on zero is optimal, of the squared loss: all are of that order.
    scale = np.linalg.norm(X.T @ problem.dual_variable(np.zeros_like(problem.y)).reshape(n, -1), 2)
    return problem.with_beta(ratio * scale)


def enumerated_optimum(problem):
    """Return the optimum over all patterns and signs, by interior point: exact for one output and per class."""
    return solve(ReLUProgram(problem, enumerate_patterns(problem.X)), "interior_point", tol=1e-7).objective


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", SMOOTH, ids=lambda loss: loss.name)
def test_one_output_reaches_the_enumerated_optimum_and_proves_it(loss, weighted, offset):
    problem = make_problem(loss, 1, offset=offset, weighted=weighted)
    certificate = train(problem, tol=1e-5).certificate
    assert certificate.proven
    assert certificate.objective == pytest.approx(enumerated_optimum(problem), rel=1e-4)


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("loss", KINKED, ids=lambda loss: loss.name)
def test_losses_with_a_kink_are_within_their_smoothing(loss, offset):
    problem = make_problem(loss, 1, offset=offset)
    certificate = train(problem, tol=1e-4).certificate
    optimum = enumerated_optimum(problem)
    assert certificate.objective == pytest.approx(optimum, rel=3e-4)
    # The bound is one of the loss itself.
    assert certificate.lower_bound <= optimum * (1 + 1e-6)
    assert certificate.relative_gap <= 5e-4


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("loss", [*SMOOTH, MultinomialLoss()], ids=lambda loss: loss.name)
def test_the_per_class_variant_reaches_the_enumerated_optimum(loss, offset):
    problem = make_problem(loss, 3, offset=offset, norm="l1")
    result = train(problem, tol=1e-5)
    assert result.certificate.proven
    assert result.certificate.objective == pytest.approx(enumerated_optimum(problem), rel=1e-4)
    # Every neuron serves one output.
    assert np.all(np.count_nonzero(result.network.output, axis=1) == 1)


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("loss", [*SMOOTH, MultinomialLoss()], ids=lambda loss: loss.name)
def test_several_outputs_are_proven_and_no_restart_is_better(loss, offset):
    problem = make_problem(loss, 3, offset=offset)
    certificate = train(problem, tol=1e-4).certificate
    assert certificate.proven
    rng = np.random.default_rng(1)
    restarts = [
        problem.objective(descend(problem, small_random_network(problem, 40, rng), max_iterations=2000))
        for _ in range(5)
    ]
    assert certificate.lower_bound <= min(restarts)
    assert certificate.objective <= min(restarts) * (1 + 1e-4)
    # The per-class penalty is never smaller, so neither is its optimum.
    per_class = train(make_problem(loss, 3, offset=offset, norm="l1"), tol=1e-4).certificate
    assert certificate.lower_bound <= per_class.objective


def test_separable_losses_decouple_in_the_per_class_variant():
    problem = make_problem(SquaredLoss(), 3, norm="l1")
    alone = [train(problem_of_one(problem, c), tol=1e-6).certificate.objective for c in range(3)]
    assert train(problem, tol=1e-6).certificate.objective == pytest.approx(sum(alone), rel=3e-6)


def problem_of_one(problem, c):
    return Problem(problem.X, problem.y[:, c], problem.beta, problem.loss)


def test_whole_weights_are_repeated_samples():
    problem = make_problem(LogisticLoss(), 1, offset=True, weighted=True)
    times = problem.sample_weight.astype(int)
    repeated = Problem(
        np.repeat(problem.X, times, axis=0), np.repeat(problem.y, times), problem.beta, problem.loss, True
    )
    first, second = train(problem, tol=1e-6).certificate, train(repeated, tol=1e-6).certificate
    assert first.objective == pytest.approx(second.objective, rel=3e-6)
    assert first.proven
    assert second.proven


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_start_is_improved_and_never_made_worse(outputs, norm):
    problem = make_problem(SquaredLoss(), outputs, norm=norm, ratio=0.02)
    near = train(problem.with_beta(1.2 * problem.beta), tol=1e-4)
    result = train(problem, tol=1e-4, start=near.network)
    assert result.history[0].objective <= problem.objective(near.network) * (1 + 1e-12)
    assert result.certificate.proven
    assert result.certificate.objective == pytest.approx(
        train(problem, tol=1e-4).certificate.objective, rel=2e-4
    )


def test_starts_that_do_not_fit_are_refused():
    problem = make_problem(SquaredLoss(), 1)
    with pytest.raises(ValueError, match="network must take 2 features"):
        train(problem, start=ReLUNetwork(np.ones((3, 1)), np.ones(1)))
    with pytest.raises(ValueError, match="start must be left out where patterns are given"):
        train(problem, start=ReLUNetwork(np.ones((2, 1)), np.ones(1)), patterns=enumerate_patterns(problem.X))


@pytest.mark.parametrize("outputs", [1, 3])
def test_from_beta_max_on_nothing_is_better_than_no_neurons(outputs):
    problem = make_problem(LogisticLoss(), outputs, offset=True)
    critical = beta_max(problem)
    result = train(problem.with_beta(1.001 * critical))
    assert result.network.n_neurons == 0
    assert result.certificate.proven
    below = train(problem.with_beta(0.95 * critical))
    assert below.network.n_neurons > 0


@pytest.mark.parametrize("outputs", [1, 3])
def test_given_patterns_are_kept_to(outputs):
    problem = make_problem(SquaredLoss(), outputs, norm="l1")
    patterns = enumerate_patterns(problem.X)
    result = train(problem, patterns=patterns, tol=1e-5)
    assert result.certificate.scope == "program"
    assert result.certificate.objective == pytest.approx(enumerated_optimum(problem), rel=1e-5)


def test_given_patterns_of_several_outputs_have_free_directions():
    problem = make_problem(SquaredLoss(), 2)
    patterns = enumerate_patterns(problem.X)
    kept, free = train(problem, patterns=patterns, tol=1e-4), train(problem, tol=1e-4)
    assert kept.certificate.scope == "program"
    assert kept.certificate.objective == pytest.approx(free.certificate.objective, rel=2e-4)
    assert 0 < kept.certificate.lower_bound <= free.certificate.objective
