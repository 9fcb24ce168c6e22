"""Roots of increasing functions."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn.losses.offsets import root_of_increasing, root_of_steps


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
