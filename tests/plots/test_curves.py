"""The picture of a network of one input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba

from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.plots import fit_1d
from cvxnn.plots.canvas import BLUE, VERMILLION


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def random_network(seed, n_neurons=8):
    rng = np.random.default_rng(seed)
    return ReLUNetwork(rng.normal(size=(2, n_neurons)), rng.normal(size=n_neurons), rng.normal(size=1))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-8, 1.0, 1e8]))
def test_the_curve_is_linear_between_its_activation_points(seed, scale):
    network = random_network(seed)
    network = ReLUNetwork(network.hidden * [[1.0], [scale]], network.output, network.offset)
    fit = fit_1d(network, [-2 * scale, 2 * scale])
    ends = np.unique(np.concatenate([fit.grid[[0, -1]], fit.points]))
    values = network.predict(np.column_stack([ends, np.ones_like(ends)]))
    # rounding of a few products of size |u| |x| |a|; 1e-9 of the curve's size leaves a factor 1e5
    np.testing.assert_allclose(fit.curve, np.interp(fit.grid, ends, values), atol=1e-9 * np.abs(values).max())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_neuron_is_counted_once(seed):
    fit = fit_1d(random_network(seed), [-1.0, 0.5])
    assert len(fit.points) + fit.n_outside + fit.n_without == fit.n_neurons == 8
    assert np.all(np.diff(fit.points) >= 0)
    assert np.isin(fit.points, fit.grid).all()


def test_the_slope_changes_by_the_sign_of_the_output_weight():
    fit = fit_1d(ReLUNetwork([[1.0, -2.0], [0.5, 1.0]], [2.0, -1.0]), [-1.0, 1.0], n_grid=2, domain=(-1, 1))
    np.testing.assert_array_equal(fit.points, [-0.5, 0.5])
    np.testing.assert_array_equal(fit.signs, [1, -1])
    slopes = np.diff(fit.curve) / np.diff(fit.grid)
    np.testing.assert_array_equal(np.sign(np.diff(slopes)), fit.signs)
    np.testing.assert_array_equal(fit.heights, fit.curve[1:-1])


def test_neurons_without_a_bend_in_view_are_told_apart():
    hidden = [[1.0, 1.0, 0.0, 1.0, 0.0], [0.0, -9.0, 1.0, 0.0, 0.0]]
    fit = fit_1d(ReLUNetwork(hidden, [1.0, 1.0, 1.0, 0.0, 1.0]), [-1.0, 1.0], [0.0, 0.0])
    assert (list(fit.points), fit.n_outside, fit.n_without) == ([0.0], 1, 3)
    texts = labels(fit.plot())
    assert "bend outside this view: 1" in texts
    assert "never bend: 3" in texts


def test_without_a_bias_every_neuron_bends_at_zero():
    fit = fit_1d(ReLUNetwork([[1.0, -2.0]], [[1.0], [3.0]]), [[-1.0], [1.0]], bias=False)
    np.testing.assert_array_equal(fit.points, [0.0, 0.0])
    assert not np.signbit(fit.points).any()
    assert "bends up (a > 0): 2, at 1 place" in labels(fit.plot())


def test_the_offset_is_in_the_curve():
    fit = fit_1d(ReLUNetwork(np.zeros((2, 0)), [], [0.7]), [3.0], [1.0])
    np.testing.assert_array_equal(fit.curve, 0.7)
    assert fit.grid[0] < 3.0 < fit.grid[-1]
    assert labels(fit.plot()) == ["data, n = 1", "network, 0 neurons"]


def test_labels_colours_and_limits():
    fit = fit_1d(ReLUNetwork([[1.0, -2.0], [0.5, 1.0]], [2.0, -1.0]), [-1.0, 1.0], [0.0, 1.0], domain=(-2, 3))
    ax = fit.plot()
    assert ax.get_xlabel() == "input x"
    assert ax.get_ylabel() == "output f(x), target y"
    assert ax.get_xlim() == (-2, 3)
    assert labels(ax) == [
        "data, n = 2",
        "network, 2 neurons",
        "bends up (a > 0): 1",
        "bends down (a < 0): 1",
    ]
    colours = {tuple(points.get_facecolor()[0]) for points in ax.collections}
    assert {to_rgba(BLUE), to_rgba(VERMILLION)} <= colours
    assert fit_1d(random_network(0), [0.0, 1.0]).plot().get_ylabel() == "output f(x)"


def test_many_points_are_drawn_as_pixels():
    x = np.linspace(-1, 1, 5000)
    many, few = fit_1d(random_network(0), x, x).plot(), fit_1d(random_network(0), x[:9], x[:9]).plot()
    assert many.collections[0].get_rasterized()
    assert not few.collections[0].get_rasterized()
    assert many.collections[0].get_alpha() < few.collections[0].get_alpha()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"network": GatedReLUNetwork(np.ones((2, 1)), np.ones((2, 1)), [1.0])},
            "network must be a ReLUNetwork",
        ),
        ({"network": ReLUNetwork([[1.0]], [1.0])}, "network must have 2 features.* it has 1, with bias=True"),
        ({"bias": False}, "1 with bias=False; it has 2"),
        ({"network": ReLUNetwork(np.ones((2, 1)), [[1.0, 2.0]])}, "network must have one output; it has 2"),
        ({"x": [0.0, np.nan]}, "x must be finite"),
        ({"x": [[0.0, 1.0]]}, r"x must have shape \(n,\) or \(n, 1\); got \(1, 2\)"),
        ({"x": []}, "x must not be empty"),
        ({"y": [1.0]}, "y must have the 2 rows of x; got 1"),
        ({"n_grid": 1}, "n_grid must be an integer >= 2; got 1"),
        ({"n_grid": 2.5}, "n_grid must be an integer >= 2; got 2.5"),
        ({"domain": (1.0, 1.0)}, r"domain must be a pair \(low, high\) with low < high"),
        ({"domain": (0.0, np.inf)}, "domain must be finite"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        fit_1d(**{"network": random_network(0), "x": [0.0, 1.0], **change})
