"""The parts of the variation norm's computation: neurons that span, and the linear program."""

import numpy as np
import pytest

from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.unit_norm.unit_networks import unit_features
from cvxnn.function_spaces.variation.rounds import VariationNormRounds, least_l1


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_spanning_neurons_take_the_values(degree):
    rng = np.random.default_rng(degree)
    X, f = rng.standard_normal((8, 3)), rng.standard_normal(8)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    rounds = VariationNormRounds(X, f, neuron_oracle(X, degree))
    assert rounds.value == np.inf
    assert rounds.span(Deadline())
    network = rounds.network()
    np.testing.assert_allclose(network.predict(X), f, atol=1e-8)  # 1e-9 of the length
    assert rounds.value == pytest.approx(network.total_variation)
    assert 0 < rounds.lower_bound <= rounds.value
    values = np.abs(rounds.lam @ unit_features(X, rng.standard_normal((3, 500)), 0)) if degree == 0 else None
    assert values is None or np.max(values) <= 1 + 1e-9  # the dual variable is feasible


def test_the_least_l1_norm_and_its_dual():
    H = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    weights, lam = least_l1(H, np.array([2.0, 2.0]))
    np.testing.assert_allclose(weights, [0.0, 0.0, 2.0], atol=1e-12)
    assert lam @ [2.0, 2.0] == pytest.approx(2.0)
    assert np.max(np.abs(lam @ H)) <= 1 + 1e-9


def test_columns_that_do_not_span_are_refused():
    with pytest.raises(ArithmeticError, match="linear program"):
        least_l1(np.array([[1.0], [0.0]]), np.array([0.0, 1.0]))
