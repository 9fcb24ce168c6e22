"""Stepping from event to event, with integrators that misbehave."""

import numpy as np
import pytest
from scipy.integrate import DOP853

from cvxnn.deadlines import NEVER, Deadline
from cvxnn.dynamics.flows.integrator import BatchFlow, NetworkFlow


def begin(t, state, piece, step):
    return DOP853(lambda _, y: -y, t, state, 5.0, rtol=1e-10, atol=1e-12)


def explosive(t, state, piece, step):
    return DOP853(lambda _, y: y**2, t, state, 5.0, rtol=1e-10, atol=1e-12)


def test_states_are_those_of_the_field():
    flow = NetworkFlow(begin, None, np.array([1.0, 2.0]))
    batch = BatchFlow([flow], NEVER)
    np.testing.assert_array_equal(flow.at(0.0), [1.0, 2.0])
    for t in (0.1, 0.10001, 2.0, 5.0):
        batch.advance_to(t)
        np.testing.assert_allclose(batch.at(t)[0], np.exp(-t) * np.array([1.0, 2.0]), rtol=1e-8)
    assert flow.events == []


def test_networks_are_at_one_time_whenever_it_ends():
    """Steps of different lengths: each path covers the time that all have reached, after every step."""
    speeds = np.array([1.0, 10.0, 300.0])

    def of(speed):
        return lambda t, state, piece, step: DOP853(
            lambda _, y: -speed * y, t, state, 5.0, rtol=1e-10, atol=1e-12
        )

    batch = BatchFlow([NetworkFlow(of(speed), None, np.array([1.0])) for speed in speeds], NEVER)
    for _ in range(60):
        batch.advance_to(np.nextafter(batch.reach, np.inf))
        found = np.concatenate(batch.at(batch.reach))
        np.testing.assert_allclose(found, np.exp(-speeds * batch.reach), rtol=1e-6, atol=1e-10)


def test_a_deadline_ends_it():
    batch = BatchFlow([NetworkFlow(begin, None, np.array([1.0]))], Deadline(0.0))
    with pytest.raises(TimeoutError):
        batch.advance_to(1.0)


def test_a_field_that_blows_up_ends_alone(caplog):
    batch = BatchFlow([NetworkFlow(field, None, np.array([1.0])) for field in (begin, explosive)], NEVER)
    batch.advance_to(2.0)
    assert "network 1: flow could not be continued beyond t = 1" in caplog.text
    kept, lost = batch.at(2.0)
    assert kept[0] == pytest.approx(np.exp(-2.0))
    assert np.isnan(lost[0])
    alone = BatchFlow([NetworkFlow(explosive, None, np.array([1.0]))], NEVER)
    with pytest.raises(ArithmeticError, match="could not be continued beyond t = 1"):
        alone.advance_to(2.0)
    assert alone.reach == pytest.approx(1.0)
    assert alone.at(alone.reach)[0] > 1e6
