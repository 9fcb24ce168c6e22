"""The picture of a conditional gradient run."""

import numpy as np
import pytest

from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient
from cvxnn.function_spaces.conditional_gradient.rates import conditional_gradient_rate
from cvxnn.plots.function_spaces.conditional_gradients import conditional_gradient

X = np.column_stack([np.linspace(-1, 1, 6), np.ones(6)])
Y = np.array([1.0, 0.0, -1.0, 0.5, 0.0, 1.0])
RUN = ConditionalGradient(1.0, max_steps=8, tol=0.0).run(X, Y)


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_arrays_are_those_of_the_run():
    curves = conditional_gradient(RUN, rate=conditional_gradient_rate(X, Y, 1.0))
    np.testing.assert_array_equal(curves.steps, np.arange(9))
    np.testing.assert_array_equal(curves.objective, RUN.objectives)
    np.testing.assert_array_equal(curves.proven_gap, RUN.gaps)
    assert np.all(np.diff(curves.lower_bound) >= 0)
    assert curves.lower_bound[-1] == RUN.lower_bound
    assert np.all(curves.neurons <= curves.steps)
    assert np.all(curves.rate[1:] >= curves.objective[1:] - curves.lower_bound[-1])
    assert curves.rate[0] == np.inf


def test_axes_say_what_they_show():
    curves = conditional_gradient(RUN, rate=conditional_gradient_rate(X, Y, 1.0))
    above = curves.plot()
    assert above.get_ylabel() == "objective"
    assert len(above.figure.axes) == 2
    below = curves.plot_gap()
    assert below.get_yscale() == "log"
    assert "log" in below.get_xlabel()
    assert "proven before the run" in labels(below)
    assert len(labels(below)) == 3


def test_a_search_is_drawn_apart_from_the_proof():
    run = ConditionalGradient(1.0, max_steps=3, oracle_seconds=0.0).run(np.eye(3), [1.0, -1.0, 1.0])
    curves = conditional_gradient(run)
    assert curves.rate is None
    assert not curves.is_exact.any()
    assert any("no proof" in label for label in labels(curves.plot_gap()))


def test_only_runs_are_drawn():
    with pytest.raises(ValueError, match="result must be"):
        conditional_gradient("run")
