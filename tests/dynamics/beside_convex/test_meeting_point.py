"""The ends of trajectories whose patterns rest, and what the statement about them asks for."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.beside_convex.meeting_point import meeting
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from cvxnn.theorems import HypothesisError


def path_of(n_steps, n_records=101, scale=1e-2):
    rng = np.random.default_rng(10)
    X = rng.standard_normal((6, 2))
    problem = Problem(X, X @ rng.standard_normal(2) + 0.1 * rng.standard_normal(6), beta=0.05)
    start = Weights(scale * rng.standard_normal((2, 6)), scale * rng.standard_normal(6))
    options = {"step_size": 0.05, "record": "weights", "n_records": n_records}
    return problem, simulate(problem, start, n_steps=n_steps, **options)


def test_the_curves_meet_where_patterns_rest():
    problem, trajectory = path_of(4000)
    met = meeting(problem, trajectory)
    assert met.objective.holds
    assert met.residual < 1e-2
    assert met.settled_at == trajectory.times[-2]  # of the two times looked at, the first


def test_a_network_on_its_way_is_refused():
    with pytest.raises(HypothesisError, match="stationary"):
        meeting(*path_of(1, n_records=2))


def test_patterns_that_still_change_are_refused():
    # u moves from 1 to -1 between the second time and the third
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    plain = simulate(problem, Weights([[1.0]], [1.0]), n_steps=3, step_size=0.1, n_records=4)
    hidden = np.array([1.0, 0.5, -0.5, -1.0]).reshape(4, 1, 1, 1)
    records = {"hidden": hidden, "output": np.ones((4, 1, 1))}
    moved = Trajectory(plain.times, records, plain.final, plain.activation, plain.status)
    with pytest.raises(
        HypothesisError, match="patterns must have stopped changing; they changed at time 2 of 3"
    ):
        meeting(problem, moved, n_still=3)
    with pytest.raises(ValueError, match="n_still"):
        meeting(problem, moved, n_still=1)


def test_a_wrong_program_does_not_meet():
    # Of another weight decay the network is not stationary, and its objective not the optimum.
    problem, trajectory = path_of(4000)
    other = problem.with_beta(0.2)
    assert not meeting(other, trajectory, residual=np.inf).objective.holds
