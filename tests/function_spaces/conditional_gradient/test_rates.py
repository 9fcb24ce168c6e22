"""The rate at every step against the enumerated optimum, and the number of units."""

import math

import cvxpy as cp
import numpy as np
import pytest

from cvxnn.function_spaces.conditional_gradient.ball_fits import constrained_fit
from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient
from cvxnn.function_spaces.conditional_gradient.rates import (
    ConditionalGradientRate,
    conditional_gradient_rate,
    feature_radius,
    units_for_target,
    units_needed,
)
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, unit_features
from cvxnn.patterns import enumerate_patterns
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import HypothesisError

STEPS = ("fixed", "line_search", "away", "fully_corrective")


def enumerated_optimum(X, y, delta):
    """Return ``min 1/2 ||f - y||^2`` over the ReLU's ball, all patterns stated to an interior point."""
    D = np.asarray(enumerate_patterns(X), dtype=np.float64)
    V, W = (cp.Variable((X.shape[1], D.shape[1])) for _ in range(2))
    f = cp.sum(cp.multiply(D, X @ (V - W)), axis=1)
    cones = [cp.multiply(2 * D - 1, X @ U) >= 0 for U in (V, W)]
    size = cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0))
    statement = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y)), [size <= delta, *cones])
    return statement.solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("delta", [0.5, 4.0])
def test_the_enumerated_optimum_is_approached_within_the_rate(step, delta):
    rng = np.random.default_rng(9)
    X, y = rng.standard_normal((8, 3)), rng.standard_normal(8)
    run = ConditionalGradient(delta, step, max_steps=25, tol=0.0).run(X, y)
    optimum = enumerated_optimum(X, y, delta)
    assert all(one.holds for one in conditional_gradient_rate(X, y, delta).comparisons(run, optimum))
    assert run.lower_bound <= optimum + 1e-6  # Clarabel's precision
    assert run.objective >= optimum - 1e-6
    if step == "fully_corrective":
        assert run.objective == pytest.approx(optimum, rel=1e-4)


@pytest.mark.parametrize("degree", [0, 1, 2])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_every_rule_keeps_the_rate_at_every_step(degree, loss):
    rng = np.random.default_rng(degree)
    for delta in (0.3, 3.0):
        X, y = rng.standard_normal((8, 2)), rng.standard_normal(8)
        y = np.sign(y) if loss == "logistic" else y
        optimum = constrained_fit(X, y, delta, degree, loss=loss, tol=1e-12).objective
        rate = conditional_gradient_rate(X, y, delta, degree, loss=loss)
        for step in STEPS:
            run = ConditionalGradient(delta, step, degree, max_steps=40, tol=0.0).run(X, y, loss=loss)
            compared = rate.comparisons(run, optimum)
            assert len(compared) == np.count_nonzero(run.good_steps)
            assert all(one.holds for one in compared)
            assert 2 * run.good_steps[-1] >= run.history[-1].step  # at most half are drop steps


def test_steps_of_one_over_t_squared_break_the_rate():
    # Planted fault: steps that shrink too fast stop short of the optimum, and the law says so.
    X, y = np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])
    rate = ConditionalGradientRate(1.0, conditional_gradient_rate(X, y, 2.0).diameter)
    f, excess = np.zeros(2), []
    for t in range(1, 4000):
        lam = y - f
        best = 2.0 * (np.arange(2) == np.argmax(lam))
        f = f + (best - f) / (t + 1) ** 2
        excess.append(0.5 * np.sum((f - y) ** 2))
    assert np.any(np.array(excess) > rate.bound(np.arange(1, 4000)))


def test_the_bound_scales_with_the_square_of_delta_and_so_does_the_run():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((10, 2)), rng.standard_normal(10)
    one, ten = conditional_gradient_rate(X, y, 1.0), conditional_gradient_rate(X, y, 10.0)
    np.testing.assert_allclose(ten.bound([1, 7]), 100.0 * one.bound([1, 7]), rtol=1e-14)
    # (y, delta) -> (c y, c delta): the same neurons, c^2 times the objective and the gap, for each rule.
    for step in STEPS:
        runs = [ConditionalGradient(c, step, max_steps=10, tol=0.0).run(X, c * y) for c in (1.0, 10.0)]
        np.testing.assert_allclose(runs[1].objectives, 100.0 * runs[0].objectives, rtol=1e-6)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_no_feature_is_longer_than_the_radius(degree, rng):
    X = rng.standard_normal((9, 3))
    V = rng.standard_normal((3, 5000))
    lengths = np.linalg.norm(unit_features(X, V / np.linalg.norm(V, axis=0), degree), axis=0)
    assert np.max(lengths) <= feature_radius(X, degree) * (1 + 1e-12)
    assert np.max(lengths) >= 0.4 * feature_radius(X, degree)


@pytest.mark.parametrize("degree", [0, 1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_units_for_a_target(degree, step):
    X = np.column_stack([np.linspace(-1, 1, 15), np.ones(15)])
    V = np.array([[0.6, -0.8, 1.0], [0.8, 0.6, 0.0]])
    used = units_for_target(X, UnitNetwork(V, [1.0, -1.0, 0.5], degree), 0.1, step=step)
    assert used.steps.holds
    assert used.error <= 0.1
    assert used.neurons <= used.steps.measured


def test_units_needed_grow_with_the_square_of_gamma_over_eps():
    X = np.random.default_rng(0).standard_normal((20, 3))
    base = units_needed(X, 1.0, 0.01) + 2
    assert units_needed(X, 3.0, 0.01) + 2 == pytest.approx(9 * base, rel=1e-4)
    assert units_needed(X, 1.0, 0.001) + 2 == pytest.approx(100 * base, rel=1e-4)
    assert units_needed(X, 1.0, 1e6) == 0


def test_a_search_is_no_exact_oracle():
    X = np.random.default_rng(0).standard_normal((6, 3))
    run = ConditionalGradient(1.0, max_steps=2, oracle_seconds=0.0).run(X, np.ones(6))
    with pytest.raises(HypothesisError, match="exact"):
        conditional_gradient_rate(X, np.ones(6), 1.0).comparisons(run, 0.0)
    with pytest.raises(ValueError, match="smooth"):
        conditional_gradient_rate(X, np.ones(6), 1.0, loss="hinge")


def test_units_that_no_time_was_left_for_are_not_counted():
    target = UnitNetwork([[1.0, -0.6], [0.0, 0.8]], [1.0, 2.0])
    X = np.random.default_rng(0).standard_normal((6, 2))
    used = units_for_target(X, target, 0.05)
    assert (used.status, used.steps.holds) == (TrajectoryStatus.REACHED, True)
    cut = units_for_target(X, target, 0.05, max_seconds=0.0)
    assert cut.status is TrajectoryStatus.MAX_SECONDS
    assert math.isnan(cut.steps.measured)
    assert cut.steps.predicted == used.steps.predicted
    assert cut.error > 0.05
