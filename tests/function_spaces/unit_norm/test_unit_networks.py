"""Networks in unit-norm form."""

import numpy as np
import pytest

from cvxnn import ReLUNetwork
from cvxnn.activations import PositivePart
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, unit_norm_form

HIDDEN, OUTPUT = np.array([[3.0, 0.0, -1.0], [4.0, 2.0, 1.0]]), np.array([2.0, -1.0, 0.5])


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_the_unit_norm_form_is_the_same_function(rng, degree):
    form = unit_norm_form(ReLUNetwork(HIDDEN, OUTPUT), degree)
    X = rng.standard_normal((50, 2))
    expected = PositivePart(degree).value(X @ HIDDEN) @ OUTPUT
    np.testing.assert_allclose(form.predict(X), expected, rtol=0, atol=1e-12)
    lengths = np.linalg.norm(HIDDEN, axis=0)
    assert form.total_variation == pytest.approx(np.sum(lengths**degree * np.abs(OUTPUT)), rel=1e-14)


def test_balanced_keeps_the_function_and_its_weight_decay_is_the_total_variation(rng):
    form = unit_norm_form(ReLUNetwork(HIDDEN, OUTPUT))
    network, X = form.balanced(), rng.standard_normal((20, 2))
    np.testing.assert_allclose(network.predict(X), form.predict(X), atol=1e-12)
    assert network.weight_decay == pytest.approx(form.total_variation, rel=1e-14)
    assert unit_norm_form(network).total_variation == pytest.approx(form.total_variation, rel=1e-14)


def test_a_neuron_without_direction_is_left_out_unless_it_is_a_constant():
    assert unit_norm_form(ReLUNetwork([[0.0, 1.0]], [5.0, 1.0])).n_neurons == 1
    with pytest.raises(ValueError, match="length zero"):
        unit_norm_form(ReLUNetwork([[0.0, 1.0]], [5.0, 1.0]), 0)


def test_the_activation_of_a_unit_network_was_its_degree():
    with pytest.warns(DeprecationWarning, match="UnitNetwork: the argument degree is now called activation"):
        assert UnitNetwork([[1.0]], [1.0], degree=2).activation == PositivePart(2)
    assert UnitNetwork([[1.0]], [1.0], "squared_relu").degree == 2


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="directions must be unit vectors"):
        UnitNetwork([[2.0]], [1.0])
    with pytest.raises(ValueError, match="directions must have shape"):
        UnitNetwork([[1.0]], [1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        UnitNetwork([[1.0]], [np.nan])
    with pytest.raises(ValueError, match="k = 0, 1 or 2"):
        UnitNetwork([[1.0]], [1.0], 3)
    with pytest.raises(ValueError, match="one output"):
        unit_norm_form(ReLUNetwork([[1.0]], [[1.0, 2.0]]))
    with pytest.raises(ValueError, match="no offset"):
        unit_norm_form(ReLUNetwork([[1.0]], [1.0], [2.0]))
    with pytest.raises(ValueError, match="2 columns"):
        UnitNetwork([[1.0], [0.0]], [1.0]).predict([[1.0]])
    with pytest.raises(ValueError, match="activation must be 'relu' for a ReLU network"):
        UnitNetwork([[1.0]], [1.0], 2).balanced()
