"""Batches of networks."""

import numpy as np
import pytest
from scipy.special import expit

from cvxnn import ReLUNetwork
from cvxnn.dynamics.initialisation import he
from cvxnn.dynamics.starts.weights import Weights


def test_one_network_is_a_batch_of_one(rng):
    hidden, output = rng.standard_normal((3, 4)), rng.standard_normal(4)
    weights = Weights(hidden, output)
    assert (weights.n_networks, weights.n_features, weights.n_neurons) == (1, 3, 4)
    network = weights.network()
    np.testing.assert_array_equal(network.hidden, hidden)
    np.testing.assert_array_equal(network.output, output)
    np.testing.assert_allclose(weights.penalty, [network.weight_decay], rtol=1e-15)


def test_networks_go_in_and_come_out(rng):
    networks = [ReLUNetwork(rng.standard_normal((2, 3)), rng.standard_normal(3)) for _ in range(4)]
    weights = Weights.of(networks)
    for b, network in enumerate(networks):
        np.testing.assert_array_equal(weights.network(b).hidden, network.hidden)
    chosen = weights.select([2, 0])
    np.testing.assert_array_equal(chosen.network(0).output, networks[2].output)
    np.testing.assert_array_equal(weights.select(1).output, networks[1].output[None])
    mask = np.array([True, False, False, True])
    assert weights.select(mask).n_networks == 2


def test_repeating_is_for_one_network(rng):
    one = Weights(rng.standard_normal((2, 3)), rng.standard_normal(3))
    assert one.repeat(5).n_networks == 5
    with pytest.raises(ValueError, match="a single network can be repeated; got 5"):
        one.repeat(5).repeat(2)


def test_weights_are_copies_and_read_only(rng):
    hidden = rng.standard_normal((2, 3))
    weights = Weights(hidden, np.ones(3))
    hidden[0, 0] = 99.0
    assert weights.hidden[0, 0, 0] != 99.0
    with pytest.raises(ValueError, match="read-only"):
        weights.hidden[0, 0, 0] = 1.0


@pytest.mark.parametrize(
    ("hidden", "output", "message"),
    [
        (np.ones((2, 3, 4)), np.ones((2, 3)), r"output must have shape \(2, 4\)"),
        (np.ones(3), np.ones(3), "hidden must be 2-D or 3-D"),
        (np.ones((2, 3)), np.full(3, np.nan), "output must be finite"),
        (np.ones((2, 0)), np.ones(0), "hidden must not be empty"),
    ],
)
def test_wrong_weights_are_refused(hidden, output, message):
    with pytest.raises(ValueError, match=message):
        Weights(hidden, output)


def test_networks_outside_the_model_are_refused(rng):
    with pytest.raises(ValueError, match="one output and no output offset"):
        Weights.of(ReLUNetwork(np.ones((2, 3)), np.ones((3, 2))))
    with pytest.raises(ValueError, match="one output and no output offset"):
        Weights.of(ReLUNetwork(np.ones((2, 3)), np.ones(3), [1.0]))
    with pytest.raises(ValueError, match="must share one shape"):
        Weights.of([ReLUNetwork(np.ones((2, 3)), np.ones(3)), ReLUNetwork(np.ones((2, 1)), np.ones(1))])


def test_predictions_are_those_of_each_network():
    weights = he(3, 4, n_networks=2)
    X = np.random.default_rng(0).standard_normal((5, 3))
    found = weights.predict(X)
    for b in range(2):
        np.testing.assert_allclose(found[b], weights.network(b).predict(X), rtol=1e-14)
    sigmoid = weights.predict(X, "sigmoid")
    np.testing.assert_allclose(sigmoid[0], expit(X @ weights.hidden[0]) @ weights.output[0], rtol=1e-14)
    with pytest.raises(ValueError, match="X must have 3 columns; got 2"):
        weights.predict(X[:, :2])
    with pytest.raises(ValueError, match="index must be an integer below 2"):
        weights.network(9)
