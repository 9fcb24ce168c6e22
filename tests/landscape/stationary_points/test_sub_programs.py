"""Stationary networks and the program on their own patterns: the sharp case, both failures, both signs."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, solve
from cvxnn.landscape.minimal_networks.minimality import largest_spread
from cvxnn.landscape.stationary_points.clarke import stationarity
from cvxnn.landscape.stationary_points.directional import is_local_minimum
from cvxnn.landscape.stationary_points.kink_descent import descend_to_stationarity
from cvxnn.landscape.stationary_points.sub_programs import (
    kinked_example,
    optimal_on_own_patterns,
    sub_sampled_program,
)
from cvxnn.testing.solvers import reference_optimum
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.training.descent import small_random_network


def is_optimal_on_own_pattern(example):
    program = sub_sampled_program(example.problem, example.network, kinks=example.kinks)
    optimum = solve(program, tol=1e-11).objective
    assert optimum == pytest.approx(reference_optimum(program), abs=1e-7)
    return Comparison(example.problem.objective(example.network), optimum, tol=1e-8).holds


@pytest.mark.parametrize(
    ("target", "stationary", "optimal"),
    [
        (-1.0, False, True),
        (0.0, False, True),
        (0.4, False, True),
        (0.5, True, True),
        (0.6, True, False),
        (2.0, True, False),
    ],
)
def test_theorem_and_converse_fail_on_the_two_sides_of_the_sharp_case(target, stationary, optimal):
    example = kinked_example(target)
    found = stationarity(example.problem, example.network, kinks=example.kinks)
    assert found.is_stationary() is stationary
    assert is_optimal_on_own_pattern(example) is optimal
    assert found.bends[0, 0] == pytest.approx(-target * np.sqrt(0.5))


def test_each_hypothesis_is_checked_by_name():
    off = kinked_example(0.0)
    with pytest.raises(HypothesisError, match="Clarke stationary"):
        optimal_on_own_patterns(off.problem, off.network, kinks=off.kinks)
    concave = kinked_example(1.0)
    with pytest.raises(HypothesisError, match="concave at a kink"):
        optimal_on_own_patterns(concave.problem, concave.network, kinks=concave.kinks)
    kinked = one_neuron_on_a_convex_kink(1.0)
    with pytest.raises(HypothesisError, match="on a kink"):
        optimal_on_own_patterns(*kinked, both_signs=True)
    several = Problem([[1.0]], [[1.0, 2.0]], beta=0.5)
    with pytest.raises(ValueError, match="one output"):
        optimal_on_own_patterns(several, ReLUNetwork([[1.0]], [[1.0, 1.0]]))
    with pytest.raises(ValueError, match="one output"):
        sub_sampled_program(several, ReLUNetwork([[1.0]], [[1.0, 1.0]]), both_signs=True)
    with pytest.raises(ValueError, match="non-zero neuron"):
        sub_sampled_program(off.problem, ReLUNetwork(np.zeros((2, 1)), [0.0]))


def test_neurons_near_their_kinks_are_on_them_to_the_tolerance_given():
    problem, network = one_neuron_on_a_convex_kink(1.0)
    hidden, step = network.hidden, np.array([[0.0], [1e-6]])
    below, near = (ReLUNetwork(hidden + move, network.output) for move in (-step, step))
    assert not sub_sampled_program(problem, below).masks[0, 0]
    assert sub_sampled_program(problem, below, kink_tol=1e-5).masks[0, 0]
    with pytest.raises(HypothesisError, match="Clarke stationary"):
        optimal_on_own_patterns(problem, near, tol=1e-5)
    found = optimal_on_own_patterns(problem, near, tol=1e-5, kink_tol=1e-5)
    assert found.spread.holds
    assert [is_local_minimum(problem, near, tol=1e-5, kink_tol=k) for k in (1e-9, 1e-5)] == [False, True]
    with pytest.raises(ValueError, match="kink_tol must be"):
        sub_sampled_program(problem, near, kink_tol=np.nan)


def one_neuron_on_a_convex_kink(depth):
    """Return a problem and its stationary network (sqrt(1/2), 0), on the kink of a sample of target -depth."""
    problem = Problem([[0.0, 1.0], [1.0, 0.0]], [-depth, 1.0], beta=0.5)
    root = np.sqrt(0.5)
    return problem, ReLUNetwork([[root], [0.0]], [root])


@pytest.mark.parametrize(("depth", "holds"), [(0.4, True), (1.0, False)])
def test_with_both_signs_the_theorem_fails_at_a_kink_that_a_neuron_of_the_other_sign_can_use(depth, holds):
    problem, network = one_neuron_on_a_convex_kink(depth)
    found = optimal_on_own_patterns(problem, network)
    assert found.objective.holds
    both = solve(sub_sampled_program(problem, network, both_signs=True), tol=1e-9).objective
    # A neuron -(0, 1) gains depth and costs beta = 1/2 for each unit.
    assert Comparison(found.objective.measured, both).holds is holds


def test_both_signs_without_kinks():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.5)
    network = ReLUNetwork([[np.sqrt(0.5), -np.sqrt(1.5)]], np.sqrt([0.5, 1.5]))
    found = optimal_on_own_patterns(problem, network, both_signs=True)
    assert found.objective.holds
    assert sub_sampled_program(problem, network, both_signs=True).n_blocks == 4


def test_zero_networks_and_zero_neurons():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=3.0)
    zero = ReLUNetwork([[0.0]], [0.0])
    found = optimal_on_own_patterns(problem, zero)
    assert found.objective == Comparison(2.5, 2.5)
    problem = problem.with_beta(0.5)
    root = np.sqrt(1.5)
    found = optimal_on_own_patterns(problem, ReLUNetwork([[0.0, -root]], [0.0, root]))
    assert found.objective.holds


def test_neurons_of_one_cell_that_differ_have_a_spread_and_copies_none():
    problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.1)
    apart = ReLUNetwork([[1.0, 1.0], [1.0, 2.0]], [1.0, 1.0])
    cosine = 3.0 / np.sqrt(10.0)
    assert largest_spread(problem, apart) == pytest.approx(np.sqrt(1 - cosine**2))
    assert largest_spread(problem, ReLUNetwork(apart.hidden, [1.0, -1.0])) < 1e-15
    assert largest_spread(problem, ReLUNetwork([[1.0, 2.0], [1.0, 2.0]], [1.0, 3.0])) < 1e-15
    # On the common face of two cells, and in one of them.
    assert largest_spread(problem, ReLUNetwork([[1.0, 1.0], [0.0, -1.0]], [1.0, 1.0])) == pytest.approx(
        np.sqrt(0.5)
    )


def test_splitting_a_stationary_network_keeps_it_nearly_minimal_and_turning_a_half_does_not():
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), 0.1)
    ended = descend_to_stationarity(problem, small_random_network(problem, 4, rng, size=1.0))
    split = ReLUNetwork(
        np.hstack([ended.network.hidden] * 2) / np.sqrt(2), np.tile(ended.network.output, 2) / np.sqrt(2)
    )
    kinks = np.hstack([ended.kinks] * 2)
    found = optimal_on_own_patterns(problem, split, kinks=kinks)
    assert found.objective.holds
    assert found.spread.holds
    hidden = np.array(split.hidden)
    hidden[:, 0] = hidden[:, 0] + 1e-3 * hidden[::-1, 0] * [1, -1]  # planted fault
    assert largest_spread(problem, ReLUNetwork(hidden, split.output), kinks=kinks) > 1e-4
