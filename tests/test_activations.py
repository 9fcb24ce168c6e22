"""Activation functions: values, derivatives, homogeneity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.activations import Activation, Identity, PositivePart, Sigmoid, Tanh, get_activation

ALL = [PositivePart(0), PositivePart(1), PositivePart(2), PositivePart(3), Sigmoid(), Tanh(), Identity()]
# Away from the kink, where central differences of step 1e-6 see one side only.
POINTS = np.array([-3.0, -0.7, -1e-3, 1e-3, 0.4, 2.5])


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_derivatives_agree_with_central_differences(activation):
    h = 1e-6
    slopes = (activation.value(POINTS + h) - activation.value(POINTS - h)) / (2 * h)
    # Truncation h^2 times a third derivative of at most 6, and rounding 1e-16 * 16 / h.
    np.testing.assert_allclose(activation.derivative(POINTS), slopes, atol=5e-9)


@pytest.mark.parametrize("activation", ALL, ids=repr)
@given(c=st.floats(0.01, 100.0), z=st.floats(-5.0, 5.0))
def test_degrees_are_degrees_of_homogeneity(activation, c, z):
    if activation.degree is None:
        return
    z = np.array([z])
    np.testing.assert_allclose(
        activation.value(c * z), c**activation.degree * activation.value(z), rtol=1e-13
    )


def test_sigmoid_and_tanh_are_not_homogeneous():
    assert Sigmoid().degree is None
    assert Tanh().degree is None
    assert Tanh().value(np.array([2.0]))[0] < 2 * Tanh().value(np.array([1.0]))[0]


def test_what_happens_at_the_kink():
    zero = np.zeros(1)
    assert PositivePart(0).value(zero)[0] == 1.0  # the convention of activation patterns, 1[z >= 0]
    for k in range(4):
        assert PositivePart(k).derivative(zero)[0] == 0.0


def test_extreme_numbers_stay_finite():
    z = np.array([-1e4, 1e4])
    np.testing.assert_allclose(Sigmoid().value(z), [0.0, 1.0], atol=1e-300)
    np.testing.assert_array_equal(Sigmoid().derivative(z), [0.0, 0.0])
    np.testing.assert_array_equal(Tanh().derivative(z), [0.0, 0.0])


def test_names_and_degrees_find_activations():
    assert get_activation("relu") == get_activation(1) == PositivePart(1)
    assert get_activation("step") == get_activation(np.int64(0)) == PositivePart(0)
    assert get_activation("squared_relu") == get_activation(2)
    assert isinstance(get_activation("sigmoid"), Sigmoid)
    assert get_activation("tanh") == Tanh()
    own = Identity()
    assert get_activation(own) is own
    assert issubclass(Identity, Activation)


@pytest.mark.parametrize("bad", ["swish", -1, True, 1.5, None])
def test_unknown_activations_are_refused(bad):
    with pytest.raises(ValueError, match="activation must be one of"):
        get_activation(bad)


@pytest.mark.parametrize("bad", [-1, True, 0.5, "1"])
def test_degrees_must_be_counts(bad):
    with pytest.raises(ValueError, match="degree must be an integer >= 0"):
        PositivePart(bad)
