"""Stepping from event to event, with integrators that misbehave."""

import numpy as np
import pytest
from scipy.integrate import DOP853

from cvxnn.dynamics.flow_integrator import NetworkFlow


def begin(t, state, piece, step):
    return DOP853(lambda _, y: -y, t, state, 5.0, rtol=1e-10, atol=1e-12)


def test_states_are_those_of_the_field():
    flow = NetworkFlow(begin, None, np.array([1.0, 2.0]), np.inf)
    np.testing.assert_array_equal(flow.at(0.0), [1.0, 2.0])
    for t in (0.1, 0.10001, 2.0, 5.0):
        np.testing.assert_allclose(flow.at(t), np.exp(-t) * np.array([1.0, 2.0]), rtol=1e-8)
    assert flow.events == []


def test_a_deadline_ends_it():
    flow = NetworkFlow(begin, None, np.array([1.0]), -np.inf)
    with pytest.raises(TimeoutError):
        flow.at(1.0)


def test_a_field_that_blows_up_is_reported():
    def explosive(t, state, piece, step):
        return DOP853(lambda _, y: y**2, t, state, 5.0, rtol=1e-10, atol=1e-12)

    flow = NetworkFlow(explosive, None, np.array([1.0]), np.inf)
    with pytest.raises(ArithmeticError, match="could not be continued beyond t = 1"):
        flow.at(2.0)
