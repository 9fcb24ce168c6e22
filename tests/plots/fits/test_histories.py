"""The picture of training."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from cvxnn.certificates import Certificate
from cvxnn.plots import convergence
from cvxnn.training import TrainingRecord


def record(k, objective, lower_bound=0.0, violation=0.1, seconds=None):
    return TrainingRecord(
        k, 0.5 * k if seconds is None else seconds, objective, lower_bound, 2 * k, violation
    )


def certificate(objective, lower_bound, scope="network"):
    gap = objective - lower_bound
    relative = gap / objective
    return Certificate(
        objective, lower_bound, gap, relative, relative <= 1e-3, "exact sweep", scope, None, 1e-3
    )


HISTORY = (record(0, 4.0, 0.0, np.inf), record(1, 2.0, 0.5), record(2, 1.6, 1.2, 0.0))
STEEP = (record(0, 400.0), record(1, 2.0, 0.5), record(2, 1.6, 1.2))


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax, label):
    (found,) = [one for one in ax.lines if str(one.get_label()).startswith(label)]
    return found


def test_arrays_are_the_records():
    shown = convergence(HISTORY)
    np.testing.assert_array_equal(shown.seconds, [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(shown.objective, [4.0, 2.0, 1.6])
    np.testing.assert_array_equal(shown.lower_bound, [0.0, 0.5, 1.2])
    np.testing.assert_array_equal(shown.neurons, [0, 2, 4])
    np.testing.assert_allclose(shown.relative_gap, [1.0, 0.75, 0.25], rtol=1e-15)


def test_the_gap_of_a_zero_objective_is_zero_and_rounding_makes_none_negative():
    shown = convergence([record(0, 1.0, 1.0 + 1e-12), record(1, 0.0)])
    np.testing.assert_array_equal(shown.relative_gap, [0.0, 0.0])


def test_a_new_figure_has_two_panels_with_one_time_axis():
    above = convergence(HISTORY).plot()
    panels = above.figure.axes
    assert panels[0] is above
    assert [ax.get_ylabel() for ax in panels] == ["objective", "relative gap (log scale)"]
    assert panels[1].get_xlabel() == "seconds since training began"
    assert panels[0].get_xlim() == panels[1].get_xlim()
    assert panels[1].get_yscale() == "log"


def test_axes_given_hold_one_panel():
    figure = Figure()
    ax = figure.add_subplot()
    convergence(HISTORY).plot(ax)
    assert figure.axes == [ax]
    assert ax.get_xlabel() == "seconds since training began"
    assert convergence(HISTORY).plot_gap().get_xlabel() == "seconds since training began"


def test_objective_and_bound_are_steps_with_the_area_between():
    ax = convergence(HISTORY).plot()
    assert labels(ax) == ["gap: the optimum lies here", "objective", "proven lower bound"]
    assert ax.get_yscale() == "linear"
    for label, values in (("objective", [4.0, 2.0, 1.6]), ("proven lower bound", [0.0, 0.5, 1.2])):
        assert line(ax, label).get_drawstyle() == "steps-post"
        np.testing.assert_array_equal(line(ax, label).get_ydata(), values)
    corners = ax.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == 0.0
    assert corners[:, 1].max() == 4.0


def test_a_steep_objective_gets_a_logarithmic_axis_with_a_zero_bound_below_it():
    ax = convergence(STEEP).plot()
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "objective (log scale)"
    bound = line(ax, "proven lower bound")
    assert bound.get_label() == "proven lower bound (from below the scale)"
    assert 0 < bound.get_ydata()[0] < ax.get_ylim()[0] < 0.5
    assert ax.get_ylim()[1] > 400


def test_a_tiny_bound_does_not_flatten_the_rest():
    ax = convergence([record(0, 400.0, 1e-200), *STEEP[1:]]).plot()
    assert ax.get_ylim()[0] > 1e-3


def test_the_final_certificate_is_dashed_and_says_its_proof_and_scope():
    best = certificate(1.6, 1.5)
    above = convergence(HISTORY, best=best).plot()
    below = above.figure.axes[1]
    bound, gap = line(above, "final bound: exact sweep"), line(below, "final gap: 0.063")
    assert bound.get_linestyle() == gap.get_linestyle() == "--"
    assert bound.get_ydata()[0] == 1.5
    assert gap.get_ydata()[0] == best.relative_gap
    assert line(below, "tol: 0.001").get_ydata()[0] == 1e-3
    kept = convergence(HISTORY, best=certificate(1.6, 1.5, "program")).plot()
    assert "final bound: exact sweep, given patterns only" in labels(kept)


def test_a_final_bound_of_zero_and_a_final_gap_of_zero_draw_no_line():
    assert not any(
        "final" in text for text in labels(convergence(HISTORY, best=certificate(1.6, 0.0)).plot())
    )
    assert "final gap" not in str(labels(convergence(HISTORY, best=certificate(1.6, 1.6)).plot_gap()))


def test_only_violations_a_log_axis_can_show_are_drawn():
    ax = convergence(HISTORY).plot_gap()
    found = line(ax, "search violation (no proof)")
    np.testing.assert_array_equal(found.get_xdata(), [0.5])
    np.testing.assert_array_equal(found.get_ydata(), [0.1])
    quiet = convergence([record(0, 1.0, 0.5, np.nan)]).plot_gap()
    assert labels(quiet) == ["proven relative gap"]


def test_a_gap_of_zero_leads_below_the_axis():
    ax = convergence([record(0, 1.0, 0.5), record(1, 1.0, 1.0)]).plot_gap()
    assert line(ax, "proven relative gap").get_ydata()[1] < ax.get_ylim()[0]


@pytest.mark.parametrize("only", [record(0, 8.0), record(0, 0.0, 0.0, np.nan), record(0, 1e-300, 0.0)])
def test_one_record_is_drawn_inside_the_axes(only):
    ax = convergence([only]).plot()
    ax.figure.draw_without_rendering()
    low, high = ax.get_xlim()
    assert low < 0.0 < high
    assert line(ax, "objective").get_markersize() > 0


def test_long_histories_have_no_markers():
    ax = convergence([record(k, 2.0) for k in range(500)]).plot()
    assert line(ax, "objective").get_markersize() == 0


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "history must hold at least one record"),
        ([1.0], "history must hold training records; 'float' object has no attribute"),
        ([record(0, np.nan)], "history must hold finite objective >= 0; got nan"),
        ([record(0, np.inf)], "history must hold finite objective >= 0; got inf"),
        ([record(0, 1.0, -1.0)], "history must hold finite lower_bound >= 0; got -1"),
        ([record(1, 1.0), record(0, 1.0)], "time runs backwards"),
    ],
)
def test_bad_histories_are_named(history, message):
    with pytest.raises(ValueError, match=message):
        convergence(history)


def test_a_best_that_is_no_certificate_is_refused():
    with pytest.raises(ValueError, match="best must be a Certificate; got float"):
        convergence(HISTORY, best=1.5)
