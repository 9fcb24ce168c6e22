"""Steepest descent at kinks, and local minima: against sampled directions and perturbations."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork
from cvxnn.landscape.stationary_points.clarke import stationarity
from cvxnn.landscape.stationary_points.directional import directional_slopes, is_local_minimum
from cvxnn.landscape.stationary_points.kink_descent import descend_to_stationarity
from cvxnn.landscape.stationary_points.sub_programs import kinked_example
from cvxnn.testing.samplers import DATA
from cvxnn.training.descent import small_random_network


def moved(network, j, v, t):
    hidden = np.array(network.hidden)
    hidden[:, j] += t * v
    return ReLUNetwork(hidden, network.output, network.offset)


def slope_along(problem, network, j, v):
    """Return the one-sided derivative along v, exact but for rounding and curvature times 1e-6."""
    t = 1e-6
    return (problem.objective(moved(network, j, v, t)) - problem.objective(network)) / t


@pytest.mark.parametrize("name", ["gaussian", "duplicated_rows", "collinear_rows", "integer_rows"])
def test_no_direction_is_steeper_and_the_one_given_is_as_steep(name):
    concave = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X = DATA[name](rng, 7, 3)
        problem = Problem(X, 3.0 * rng.standard_normal(7), 0.4)
        _, _, Vt = np.linalg.svd(X[:2])
        network = ReLUNetwork(np.column_stack([Vt[2], rng.standard_normal(3)]), [1.0, -1.0])
        found = directional_slopes(problem, network, fixed_output=True)
        concave += int(np.any(stationarity(problem, network).bends < 0))
        for j in range(2):
            steepest = found.slopes[j]
            v = found.directions[:, j] / steepest
            # Second-order terms are below 1e-6 times a curvature of ten or so.
            assert slope_along(problem, network, j, v) == pytest.approx(-steepest, abs=1e-4)
            for _ in range(200):
                v = rng.standard_normal(3)
                assert slope_along(problem, network, j, v / np.linalg.norm(v)) >= -steepest - 1e-4
            # A small step stays in the closed cell of the pattern named.
            sides = np.where(found.patterns[:, j], 1.0, -1.0)
            ahead = X @ (network.hidden[:, j] + 1e-6 * found.directions[:, j])
            assert np.min(sides * ahead) >= -1e-12
    assert concave > 0


def test_slopes_are_at_least_clarke_distances_and_see_concave_kinks_that_those_miss():
    example = kinked_example(1.0)
    clarke = stationarity(example.problem, example.network, kinks=example.kinks)
    steep = directional_slopes(example.problem, example.network, kinks=example.kinks)
    assert clarke.distances[0] < 1e-12  # as a measure of descent, the planted fault
    # From D^ = 1/2 to either side the gradient moves by a / 2 times the unit vector x_1.
    assert steep.slopes[0] == pytest.approx(0.5 * np.sqrt(0.5))
    for seed in range(10):
        rng = np.random.default_rng(seed)
        problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), 0.2)
        hidden = np.column_stack([[-problem.X[k, 1], problem.X[k, 0]] for k in range(3)])
        network = ReLUNetwork(hidden, rng.standard_normal(3))
        slopes = directional_slopes(problem, network).slopes
        assert np.all(slopes >= stationarity(problem, network).distances - 1e-12)


def test_nothing_near_a_local_minimum_is_lower_and_something_near_others_is():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), 0.1)
        ended = descend_to_stationarity(problem, small_random_network(problem, 3, rng, size=1.0))
        assert is_local_minimum(problem, ended.network, kinks=ended.kinks)
        for size in (1e-2, 1e-4):
            for _ in range(100):
                hidden = ended.network.hidden + size * rng.standard_normal(ended.network.hidden.shape)
                output = ended.network.output + size * rng.standard_normal(ended.network.output.shape)
                # Rounding of an objective of size one.
                assert problem.objective(ReLUNetwork(hidden, output)) >= ended.objective * (1 - 1e-14)
        off = ReLUNetwork(1.01 * ended.network.hidden, ended.network.output)
        assert not is_local_minimum(problem, off)
    concave = kinked_example(1.0)
    assert not is_local_minimum(concave.problem, concave.network, kinks=concave.kinks)


def test_a_zero_neuron_at_a_local_minimum_means_that_it_is_global():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.5)
    both = ReLUNetwork([[np.sqrt(0.5), -np.sqrt(1.5)]], np.sqrt([0.5, 1.5]))
    one = both.select([1])

    def with_zero(network):
        return ReLUNetwork(np.hstack([network.hidden, [[0.0]]]), np.append(network.output, 0.0))

    assert is_local_minimum(problem, both)
    assert is_local_minimum(problem, one)
    assert is_local_minimum(problem, with_zero(both))
    assert stationarity(problem, with_zero(one)).is_stationary()
    assert not is_local_minimum(problem, with_zero(one))


def test_fixed_output_weights_without_decay():
    problem = Problem([[-1.0], [1.0]], [1.0, 2.0], beta=0.0)
    assert is_local_minimum(problem, ReLUNetwork([[1.0, 1.0]], [1.0, 1.0]), fixed_output=True)
    # The other end of the same line of equal fits, where the second neuron can turn around.
    assert not is_local_minimum(problem, ReLUNetwork([[2.0, 0.0]], [1.0, 1.0]), fixed_output=True)


def test_bad_arguments_are_named():
    several = Problem([[1.0], [-1.0]], [[1.0, 2.0], [0.0, 1.0]], beta=0.5)
    with pytest.raises(ValueError, match="one output and beta > 0"):
        is_local_minimum(several, ReLUNetwork([[1.0]], [[1.0, 1.0]]))
    with pytest.raises(ValueError, match="one output and beta > 0"):
        is_local_minimum(Problem([[1.0]], [1.0], beta=0.0), ReLUNetwork([[1.0]], [1.0]))
    rng = np.random.default_rng(0)
    many = Problem(rng.standard_normal((20, 2)), np.ones(20), beta=0.1)
    with pytest.raises(ValueError, match="at most 14 kinks"):
        directional_slopes(many, ReLUNetwork([[0.0], [0.0]], [1.0]))
