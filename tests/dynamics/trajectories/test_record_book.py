"""The steps at which trajectories are recorded, and the rows that are kept."""

import numpy as np
import pytest

from cvxnn.dynamics.trajectories.record_book import record_steps


def test_recorded_steps():
    np.testing.assert_array_equal(record_steps(10, 6, "linear"), [0, 2, 4, 6, 8, 10])
    np.testing.assert_array_equal(record_steps(1000, 5, "log"), [0, 1, 10, 100, 1000])
    np.testing.assert_array_equal(record_steps(3, 100, "log"), [0, 1, 2, 3])
    with pytest.raises(ValueError, match="spacing must be 'linear' or 'log'"):
        record_steps(10, 5, "square")
