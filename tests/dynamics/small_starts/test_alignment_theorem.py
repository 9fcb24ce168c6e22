"""The theorem on alignment: where it holds, that the size does not matter, and where its hypotheses fail."""

import itertools
import time

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.small_starts.alignment_theorem import early_alignment
from cvxnn.dynamics.small_starts.early_flow import EarlyEnd
from cvxnn.dynamics.trajectories.alignment import AlignmentCosines, largest_cosines
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import HypothesisError


def start_of(rng, d, m, size):
    U = rng.standard_normal((d, m))
    return ReLUNetwork(
        size * U / np.linalg.norm(U, axis=0), size * np.where(np.arange(m) % 2 == 0, 1.0, -1.0)
    )


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("sign", [1, -1])
def test_measured_times_are_the_predicted_ones(loss, sign):
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((8, 3)), np.where(rng.random(8) < 0.5, 1.0, -1.0)
    problem = Problem(X, y, beta=0.0, loss=loss)
    found = early_alignment(problem, start_of(rng, 3, 12, 1e-5), sign=sign, delta=1e-3)
    # steps of 2e-3 are a relative error of 1e-3; the fit at T is smaller still
    assert found.time.measured == pytest.approx(found.time.predicted, rel=5e-3)
    assert found.aligned.holds
    assert found.fit < 1e-3
    assert found.n_neurons == 6
    # the logistic residual is half of the squared one: twice the time, the same paths
    twice = early_alignment(
        Problem(X, y, beta=0.0), start_of(np.random.default_rng(3), 3, 12, 1e-5), sign=sign
    )
    halved = early_alignment(
        Problem(X, y, beta=0.0, loss="logistic"), start_of(np.random.default_rng(3), 3, 12, 1e-5), sign=sign
    )
    assert halved.time.predicted == pytest.approx(2.0 * twice.time.predicted)


def test_on_the_boundary_the_statement_fails():
    """The pull's own cell holds no direction: positive neurons stay at a cosine of sin 45 degrees."""
    problem = Problem([[1.0, 0.0], [1.0, 1.0]], [1.0, -1.0], beta=0.0, loss="logistic")
    start = start_of(np.random.default_rng(0), 2, 40, 1e-8)
    with pytest.raises(HypothesisError, match="BOUNDARY"):
        early_alignment(problem, start, sign=1, delta=0.1)
    run = simulate(problem, start, n_steps=3000, step_size=0.01, record=[AlignmentCosines()], n_records=600)
    best = largest_cosines(run["alignment"], run.final.output, 1)[:, 0]
    assert np.max(best) < 0.95  # for ever; a step of 0.01 leaves the kink by less than 0.01
    assert best[-1] == pytest.approx(0.5**0.5, abs=0.02)


def test_one_class_leaves_nothing_for_the_other_sign():
    problem = Problem([[1.0, 0.0], [0.5, 1.0]], [1.0, 1.0], beta=0.0)
    start = start_of(np.random.default_rng(0), 2, 10, 1e-6)
    assert early_alignment(problem, start, sign=1).time.holds
    with pytest.raises(HypothesisError, match="sign -1"):
        early_alignment(problem, start, sign=-1)


def test_hypotheses_are_named():
    rng = np.random.default_rng(0)
    problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], beta=0.0)
    with pytest.raises(HypothesisError, match="balanced"):
        early_alignment(problem, ReLUNetwork([[1e-4], [0.0]], [1.0]), sign=1)
    with pytest.raises(HypothesisError, match="small"):
        early_alignment(problem, start_of(rng, 2, 6, 1.0), sign=1, delta=1e-4)
    with pytest.raises(HypothesisError, match="weight decay"):
        early_alignment(Problem([[1.0]], [1.0], beta=0.1), start_of(rng, 1, 2, 1e-4), sign=1)
    with pytest.raises(ValueError, match="sign"):
        early_alignment(problem, start_of(rng, 2, 6, 1e-4), sign=0)


def test_paths_count_the_dead():
    problem = Problem([[1.0, 0.0]], [1.0], beta=0.0)
    start = ReLUNetwork([[1e-6, -1e-6], [0.0, 0.0]], [1e-6, 1e-6])
    found = early_alignment(problem, start, sign=1)
    assert found.n_dead == 1
    assert [path.end for path in found.paths] == [EarlyEnd.CONSISTENT, EarlyEnd.DEAD]


def test_the_time_limit_ends_the_flow_and_not_the_prediction(monkeypatch):
    rng = np.random.default_rng(2)
    problem = Problem(rng.standard_normal((8, 3)), np.where(rng.random(8) < 0.5, 1.0, -1.0), beta=0.0)
    start = start_of(rng, 3, 12, 1e-5)
    whole = early_alignment(problem, start, sign=1, delta=1e-4)
    assert whole.time.predicted > 0
    assert whole.status is TrajectoryStatus.FINISHED
    cut = early_alignment(problem, start, sign=1, delta=1e-4, max_seconds=0.0)
    assert cut.status is TrajectoryStatus.MAX_SECONDS
    assert np.isnan(cut.time.measured)
    assert cut.time.predicted == whole.time.predicted
    assert cut.aligned.holds  # none, by measure and by prediction
    # A clock that every look moves on by a second: after T and before the end of the flow.
    looks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(looks)))
    speed = max(np.max(np.linalg.norm(path.own_pulls, axis=1)) for path in whole.paths)
    late = early_alignment(
        problem,
        start,
        sign=1,
        delta=1e-4,
        max_seconds=float(1.1 * whole.time.predicted * speed / 2e-3),
    )
    assert late.status is TrajectoryStatus.MAX_SECONDS
    assert late.time.measured == pytest.approx(whole.time.measured, rel=1e-9)
    assert late.aligned.holds
