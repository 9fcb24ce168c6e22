"""Networks are compared as functions on all of space, and as sets of neurons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import ReLUNetwork
from cvxnn.landscape.cones.distances import function_distance, neuron_distance
from cvxnn.testing.samplers import network as sample


@given(st.integers(1, 4), st.integers(0, 6), st.integers(0, 5), st.integers(0, 300))
def test_the_distance_bounds_the_difference_on_the_unit_ball(d, m, k, seed):
    rng = np.random.default_rng(seed)
    f, g = sample(rng, d, m, n_outputs=2, offset=True), sample(rng, d, k, n_outputs=2, offset=True)
    x = rng.standard_normal((200, d))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    largest = np.linalg.norm(f.predict(x) - g.predict(x), axis=1).max()
    assert largest <= function_distance(f, g) * (1 + 1e-12)


def test_networks_that_agree_on_data_only_are_told_apart():
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    split, merged = ReLUNetwork(np.eye(2), [1.0, 1.0]), ReLUNetwork([[1.0], [1.0]], [1.0])
    np.testing.assert_allclose(split.predict(X), merged.predict(X))
    assert function_distance(split, merged) > 0.1


def test_one_function_in_two_forms():
    # |x| + x = 2 (x)_+, and a zero neuron is none
    first = ReLUNetwork([[1.0, -1.0, 1.0, -1.0]], [1.0, 1.0, 1.0, -1.0])
    second = ReLUNetwork([[4.0, 0.0]], [0.5, 3.0])
    assert function_distance(first, second) == pytest.approx(0.0, abs=1e-15)
    assert neuron_distance(first, second) > 1.0


@given(st.integers(1, 4), st.integers(0, 8), st.integers(0, 300))
def test_the_order_of_neurons_and_zero_neurons_do_not_count(d, m, seed):
    rng = np.random.default_rng(seed)
    network = sample(rng, d, m)
    order = rng.permutation(m)
    wide = ReLUNetwork(
        np.hstack([network.hidden[:, order], np.zeros((d, 1))]), np.append(network.output[order], 1.0)
    )
    assert neuron_distance(network, wide) == 0.0
    if m:
        moved = ReLUNetwork(network.hidden + 1e-3, network.output)
        assert 0.0 < neuron_distance(network, moved) <= 1.001e-3 * np.sqrt(d * m)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="other must have 1 features and 1 outputs; it has 2 and 1"):
        function_distance(ReLUNetwork([[1.0]], [1.0]), ReLUNetwork([[1.0], [1.0]], [1.0]))
