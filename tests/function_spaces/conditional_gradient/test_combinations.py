"""Convex combinations of unit neurons."""

import numpy as np
import pytest

from cvxnn.function_spaces.conditional_gradient.combinations import Combination
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork

X = np.random.default_rng(0).standard_normal((6, 2))
NETWORK = UnitNetwork(np.array([[1.0, 0.0, 0.6], [0.0, 1.0, 0.8]]), [0.5, -1.0, 0.25])


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_there_and_back(degree):
    network = UnitNetwork(NETWORK.directions, NETWORK.weights, degree)
    at = Combination.of(network, X, 2.0)
    assert at.rest == pytest.approx(1.0 - 1.75 / 2.0)
    np.testing.assert_allclose(at.values, network.predict(X), atol=1e-14)
    np.testing.assert_allclose(at.network().weights, network.weights, atol=1e-14)


def test_moves_keep_the_sum_of_weights():
    at = Combination.of(NETWORK, X, 2.0)
    for place, rho in ((0, 0.3), (None, 0.5), (1, -0.2)):
        to = at.towards(place, rho)
        target = np.zeros(6) if place is None else at.columns[:, place]
        np.testing.assert_allclose(to.values, (1 - rho) * at.values + rho * target, atol=1e-14)
        assert np.sum(to.weights) + to.rest == pytest.approx(1.0)


def test_a_neuron_joins_once():
    at = Combination.of(NETWORK, X, 2.0)
    found = neuron_oracle(X).maximise(np.arange(6.0) - 2.0)
    joined, place = at.join(X, found)
    assert (place, joined.n_neurons, len(joined.weights)) == (3, 3, 4)
    again, same = joined.join(X, found)
    assert again is joined
    assert same == 3
    np.testing.assert_allclose(joined.values, at.values, atol=1e-14)
    assert len(joined.used().weights) == 3
    assert at.used() is at
