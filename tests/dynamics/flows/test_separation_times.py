"""Losses below log 2 classify everything; losses below 1 need not."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.flows.logistic import logistic_flow
from cvxnn.dynamics.flows.logistic_field import log_loss
from cvxnn.dynamics.flows.separation_times import SEPARATING_LOSS, separation, separation_time
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.theorems import HypothesisError


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([1.0, 3.0, 30.0]))
def test_a_loss_below_log_two_bounds_every_margin(seed, size):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((3, 3))
    network = ReLUNetwork(size * rng.standard_normal((3, 6)), size * rng.standard_normal(6))
    f = network.predict(X)
    y = np.where(f >= 0, 1.0, -1.0)
    problem = Problem(X, y, beta=0.0, loss="logistic")
    loss = float(np.sum(np.logaddexp(0.0, -y * f)))
    if loss < SEPARATING_LOSS:
        found = separation(problem, Weights.of(network))
        assert found.margin.holds
        assert found.margin.predicted > 0
    else:
        with pytest.raises(HypothesisError, match="log 2"):
            separation(problem, Weights.of(network))


def test_below_one_is_not_enough():
    problem = Problem([[1.0]], [-1.0], beta=0.0, loss="logistic")
    loss = problem.objective(ReLUNetwork([[0.5]], [1.0]))
    assert loss < 1.0  # and the sample is misclassified
    with pytest.raises(HypothesisError, match=r"log 2"):
        separation(problem, Weights([[0.5]], [1.0]))


def test_the_time_is_when_all_are_classified_for_good():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.random((4, 2)), -rng.random((4, 2))])
    y = np.repeat([1.0, -1.0], 4)
    problem = Problem(X, y, beta=0.0, loss="logistic")
    start = Weights(0.01 * rng.standard_normal((3, 2, 10)), 0.01 * rng.standard_normal((3, 10)))
    run = simulate(problem, start, n_steps=4000, step_size=0.05, record=("loss", "weights"), n_records=400)
    found = separation_time(run.times, run["loss"])
    assert np.all(np.isfinite(found))
    for b in range(3):
        for k in np.flatnonzero(run.times >= found[b])[::20]:
            assert separation(problem, run.weights(k), b).margin.holds
    assert separation_time(run.times[:2], run["loss"][:2]).tolist() == [np.inf] * 3
    with pytest.raises(ValueError, match="losses"):
        separation_time([0.0], [1.0, 2.0])


def test_other_losses_are_refused():
    with pytest.raises(HypothesisError, match="logistic"):
        separation(Problem([[1.0]], [1.0], beta=0.0), Weights([[1.0]], [1.0]))


def test_networks_trained_until_the_loss_underflows(monkeypatch):
    """A loss of exp(-1000) is 0 in floating point, and its margin is not infinite."""
    flow = logistic_flow([[2.0, 0.0], [0.0, -1.0]], [1.0, -1.0], n_neurons=8)
    problem = Problem(flow.X, flow.y, beta=0.0, loss="logistic")
    found = separation(problem, Weights.of(flow.network))
    assert found.log_loss == pytest.approx(-1000.0, rel=1e-6)
    assert found.margin.holds
    assert found.margin.predicted == pytest.approx(1000.0, rel=1e-6)
    # A planted fault: the mean of losses promises margins that no network has.
    module = inspect.unwrap(separation).__globals__
    monkeypatch.setitem(module, "log_loss", lambda margins: log_loss(margins) - np.log(len(margins)))
    assert not separation(problem, Weights.of(flow.network)).margin.holds


def test_networks_that_are_not_there_are_refused():
    problem = Problem([[1.0]], [1.0], beta=0.0, loss="logistic")
    for network in (3, -1, 0.0):
        with pytest.raises(ValueError, match="index must be"):
            separation(problem, Weights([[2.0]], [1.0]), index=network)
