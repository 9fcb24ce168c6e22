"""The table of what flow met."""

import numpy as np

from cvxnn.dynamics.trajectories.flow_events import FlowEvents

ROWS = [
    (0.5, 1, 0, 3, 1, True),
    (0.2, 0, 2, 1, 0, True),
    (0.1, 1, 1, 2, -1, False),
    (0.9, 0, 2, -1, 0, False),
]


def test_events_are_ordered_and_counted():
    events = FlowEvents.of(ROWS)
    assert (len(events), events.n_crossings, events.n_slides, events.n_rests) == (4, 2, 1, 1)
    np.testing.assert_array_equal(events.networks, [0, 0, 1, 1])
    np.testing.assert_array_equal(events.times, [0.2, 0.9, 0.1, 0.5])
    own = events.of_network(1)
    np.testing.assert_array_equal(own.unique, [False, True])
    np.testing.assert_array_equal(own.samples, [2, 3])
    assert repr(events) == "FlowEvents(2 crossings, 1 slides, 1 rests)"


def test_no_events_are_a_table_too():
    events = FlowEvents.of([])
    assert len(events) == 0
    assert events.unique.dtype == np.bool_
    assert events.neurons.dtype == np.int64
    again = FlowEvents.of_columns(events.columns)
    assert len(again) == 0
