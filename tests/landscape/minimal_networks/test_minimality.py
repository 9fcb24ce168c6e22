"""Minimal, nearly minimal and basic are three notions, and each is told from the others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.landscape.minimal_networks.minimality import is_basic, is_minimal, is_nearly_minimal, is_scaled
from cvxnn.landscape.minimal_networks.operations import split
from cvxnn.landscape.minimal_networks.pruning import prune
from cvxnn.testing.samplers import network as sample

from ..random_optima import LOSSES, ORDINARY, optimal, shattered, small_problem


def plane(hidden, output):
    """Return a problem whose cones are the quadrants, and a balanced network."""
    problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.1)
    return problem, ReLUNetwork(hidden, output).balance()


@pytest.mark.parametrize(
    ("hidden", "output", "minimal", "nearly", "basic"),
    [
        ([[1.0], [1.0]], [1.0], True, True, True),
        ([[1.0, 2.0], [1.0, 2.0]], [1.0, 1.0], False, True, False),  # collinear
        ([[1.0, 2.0], [2.0, 1.0]], [1.0, 1.0], False, False, True),  # one quadrant
        ([[1.0, 2.0], [2.0, 1.0]], [1.0, -1.0], True, True, True),  # one quadrant, two signs
        ([[1.0, -1.0], [1.0, 1.0]], [1.0, 1.0], True, True, True),  # two quadrants
        ([[0.0, -1.0], [1.0, 1.0]], [1.0, 1.0], False, False, False),  # the face of the second's quadrant
        ([[0.0, 0.0], [1.0, -1.0]], [1.0, 1.0], True, True, False),  # two faces; one is active nowhere
        ([[1.0, 1.0, -1.0], [1.0, -1.0, 1.0]], [1.0] * 3, True, True, False),  # three activations in a plane
    ],
)
def test_small_cases(hidden, output, minimal, nearly, basic):
    problem, network = plane(hidden, output)
    assert is_minimal(problem, network) is minimal
    assert is_nearly_minimal(problem, network) is nearly
    assert is_basic(problem, network) is basic


def test_unbalanced_networks_are_neither_minimal_nor_nearly_minimal():
    problem, network = plane([[1.0], [1.0]], [1.0])
    lopsided = ReLUNetwork(2.0 * network.hidden, network.output / 2.0)
    assert not is_scaled(lopsided)
    assert not is_minimal(problem, lopsided)
    assert not is_nearly_minimal(problem, lopsided)
    assert is_basic(problem, lopsided)


def test_a_half_zero_neuron_is_not_scaled_and_a_zero_one_does_not_count():
    problem, network = plane([[1.0], [1.0]], [1.0])
    for output, expected in ((0.5, False), (0.0, True)):
        wide = ReLUNetwork(np.hstack([network.hidden, [[0.0], [0.0]]]), np.append(network.output, output))
        assert is_minimal(problem, wide) is expected


def by_pattern_only(problem, network):
    """A planted fault: at most one neuron for each pattern 1[Xu >= 0] and sign, faces forgotten."""
    keys = np.vstack([network.patterns(problem.X), network.output > 0])
    return is_scaled(network) and len(np.unique(keys, axis=1).T) == network.n_neurons


def test_the_rule_for_faces_rejects_counting_patterns():
    problem, network = plane([[1.0, 1.0], [0.0, -1.0]], [1.0, 1.0])
    assert by_pattern_only(problem, network)
    assert not is_minimal(problem, network)
    # One direction stored in the cells on both sides of its face, apart by rounding.
    problem, network = plane([[1.0, 1.0], [1e-14, -1e-14]], [1.0, 1.0])
    assert by_pattern_only(problem, network)
    assert is_nearly_minimal(problem, network)
    assert not is_minimal(problem, network)


@settings(max_examples=24)
@given(st.sampled_from(LOSSES), st.sampled_from(ORDINARY), st.integers(0, 300))
def test_every_optimal_network_is_nearly_minimal_and_a_basic_one_minimal(loss, data, seed):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, loss, data=data)
    _, network = optimal(problem)
    assert is_nearly_minimal(problem, network)
    form = shattered(network, rng)
    assert is_nearly_minimal(problem, form)
    basic = prune(problem, form)
    assert is_basic(problem, basic)
    assert is_minimal(problem, basic)
    assert problem.objective(basic) == pytest.approx(problem.objective(network), rel=1e-9)
    if network.n_neurons:
        assert not is_basic(problem, form)
        assert not is_minimal(problem, split(basic, 0, [0.5, 0.5]))


@settings(max_examples=15)
@given(st.integers(0, 300))
def test_networks_that_are_not_nearly_minimal_are_not_optimal(seed):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, "squared")
    network = sample(rng, problem.n_features, 8).balance()
    if not is_nearly_minimal(problem, network):
        _, best = optimal(problem)
        assert problem.objective(best) < problem.objective(network) - 1e-9


def test_several_outputs():
    problem = Problem([[1.0, 0.0], [0.0, 1.0]], np.ones((2, 2)), beta=0.1)
    hidden = np.array([[1.0, 2.0], [1.0, 2.0]])
    alike = ReLUNetwork(hidden, [[1.0, 1.0], [2.0, 2.0]])
    apart = ReLUNetwork(hidden, [[1.0, 1.0], [2.0, -2.0]])
    assert not is_minimal(problem, alike.balance())
    assert is_nearly_minimal(problem, alike.balance())
    assert not is_basic(problem, alike)
    assert is_minimal(problem, apart.balance())
    assert is_basic(problem, apart)


def test_no_neurons_are_minimal_and_basic():
    problem, _ = plane([[1.0], [1.0]], [1.0])
    zero = ReLUNetwork(np.zeros((2, 0)), np.zeros(0))
    assert is_scaled(zero)
    assert is_minimal(problem, zero)
    assert is_nearly_minimal(problem, zero)
    assert is_basic(problem, zero)


def test_networks_of_other_shapes_are_refused():
    problem, _ = plane([[1.0], [1.0]], [1.0])
    for question in (is_minimal, is_nearly_minimal, is_basic):
        with pytest.raises(ValueError, match="network must take 2 features; it takes 1"):
            question(problem, ReLUNetwork([[1.0]], [1.0]))
