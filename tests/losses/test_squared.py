"""The squared loss by hand."""

from __future__ import annotations

import numpy as np

from cvxnn import SquaredLoss


def test_squared_loss_by_hand():
    loss, f, y = SquaredLoss(), np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[0.0, 2.0], [2.0, -1.0]])
    assert loss.value(f, y) == 2.5  # (1 + 4) / 2
    assert loss.gradient(f, y).tolist() == [[1.0, 0.0], [-2.0, 0.0]]
    assert loss.conjugate(f, y) == 8.0  # 1/2 (1 + 4 + 1) + (4 + 1)
    assert loss.best_offset(f, y).tolist() == [0.5, 0.0]
    assert loss.curvature == 1.0
    assert loss.best_dual_scale(np.array([2.0]), np.array([3.0]), 10.0) == 1.5
    assert loss.best_dual_scale(np.array([2.0]), np.array([3.0]), 1.0) == 1.0
    assert loss.best_dual_scale(np.array([2.0]), np.array([-3.0]), 1.0) == 0.0


def test_weighted_squared_loss_by_hand():
    loss, f, y, w = SquaredLoss(), np.array([1.0, 0.0]), np.array([0.0, 2.0]), np.array([3.0, 1.0])
    assert loss.value(f, y, w) == 3.5  # (3 * 1 + 1 * 4) / 2
    assert loss.best_offset(f, y, w).tolist() == [-0.25]  # (3 * -1 + 1 * 2) / 4
    assert loss.conjugate(np.array([3.0, -2.0]), y, w) == -0.5  # 9 / 6 + 4 / 2 - 4
    assert loss.balance(np.array([1.0, 3.0]), y, w).tolist() == [-2.0, 2.0]
    assert loss.best_dual_scale(np.array([3.0, 2.0]), y, 10.0, w) == 4 / 7  # 4 / (9 / 3 + 4)
