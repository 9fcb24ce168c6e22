"""Flow on the logistic loss: its field, its clock, and small steps of descent beside it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from cvxnn import ReLUNetwork
from cvxnn.dynamics.logistic_field import LogisticField, log_loss, shares, smoothed_margin
from cvxnn.dynamics.logistic_flow import FlowStatus, logistic_flow
from cvxnn.theorems import HypothesisError


def random_data(seed, n, d):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n)


def field(seed, width=1e-6):
    X, y = random_data(seed, 5, 3)
    signs = np.array([1.0, -1.0, 1.0, -1.0])
    return LogisticField(X, y, signs, width), np.random.default_rng(seed).standard_normal(12)


@pytest.mark.parametrize("seed", range(5))
def test_the_field_is_the_gradient_of_the_loss(seed):
    """Of ``sum log(1 + exp(-y f))`` in hidden and output weights, by central differences: ``r du/ds = -dL/du``."""
    flow, state = field(seed)
    U = flow.hidden(state)
    a = flow.signs * np.linalg.norm(U, axis=0)

    def loss(U, a):
        return np.sum(np.logaddexp(0.0, -flow.y * (np.maximum(flow.X @ U, 0.0) @ a)))

    rate = np.sum(expit(-flow.margins(state)))
    gradient = np.zeros_like(U)
    for index in np.ndindex(U.shape):
        step = np.zeros_like(U)
        step[index] = 1e-6
        gradient[index] = (loss(U + step, a) - loss(U - step, a)) / 2e-6
    velocity = flow.hidden(flow.velocity(0.0, state))
    np.testing.assert_allclose(velocity * rate, -gradient, atol=1e-8)
    # Output weights follow: d|a_j| = u_j^T du_j / ||u_j|| is the gradient in a_j too.
    out = np.array([(loss(U, a + e) - loss(U, a - e)) / 2e-6 for e in 1e-6 * np.eye(4)])
    growth = flow.signs * np.sum(U * velocity, axis=0) / np.linalg.norm(U, axis=0)
    np.testing.assert_allclose(growth * rate, -out, atol=1e-8)


@pytest.mark.parametrize(("seed", "width"), [(0, 1e-6), (1, 1e-6), (2, 1e-6)])
def test_the_jacobian_by_finite_differences(seed, width):
    flow, state = field(seed, width)
    columns = [
        (flow.velocity(0.0, state + e) - flow.velocity(0.0, state - e)) / 2e-6 for e in 1e-6 * np.eye(12)
    ]
    np.testing.assert_allclose(flow.jacobian(0.0, state), np.array(columns).T, atol=1e-7)


def test_losses_far_below_the_smallest_number():
    margins = np.array([5e3, 5e3 + 1.0, 8e3])
    assert log_loss(margins) == pytest.approx(-5e3 + np.log1p(np.exp(-1.0)), rel=1e-12)
    near = np.array([-1.0, 0.5, 3.0])
    assert log_loss(near) == pytest.approx(np.log(np.sum(np.log1p(np.exp(-near)))), rel=1e-12)
    np.testing.assert_allclose(shares(near), expit(-near) / np.sum(expit(-near)), rtol=1e-12)
    assert smoothed_margin(np.array([log_loss(np.array([2.5]))]))[0] == pytest.approx(2.5)
    assert smoothed_margin(np.array([-1e4]))[0] == 1e4


def test_one_sample_grows_as_the_clock_says():
    """``||u|| = size exp(s)`` for one neuron on one sample, whose share is 1 at all times."""
    flow = logistic_flow([[1.0]], [1.0], start=ReLUNetwork([[1e-3]], [1e-3]), rtol=1e-8, loss_exponent=100)
    np.testing.assert_allclose(flow.hidden[:, 0, 0], 1e-3 * np.exp(flow.clock), rtol=1e-5)


def test_it_follows_small_steps_of_gradient_descent():
    """The same curve as explicit Euler in ordinary time, compared where both have the same norm."""
    X, y = random_data(0, 4, 2)
    flow = logistic_flow(X, y, n_neurons=4, size=0.3, rtol=1e-7, loss_exponent=1.5)
    U, a = flow.hidden[0].copy(), flow.signs * np.linalg.norm(flow.hidden[0], axis=0)
    step = 2e-3
    while np.sum(U**2) < flow.weight_decays[-1]:
        Z = X @ U
        pull = y * expit(-y * (np.maximum(Z, 0.0) @ a))
        U, a = U + step * (X.T @ (pull[:, None] * (Z > 0))) * a, a + step * (pull @ np.maximum(Z, 0.0))
    # Euler's error is of the order of its step, over a path of some ten units.
    np.testing.assert_allclose(U, flow.hidden[-1], atol=2e-2)


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
    assert stuck.status is not FlowStatus.REACHED
