"""Descent on the non-convex objective: its gradient is right and its result never worse than its start."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from cvxnn import Problem, ReLUNetwork
from cvxnn.training.descend import _pack, _value_and_gradient, descend, small_random_network


def example(n=12, d=3, output_offset=False, seed=0):
    rng = np.random.default_rng(seed)
    return Problem(rng.standard_normal((n, d)), rng.standard_normal(n), 0.1, output_offset=output_offset)


@pytest.mark.parametrize("output_offset", [False, True])
def test_gradient_matches_finite_differences(output_offset):
    problem = example(output_offset=output_offset)
    network = small_random_network(problem, 4, 0.7, np.random.default_rng(1))
    weights = _pack(network, problem)
    error = check_grad(
        lambda w: _value_and_gradient(problem, w, 3, 4)[0],
        lambda w: _value_and_gradient(problem, w, 3, 4)[1],
        weights,
    )
    # Forward differences of a function of size 10 with step 1.5e-8 are good to about 1e-6.
    assert error < 1e-5


@pytest.mark.parametrize("output_offset", [False, True])
def test_value_is_the_problems_objective(output_offset):
    problem = example(output_offset=output_offset)
    network = small_random_network(problem, 5, 0.7, np.random.default_rng(1))
    value, _ = _value_and_gradient(problem, _pack(network, problem), 3, 5)
    assert value == pytest.approx(problem.objective(network), rel=1e-14)


def test_descent_never_ends_above_its_start():
    problem = example()
    start = small_random_network(problem, 10, 0.3, np.random.default_rng(2))
    end = descend(problem, start, max_iterations=50)
    assert problem.objective(end) < problem.objective(start)
    assert problem.objective(descend(problem, end, max_iterations=50)) <= problem.objective(end)


def test_time_limit_returns_the_best_point_so_far():
    problem = example()
    start = small_random_network(problem, 10, 0.3, np.random.default_rng(2))
    end = descend(problem, start, max_iterations=10_000, max_seconds=0.0)
    assert problem.objective(end) <= problem.objective(start)


def test_a_network_without_neurons_stays_as_it_is():
    problem = example()
    empty = ReLUNetwork(np.zeros((3, 0)), np.zeros(0))
    assert descend(problem, empty) is empty


def test_start_is_balanced_and_of_both_signs():
    network = small_random_network(example(), 6, 0.25, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(network.hidden, axis=0), 0.25)
    np.testing.assert_allclose(np.abs(network.output), 0.25)
    assert set(np.sign(network.output)) == {-1.0, 1.0}
