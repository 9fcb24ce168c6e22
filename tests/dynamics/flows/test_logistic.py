"""Flow on the logistic loss: small steps of descent beside it, its times, and its ends."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate._ivp import bdf
from scipy.special import expit

from cvxnn import ReLUNetwork
from cvxnn.dynamics.flows.logistic import load_logistic_flow, logistic_flow
from cvxnn.dynamics.flows.logistic_field import LogisticField
from cvxnn.model_files import write_model
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import HypothesisError

# A NaN of which any arithmetic warns of an invalid value; of others it does not.
SIGNALLING_NAN = np.array(0x7FF0000000000001, dtype=np.uint64)


def random_data(seed, n, d):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n)


def test_one_sample_grows_as_the_clock_says():
    """``||u|| = size exp(s)`` for one neuron on one sample, whose share is 1 at all times."""
    flow = logistic_flow([[1.0]], [1.0], start=ReLUNetwork([[1e-3]], [1e-3]), rtol=1e-8, loss_exponent=100)
    np.testing.assert_allclose(flow.hidden[:, 0, 0], 1e-3 * np.exp(flow.clock), rtol=1e-5)


def test_it_follows_small_steps_of_gradient_descent():
    """The same curve as explicit Euler in ordinary time, compared where both have the same norm."""
    X, y = random_data(0, 4, 2)
    flow = logistic_flow(X, y, n_neurons=4, size=0.3, rtol=1e-7, loss_exponent=1.5)
    U, a = flow.hidden[0].copy(), flow.signs * np.linalg.norm(flow.hidden[0], axis=0)
    step, n_steps = 2e-3, 0
    while np.sum(U**2) < flow.weight_decays[-1]:
        Z = X @ U
        pull = y * expit(-y * (np.maximum(Z, 0.0) @ a))
        U, a = U + step * (X.T @ (pull[:, None] * (Z > 0))) * a, a + step * (pull @ np.maximum(Z, 0.0))
        n_steps += 1
    # Euler's error is of the order of its step, over a path of some ten units.
    np.testing.assert_allclose(U, flow.hidden[-1], atol=2e-2)
    assert flow.log_times[0] == -np.inf
    assert np.exp(flow.log_times[-1]) == pytest.approx(step * n_steps, rel=1e-2)


def test_what_is_refused():
    X, y = np.eye(2), [1.0, -1.0]
    with pytest.raises(ValueError, match="no zero row"):
        logistic_flow([[0.0, 0.0], [1.0, 0.0]], y)
    with pytest.raises(ValueError, match="n_neurons must be"):
        logistic_flow(X, y, n_neurons=0)
    with pytest.raises(HypothesisError, match="start must be balanced"):
        logistic_flow(X, y, start=ReLUNetwork(np.eye(2), [2.0, -2.0]))
    with pytest.raises(ValueError, match="start must have 2 features"):
        logistic_flow(X, y, start=ReLUNetwork(np.zeros((2, 1)), [0.0]))
    stuck = logistic_flow(X, y, start=ReLUNetwork([[1e-3], [0.0]], [1e-3]), max_clock=50.0)
    assert stuck.status is not TrajectoryStatus.REACHED


def test_a_start_that_is_there_already_is_returned():
    flow = logistic_flow([[1.0]], [1.0], start=ReLUNetwork([[3.0]], [3.0]), loss_exponent=5.0)
    assert flow.status is TrajectoryStatus.REACHED
    assert flow.clock.tolist() == [0.0]


def test_an_early_end_keeps_what_is_there(monkeypatch):
    X, y = random_data(0, 4, 2)
    whole = logistic_flow(X, y, n_neurons=4)
    calls = iter(range(10**9))
    with monkeypatch.context() as patched:
        patched.setattr(time, "perf_counter", lambda: float(next(calls)))
        limited = logistic_flow(X, y, n_neurons=4, max_seconds=20)
    steps = LogisticField.velocity

    def interrupted(flow, s, state):
        if next(calls) > 100:
            raise KeyboardInterrupt
        return steps(flow, s, state)

    monkeypatch.setattr(LogisticField, "velocity", interrupted)
    stopped = logistic_flow(X, y, n_neurons=4)
    assert (limited.status, stopped.status) == (TrajectoryStatus.MAX_SECONDS, TrajectoryStatus.INTERRUPTED)
    for flow in (limited, stopped):
        k = len(flow.clock)
        assert 3 < k < len(whole.clock)
        np.testing.assert_array_equal(flow.clock, whole.clock[:k])
        np.testing.assert_array_equal(flow.hidden, whole.hidden[:k])
        np.testing.assert_array_equal(flow.log_losses, whole.log_losses[:k])
    with pytest.raises(ValueError, match="max_seconds must be"):
        logistic_flow(X, y, max_seconds=-1.0)


def test_a_field_that_cannot_be_integrated_is_reported(monkeypatch):
    steps = LogisticField.velocity

    def broken(flow, s, state):
        return np.full_like(state, np.nan) if np.max(np.abs(state)) > 0.1 else steps(flow, s, state)

    monkeypatch.setattr(LogisticField, "velocity", broken)
    with pytest.raises(ArithmeticError, match="could not be integrated"):
        logistic_flow(np.eye(2), [1.0, -1.0], n_neurons=2)


@pytest.mark.parametrize("held", [SIGNALLING_NAN, np.array(np.nan), np.array(1e308)])
def test_what_memory_held_before_changes_nothing(monkeypatch, held):
    """The integrator's own memory starts as it was found: bit for bit the same flow, and no warning (errors here)."""
    X, y = random_data(0, 4, 2)
    expected = logistic_flow(X, y, n_neurons=4, loss_exponent=5.0)
    filled = []

    def empty(shape, dtype=np.float64):
        filled.append(np.zeros(shape, dtype=dtype))
        filled[-1].view(np.uint64)[...] = held.view(np.uint64)  # as bits: arithmetic would quieten the number
        return filled[-1]

    monkeypatch.setattr(bdf, "np", SimpleNamespace(**{**vars(np), "empty": empty}))
    flow = logistic_flow(X, y, n_neurons=4, loss_exponent=5.0)
    assert len(filled) > 0
    np.testing.assert_array_equal(flow.clock, expected.clock)
    np.testing.assert_array_equal(flow.hidden, expected.hidden)


def test_a_flow_is_saved_and_read_back(tmp_path):
    X, y = random_data(0, 4, 2)
    flow = logistic_flow(X, y, n_neurons=4, loss_exponent=5.0, max_clock=20.0)
    flow.save(tmp_path / "flow")
    again = load_logistic_flow(tmp_path / "flow")
    assert again.status is flow.status
    for name in ("X", "y", "signs", "clock", "hidden", "log_losses", "log_times"):
        np.testing.assert_array_equal(getattr(again, name), getattr(flow, name))
    arrays = {name: getattr(flow, name) for name in ("X", "y", "signs", "clock", "hidden", "log_losses")}
    for change in ({"clock": flow.clock[1:]}, {"hidden": flow.hidden[0]}, {"X": flow.y}):
        write_model(tmp_path / "bad", "logistic flow", 1, {"status": "REACHED"}, {**arrays, **change})
        with pytest.raises(ValueError, match="is damaged"):
            load_logistic_flow(tmp_path / "bad")
    with pytest.raises(FileNotFoundError):
        load_logistic_flow(tmp_path / "none")
