"""Pruning keeps the fit, never loses objective, and ends with at most nC neurons."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.datasets import load_planted
from cvxnn.landscape.minimal_networks.minimality import is_basic, is_minimal
from cvxnn.landscape.minimal_networks.pruning import minimal, prune, width_bounds
from cvxnn.testing.samplers import DATA
from cvxnn.testing.samplers import network as sample
from cvxnn.theorems import HypothesisError
from cvxnn.training.descent import descend, small_random_network

from ..random_optima import ORDINARY, optimal, small_problem


def draw(seed, data, n_outputs):
    rng = np.random.default_rng(seed)
    n, d, m = int(rng.integers(1, 7)), int(rng.integers(1, 4)), int(rng.integers(0, 40))
    y = rng.standard_normal(n if n_outputs is None else (n, n_outputs))
    return Problem(DATA[data](rng, n, d), y, 0.1), sample(rng, d, m, n_outputs=n_outputs)


def check_pruning(problem, network, pruned, *, keep_penalty):
    """Law: fit kept, penalty kept or not raised, few neurons, those independent."""
    size = max(1.0, network.path_norm) * max(1.0, np.abs(problem.X).max())
    np.testing.assert_allclose(pruned.predict(problem.X), network.predict(problem.X), atol=1e-10 * size)
    before, after = problem.penalty(network), problem.penalty(pruned)
    if keep_penalty:
        assert after == pytest.approx(before, rel=1e-9)
    else:
        assert after <= before * (1 + 1e-10)
        assert is_basic(problem, pruned)
    assert pruned.n_neurons <= problem.y.size + keep_penalty


@given(st.sampled_from(ORDINARY), st.integers(0, 300), st.booleans(), st.sampled_from([None, 2]))
def test_pruning(data, seed, keep_penalty, n_outputs):
    problem, network = draw(seed, data, n_outputs)
    pruned = prune(problem, network, keep_penalty=keep_penalty)
    check_pruning(problem, network, pruned, keep_penalty=keep_penalty)


def drop_the_smallest(problem, network):
    """A planted fault: the nC largest neurons, the others dropped."""
    order = np.argsort(-np.linalg.norm(network.hidden, axis=0) * np.abs(network.output))
    return network.select(order[: problem.y.size])


def refit(problem, network):
    """A planted fault: n neurons with the same fit, whatever the penalty."""
    hidden = network.hidden[:, : problem.n_samples]
    output = np.linalg.lstsq(np.maximum(problem.X @ hidden, 0), network.predict(problem.X), rcond=None)[0]
    return ReLUNetwork(hidden, output)


@pytest.mark.parametrize("fault", [drop_the_smallest, refit])
def test_faulty_pruning_is_rejected(fault):
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((6, 3)), rng.standard_normal(6), 0.1)
    network = sample(rng, 3, 30).balance()
    with pytest.raises(AssertionError):
        check_pruning(problem, network, fault(problem, network), keep_penalty=False)


def test_n_neurons_do_not_do_with_fit_and_penalty_kept():
    """Sharp: with X = 1, f and penalty of unequal neurons need two, n + 1."""
    problem = Problem([[1.0]], [1.0], beta=1.0)
    network = ReLUNetwork([[1.0, 2.0, 3.0]], [1.0, 1.0, 1.0])
    assert prune(problem, network).n_neurons == 1
    assert prune(problem, network, keep_penalty=True).n_neurons == 2


@given(st.integers(0, 300), st.sampled_from(ORDINARY), st.sampled_from([None, 2]))
def test_minimal_never_raises_the_objective(seed, data, n_outputs):
    problem, network = draw(seed, data, n_outputs)
    small = minimal(problem, network)
    before = problem.objective(network)
    assert is_minimal(problem, small)
    assert problem.objective(small) <= before + 1e-9 * max(1.0, before)


@settings(max_examples=15)
@given(st.integers(0, 100))
def test_width_bounds_bracket_the_optimum(seed):
    problem = small_problem(seed, "squared")
    _, network = optimal(problem)
    bounds = width_bounds(problem, network)
    assert bounds.lower <= bounds.upper <= min(problem.n_samples, max(network.n_neurons, 1))


def test_width_bounds_of_several_outputs_and_of_nothing():
    problem = Problem(np.eye(3), np.eye(3), beta=0.1)
    network = ReLUNetwork(np.eye(3), np.eye(3))
    assert width_bounds(problem, network) == width_bounds(problem, network.balance())
    assert width_bounds(problem, network).lower == 3
    zero = ReLUNetwork(np.zeros((3, 0)), np.zeros((0, 3)))
    assert (width_bounds(problem, zero).lower, width_bounds(problem, zero).upper) == (0, 0)


def test_the_per_class_penalty_is_outside_the_hypotheses():
    problem = Problem(np.eye(2), np.eye(2), 0.1, output_norm="l1")
    network = ReLUNetwork(np.eye(2), np.eye(2))
    for operation in (prune, minimal):
        with pytest.raises(HypothesisError, match="output_norm must be 'l2'"):
            operation(problem, network)


def test_the_planted_problem_is_pruned_within_seconds(data_home):
    data = load_planted(data_home=data_home)
    problem = Problem(data.X, data.y, beta=0.5)
    wide = descend(problem, small_random_network(problem, 400, np.random.default_rng(0)), max_iterations=100)
    start = time.process_time()
    pruned = prune(problem, wide)
    small = minimal(problem, wide)
    seconds = time.process_time() - start
    check_pruning(problem, wide, pruned, keep_penalty=False)
    assert is_minimal(problem, small)
    assert problem.objective(pruned) <= problem.objective(wide)
    assert seconds < 5.0
