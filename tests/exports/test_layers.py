"""Both affine layers of a network: taken apart and put together again, in two precisions."""

import numpy as np
import pytest

from cvxnn import GatedReLUNetwork, ReLUNetwork, exports
from cvxnn.exports.layers import Layers


def test_public_names_exist_and_are_sorted():
    assert sorted(exports.__all__) == exports.__all__
    assert all(hasattr(exports, name) for name in exports.__all__)


def test_the_last_row_is_the_hidden_bias():
    network = ReLUNetwork([[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0], [7.0])
    layers = Layers.of(network, hidden_bias=True)
    assert layers.hidden.tolist() == [[1.0, 2.0]]
    assert layers.hidden_bias.tolist() == [3.0, 4.0]
    assert layers.output.tolist() == [[5.0], [6.0]]
    assert layers.offset.tolist() == [7.0]
    without = Layers.of(network, hidden_bias=False)
    assert without.hidden.tolist() == network.hidden.tolist()
    assert without.hidden_bias is None


@pytest.mark.parametrize("hidden_bias", [False, True])
@pytest.mark.parametrize("output_shape", [(4,), (4, 3), (0,), (0, 3)])
def test_taking_apart_and_putting_together_keeps_every_bit(rng, hidden_bias, output_shape):
    hidden = rng.standard_normal((3, output_shape[0]))
    network = ReLUNetwork(
        hidden, rng.standard_normal(output_shape), rng.standard_normal(output_shape[1:] or 1)
    )
    again = Layers.of(network, hidden_bias=hidden_bias).to_network()
    for name in ("hidden", "output", "offset"):
        np.testing.assert_array_equal(getattr(again, name), getattr(network, name))


def test_one_output_of_a_matrix_becomes_a_vector():
    network = ReLUNetwork([[1.0], [2.0]], [[3.0]])
    assert Layers.of(network, hidden_bias=False).to_network().output.shape == (1,)


def test_the_arrays_are_the_callers_own():
    network = ReLUNetwork([[1.0], [2.0]], [3.0], [4.0])
    layers = Layers.of(network, hidden_bias=True)
    for array in (layers.hidden, layers.hidden_bias, layers.output, layers.offset):
        array[...] = 0.0  # the network's are read-only
    assert network.predict([[1.0, 1.0]]).tolist() == [13.0]


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32"), "f4"])
def test_single_precision(dtype):
    layers = Layers.of(ReLUNetwork([[0.1], [0.2]], [0.3]), hidden_bias=True, dtype=dtype)
    assert {array.dtype for array in (layers.hidden, layers.hidden_bias, layers.output, layers.offset)} == {
        np.dtype("float32")
    }
    assert layers.hidden.item() == np.float32(0.1)


@pytest.mark.parametrize("dtype", ["float16", "int64", ">f4", "double precision", None, object()])
def test_other_precisions_are_refused(dtype):
    with pytest.raises(ValueError, match="dtype must be 'float64' or 'float32'; got"):
        Layers.of(ReLUNetwork([[1.0]], [1.0]), hidden_bias=False, dtype=dtype)


def test_weights_beyond_single_precision_are_refused_with_the_remedy():
    network = ReLUNetwork([[1.0]], [1e60]).balance()
    assert Layers.of(network, hidden_bias=False, dtype="float32").output.item() == np.float32(1e30)
    with pytest.raises(ValueError, match=r"float32 can hold; output reaches 1e\+60: try network.balance"):
        Layers.of(ReLUNetwork([[1.0]], [1e60]), hidden_bias=False, dtype="float32")


@pytest.mark.parametrize(
    ("network", "hidden_bias", "message"),
    [
        (GatedReLUNetwork([[1.0]], [[1.0]], [1.0]), False, "must be a ReLUNetwork; got GatedReLUNetwork"),
        (None, False, "must be a ReLUNetwork; got NoneType"),
        (ReLUNetwork([[1.0]], [1.0]), "yes", "hidden_bias must be True or False; got 'yes'"),
        (ReLUNetwork([[1.0]], [1.0]), 1, "hidden_bias must be True or False; got 1"),
        (ReLUNetwork([[1.0]], [1.0]), True, "must take a feature besides the column of ones"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused(network, hidden_bias, message):
    with pytest.raises(ValueError, match=message):
        Layers.of(network, hidden_bias=hidden_bias)
