"""Roots of increasing functions."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn.losses.offsets import best_softmax_offset, root_of_increasing, root_of_steps, softmax


def test_root_of_increasing():
    assert root_of_increasing(lambda b: np.arctan(b - 0.3), -1e9, 1e9) == pytest.approx(0.3, abs=1e-6)
    assert root_of_increasing(lambda b: b + 1.0, 0.0, 1.0) == 0.0
    assert root_of_increasing(lambda b: b - 2.0, 0.0, 1.0) == 1.0


def test_root_of_steps():
    kinks, jumps = np.array([2.0, 1.0, 4.0]), np.array([1.0, 1.0, 2.0])
    assert root_of_steps(kinks, jumps, -1.5) == 2.0
    assert root_of_steps(kinks, jumps, -2.0) == 3.0  # zero between 2 and 4
    assert root_of_steps(kinks, jumps, 0.0) == 1.0
    assert root_of_steps(kinks, jumps, -4.0) == 4.0


def test_the_softmax_offset_of_no_predictions_is_that_of_vanishing_ones():
    rng = np.random.default_rng(0)
    y, w = np.eye(3)[rng.integers(3, size=20)], rng.random(20) + 0.1
    found = best_softmax_offset(np.zeros((20, 3)), y, w)
    # Newton's method ends at rounding; predictions of 1e-12 move the offset by about as much.
    np.testing.assert_allclose(found, best_softmax_offset(np.full((20, 3), 1e-12), y, w), atol=1e-9)
    np.testing.assert_allclose(w @ softmax(np.zeros((20, 3)) + found), w @ y)
