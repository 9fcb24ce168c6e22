"""The best objective of m neurons: exact against all supports, never below the dual, equal to it from m* on."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUProgram, beta_max, enumerate_patterns, solve
from cvxnn.landscape.duality import support_search
from cvxnn.landscape.duality.fewer_neurons import value_by_neurons
from cvxnn.training.descent import descend, small_random_network


def random_problem(seed, loss="squared", share=0.1, n=4, d=2):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    if loss == "logistic":
        y = np.where(y > 0, 1.0, -1.0)
    return Problem(X, y, share * beta_max(X, y, loss=loss), loss)


def best_support(problem, m):
    """Solve the program on every choice of m patterns and signs."""
    full = ReLUProgram(problem, enumerate_patterns(problem.X))
    values = [
        solve(ReLUProgram(problem, full.masks[:, list(s)], full.signs[list(s)]), tol=1e-9).objective
        for s in combinations(range(full.n_blocks), m)
    ]
    return min(values)


@pytest.mark.parametrize("seed", range(2))
def test_exact_values_are_those_of_all_supports(seed):
    problem = random_problem(seed, n=3)
    curve = value_by_neurons(problem, 2, n_restarts=1)
    assert curve.exact.all()
    for m in (1, 2):
        assert curve.values[m] == pytest.approx(best_support(problem, m), rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_exact_values_of_more_data(loss):
    problem = random_problem(1, loss, n=5)
    curve = value_by_neurons(problem, 2, n_restarts=1)
    assert curve.exact.all()
    assert curve.values[2] == pytest.approx(best_support(problem, 2), rel=1e-7)


@pytest.mark.parametrize(("seed", "loss"), [(0, "squared"), (1, "squared"), (2, "logistic")])
def test_three_curves_fall_to_the_dual_and_stay(seed, loss):
    check_curve(seed, loss)


@pytest.mark.slow
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), loss=st.sampled_from(["squared", "logistic"]))
def test_curves_fall_to_the_dual_and_stay(seed, loss):
    check_curve(seed, loss)


def check_curve(seed, loss):
    problem = random_problem(seed, loss, share=0.2)
    curve = value_by_neurons(problem, 5, n_restarts=2)
    assert np.all(np.diff(curve.values) <= 1e-12)
    assert all(comparison.holds for comparison in curve.comparisons)
    # n samples: m* <= n, so five neurons on four samples are enough.
    assert curve.fewest is not None
    assert curve.fewest <= problem.n_samples
    assert np.all(curve.gaps[: curve.fewest] > 1e-6 * curve.values[: curve.fewest])
    for m, network in enumerate(curve.networks):
        assert network.n_neurons <= m
        assert problem.objective(network) == curve.values[m]


def test_no_descent_is_below_an_exact_value():
    problem = random_problem(7, n=6)
    curve = value_by_neurons(problem, 2, n_restarts=2)
    assert curve.exact.all()
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = problem.objective(descend(problem, small_random_network(problem, 2, rng)))
        assert found >= curve.values[2] * (1 - 1e-7)


def test_without_programs_the_values_are_upper_bounds():
    problem = random_problem(0, share=0.05, n=5)
    exact = value_by_neurons(problem, 2, n_restarts=1)
    bounds = value_by_neurons(problem, 2, max_programs=0, n_restarts=1)
    assert bounds.programs == 0
    assert not bounds.exact[1:].any()
    assert np.all(bounds.values >= exact.values * (1 - 1e-8))


@pytest.mark.slow
def test_a_search_that_rules_out_too_much_is_rejected(monkeypatch):
    """Planted fault: a dual variable believed to violate no block ends every search at the descents' values."""
    problem = random_problem(11, share=0.02, n=6)
    honest = value_by_neurons(problem, 3, n_restarts=0)
    norms = support_search.SupportSearch._norms

    def nothing_violated(self, lam, blocks):
        values, violated = norms(self, lam, blocks)
        return values, np.zeros_like(violated)

    monkeypatch.setattr(support_search.SupportSearch, "_norms", nothing_violated)
    faulty = value_by_neurons(problem, 3, n_restarts=0)
    assert faulty.exact.all()  # it claims so
    assert np.any(faulty.values > honest.values * (1 + 1e-6))


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Problem([[1.0]], [[1.0, 2.0]], 1.0), r"y must have one output, \(n,\) or \(n, 1\)"),
        (Problem([[1.0]], [1.0], 1.0, "hinge"), "loss must be differentiable"),
        (Problem([[1.0]], [1.0], 0.0), "beta must be > 0"),
    ],
)
def test_bad_input(problem, message):
    with pytest.raises(ValueError, match=message):
        value_by_neurons(problem, 2)
