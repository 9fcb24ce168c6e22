"""Each operation keeps what its docstring says, and what keeps less is told apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.landscape.minimal_networks.operations import (
    merge_cones,
    merge_directions,
    network_of_blocks,
    permute,
    require_plain_decay,
    signed_blocks,
    split,
    what_changed,
)
from cvxnn.testing.samplers import DATA
from cvxnn.testing.samplers import network as sample
from cvxnn.theorems import HypothesisError

from ..random_optima import ORDINARY, on_kinks

SEEDS = st.integers(0, 300)
# Weights differ by factors up to 1e4: sums of squares are exact to 1e-15 times 1e8 at the worst; relative to the
# objective, which has the same terms, 1e-9 leaves room.
TOL = 1e-9


def draw(seed, n_outputs=None, data="gaussian"):
    rng = np.random.default_rng(seed)
    n, d, m = int(rng.integers(2, 8)), int(rng.integers(1, 4)), int(rng.integers(1, 9))
    X = DATA[data](rng, n, d)
    y = rng.standard_normal(n if n_outputs is None else (n, n_outputs))
    return rng, Problem(X, y, 0.1), on_kinks(sample(rng, d, m, n_outputs=n_outputs), X, rng)


def keeps_everything(operation):
    """Law: f everywhere and the objective are unchanged."""

    def law(seed, n_outputs=None):
        rng, problem, network = draw(seed, n_outputs)
        change = what_changed(problem, network, operation(network, rng), tol=TOL)
        assert change.function.holds
        assert change.fit.holds
        assert change.objective.measured == pytest.approx(change.objective.predicted, rel=TOL)

    return law


def random_split(network, rng):
    return split(network, int(rng.integers(network.n_neurons)), rng.dirichlet(np.ones(3)))


@given(SEEDS, st.sampled_from([None, 2]))
def test_splitting_keeps_function_and_objective(seed, n_outputs):
    keeps_everything(random_split)(seed, n_outputs)


@given(SEEDS, st.sampled_from([None, 2]))
def test_permuting_keeps_function_and_objective(seed, n_outputs):
    keeps_everything(lambda network, rng: permute(network, rng.permutation(network.n_neurons)))(
        seed, n_outputs
    )


def split_linearly(network, rng):
    """A planted fault: shares of the weights, not of their squares."""
    del rng
    return ReLUNetwork(
        np.hstack([network.hidden, network.hidden]) / 2, np.concatenate([network.output] * 2) / 2
    )


def double_and_halve(network, rng):
    """A planted fault: the same function, another penalty."""
    del rng
    return ReLUNetwork(2.0 * network.hidden, network.output / 2.0)


@pytest.mark.parametrize("fault", [split_linearly, double_and_halve])
def test_faulty_operations_are_rejected(fault):
    with pytest.raises(AssertionError):
        keeps_everything(fault)(0)


@given(SEEDS, st.sampled_from([None, 2]))
def test_balancing_and_merging_directions_keep_the_function_and_do_not_raise(seed, n_outputs):
    rng, problem, network = draw(seed, n_outputs)
    shares = split(network, 0, rng.dirichlet(np.ones(4)))
    for after in (shares.balance(), merge_directions(shares)):
        change = what_changed(problem, shares, after, tol=TOL)
        assert change.function.holds
        assert change.objective.holds
    assert merge_directions(shares).n_neurons <= network.n_neurons
    balanced = shares.balance()
    kept = what_changed(problem, balanced, merge_directions(balanced), tol=TOL)
    assert kept.objective.measured == pytest.approx(kept.objective.predicted, rel=TOL)


@given(st.sampled_from(ORDINARY), SEEDS, st.sampled_from([None, 2]))
def test_merging_cones_keeps_the_fit_and_leaves_nothing_to_merge(data, seed, n_outputs):
    _, problem, network = draw(seed, n_outputs, data)
    merged = merge_cones(network, problem.X)
    change = what_changed(problem, network, merged, tol=TOL * max(1.0, network.path_norm))
    assert change.fit.holds
    assert change.objective.holds
    assert merge_cones(merged, problem.X).n_neurons == merged.n_neurons
    by_pattern = network.merge(problem.X)
    assert merged.n_neurons <= by_pattern.n_neurons


def test_merging_cones_takes_a_neuron_on_a_face_that_merging_by_pattern_leaves():
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    network = ReLUNetwork([[1.0, 1.0], [0.0, -1.0]], [1.0, 1.0])  # on the face, and in the cone below it
    assert network.merge(X).n_neurons == 2
    merged = merge_cones(network, X)
    assert merged.n_neurons == 1
    np.testing.assert_allclose(merged.predict(X), network.predict(X), atol=1e-15)
    change = what_changed(Problem(X, [1.0, 1.0], 0.1), network, merged)
    assert not change.function.holds  # f(X) only
    assert change.objective.difference < -0.01


@given(SEEDS, st.sampled_from([None, 3]))
def test_blocks_and_back_is_balancing(seed, n_outputs):
    _, problem, network = draw(seed, n_outputs)
    back = network_of_blocks(*signed_blocks(network), network.offset)
    balanced = network.balance()
    np.testing.assert_allclose(back.hidden, balanced.hidden, rtol=1e-12)
    np.testing.assert_allclose(back.output, balanced.output, rtol=1e-12)
    assert problem.penalty(back) == pytest.approx(problem.penalty(balanced))


def test_zero_neurons_stay_in_blocks():
    network = network_of_blocks(np.array([[0.0, 4.0]]), np.array([1.0, -1.0]))
    np.testing.assert_array_equal(network.hidden, [[0.0, 2.0]])
    np.testing.assert_array_equal(network.output, [0.0, -2.0])


@pytest.mark.parametrize(
    ("neuron", "shares", "message"),
    [
        (2, [1.0], r"index must be in 0 \.\. 1; got 2"),
        (-1, [1.0], "index must be in"),
        (0, [0.5, 0.4], r"shares must be numbers >= 0 of sum 1; got \[0\.5, 0\.4\]"),
        (0, [1.5, -0.5], "shares must be"),
        (0, [], "shares must be"),
        (0, [float("nan")], "shares must be"),
    ],
)
def test_splits_that_make_no_sense_are_refused(neuron, shares, message):
    with pytest.raises(ValueError, match=message):
        split(ReLUNetwork([[1.0, 2.0]], [1.0, 1.0]), neuron, shares)


@pytest.mark.parametrize("order", [[0], [0, 0], [0, 2], [[0, 1]]])
def test_orders_that_are_no_permutation_are_refused(order):
    with pytest.raises(ValueError, match=r"order must be a permutation of 0 \.\. 1"):
        permute(ReLUNetwork([[1.0, 2.0]], [1.0, 1.0]), order)


def test_the_per_class_penalty_is_outside_the_hypotheses():
    Y = np.ones((2, 2))
    require_plain_decay(Problem(np.eye(2), Y, 0.1))
    with pytest.raises(HypothesisError, match="output_norm must be 'l2'"):
        require_plain_decay(Problem(np.eye(2), Y, 0.1, output_norm="l1"))
