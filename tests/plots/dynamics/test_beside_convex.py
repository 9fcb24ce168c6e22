"""The picture of a network beside the convex optimum on its patterns."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.beside_convex.comparison import ConvexComparison
from cvxnn.dynamics.beside_convex.comparison import convex_comparison as compare
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.plots.dynamics.beside_convex import convex_comparison


def made(objective=(4.0, 1.0, 0.5), optimum=(2.0, 0.9, 0.5)):
    k = len(objective)
    return ConvexComparison(
        np.arange(k) * 10.0, np.array(objective), np.array(optimum), np.array(optimum),
        np.array([3, 2, 2]), np.array([False, True, False]), None,
    )  # fmt: skip


def line(ax, label):
    (found,) = [one for one in ax.lines if str(one.get_label()).startswith(label)]
    return found


def test_curves_levels_and_counts_are_drawn():
    above = convex_comparison(made()).plot()
    below = above.figure.axes[1]
    np.testing.assert_array_equal(line(above, "network").get_ydata(), [4.0, 1.0, 0.5])
    np.testing.assert_array_equal(line(above, "convex optimum on its patterns").get_ydata(), [2.0, 0.9, 0.5])
    np.testing.assert_array_equal(line(above, "convex optimum on its initial").get_ydata(), [2.0, 2.0])
    assert line(above, "passed at step 10").get_xdata()[0] == 10.0
    np.testing.assert_array_equal(below.lines[0].get_ydata(), [3, 2, 2])
    assert above.get_yscale() == "log"
    assert below.get_xlabel() == "step"
    assert (above.get_ylabel(), below.get_ylabel()) == ("training objective", "different patterns")


def test_a_level_never_passed_has_no_mark_and_zeros_no_logarithm():
    ax = convex_comparison(made((4.0, 3.0, 3.0), (2.0, 0.0, 0.0))).plot()
    assert not any(str(one.get_label()).startswith("passed") for one in ax.lines)
    assert ax.get_yscale() == "linear"


def test_it_draws_what_a_comparison_holds():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    start = Weights([[0.1, -0.1]], [0.1, 0.1])
    found = compare(
        problem, simulate(problem, start, n_steps=10, step_size=0.1, record="weights", n_records=3)
    )
    picture = convex_comparison(found)
    np.testing.assert_array_equal(picture.optimum, found.optimum)
    np.testing.assert_array_equal(picture.times, [0, 5, 10])
    with pytest.raises(ValueError, match="ConvexComparison"):
        convex_comparison(problem)
