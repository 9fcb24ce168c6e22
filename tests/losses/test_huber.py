"""The Huber loss by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn.losses import HuberLoss, SquaredLoss


def test_huber_loss_by_hand():
    loss, f, y = HuberLoss(delta=2.0), np.array([1.0, -5.0]), np.zeros(2)
    assert loss.terms(f, y).tolist() == [0.5, 8.0]  # 2 * 5 - 2
    assert loss.gradient(f, y).tolist() == [1.0, -2.0]
    assert loss.newton_weights(f, y).tolist() == [1.0, 0.05 * 2.0 / 5.0]
    assert loss.conjugate(np.array([2.0, 0.0]), np.array([3.0, 0.0])) == 8.0  # 2 + 6
    assert loss.conjugate(np.array([2.001, 0.0]), y) == np.inf
    assert loss.largest_dual_scale(np.array([0.5, -4.0]), y) == 0.5


def test_beyond_every_residual_it_is_the_squared_loss(rng):
    f, y = rng.standard_normal((2, 6, 2))
    assert np.array_equal(HuberLoss(delta=100.0).terms(f, y), SquaredLoss().terms(f, y))


def test_the_best_offset_hardly_sees_an_outlier():
    loss, y = HuberLoss(delta=1.0), np.array([0.0, 0.1, -0.1, 1e9])
    assert loss.best_offset(np.zeros(4), y) == pytest.approx(1 / 3)  # three residuals against one slope of 1


@pytest.mark.parametrize("delta", [0.0, -1.0, np.nan, np.inf, "1", None])
def test_a_bad_delta_is_refused(delta):
    with pytest.raises(ValueError, match="delta must be a finite number > 0; got"):
        HuberLoss(delta=delta)
