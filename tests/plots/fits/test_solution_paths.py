"""The picture of a solution path."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.landscape.solution_paths.breakpoints import solution_path as follow
from cvxnn.plots.fits.solution_paths import solution_path

X = np.array([[-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
PATH = follow(Problem(X, [1.0, 0.0, 1.0], 1.0), n_betas=5, ratio=0.05, tol=1e-2)


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_arrays_are_those_of_the_path():
    shown = solution_path(PATH, X)
    np.testing.assert_array_equal(shown.betas, PATH.betas)
    np.testing.assert_array_equal(shown.neurons, PATH.neurons)
    np.testing.assert_allclose(np.nansum(shown.weights, axis=1), shown.path_norms, atol=1e-9)
    np.testing.assert_array_equal(np.sum(~np.isnan(shown.weights), axis=1), shown.directions)
    objectives = [point.certificate.objective for point in PATH.points]
    np.testing.assert_allclose(shown.losses + shown.betas * shown.path_norms, objectives, rtol=1e-9)
    assert shown.kinds == tuple(one.kind for one in PATH.breakpoints)
    # Each kink is where the direction's line crosses zero.
    for k, point in enumerate(PATH.points):
        expected = sorted(-d.vector[1] / d.vector[0] for d in point.directions if d.vector[0] != 0)
        np.testing.assert_allclose(np.sort(shown.kinks[k][~np.isnan(shown.kinks[k])]), expected)


def test_a_direction_is_one_track_while_it_is_active():
    path = follow(Problem([[1.0], [-1.0]], [3.0, 1.0], 1.0), [4.0, 0.5], n_betas=4)
    shown = solution_path(path)
    assert shown.weights.shape[1] == 2
    assert shown.kinks is None
    # Falling beta: each comes in once and stays, and its weight grows.
    for column in shown.weights.T:
        active = ~np.isnan(column)
        assert np.all(np.diff(active.astype(int)) >= 0)
        assert np.all(np.diff(column[active]) >= -1e-12)


def test_panels_share_one_axis():
    figure = solution_path(PATH, X).plot().figure
    assert [ax.get_ylabel() for ax in figure.axes] == ["weight ‖u‖·|a|", "number", "objective", "kink at x ="]
    assert {ax.get_xscale() for ax in figure.axes} == {"log"}
    figure.draw_without_rendering()
    assert len(solution_path(PATH).plot().figure.axes) == 3


def test_each_panel_alone():
    shown = solution_path(PATH, X)
    assert labels(shown.plot_neurons()) == ["active directions", "neurons of a basic optimal network"]
    assert labels(shown.plot_fit()) == ["loss", "penalty", "objective, their sum"]
    assert "inputs x" in labels(shown.plot_kinks())
    given = shown.plot_fit()
    assert shown.plot(given) is given


def test_bad_input():
    with pytest.raises(ValueError, match="X must have two columns, an input and a constant"):
        solution_path(PATH, X[:, ::-1])
    with pytest.raises(ValueError, match="must be given data of one input and a constant"):
        solution_path(PATH).plot_kinks()
