"""Kink-aware descent reaches stationary points to the last digits; what the theorems say of every one of them."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, ReLUProgram, enumerate_patterns, solve
from cvxnn.certificates import beta_max
from cvxnn.landscape.stationary_points.clarke import stationarity
from cvxnn.landscape.stationary_points.kink_descent import descend_to_stationarity
from cvxnn.landscape.stationary_points.sub_programs import (
    kinked_example,
    optimal_on_own_patterns,
    sub_sampled_program,
)
from cvxnn.statuses import SolveStatus
from cvxnn.testing.samplers import DATA
from cvxnn.testing.solvers import reference_optimum
from cvxnn.training.descent import descend, small_random_network

# Draws of each loss.
_DRAWS = 24


def draw(seed, loss):
    """Return a small random problem and a start; every other one has a hidden bias, every fifth an output offset."""
    rng = np.random.default_rng(seed)
    n, d, m = int(rng.integers(5, 11)), int(rng.integers(2, 4)), int(rng.integers(3, 11))
    X = rng.standard_normal((n, d))
    if seed % 2:
        X[:, -1] = 1.0
    y = rng.standard_normal(n)
    if loss == "logistic":
        y = np.where(y > 0, 1.0, -1.0)
        y[:2] = 1.0, -1.0
    problem = Problem(X, y, float(rng.uniform(0.05, 0.3)), loss, seed % 5 == 0)
    return problem, small_random_network(problem, m, rng, size=1.0)


@pytest.fixture(scope="module")
def limits():
    """Return problems, starts, where descent ended, and the global optima."""
    found = []
    for loss in ("squared", "logistic"):
        for seed in range(_DRAWS):
            problem, start = draw(seed, loss)
            ended = descend_to_stationarity(problem, start, max_iterations=60)
            optimum = solve(ReLUProgram(problem, enumerate_patterns(problem.X)), tol=1e-10).objective
            found.append((problem, start, ended, optimum))
    return found


def test_every_restart_ends_stationary_and_never_above_its_start(limits):
    for problem, start, ended, _ in limits:
        assert ended.converged
        assert ended.residual <= 1e-8
        assert ended.slope <= 1e-8
        assert ended.objective <= problem.objective(start)
        assert ended.network.n_neurons <= start.n_neurons
        assert ended.objective == problem.objective(ended.network)


def test_at_least_twenty_restarts_reach_the_global_optimum_and_none_goes_below(limits):
    gaps = np.array([(ended.objective - optimum) / optimum for _, _, ended, optimum in limits])
    # The optimum is known to a relative gap of 1e-10.
    assert np.min(gaps) >= -1e-9
    assert np.sum(gaps <= 1e-8) >= 20
    assert np.sum(gaps > 1e-6) > 0  # and others stop at other minima


def test_every_limit_point_solves_its_sub_sampled_program_and_is_nearly_minimal(limits):
    for problem, _, ended, _ in limits:
        found = optimal_on_own_patterns(problem, ended.network, kinks=ended.kinks)
        assert found.objective.holds
        assert found.spread.holds
    for problem, _, ended, _ in limits[:: _DRAWS // 3]:
        program = sub_sampled_program(problem, ended.network, kinks=ended.kinks)
        # Clarabel's tolerance is 1e-8.
        assert ended.objective == pytest.approx(reference_optimum(program), rel=1e-6)


def test_plain_descent_is_a_planted_fault_that_the_residual_rejects(limits):
    rejected = 0
    for problem, start, _, _ in limits[::5]:
        network = descend(problem, start, max_iterations=400)
        rejected += not stationarity(problem, network).is_stationary(1e-8)
    assert rejected >= 8  # of ten


def test_neurons_are_on_their_kinks_to_rounding(limits):
    on_kinks = 0
    for problem, _, ended, _ in limits:
        X, hidden = problem.X, ended.network.hidden
        sizes = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(hidden, axis=0)
        assert np.all(np.abs(X @ hidden)[ended.kinks] <= 1e-14 * sizes[ended.kinks])
        on_kinks += int(ended.kinks.any())
    assert on_kinks > len(limits) // 2


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_without_smooth_descent_it_changes_cells_until_none_is_lower(loss):
    changed = 0
    for seed in range(3):
        problem, start = draw(seed, loss)
        objectives = [problem.objective(start)]
        for max_rounds in (1, 50):
            ended = descend_to_stationarity(problem, start, max_iterations=0, max_rounds=max_rounds)
            objectives.append(ended.objective)
        assert ended.converged
        assert np.all(np.diff(objectives) <= 1e-13 * objectives[0])
        changed += ended.rounds > 1
    assert changed >= 2


def test_it_leaves_a_stationary_point_at_a_concave_kink():
    example = kinked_example(1.0)
    start = ReLUNetwork(example.network.hidden, example.network.output)
    assert stationarity(example.problem, start).is_stationary(1e-12)
    ended = descend_to_stationarity(example.problem, start, max_iterations=0)
    assert ended.converged
    assert ended.objective < example.problem.objective(start) - 0.01


@pytest.mark.parametrize("name", sorted(DATA))
def test_any_data_and_scale(name):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        X = DATA[name](rng, 8, 3)
        y = 10.0 ** rng.integers(-6, 7) * rng.standard_normal(8)
        problem = Problem(X, y, 1.0, "squared", bool(seed), rng.uniform(0.5, 2.0, 8) if seed else None)
        problem = problem.with_beta(0.1 * beta_max(problem))
        ended = descend_to_stationarity(problem, small_random_network(problem, 4, rng), max_iterations=20)
        assert ended.converged


def test_a_large_decay_leaves_no_neuron():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=5.0)
    ended = descend_to_stationarity(problem, ReLUNetwork([[1.0, -1.0]], [1.0, 1.0]))
    assert ended.network.n_neurons == 0
    assert ended.converged
    assert ended.objective == 2.5


def test_out_of_rounds_it_says_so():
    problem, start = draw(1, "squared")
    rounds = descend_to_stationarity(problem, start, max_iterations=0).rounds
    assert rounds > 1
    ended = descend_to_stationarity(problem, start, max_iterations=0, max_rounds=1)
    assert ended.status is SolveStatus.MAX_ROUNDS
    assert not ended.converged
    assert ended.rounds == 1


@pytest.mark.parametrize(
    ("problem", "change", "message"),
    [
        (Problem([[1.0]], [[1.0, 2.0]], 0.1), {}, "one output and a smooth loss"),
        (Problem([[1.0], [2.0]], [1.0, -1.0], 0.1, "hinge"), {}, "one output and a smooth loss"),
        (Problem([[1.0]], [1.0], 0.0), {}, "beta must be > 0"),
        (Problem([[1.0, 2.0]], [1.0], 0.1), {}, "network must take 2 features"),
        (Problem([[1.0]], [1.0], 0.1), {"tol": 0.0}, "tol must be"),
        (Problem([[1.0]], [1.0], 0.1), {"max_rounds": 0}, "max_rounds must be"),
    ],
)
def test_bad_arguments_are_named(problem, change, message):
    network = ReLUNetwork([[1.0]], [1.0] if problem.y.ndim == 1 else [[1.0, 1.0]])
    with pytest.raises(ValueError, match=message):
        descend_to_stationarity(problem, network, **change)


@pytest.mark.slow
def test_planted_problem_of_two_hundred_samples():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((200, 9)), np.ones(200)])
    f = np.maximum(X @ rng.standard_normal((10, 5)), 0.0) @ rng.choice([-1.0, 1.0], 5)
    problem = Problem(X, f + 0.1 * rng.standard_normal(200), 0.5)
    ended = descend_to_stationarity(problem, small_random_network(problem, 50, rng))
    assert ended.converged
    assert optimal_on_own_patterns(problem, ended.network, kinks=ended.kinks).objective.holds
