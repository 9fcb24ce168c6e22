"""The picture of the heaviest neurons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba

from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.plots import neurons
from cvxnn.plots.canvas import BLUE, VERMILLION


def random_network(seed=0, d=5, m=20, outputs=()):
    rng = np.random.default_rng(seed)
    return ReLUNetwork(rng.normal(size=(d, m)), rng.normal(size=(m, *outputs)))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), top=st.integers(1, 30), outputs=st.sampled_from([(), (1,), (3,)]))
def test_shares_are_shares_of_the_path_norm(seed, top, outputs):
    network = random_network(seed, outputs=outputs)
    shown = neurons(network, top=top)
    assert len(shown.weights) == min(top, 20)
    assert np.all(np.diff(shown.weights) <= 0)
    # sums of 20 positive terms in two orders
    np.testing.assert_allclose(shown.shares * network.path_norm, shown.weights, rtol=1e-13)
    np.testing.assert_allclose(network.select(shown.indices).path_norm, shown.weights.sum(), rtol=1e-13)


def test_balancing_changes_nothing():
    network = random_network()
    shown, balanced = neurons(network), neurons(network.balance())
    np.testing.assert_array_equal(shown.indices, balanced.indices)
    np.testing.assert_allclose(shown.weights, balanced.weights, rtol=1e-13)
    np.testing.assert_allclose(shown.directions, balanced.directions, rtol=1e-13)
    assert shown.labels == balanced.labels


def test_neurons_of_weight_zero_are_left_out():
    shown = neurons(ReLUNetwork([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0]], [0.0, 1.0, -1.0]))
    np.testing.assert_array_equal(shown.indices, [2])
    np.testing.assert_array_equal(shown.signs, [-1])
    assert shown.n_neurons == 1


def test_labels_name_the_largest_entries_of_the_direction():
    network = ReLUNetwork([[6.0], [0.0], [-8.0], [1e-9]], [1.0])
    assert neurons(network, ["a", "b", "c", "d"]).labels == ("−0.80 c  +0.60 a",)
    assert neurons(network).labels == ("−0.80 x2  +0.60 x0",)
    assert neurons(ReLUNetwork([[3.0], [4.0]], [1.0]), ["a"]).labels == ("+0.80 bias  +0.60 a",)
    assert neurons(ReLUNetwork(np.ones((9, 1)), [1.0])).labels == ("+0.33 x0  +0.33 x1  +0.33 x2",)


def test_long_names_are_shortened_and_dollar_signs_kept():
    ax = neurons(ReLUNetwork([[3.0], [4.0]], [1.0]), ["x" * 99, "$a$ in $"]).plot()
    (label,) = [text.get_text() for text in ax.get_yticklabels()]
    assert label == r"+0.80 \$a\$ in \$  +0.60 " + "x" * 23 + "…"


def test_bars_are_the_weights_coloured_by_sign():
    shown = neurons(ReLUNetwork([[1.0, 2.0, 3.0]], [1.0, -1.0, 1.0]))
    ax = shown.plot()
    bars = {round(bar.get_y() + bar.get_height() / 2): bar for bar in ax.patches}
    assert [bars[row].get_width() for row in range(3)] == [3.0, 2.0, 1.0]
    assert [bars[row].get_facecolor() for row in range(3)] == [to_rgba(c) for c in (BLUE, VERMILLION, BLUE)]
    assert [text.get_text() for text in ax.texts] == ["50.0 %", "33.3 %", "16.7 %"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the heaviest on top
    assert "‖u‖·‖a‖" in ax.get_xlabel()
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "adds to the output (a > 0)",
        "subtracts from it (a < 0)",
    ]
    assert legend.get_title().get_text() == "all neurons"


def test_the_title_says_what_share_is_shown():
    shown = neurons(ReLUNetwork([[1.0, 2.0, 3.0, 4.0]], [1.0, 1.0, 1.0, 1.0]), top=2)
    title = shown.plot().get_legend().get_title().get_text()
    assert title == "the 2 heaviest of 4 neurons: 70 % of the weight"
    assert (
        neurons(ReLUNetwork([[1.0]], [1.0])).plot().get_legend().get_title().get_text() == "the only neuron"
    )


def test_several_outputs_have_no_sign():
    shown = neurons(random_network(outputs=(3,)))
    assert not shown.signs.any()
    assert len({bar.get_facecolor() for bar in shown.plot().patches}) == 1


@pytest.mark.parametrize("outputs", [(), (2,)])
def test_a_network_without_neurons_says_so(outputs):
    shown = neurons(ReLUNetwork(np.zeros((3, 0)), np.zeros((0, *outputs))))
    assert (len(shown.weights), shown.labels, shown.n_neurons) == (0, (), 0)
    assert [text.get_text() for text in shown.plot().texts] == ["no neurons: a constant"]


def test_gated_networks_are_shown_too():
    hidden = np.array([[1.0, -2.0]])
    shown = neurons(GatedReLUNetwork(np.ones((1, 2)), hidden, [1.0, 1.0]))
    np.testing.assert_array_equal(shown.weights, [2.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("no network",), {}, "network must be a ReLUNetwork or GatedReLUNetwork; got str"),
        ((random_network(), ["a"]), {}, "feature_names must be 5 names, or 4 with the hidden bias left out"),
        ((random_network(), "abcde"), {}, "feature_names must be 5 names"),
        ((random_network(),), {"top": 0}, "top must be an integer >= 1; got 0"),
        ((random_network(),), {"top": 1.5}, "top must be an integer >= 1; got 1.5"),
    ],
)
def test_bad_input_is_named(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        neurons(*arguments, **options)
