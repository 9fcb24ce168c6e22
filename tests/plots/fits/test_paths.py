"""The picture of a regularisation path."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from cvxnn.certificates import make_certificate
from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.plots import path

BETAS = np.array([4.0, 2.0, 0.5])
NETWORKS = (
    ReLUNetwork(np.zeros((2, 0)), [], [1.0]),
    ReLUNetwork([[3.0, 0.0], [4.0, 0.0]], [-1.0, 0.0]),
    ReLUNetwork([[1.0, 3.0, 0.0], [0.0, 4.0, 2.0]], [2.0, 1.0, 0.5]),
)


def certificate(objective, lower_bound):
    return make_certificate(objective, lower_bound, tol=1e-3, method="exact sweep", scope="network")


CERTIFICATES = (certificate(9.0, 9.0), certificate(7.0, 6.0), certificate(4.0, 1.0))
RESULT = SimpleNamespace(betas=BETAS, networks=NETWORKS, certificates=CERTIFICATES, seconds=np.ones(3))


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax, label):
    (found,) = [one for one in ax.lines if str(one.get_label()).startswith(label)]
    return found


def test_arrays_are_those_of_the_path():
    shown = path(RESULT)
    np.testing.assert_array_equal(shown.betas, BETAS)
    np.testing.assert_array_equal(shown.path_norms, [network.path_norm for network in NETWORKS])
    np.testing.assert_array_equal(shown.neuron_weights, [[0, 0, 0], [5, 0, 0], [5, 2, 1]])
    np.testing.assert_array_equal(shown.neurons, [0, 1, 3])  # a neuron of weight zero is none
    np.testing.assert_array_equal(shown.objective, [9.0, 7.0, 4.0])
    np.testing.assert_array_equal(shown.lower_bound, [9.0, 6.0, 1.0])
    assert shown.scores is None


def test_gated_networks_and_several_outputs():
    networks = [GatedReLUNetwork([[1.0]], [[2.0]], [[3.0, 4.0]]), ReLUNetwork([[1.0]], [[3.0, 4.0]])]
    shown = path(SimpleNamespace(betas=[2.0, 1.0], networks=networks, certificates=CERTIFICATES[:2]))
    np.testing.assert_array_equal(shown.neuron_weights, [[10.0], [5.0]])


def test_a_new_figure_has_a_panel_for_each_quantity_on_one_axis():
    without = path(RESULT).plot().figure.axes
    panels = path(RESULT, scores=[0.1, 0.4, 0.3], score_name="validation R²").plot().figure.axes
    assert [ax.get_ylabel() for ax in without] == ["weight", "neurons", "objective"]
    assert [ax.get_ylabel() for ax in panels] == ["weight", "neurons", "objective", "validation R²"]
    assert {ax.get_xscale() for ax in panels} == {"log"}
    assert len({ax.get_xlim() for ax in panels}) == 1
    assert panels[0].get_xlim()[0] > 4.0 > 0.5 > panels[0].get_xlim()[1]  # decreasing
    assert panels[-1].get_xlabel() == "weight decay β (log scale, decreasing)"
    assert panels[0].get_xlabel() == ""


def test_axes_given_hold_one_panel():
    figure = Figure()
    ax = figure.add_subplot()
    assert path(RESULT).plot(ax) is ax
    assert figure.axes == [ax]
    assert ax.get_xlabel().startswith("weight decay β")


def test_bands_fill_up_the_path_norm():
    ax = path(RESULT).plot()
    assert labels(ax) == ["weight ‖u‖·‖a‖ of a neuron, heaviest lowest", "path norm, their sum"]
    np.testing.assert_array_equal(line(ax, "path norm").get_ydata(), [0.0, 5.0, 8.0])
    assert len(ax.collections) == 3
    tops = [band.get_paths()[0].vertices[:, 1].max() for band in ax.collections]
    np.testing.assert_allclose(tops, [5.0, 7.0, 8.0])


def test_of_many_neurons_the_rest_is_one_band():
    many = ReLUNetwork(np.ones((1, 90)), np.ones(90))
    ax = path(SimpleNamespace(betas=[1.0], networks=[many], certificates=CERTIFICATES[:1])).plot()
    assert "all but the 20 heaviest" in labels(ax)
    assert len(ax.collections) == 21


def test_neurons_objective_and_scores_are_drawn_as_given():
    shown = path(RESULT, scores=[0.1, 0.4, 0.3])
    np.testing.assert_array_equal(shown.plot_neurons().lines[0].get_ydata(), [0, 1, 3])
    ax = shown.plot_objective()
    assert labels(ax) == ["gap", "training objective", "proven lower bound"]
    np.testing.assert_array_equal(line(ax, "training").get_ydata(), [9.0, 7.0, 4.0])
    np.testing.assert_array_equal(line(ax, "proven").get_ydata(), [9.0, 6.0, 1.0])
    ax = shown.plot_scores()
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.1, 0.4, 0.3])
    assert line(ax, "highest").get_xdata()[0] == 2.0
    assert labels(ax) == ["highest: 0.4 at β = 2"]
    with pytest.raises(ValueError, match=r"scores must be given to path\(...\)"):
        path(RESULT).plot_scores()


@pytest.mark.parametrize("networks", [NETWORKS[:1], NETWORKS[2:]])
def test_a_path_of_one_beta_is_drawn(networks):
    only = SimpleNamespace(betas=[1.0], networks=networks, certificates=CERTIFICATES[:1])
    path(only, scores=[0.0]).plot().figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"betas": [1.0, 2.0, 3.0]}, "result.betas must be decreasing and > 0"),
        ({"betas": [1.0, 0.5, 0.0]}, "result.betas must be decreasing and > 0; got 0.5 before 0"),
        ({"networks": NETWORKS[:2]}, "result.networks must be 3, one for each beta; got 2"),
        ({"certificates": ()}, "result.certificates must be 3, one for each beta; got 0"),
    ],
)
def test_bad_paths_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        path(SimpleNamespace(**{**vars(RESULT), **change}))


def test_what_is_no_path_and_bad_scores():
    with pytest.raises(ValueError, match="result must be a regularisation path; 'dict' object has no"):
        path({})
    with pytest.raises(ValueError, match=r"scores must have the 3 rows of result.betas; got 2"):
        path(RESULT, scores=[1.0, 2.0])
