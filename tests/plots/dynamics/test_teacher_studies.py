"""The pictures of excess loss against width, and of loss along training by radius of the start."""

import numpy as np
import pytest

from cvxnn.dynamics.initialisation import sphere
from cvxnn.dynamics.particles.studies import RadiusStudy, WidthStudy
from cvxnn.plots.canvas import save_figure
from cvxnn.plots.dynamics.teacher_studies import loss_by_radius, loss_by_width


def width_study_of(scale=1.0, teacher_width=10):
    losses = scale * np.array([[1.0, 4.0], [0.1, 0.4], [1e-4, 1e-2]])
    return WidthStudy(np.array([5, 10, 20]), losses, np.ones(2), teacher_width)


def test_curves_are_geometric_means_and_points_are_repetitions(tmp_path):
    shown = loss_by_width([width_study_of(), width_study_of(2.0)], ["one", "two"])
    ax = shown.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2.0, 0.2, 1e-3])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [4.0, 0.4, 2e-3])
    np.testing.assert_array_equal(ax.lines[2].get_xdata(), [10, 10])  # the teacher's width
    assert len(ax.collections[0].get_offsets()) == 6
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["5", "10", "20"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two", "the teacher's width"]
    assert save_figure(ax, tmp_path / "width.png").stat().st_size > 0


def test_one_study_is_named_by_its_repetitions():
    assert loss_by_width(width_study_of()).labels == ("2 repetitions",)


def test_radii_are_curves_with_ranges():
    losses = np.array([[[1.0, 4.0], [9.0, 1.0]], [[0.01, 0.04], [np.inf, np.inf]]])
    study = RadiusStudy(np.array([0.05, 10.0]), np.array([0, 100]), losses, np.ones(2), sphere(2, 3, 1.0))
    shown = loss_by_radius(study)
    np.testing.assert_allclose(shown.middle, [[2.0, 3.0], [0.02, np.inf]])
    np.testing.assert_allclose((shown.low[0, 1], shown.high[0, 1]), (1.0, 9.0))
    ax = shown.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2.0, 0.02])
    assert np.isnan(ax.lines[1].get_ydata()[1])  # diverged: the curve ends
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0.5, 100.0])
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["start of radius 0.05", "start of radius 10"]
    assert "range of 2" in ax.get_ylabel()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="studies must have teachers of one width"):
        loss_by_width([width_study_of(), width_study_of(teacher_width=3)])
    with pytest.raises(ValueError, match="studies must have teachers of one width"):
        loss_by_width([])
    with pytest.raises(ValueError, match="labels must be 1 names"):
        loss_by_width(width_study_of(), ["a", "b"])
