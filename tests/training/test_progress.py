"""The estimate of how far the optimum is, from gains and a violation."""

import math

import pytest

from cvxnn.training import progress
from cvxnn.training.progress import Progress


def test_nothing_is_known_before_the_first_program():
    known = Progress()
    assert known.distance(0.0) == math.inf
    known.add(1.0)
    assert known.distance(0.0) == known.gain(1) == math.inf
    known.add(1.0)
    assert known.distance(0.0) == 0.0


def test_the_larger_of_gains_and_violation_counts():
    few = Progress([9.0] + [1.0] * progress._WINDOW + [1.0 - 1e-6])
    assert few.distance(0.0) == pytest.approx(progress._OF_GAINS * 1e-6, rel=1e-3)
    assert few.distance(0.5) == pytest.approx(0.5 * progress._OF_VIOLATION, rel=1e-12)
    assert few.gain(1) == pytest.approx(1e-6, rel=1e-3)
    assert Progress([1.0, 0.0]).gain(1) == 0.0  # a perfect fit without weights: nothing is left


def test_steady_gains_keep_the_distance_far():
    falling = Progress([2.0 - 0.05 * k for k in range(20)])
    assert falling.distance(0.0) >= 0.1
