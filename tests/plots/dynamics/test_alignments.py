"""The picture of alignment."""

import numpy as np
import pytest

from cvxnn.plots.dynamics.alignments import alignment


def picture():
    cosines = [[0.1, np.nan, -0.5], [0.9, np.nan, 1.0]]
    return alignment([0.0, 2.0], cosines, [1.0, 2.0, -1.0], [4.0, 1.0], levels=[1.0])


def test_one_line_a_neuron_and_the_loss_below():
    axes = picture().plot()
    assert len(axes.lines) == 3
    assert axes.get_ylabel() == "cosine with its own pull"
    below = axes.figure.axes[1]
    assert (below.get_xlabel(), below.get_ylabel()) == ("time", "loss")
    np.testing.assert_array_equal(below.lines[-1].get_ydata(), [4.0, 1.0])
    labels = [text.get_text() for text in below.get_legend().get_texts()]
    assert labels == ["predicted level", "loss"]


def test_it_draws_into_given_axes_and_without_levels():
    own = picture()
    ax = own.plot_loss()
    assert own.plot(ax) is ax
    assert alignment([0.0], [[1.0]], [1.0], [1.0]).levels.size == 0


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([0.0, 1.0], [[1.0]], [1.0], [1.0, 1.0]), "cosines"),
        (([0.0], [[1.5]], [1.0], [1.0]), "cosines"),
        (([0.0], [[1.0]], [1.0], [1.0, 2.0]), "losses"),
    ],
)
def test_bad_arrays_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        alignment(*arguments)
    with pytest.raises(ValueError, match="levels"):
        alignment([0.0], [[1.0]], [1.0], [1.0], levels=[np.nan])
