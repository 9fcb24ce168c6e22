"""The field of logistic flow: derivatives of its loss, losses below the smallest number, and its clock."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expi, expit

from cvxnn.dynamics.flows.logistic_field import LogisticField, log_loss, log_times, shares, smoothed_margin


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


def test_times_of_one_sample_in_closed_form():
    """``u = exp(s)/10`` on x = 1: the margin is u^2, ``1/r = 1 + exp(margin)``, and t an exponential integral."""
    flow = LogisticField(np.ones((1, 1)), np.ones(1), np.ones(1), 1e-6)
    clock = np.linspace(0.0, 5.5, 56)
    states = 0.1 * np.exp(clock)[:, None]
    found, margins = log_times(flow, clock, states), states[:, 0] ** 2
    exact = np.log(clock[1:] + (expi(margins[1:]) - expi(margins[0])) / 2)
    assert margins[-1] > 590  # t is exp(593)
    assert found[0] == -np.inf
    # steps of 0.1 change the margin by a fifth, 120 at the end, and their 32 parts by 4
    np.testing.assert_allclose(found[1:], exact, rtol=0, atol=5e-3)
    early = margins[1:] < 5
    np.testing.assert_allclose(found[1:][early], exact[early], rtol=0, atol=1e-5)


def test_rates_of_many_states_are_those_of_each():
    flow, state = field(3)
    states = np.array([state, 2 * state, -state])
    expected = [np.log(np.sum(expit(-flow.margins(each)))) for each in states]
    np.testing.assert_allclose(flow.log_rates(states), expected, rtol=1e-12)
