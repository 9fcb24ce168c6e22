"""The picture of trajectories."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.flows.network_flow import gradient_flow
from cvxnn.dynamics.initialisation import he
from cvxnn.plots.dynamics.trajectories import trajectory_curves


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    return Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), beta=0.0)


def test_curves_are_the_record_and_its_median(problem):
    run = simulate(
        problem, he(2, 20, n_networks=3), n_steps=1000, step_size=0.02, spacing="log", n_records=30
    )
    curves = trajectory_curves(run)
    np.testing.assert_array_equal(curves.values, run["objective"])
    np.testing.assert_allclose(curves.median, np.median(run["objective"], axis=1))
    ax = curves.plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "objective")
    assert len(ax.lines) == 4
    assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "log")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["3 networks", "median"]


def test_one_flow_is_one_curve_over_its_time(problem):
    run = gradient_flow(problem, he(2, 4), t_end=1.5, n_records=20, record=["unique_patterns", "weights"])
    ax = trajectory_curves(run, "unique_patterns").plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time of the flow", "unique patterns")
    assert len(ax.lines) == 1
    assert ax.get_xscale() == "linear"
    with pytest.raises(ValueError, match="one number for each network; 'hidden' has shape"):
        trajectory_curves(run, "hidden")
    with pytest.raises(ValueError, match="'loss' was not recorded"):
        trajectory_curves(run, "loss")


def test_diverged_networks_leave_the_picture_and_not_the_others(problem):
    run = simulate(problem, he(2, 4).repeat(3), n_steps=60, step_size=[0.01, 50.0, 0.01])
    curves = trajectory_curves(run)
    assert np.all(np.isfinite(curves.median))
    ax = curves.plot()
    assert np.isnan(ax.lines[1].get_ydata()[-1])
    assert np.all(np.isfinite(ax.lines[0].get_ydata()))
